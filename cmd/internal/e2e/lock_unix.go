//go:build unix && !aix && !solaris

package main

import (
	"os"
	"syscall"
)

// lock fails where somebody else has the file locked. It is let go when the file is closed, also by the end of the process.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
