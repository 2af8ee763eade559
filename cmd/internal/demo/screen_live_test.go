package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// A tape keeps what was written to a terminal.
type tape struct {
	mu      sync.Mutex
	written bytes.Buffer
	more    chan struct{} // closed, and made anew, by each Write
}

func newTape() *tape { return &tape{more: make(chan struct{})} }

func (r *tape) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.more)
	r.more = make(chan struct{})
	return r.written.Write(p)
}

func (r *tape) read() (string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.written.String(), r.more
}

// await blocks until the text was written, or the test's time is over.
func (r *tape) await(t *testing.T, text string) {
	t.Helper()
	for {
		written, more := r.read()
		if strings.Contains(written, text) {
			return
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("%q was never shown: %q", text, written)
		}
	}
}

// A tale is a demo that the test tells.
type tale struct {
	mu  sync.Mutex
	now Snapshot
}

func (s *tale) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *tale) tell(change func(*Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.now)
}

// kittyPush is a keyboard protocol laid on the terminal's stack.
var kittyPush = regexp.MustCompile("\x1b\\[>[0-9]*u")

// checkLeftClean looks at the last word on each mode of the terminal.
func checkLeftClean(t *testing.T, written string) {
	t.Helper()
	for _, mode := range []struct{ name, on, off string }{
		{"the other screen", "\x1b[?1049h", "\x1b[?1049l"},
		{"the hidden cursor", "\x1b[?25l", "\x1b[?25h"},
		{"modifyOtherKeys", "\x1b[>4;2m", "\x1b[>4m"},
	} {
		on, off := strings.LastIndex(written, mode.on), strings.LastIndex(written, mode.off)
		if on < 0 || off < on {
			t.Errorf("%s: on at %d, off at %d", mode.name, on, off)
		}
	}
	pushed, popped := len(kittyPush.FindAllString(written, -1)), strings.Count(written, "\x1b[<1u")
	if pushed != popped {
		t.Errorf("the keyboard's protocol was pushed %d times and popped %d times", pushed, popped)
	}
	for _, mode := range []string{"\x1b[?2004h", "\x1b[?1000h", "\x1b[?1002h", "\x1b[?1003h", "\x1b[?1004h"} {
		if strings.Contains(written, mode) {
			t.Errorf("the terminal was put into the mode %q, which the screen does not need", mode)
		}
	}
}

func TestTheTerminalIsLeftCleanByWhateverEndsTheScreen(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(keys io.Writer, source *tale, cancel func())
	}{
		{"q", func(keys io.Writer, _ *tale, _ func()) { _, _ = io.WriteString(keys, "q") }},
		{"ctrl+c", func(keys io.Writer, _ *tale, _ func()) { _, _ = io.WriteString(keys, "\x03") }},
		{"ctx", func(_ io.Writer, _ *tale, cancel func()) { cancel() }},
		{"the end of the story", func(_ io.Writer, source *tale, _ func()) { source.tell(func(s *Snapshot) { s.Done = true }) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			in, keys := io.Pipe()
			defer keys.Close()
			source, out := &tale{now: storyBegun()}, newTape()
			ended := make(chan error, 1)
			go func() { ended <- Screen(ctx, source, in, out) }()
			out.await(t, "Four nodes serve.")
			source.tell(func(s *Snapshot) { s.Chapter = "Every node is replaced." })
			out.await(t, "Every node")
			c.end(keys, source, cancel)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			written, _ := out.read()
			checkLeftClean(t, written)
		})
	}
}

func TestAScreenOfADemoThatWasOverBeforeItEndsByItself(t *testing.T) {
	s := storyBegun()
	s.Done = true
	out := newTape()
	if err := Screen(t.Context(), &tale{now: s}, strings.NewReader(""), out); err != nil {
		t.Fatal(err)
	}
	written, _ := out.read()
	checkLeftClean(t, written)
}

func TestAScreenWithoutKeysNamesAnotherWayOut(t *testing.T) {
	nothing, err := os.Open(os.DevNull) // nor can it be waited for
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	source, out := &tale{now: storyBegun()}, newTape()
	ended := make(chan error, 1)
	go func() { ended <- Screen(t.Context(), source, nothing, out) }()
	out.await(t, "ctrl+c")
	source.tell(func(s *Snapshot) { s.Done = true })
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	written, _ := out.read()
	for _, question := range []string{"$p", "\x1b[?u", "\x1b[c"} {
		if strings.Contains(written, question) {
			t.Errorf("the terminal is asked by %q, and nobody reads its answer", question)
		}
	}
}

func TestAScreenWhoseContextHasEndedEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Screen(ctx, &tale{now: storyBegun()}, strings.NewReader(""), newTape()); err != nil {
		t.Fatal(err)
	}
}

// panics tells its story once.
type panics struct{ asked int }

func (p *panics) Snapshot() Snapshot {
	if p.asked++; p.asked > 1 {
		panic("the demo broke")
	}
	return storyBegun()
}

func TestAPanicGivesTheTerminalBackToo(t *testing.T) {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	stderr := os.Stderr
	os.Stderr = nowhere // where the stack is printed
	defer func() { os.Stderr = stderr }()
	out := newTape()
	if err := Screen(t.Context(), &panics{}, strings.NewReader(""), out); !errors.Is(err, tea.ErrProgramPanic) {
		t.Errorf("the screen ended with %v", err)
	}
	written, _ := out.read()
	checkLeftClean(t, written)
}
