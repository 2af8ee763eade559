package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring/internal/config"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The reference has all of them; the README must not have one more.
func TestTheREADMENamesOnlyFlagsThatThereAre(t *testing.T) {
	known := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(newRoot(machine{out: io.Discard, err: io.Discard, env: func(string) (string, bool) { return "", false }}))
	for _, flag := range regexp.MustCompile("`[^`\n]*--([a-z-]+)").FindAllStringSubmatch(readme(t), -1) {
		if !known[flag[1]] {
			t.Errorf("the README names --%s", flag[1])
		}
	}
}

// What the README shows of a file must be one.
func TestTheREADMEsFileLoads(t *testing.T) {
	_, rest, _ := strings.Cut(readme(t), "```yaml\n")
	file, _, ok := strings.Cut(rest, "```")
	configs, err := config.Load(t.Context(), func(string) ([]string, bool) { return nil, false }, func(name string) (string, bool) {
		return file, name == "MOORING_CONFIG"
	}, nil)
	if !ok || err != nil || len(configs) != 2 {
		t.Errorf("%d bindings: %v", len(configs), err)
	}
}

func TestTheREADMEQuotesTheStoryWordForWord(t *testing.T) {
	story, err := findStory("08-full-replacement")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(readme(t), "word for word")
	_, rest, _ = strings.Cut(rest, "```text\n")
	quote, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no quote")
	}
	for line := range strings.Lines(quote) {
		i := strings.Index(story, line)
		if i < 0 {
			t.Fatalf("not in the story, or not in this order: %s", line)
		}
		story = story[i:]
	}
}
