package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

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

func TestTheREADMEListsEverySettingAndNoOther(t *testing.T) {
	var known []string
	for _, s := range config.Settings() {
		known = append(known, s.Name)
	}
	known = append(known, "output")
	slices.Sort(known)
	var listed []string
	for line := range strings.Lines(readme(t)) {
		if !strings.HasPrefix(line, "| `--") {
			continue
		}
		for _, flag := range regexp.MustCompile("`--([a-z-]+)").FindAllStringSubmatch(strings.SplitN(line, "|", 3)[1], -1) {
			listed = append(listed, flag[1])
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, known) {
		t.Errorf("the README lists\n%v\nand there are\n%v", listed, known)
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
