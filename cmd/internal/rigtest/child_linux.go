package rigtest

import (
	"os/exec"
	"syscall"
)

// tie lets a child be killed when the thread ends that started it.
func tie(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
