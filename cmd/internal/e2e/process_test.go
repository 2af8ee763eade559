//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// process is the real program, in the test's world but for the name servers, which it does not find.
func (w *testWorld) process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.m.terraform, args...)
	environ := slices.DeleteFunc(slices.Clone(w.m.environ), func(v string) bool {
		return strings.HasPrefix(v, "CI=") || strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "MOORING_")
	})
	for name, value := range w.env {
		environ = append(environ, name+"="+value)
	}
	cmd.Env = append(environ, asProgram+"=1", "MOORING_E2E_RESOLVER=127.0.0.1:1", "MOORING_E2E_TERRAFORM="+w.m.terraform, "MOORING_E2E_FOLDER="+w.m.folder,
		"AWS_ENDPOINT_URL="+w.url, "AWS_ACCESS_KEY_ID=AKIAQWERTYUIOPASDFGH", "AWS_SECRET_ACCESS_KEY=secretsecretsecret", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell gives each job a group of its own
	return cmd
}

// A terminal sends Ctrl-C to a whole group of processes, and a program that reads ours, such as tee, dies of it.
func TestCtrlCTwiceAtATerminalWhoseReaderIsGoneStillTearsDown(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	cmd := w.process(t, "run")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	group := make(chan int, 2)
	interrupt := func() {
		if err := syscall.Kill(-<-group, syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	w.on("apply", func() string {
		_ = read.Close()
		interrupt()
		return "wait" // for the one interrupt that Terraform gets
	})
	w.on("destroy", func() string {
		interrupt()
		return ""
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group <- cmd.Process.Pid
	group <- cmd.Process.Pid
	_ = write.Close()
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	if got, want := w.commands(), []string{"init", "apply", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	if w.holds(stateFile) || w.holds(placeFile) {
		t.Error("it was not torn down to the end")
	}
}

func TestTheRealProgramWalksWithoutNameServersByTheClockOfTheWall(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	cmd := w.process(t, "run")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, words := range []string{"D1   not tried the zone's servers are not known", "G1   holds", "S2   holds", "nothing of it was found"} {
		if !strings.Contains(string(said), words) {
			t.Errorf("%q was not said:\n%s", words, said)
		}
	}
}

func TestTheExitCodeTellsHelpFromAnErrorAndFromWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	for code, args := range [][]string{{"--help"}, {"names", "www.example.com"}, {"cost", "500"}} {
		var out bytes.Buffer
		cmd := w.process(t, args...)
		cmd.Stdout = &out
		if _ = cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Errorf("%v: %v, want %d", args, cmd.ProcessState, code)
		}
		if (out.String() == usage) != (code == 0) {
			t.Errorf("%v: said %s", args, &out)
		}
	}
}

// With stty tostop a terminal stops what writes from another group than its own, such as Terraform: nothing would go on, and
// nothing be torn down.
func TestATerminalDoesNotStopTerraformForWriting(t *testing.T) {
	t.Parallel()
	program, err := filepath.Abs("testdata/stopped.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := newTestWorld(t, 2).process(t, "run")
	cmd.Env = append(cmd.Env, "MOORING_E2E_TERRAFORM="+program)
	if said, _ := cmd.CombinedOutput(); !strings.Contains(string(said), "went on") || strings.Contains(string(said), "was stopped") {
		t.Errorf("%s", said)
	}
}
