package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// framesPerSecond is how often the screen looks at the demo: what moves is seen to move, and nothing flickers.
const framesPerSecond = 10

// Screen shows the demo on a terminal until it is over, ctx ends, or somebody leaves by q, escape or ctrl+c. All three
// are its ends and no errors: whoever must tell them apart asks the source whether it is Done, and ctx for its error.
// An error says that the terminal could not be used.
//
// The terminal's other screen is used, and the first one is given back with its cursor whatever happens. Signals are
// the caller's, who ends ctx by them. Colours are left out where NO_COLOR or TERM ask for that; a terminal that knows
// no more than lines (TERM=dumb) should not be given to Screen. Where out is no terminal it is taken for one of 80x24;
// where in is a file or a pipe there are no keys, and the footer names ctrl+c, which is a signal then.
func Screen(ctx context.Context, source interface{ Snapshot() Snapshot }, in io.Reader, out io.Writer) error {
	model := &screen{source: source, now: source.Snapshot(), width: 80, height: 24, leave: "q"}
	if file, ok := in.(*os.File); ok && !term.IsTerminal(int(file.Fd())) {
		in, model.leave = nil, "ctrl+c" // some files cannot be waited for, /dev/null is one
	}
	p := tea.NewProgram(model,
		tea.WithInput(in), tea.WithOutput(out), tea.WithWindowSize(80, 24), tea.WithFPS(2*framesPerSecond),
		tea.WithoutSignalHandler())
	// Not tea.WithContext: a program that is killed does not wait for its reader, which would take the next key.
	stop := context.AfterFunc(ctx, p.Quit)
	defer stop()
	if _, err := p.Run(); err != nil {
		return fmt.Errorf("show the demo: %w", err)
	}
	return nil
}

// A screen is the model that Bubble Tea runs. Only the program's one goroutine touches it.
type screen struct {
	source        interface{ Snapshot() Snapshot }
	now           Snapshot
	width, height int
	leave         string // the key for it
}

type frame struct{}

func (s *screen) Init() tea.Cmd { return nextFrame() }

func nextFrame() tea.Cmd {
	return tea.Tick(time.Second/framesPerSecond, func(time.Time) tea.Msg { return frame{} })
}

func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case frame:
		s.now = s.source.Snapshot()
		if s.now.Done {
			return s, tea.Quit
		}
		return s, nextFrame()
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "Q", "esc", "ctrl+c":
			return s, tea.Quit
		}
	}
	return s, nil
}

func (s *screen) View() tea.View {
	v := tea.NewView(render(s.now, s.width, s.height, s.leave))
	v.AltScreen = true
	v.DisableBracketedPasteMode = true // nothing is typed here
	return v
}
