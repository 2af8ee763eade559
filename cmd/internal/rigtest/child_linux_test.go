package rigtest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

const orphaned = "RIGTEST_ORPHANED"

// The output is over when nobody is left who could write to it: neither the process that is killed nor its child.
func TestAProgramDoesNotOutliveATestThatIsKilled(t *testing.T) {
	if os.Getenv(orphaned) != "" {
		orphan()
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), orphaned+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(cmd); err != nil {
		t.Fatal(err)
	}
	var line string
	if _, err := fmt.Fscanln(out, &line); err != nil || line != "begun" {
		t.Fatalf("%q: %v", line, err)
	}
	_ = cmd.Process.Kill()
	over := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, out); close(over) }()
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Error("the child of a test that was killed goes on")
	}
	_ = cmd.Wait()
}

// orphan starts a child from a thread that ends, and waits for its own end.
func orphan() {
	child := exec.Command("sleep", "30")
	child.Stdout = os.Stdout
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and so the thread ends with the goroutine
		started <- Start(child)
	}()
	err := <-started
	ended := make(chan struct{})
	go func() { _ = child.Wait(); close(ended) }()
	select {
	case <-ended:
		fmt.Println("ended", err)
	case <-time.After(300 * time.Millisecond):
		fmt.Println("begun")
	}
	select {}
}
