package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"mooring"
	"mooring/cmd/internal/demo"
	"mooring/internal/sim"
)

// A demoRun is the demo's command line.
type demoRun struct {
	story, output string
	list, plain   bool
	live          demo.Config
}

func newDemo(m machine) *cobra.Command {
	var r demoRun
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch mooring at work on this machine: no account, no root, nothing installed",
		Long: `demo plays a story on loopback, live: an application's load balancer whose nodes are HTTP servers that come and go, its
zone with four name servers and at most eight addresses in an answer, a front at a fixed address, and between them mooring
with its real rounds and lookups. One client sends requests through the fixed address all the time; another has pinned
the first addresses, as a firewall's rule does. Nothing leaves this machine; what was opened is closed at the end.

The story's time runs --speed times as fast as the wall's: with it the interval of 30s, hold, health checks and drains.
Misses and evidence are as ever. Requests take 150 ms each and a node has 8 at once, so whoever lets too many nodes go
is found out. A node that dies finishes the requests that it has begun. The policy is the default, but for min-targets 4,
and a round gathers up to half of the evidence that a removal needs, where the default is a third.

On a terminal there is a live view (q leaves it); else, or with --plain, or where TERM is dumb or unset, one line an event, at the story's time. It ends
with a summary: by --output json that is all there is, one object, its times in milliseconds by the wall:
  changes             of the set of addresses that the name shows
  rounds              of mooring
  front, pinned       {"requests", "failures"} of the two clients
  longest_missing_ms  that an address which served and was in DNS was not registered
  longest_stale_ms    that an address which no longer served was registered

--story FILE plays another story. One with the command load is played live; it is made of lines:
` + demo.Language + `

Any other file, and the stories that --list shows, are played in a simulated world whose clock runs as fast as the
machine does. The rounds are the real ones there too. Each story shows the commands that make the world, and below ----
what the rounds did: + registered, - deregistered, ~ held back and by which guard. After every change of the group the
safety promises (docs/promises.md) are checked against the world's truth. The same stories are mooring's tests.

Exit codes: 0 requests went through the fixed address and none failed, or no promise was broken; 1 otherwise, also where
no request went through it.`,
		Example: `  mooring demo
  mooring demo --plain --for 20s
  mooring demo --list
  mooring demo --story 24-forged-memory
  mooring demo --story my-story.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return m.demo(cmd, r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.story, "story", "", "play this one: a file, or a name that --list shows (default mooring's own, live)")
	f.BoolVar(&r.list, "list", false, "list the stories for the simulated world")
	f.BoolVar(&r.plain, "plain", false, "one line an event, also on a terminal")
	f.StringVar(&r.output, "output", "text", "text or json")
	f.DurationVar(&r.live.For, "for", 0, "play live for so long by the wall: a longer story is cut, a shorter one begins again (default: once)")
	f.Float64Var(&r.live.Speed, "speed", demo.UsualSpeed, fmt.Sprintf("of the live story's time, %d to %d", demo.MinSpeed, demo.MaxSpeed))
	f.Uint64Var(&r.live.Seed, "seed", 1, "by which the live story's name servers choose the addresses of an answer")
	return cmd
}

func (m machine) demo(cmd *cobra.Command, r demoRun) error {
	switch {
	case r.list:
		if err := noneOf(cmd, "--list only lists stories", "story", "for", "speed", "seed", "output", "plain"); err != nil {
			return err
		}
		return m.listStories()
	case r.story == "" && cmd.Flags().Changed("story"):
		return errors.New(`--story "": want a file, or a name that --list shows`)
	case r.output != "text" && r.output != "json":
		return fmt.Errorf("--output %q: want text or json", r.output)
	case cmd.Flags().Changed("for") && r.live.For <= 0:
		return fmt.Errorf("--for %s: want a duration above 0", r.live.For)
	case r.story == "":
		return m.playLive(cmd, r)
	}
	script, err := findStory(r.story)
	if err != nil {
		return err
	}
	if demo.IsLive(script) {
		r.live.Story = script
		return m.playLive(cmd, r)
	}
	why := fmt.Sprintf("%s is no live story: it has no load", r.story)
	if err := noneOf(cmd, why, "for", "speed", "seed", "output", "plain"); err != nil {
		return err
	}
	if err := m.play(r.story, script); err != nil {
		return err
	}
	_, err = fmt.Fprintln(m.out, "Played: 1. Broken promises: 0.")
	return err
}

// noneOf is an error where one of these flags was given, which mean nothing then.
func noneOf(cmd *cobra.Command, why string, flags ...string) error {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s: %s", name, why)
		}
	}
	return nil
}

// hasScreen tells whether a live view can be drawn. Windows's consoles say nothing of themselves.
func (m machine) hasScreen() bool {
	term, _ := m.env("TERM")
	return m.terminal && term != "dumb" && (term != "" || runtime.GOOS == "windows")
}

// endAtHangUp ends the demo when its terminal is gone, which the system tells by SIGHUP, until stop is called. What it
// opened is cleared away then too.
func endAtHangUp(ctx context.Context, end context.CancelFunc) (stop func()) {
	gone, stop := hangups()
	go func() {
		select {
		case <-gone:
			end()
		case <-ctx.Done():
		}
	}()
	return stop
}

// playLive plays a live story, and tells of it in the form that is asked for and fits.
func (m machine) playLive(cmd *cobra.Command, r demoRun) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	signal.Ignore(syscall.SIGPIPE) // a reader that has gone ends the demo, which then still clears everything away
	defer signal.Reset(syscall.SIGPIPE)
	defer endAtHangUp(ctx, cancel)()
	onScreen := m.hasScreen() && !r.plain && r.output == "text"
	if r.output == "text" && !onScreen {
		r.live.Tell = demo.Plain(lastWriter{m.out, cancel})
	}
	d, err := demo.New(r.live)
	if err != nil {
		return ofStory(r.story, err)
	}
	var seen error
	var all sync.WaitGroup
	if onScreen {
		all.Go(func() {
			defer cancel() // whoever leaves the screen ends the demo
			seen = demo.Screen(ctx, d, cmd.InOrStdin(), m.out)
		})
	}
	summary, err := d.Run(ctx)
	all.Wait()
	if err := errors.Join(ofStory(r.story, err), seen); err != nil {
		return err
	}
	if err := m.summarize(summary, r.output); err != nil {
		return err
	}
	return summary.Err()
}

func (m machine) summarize(s demo.Summary, output string) error {
	if output == "json" {
		return json.NewEncoder(m.out).Encode(s)
	}
	_, err := fmt.Fprint(m.out, s.Text())
	return err
}

// ofStory says which story it is about.
func ofStory(story string, err error) error {
	if err == nil || story == "" {
		return err
	}
	return fmt.Errorf("play %s: %w", story, err)
}

// A lastWriter ends what writes to it once that fails.
type lastWriter struct {
	io.Writer
	end context.CancelFunc
}

func (e lastWriter) Write(p []byte) (int, error) {
	n, err := e.Writer.Write(p)
	if err != nil {
		e.end()
	}
	return n, err
}

func (m machine) play(name, script string) error {
	if _, err := fmt.Fprintf(m.out, "== %s\n\n", name); err != nil {
		return err
	}
	var broken bool
	var failed error
	err := sim.NewPlayer().Play(script, func(b sim.Block) {
		broken = broken || strings.Contains(b.Transcript, sim.BrokenPromise)
		if _, err := fmt.Fprint(m.out, b); err != nil {
			failed = err
		}
	})
	switch {
	case err != nil:
		return fmt.Errorf("play %s: %w", name, err)
	case failed != nil:
		return failed
	case broken:
		return fmt.Errorf("play %s: a promise was broken", name)
	}
	_, err = fmt.Fprintln(m.out)
	return err
}

// findStory returns a story of ours, or the file of that name.
func findStory(name string) (string, error) {
	script, err := fs.ReadFile(mooring.Stories, path.Join("testdata/scenarios", name+".txt"))
	if err == nil {
		return string(script), nil
	}
	const most = 1 << 20
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("--story %q: neither a story that --list shows nor a file", name)
	}
	if err != nil {
		return "", fmt.Errorf("--story %q: %w", name, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	script, err = io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(script) > most {
		err = fmt.Errorf("over the limit of %d bytes", most)
	}
	if err != nil {
		return "", fmt.Errorf("--story %q: %w", name, err)
	}
	return string(script), nil
}

// listStories prints each story's name and the beginning of what it is about.
func (m machine) listStories() error {
	files, err := fs.Glob(mooring.Stories, "testdata/scenarios/*.txt")
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".txt")
		script, err := findStory(name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(m.out, "%-22s  %s\n", name, about(script)); err != nil {
			return err
		}
	}
	return nil
}

// about is the first sentence of a script's first comment.
func about(script string) string {
	var words []string
	for line := range strings.Lines(script) {
		text, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.Fields(text)...)
	}
	sentence, _, _ := strings.Cut(strings.Join(words, " "), ". ")
	return strings.TrimSuffix(sentence, ".")
}
