package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"mooring"
	"mooring/internal/sim"
)

// tour is what the demo plays when it is not told what.
var tour = []string{"04-eight-of-24", "03-scale-in", "08-full-replacement", "06-nxdomain", "21-overlapping-runs"}

func newDemo(m machine) *cobra.Command {
	var story string
	var list bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch rounds in a simulated world: no account, no network",
		Long: `demo plays stories: a name whose addresses change, a target group that is slow, and the faults of both, in a
simulated world whose clock runs as fast as the machine does. The rounds are the real ones; only the world is not.
After every change of the group the safety promises (docs/promises.md) are checked against the world's truth.

Each story shows the commands that make the world, and below ---- what the rounds did: + registered,
- deregistered, ~ held back and by which guard. The same stories are mooring's tests.

Exit codes: 0 done, 1 error or a broken promise.`,
		Example: `  mooring demo
  mooring demo --list
  mooring demo --story 24-forged-memory
  mooring demo --story my-story.txt`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if list {
				return m.listStories()
			}
			return m.playAll(story)
		},
	}
	cmd.Flags().StringVar(&story, "story", "", "play this one: a name that --list shows, or a file (default a tour of five)")
	cmd.Flags().BoolVar(&list, "list", false, "list the stories")
	return cmd
}

func (m machine) playAll(story string) error {
	names := tour
	if story != "" {
		names = []string{story}
	}
	for _, name := range names {
		script, err := findStory(name)
		if err != nil {
			return err
		}
		if err := m.play(name, script); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(m.out, "Played: %d. Broken promises: 0.\n", len(names))
	return err
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
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("--story %q: neither a story that --list shows nor a file", name)
	}
	if err == nil && info.Size() > most {
		err = fmt.Errorf("%d bytes, over the limit of %d", info.Size(), most)
	}
	if err != nil {
		return "", fmt.Errorf("--story %q: %w", name, err)
	}
	script, err = os.ReadFile(name)
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
