package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildMooring builds the command of the module above, as it is built for release: what is compiled is shared.
func buildMooring(t *testing.T) string {
	t.Helper()
	onTerminals(t)
	program := filepath.Join(t.TempDir(), "mooring")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/mooring")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build mooring: %v\n%s", err, said)
	}
	return program
}

// checkWithin looks at a terminal that is larger than the program knows: nothing may be written beyond what it knows.
func checkWithin(t *testing.T, seen screen, told size) {
	t.Helper()
	for y, line := range seen {
		for x, c := range line {
			if (x >= told.width || y >= told.height) && strings.TrimSpace(c.text) != "" {
				t.Fatalf("%q in line %d, column %d, of a screen of %v:\n%s", c.text, y+1, x+1, told, seen)
			}
		}
	}
}

// bottom tells whether the keys are named in this line, which a whole screen of so many lines ends with.
func bottom(height int) func(screen) bool {
	return func(s screen) bool { return strings.Contains(s[height-1:height].String(), "q quit") }
}

func checkSummary(t *testing.T, demo *terminal) {
	t.Helper()
	said := demo.said()
	at := strings.LastIndex(said, "\x1b[?1049l")
	if on := strings.LastIndex(said, "\x1b[?1049h"); on < 0 || at < on {
		t.Fatalf("the other screen is entered at %d and left at %d: %q", on, at, said)
	}
	if !strings.Contains(said[at:], "Through the fixed address") {
		t.Errorf("no summary follows the screen: %q", said[at:])
	}
	if demo.shown.IsAltScreen() || demo.shown.CursorHidden() {
		t.Error("the terminal is not as it was")
	}
}

func TestTheDemoOnATerminal(t *testing.T) {
	program := buildMooring(t)
	t.Run("keeps to its size and leaves it with a summary", func(t *testing.T) { playToTheEnd(t, program) })
	t.Run("is left by a key with a summary", func(t *testing.T) { leaveByKey(t, program) })
}

func playToTheEnd(t *testing.T, program string) {
	t.Helper()
	small, larger, huge := size{80, 24}, size{100, 30}, size{200, 60}
	demo, err := start(t.Context(), small, huge, []string{program, "demo", "--for", "3s"})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := demo.await(t.Context(), bottom(small.height))
	if err != nil {
		t.Fatalf("%v:\n%s", err, seen)
	}
	checkWithin(t, seen, small)
	if err := demo.resize(larger); err != nil {
		t.Fatal(err)
	}
	if seen, err = demo.await(t.Context(), bottom(larger.height)); err != nil {
		t.Fatalf("%v:\n%s", err, seen)
	}
	checkWithin(t, seen, larger)
	if err := demo.wait(t.Context()); err != nil {
		t.Errorf("%v:\n%s", err, demo.said())
	}
	checkSummary(t, demo)
}

func leaveByKey(t *testing.T, program string) {
	t.Helper()
	demo, err := start(t.Context(), size{80, 24}, size{80, 24}, []string{program, "demo"})
	if err != nil {
		t.Fatal(err)
	}
	if seen, err := demo.await(t.Context(), func(s screen) bool {
		return bottom(24)(s) && strings.Contains(s.String(), "healthy ") && !strings.Contains(s.String(), " 0 requests")
	}); err != nil {
		t.Fatalf("%v:\n%s", err, seen)
	}
	demo.leave()
	if err := demo.wait(t.Context()); err != nil {
		t.Errorf("%v:\n%s", err, demo.said())
	}
	checkSummary(t, demo)
}
