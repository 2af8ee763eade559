package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new terminal: what a person sees and types at, and what a program is given.
func openTerminal(t *testing.T, width, height uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	resize(t, program, width, height)
	return person, program
}

func resize(t *testing.T, terminal *os.File, width, height uint16) {
	t.Helper()
	size := &unix.Winsize{Col: width, Row: height}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
}

func settings(t *testing.T, terminal *os.File) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

func TestARealTerminalIsFollowedInItsSizeAndGivenBackAsItWas(t *testing.T) {
	person, program := openTerminal(t, 80, 24)
	before := settings(t, program)
	out := newTape()
	go func() { _, _ = io.Copy(out, person) }()
	ended := make(chan error, 1)
	source := &tale{now: storyGrown()}
	go func() { ended <- Screen(t.Context(), source, program, program) }()
	out.await(t, "1,204 failures")
	source.tell(func(s *Snapshot) { s.Chapter = "Every node is replaced." })
	out.await(t, "Every node") // a frame after the first: by now the screen listens for its size
	if settings(t, program) == before {
		t.Error("keys are echoed, and read by lines")
	}
	const wide = "(30.1 %)" // what 80 columns have no room for
	if written, _ := out.read(); strings.Contains(written, wide) {
		t.Fatalf("80 columns show %s", wide)
	}
	resize(t, program, 120, 40)
	if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil { // the kernel tells only whose terminal it is
		t.Fatal(err)
	}
	out.await(t, wide)

	if _, err := io.WriteString(person, "q"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	out.await(t, "\x1b[?1049l")
	if after := settings(t, program); after != before {
		t.Errorf("the terminal was %+v and is %+v", before, after)
	}
}
