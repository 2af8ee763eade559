//go:build !unix

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func alone(*exec.Cmd) {}

// interrupt does nothing: there is no way to ask for a stop in good order, and what is begun is finished instead.
func interrupt(*os.Process) error { return nil }

func outlive() { signal.Ignore(syscall.SIGPIPE) }
