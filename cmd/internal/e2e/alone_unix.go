//go:build unix

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// alone keeps a terminal's Ctrl-C from the program: it is told to stop once, by us, and never while it tears down.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }

// outlive lets us, and what we start, write on where the reader is gone. A terminal that is set to stop what writes in the
// background (stty tostop) does not stop what is kept alone.
func outlive() { signal.Ignore(syscall.SIGPIPE, syscall.SIGTTOU) }
