package rigtest

import (
	"os/exec"
	"runtime"
	"sync"
)

// Start starts a program that does not outlive this process, however this one ends: a test that is killed runs no cleanup,
// and leaves no `watch` behind. Only Linux can promise that.
func Start(cmd *exec.Cmd) error {
	tie(cmd)
	started := make(chan error)
	parent() <- func() { started <- cmd.Start() }
	return <-started
}

// Run starts a program as [Start] does, and waits for its end.
func Run(cmd *exec.Cmd) error {
	if err := Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// parent is a goroutine with a thread of its own that lasts as long as the process: Linux means the end of the thread that
// started a child when it speaks of the end of its parent.
var parent = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
	return starts
})
