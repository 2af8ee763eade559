//go:build unix

package main

import (
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// startFront starts the built program with a front and nothing of AWS in its environment.
func startFront(t *testing.T, w *rigtest.World, state string, args ...string) *daemon {
	t.Helper()
	args = append([]string{
		"watch", "--hostname", rigtest.Name, "--port", "443", "--target-group", "tcp://127.0.0.1:8443", "--memory", "file:" + state,
		"--interval", "1s", "--hold", "0s",
	}, args...)
	d := startProgram(t, w.Command(t.Context(), nil, args...))
	d.until("msg", opened)
	return d
}

// ends waits for the end of a process and returns its exit code; -1 is a signal's.
func (d *daemon) ends() int {
	for range d.lines { // to the end, before which it must not be waited for
	}
	_ = d.cmd.Wait()
	return d.cmd.ProcessState.ExitCode()
}

func TestTheRealProgramIsAFront(t *testing.T) {
	if !rigtest.Apart(t) {
		return
	}
	asked := rigtest.Metadata(t)
	for _, a := range rigtest.Addrs(1, 4) {
		listenAt(t, a.String()+":443", a.String())
	}
	const front = "127.0.0.1:8443"
	w := rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: 1})
	state := t.TempDir()

	t.Run("its flows reach the addresses behind the name, and follow them", func(t *testing.T) {
		w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
		d := startFront(t, w, state)
		for len(names(t, front, 12)) != 3 {
		}
		w.DNS.Set(rigtest.Name, rigtest.Addrs(2, 4)...)
		want := strings.Fields(rigtest.Strings(rigtest.Addrs(2, 4)))
		for !slices.Equal(names(t, front, 12), want) {
		}
		d.signal(syscall.SIGTERM)
		if code := d.ends(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("started anew in an outage of DNS, it goes on", func(t *testing.T) {
		w.DNS.Fault(rigtest.Name, sim.DNSServFail)
		w.DNS.FaultResolver(rigtest.Name, sim.DNSServFail)
		d := startFront(t, w, state)
		if got := names(t, front, 12); len(got) != 3 {
			t.Errorf("served by %s", got)
		}
		report := d.until("report", "")["report"].(map[string]any)
		if report["inconclusive"] == "" || report["others"] != nil || report["error"] != "" {
			t.Errorf("%v", report)
		}
		d.kill() // and killed in it, too
		d = startFront(t, w, state)
		if got := names(t, front, 12); len(got) != 3 {
			t.Errorf("served by %s", got)
		}
		w.DNS.Fault(rigtest.Name, sim.DNSNone)
		w.DNS.FaultResolver(rigtest.Name, sim.DNSNone)
		d.kill()
	})
	t.Run("SIGTERM lets flows end, and takes no new ones", func(t *testing.T) {
		d := startFront(t, w, state)
		flow := mustConnect(t, front)
		d.signal(syscall.SIGTERM)
		d.until("msg", closing)
		for {
			c, err := net.Dial("tcp", front)
			if err != nil {
				break
			}
			_ = c.Close()
		}
		if !flow.answers() {
			t.Error("the flow is broken")
		}
		_ = flow.Close()
		if line := d.until("msg", over); line["flows_reset"] != 0.0 {
			t.Errorf("%v", line)
		}
		if code := d.ends(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("for no longer than the drain delay", func(t *testing.T) {
		d := startFront(t, w, state, "--front-drain-delay", "1s")
		flow := mustConnect(t, front)
		d.signal(syscall.SIGINT)
		if line := d.until("msg", over); line["flows_reset"] != 1.0 {
			t.Errorf("%v", line)
		}
		if code := d.ends(); code != 0 || flow.answers() {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("a second signal ends it at once", func(t *testing.T) {
		d := startFront(t, w, state)
		mustConnect(t, front)
		d.signal(syscall.SIGTERM)
		d.until("msg", closing)
		code := make(chan int, 1)
		go func() { code <- d.ends() }()
		tick := time.NewTicker(50 * time.Millisecond) // the first one may not be through everywhere
		defer tick.Stop()
		for {
			_ = d.cmd.Process.Signal(syscall.SIGTERM)
			select {
			case got := <-code:
				if got != -1 {
					t.Errorf("exit code %d", got)
				}
				return
			case <-tick.C:
			}
		}
	})
	t.Run("nothing of AWS was asked for", func(t *testing.T) {
		if n := asked(); n > 0 {
			t.Errorf("the metadata service was asked %d times", n)
		}
	})
}
