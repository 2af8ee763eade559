//go:build !linux

package rigtest

import "os/exec"

func tie(*exec.Cmd) {}
