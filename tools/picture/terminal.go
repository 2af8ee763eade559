package main

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

type size struct{ width, height int }

func (s size) pty() *pty.Winsize { return &pty.Winsize{Cols: uint16(s.width), Rows: uint16(s.height)} }

// A cell is one place of a screen. A wide character's second place is empty.
type cell struct {
	text        string
	ink, paper  color.Color // nil: the terminal's own
	bold, faint bool
}

// A screen is what a person sees: lines of cells.
type screen [][]cell

// String is the screen as text, without the spaces at the ends of its lines.
func (s screen) String() string {
	var b strings.Builder
	for _, line := range s {
		var text strings.Builder
		for _, c := range line {
			text.WriteString(c.text)
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return b.String()
}

// A terminal runs one program: it shows what that writes, and answers what it asks.
type terminal struct {
	program *exec.Cmd
	line    *os.File // to and from the program
	ended   chan struct{}

	mu      sync.Mutex
	shown   *vt.Emulator
	written strings.Builder // all that the program wrote, within mostWritten
	changed chan struct{}   // closed, and made anew, with each change
	partly  bool            // the program is in the midst of a frame
}

// mostWritten is what is kept of a program's output.
const mostWritten = 64 << 20

// start runs a program on a terminal that it is told has the one size, while what it does is looked at on one of the
// other: whatever is written beyond its lines' ends is seen there. The context's end kills the program.
func start(ctx context.Context, told, real size, program []string) (*terminal, error) {
	t := &terminal{
		program: exec.CommandContext(ctx, program[0], program[1:]...), ended: make(chan struct{}),
		shown: vt.NewEmulator(real.width, real.height), changed: make(chan struct{}),
	}
	t.program.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") || strings.HasPrefix(v, "COLORTERM=") || strings.HasPrefix(v, "CLICOLOR")
	}), "TERM=xterm-256color")
	t.frames()
	line, err := pty.StartWithSize(t.program, told.pty())
	if err != nil {
		return nil, fmt.Errorf("run %s on a terminal: %w", program[0], err)
	}
	t.line = line
	go t.answer()
	go t.show()
	return t, nil
}

// frames makes the terminal one that knows of frames, which are to be seen whole (DEC's private mode 2026, synchronized
// output): it says so when it is asked, because the mode is known to be off.
func (t *terminal) frames() {
	turn := func(on bool) func(ansi.Mode) {
		return func(m ansi.Mode) {
			if m == ansi.ModeSynchronizedOutput {
				t.partly = on
			}
		}
	}
	t.shown.SetCallbacks(vt.Callbacks{EnableMode: turn(true), DisableMode: turn(false)})
	_, _ = t.shown.WriteString(ansi.ResetModeSynchronizedOutput)
}

// answer passes on what a terminal says by itself. It must be read also when nobody listens any more.
func (t *terminal) answer() {
	_, _ = io.Copy(t.line, t.shown)
	_, _ = io.Copy(io.Discard, t.shown)
}

// show lets what the program writes be seen, until it and all that it began are gone.
func (t *terminal) show() {
	defer close(t.ended)
	buffer := make([]byte, 32<<10)
	for {
		n, err := t.line.Read(buffer)
		t.mu.Lock()
		_, _ = t.shown.Write(buffer[:n])
		if t.written.Len() < mostWritten {
			t.written.Write(buffer[:n])
		}
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil { // Linux says EIO, others EOF
			return
		}
	}
}

// see returns the screen, whether it is a whole frame, and what is closed as soon as there is more to see.
func (t *terminal) see() (now screen, whole bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(screen, t.shown.Height())
	for y := range out {
		out[y] = make([]cell, t.shown.Width())
		for x := range out[y] {
			out[y][x] = seen(t.shown.CellAt(x, y))
		}
	}
	return out, !t.partly, t.changed
}

// said is all that the program has written.
func (t *terminal) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written.String()
}

func seen(c *uv.Cell) cell {
	if c == nil {
		return cell{text: " "}
	}
	out := cell{
		text: c.Content, ink: c.Style.Fg, paper: c.Style.Bg,
		bold: c.Style.Attrs&uv.AttrBold != 0, faint: c.Style.Attrs&uv.AttrFaint != 0,
	}
	if c.Style.Attrs&uv.AttrReverse != 0 {
		out.ink, out.paper = out.paper, out.ink
	}
	if out.text == "" && c.Width == 1 {
		out.text = " "
	}
	return out
}

var errEnded = errors.New("the program ended before that")

// await returns the first whole screen seen that is as asked, or the last one and an error.
func (t *terminal) await(ctx context.Context, asked func(screen) bool) (screen, error) {
	for {
		now, whole, changed := t.see()
		if whole && asked(now) {
			return now, nil
		}
		select {
		case <-changed:
		case <-t.ended:
			if now, _, _ = t.see(); asked(now) {
				return now, nil
			}
			return now, errEnded
		case <-ctx.Done():
			return now, ctx.Err()
		}
	}
}

func (t *terminal) resize(told size) error { return pty.Setsize(t.line, told.pty()) }

// leave types a q.
func (t *terminal) leave() { _, _ = io.WriteString(t.line, "q") }

// wait returns how the program ended, once all that it wrote is shown.
func (t *terminal) wait(ctx context.Context) error {
	var ended error
	select {
	case <-t.ended:
		ended = t.program.Wait()
	case <-ctx.Done():
		return errors.Join(ctx.Err(), t.kill())
	}
	return errors.Join(ended, t.close())
}

func (t *terminal) kill() error {
	_ = t.program.Process.Kill()
	_ = t.program.Wait()
	return t.close()
}

// close lets the one who answers go. The emulator's own Close is not for a reader in another goroutine.
func (t *terminal) close() error {
	err := t.line.Close()
	if pipe, ok := t.shown.InputPipe().(io.Closer); ok {
		err = errors.Join(err, pipe.Close())
	}
	return err
}
