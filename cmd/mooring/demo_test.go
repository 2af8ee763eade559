//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
)

// A hungUp is a terminal that is closed at the first word: the system says so, and, where it is broken, nothing can be
// written to it any more.
type hungUp struct {
	t      *testing.T
	broken bool
	once   sync.Once
	bytes.Buffer
}

func (h *hungUp) Write(p []byte) (int, error) {
	h.once.Do(func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			h.t.Error(err)
		}
	})
	if h.broken {
		return 0, syscall.EIO
	}
	return h.Buffer.Write(p)
}

func TestADemoWhoseTerminalIsGoneClearsEverythingAway(t *testing.T) {
	for name, broken := range map[string]bool{"it can be written to": false, "writing fails": true} {
		for _, term := range []string{"", "xterm"} {
			t.Run(name+", TERM="+term, func(t *testing.T) {
				t.Setenv("TMPDIR", t.TempDir())
				out := &hungUp{t: t, broken: broken}
				env := func(key string) (string, bool) { return term, key == "TERM" }
				m := machine{out: out, err: io.Discard, terminal: term != "", env: env}
				run(t.Context(), []string{"demo", "--for", "10m", "--speed", "120"}, m)
				if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
					t.Errorf("left behind: %v, %v", left, err)
				}
			})
		}
	}
}

func TestATerminalThatSaysNothingOfItselfGetsPlainLines(t *testing.T) {
	for _, term := range []string{"", "dumb"} {
		var out bytes.Buffer
		env := func(key string) (string, bool) { return term, key == "TERM" }
		m := machine{out: &out, err: io.Discard, terminal: true, env: env}
		run(t.Context(), []string{"demo", "--for", "1s"}, m)
		if !bytes.HasPrefix(out.Bytes(), []byte("0:00:00  # ")) || bytes.Contains(out.Bytes(), []byte("\x1b")) {
			t.Errorf("TERM=%q: %.200q", term, out.Bytes())
		}
	}
}
