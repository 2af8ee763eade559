//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// A daemon is the built `mooring watch` in a process of its own.
type daemon struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan map[string]any
}

// startDaemon starts one that looks at the world's name every second.
func startDaemon(t *testing.T, w *rigtest.World, args ...string) *daemon {
	t.Helper()
	args = append([]string{
		"watch", "--hostname", rigtest.Name, "--port", "443", "--target-group", rigtest.ARN, "--interval", "1s", "--hold", "0s",
	}, args...)
	return startProgram(t, w.Command(t.Context(), w.AWSEnvironment(), args...))
}

// startProgram starts a daemon whose log is read.
func startProgram(t *testing.T, cmd *exec.Cmd) *daemon {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := rigtest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, cmd: cmd, lines: make(chan map[string]any, 1000)}
	go d.read(out)
	t.Cleanup(d.kill)
	return d
}

func (d *daemon) read(out io.Reader) {
	defer close(d.lines)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line map[string]any
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			d.lines <- line
		}
	}
}

func (d *daemon) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

// until waits for a line of the log in which a key has this value; "" is any.
func (d *daemon) until(key, value string) map[string]any {
	d.t.Helper()
	for line := range d.lines {
		if v, ok := line[key]; ok && (value == "" || v == value) {
			return line
		}
	}
	d.t.Fatalf("it ended before a line with %s %s", key, value)
	return nil
}

// untilRegistered waits until the group holds these, by the rounds that the daemon tells of.
func (d *daemon) untilRegistered(w *rigtest.World, want []netip.Addr) {
	d.t.Helper()
	for !slices.Equal(w.Registered(), want) {
		d.until("report", "")
	}
}

// A process that is stopped wakes up with an old plan: whoever has come back meanwhile must stay.
func TestADaemonThatWasStoppedFor30SecondsActsOnNoOldPlan(t *testing.T) {
	t.Parallel()
	w := rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: 30})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	d := startDaemon(t, w, "--memory", "s3://"+rigtest.Bucket)
	d.untilRegistered(w, rigtest.Addrs(1, 4))

	// The third save after the address is gone is that of the round which means to deregister it.
	stopped := make(chan struct{})
	var once sync.Once
	w.AWS.Inject(sim.AWSFault{
		Action: "PutObject", When: func(c sim.AWSCall) bool { return strings.HasSuffix(c.Key, "/443.json") }, Skip: 2,
		Before: func(sim.AWSCall) {
			once.Do(func() {
				d.signal(syscall.SIGSTOP)
				close(stopped)
			})
		},
	})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	<-stopped
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	<-time.After(30 * time.Second)
	w.AWS.Forget()
	d.signal(syscall.SIGCONT)
	for range 3 {
		d.until("report", "")
	}
	if n := w.AWS.Count("DeregisterTargets"); n > 0 || len(w.Registered()) != 4 {
		t.Errorf("%d calls of DeregisterTargets after it woke; registered: %s", n, rigtest.Strings(w.Registered()))
	}
}

// Of two that share a memory one leads. When it is killed in the middle of a removal, the other one finds a world that
// it makes good.
func TestADaemonThatIsKilledIsSucceeded(t *testing.T) {
	t.Parallel()
	w := rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: 31})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	memory := "file:" + t.TempDir()
	first := startDaemon(t, w, "--memory", memory)
	first.until("status", "leading")
	first.untilRegistered(w, rigtest.Addrs(1, 4))
	second := startDaemon(t, w, "--memory", memory)
	second.until("status", "standby")

	killed := make(chan struct{})
	var once sync.Once
	w.AWS.Inject(sim.AWSFault{Action: "DeregisterTargets", Before: func(sim.AWSCall) {
		once.Do(func() {
			_ = first.cmd.Process.Kill()
			close(killed)
		})
	}})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	<-killed
	w.DNS.Set(rigtest.Name, rigtest.Addrs(2, 5)...)
	second.until("status", "leading")
	second.untilRegistered(w, rigtest.Addrs(2, 5))
	for _, c := range w.AWS.Calls() {
		gone := strings.Join(c.Form["Targets.member.1.Id"], "")
		if c.Action == "DeregisterTargets" && gone != rigtest.Addrs(4, 4)[0].String() && gone != rigtest.Addrs(1, 1)[0].String() {
			t.Errorf("%s was deregistered", gone)
		}
	}
}
