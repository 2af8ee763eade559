//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// alone keeps a terminal's Ctrl-C from the program: it is told to stop once, by us, and never while it tears down.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }
