package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const repository = "../.."

// documents are all pages in Markdown, by their paths from the repository's root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || len(name) > 2 && name[0] == '.') {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(repository, path)
		pages[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// A block is what stands between two fences: its language, and its text.
type block struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

func blocks(page string) []block {
	var out []block
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		out = append(out, block{m[1], m[2]})
	}
	return out
}

var (
	codeSpan = regexp.MustCompile("`[^`\n]+`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)|(?m)^\[[^\]]+\]: +(\S+)$`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)|\[([^\]]*)\]\[[^\]]*\]`)
)

func TestEveryLinkBetweenTheDocumentsLeadsSomewhere(t *testing.T) {
	pages := documents(t)
	for name, page := range pages {
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(fence.ReplaceAllString(page, ""), ""), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") {
				continue
			}
			if err := leads(pages, name, target); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
		}
	}
}

// leads says why a relative link of a page leads nowhere.
func leads(pages map[string]string, from, target string) error {
	path, anchor, _ := strings.Cut(target, "#")
	to := from
	if path != "" {
		to = filepath.ToSlash(filepath.Join(filepath.Dir(from), path))
		if _, err := os.Stat(filepath.Join(repository, to)); err != nil {
			return err
		}
	}
	anchor, err := url.PathUnescape(anchor)
	if err != nil || anchor == "" {
		return err
	}
	if page, ok := pages[to]; ok && !slices.Contains(anchors(page), anchor) {
		return fmt.Errorf("%s has no such heading", to)
	}
	return nil
}

// anchors are those that GitHub gives to a page's headings.
func anchors(page string) []string {
	var out []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		text := linkText.ReplaceAllString(m[1], "$1$2")
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, text)
		if n := seen[slug]; n > 0 {
			out = append(out, fmt.Sprintf("%s-%d", slug, n))
		} else {
			out = append(out, slug)
		}
		seen[slug]++
	}
	return out
}

func TestEveryDocumentIsListedInTheREADME(t *testing.T) {
	for name := range documents(t) {
		if dir := filepath.Dir(name); dir == "docs" && !strings.Contains(readme(t), "("+name) {
			t.Errorf("no link to %s", name)
		}
	}
}

var (
	command   = regexp.MustCompile(`(?:^|[|;&(] *)(?:bin/)?mooring((?: [^|;&]+)?)`)
	inlineRun = regexp.MustCompile("`mooring ([^`\n]+)`")
	inlineOne = regexp.MustCompile("`(--[a-z][a-z-]+)")
	flagWord  = regexp.MustCompile(`(?:^|[\s\[(])--([a-z][a-z-]*)`)
)

// A page must not tell of a verb or a flag that there is not.
func TestTheDocumentsNameOnlyVerbsAndFlagsThatThereAre(t *testing.T) {
	root := newRoot(machine{out: io.Discard, err: io.Discard, env: func(string) (string, bool) { return "", false }})
	anywhere := map[string]bool{}
	each(root, func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) { anywhere[f.Name] = true })
	})
	for name, page := range documents(t) {
		for _, run := range runs(page) {
			if err := known(root, run); err != nil {
				t.Errorf("%s: mooring %s: %v", name, strings.TrimSpace(run), err)
			}
		}
		for _, m := range inlineOne.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
			if !anywhere[strings.TrimPrefix(m[1], "--")] && !othersFlags[m[1]] {
				t.Errorf("%s: no verb has %s", name, m[1])
			}
		}
	}
}

// othersFlags are flags of other programs that the documents speak of.
var othersFlags = map[string]bool{"--create-bucket-configuration": true}

func each(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, below := range c.Commands() {
		each(below, do)
	}
}

// runs are the arguments with which a page runs mooring, in blocks for a shell and within a line.
func runs(page string) []string {
	var out []string
	for _, b := range blocks(page) {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			for _, m := range command.FindAllStringSubmatch(line, -1) {
				out = append(out, m[1])
			}
		}
	}
	for _, m := range inlineRun.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		out = append(out, m[1])
	}
	return out
}

// known says which verb or flag of a run there is not.
func known(root *cobra.Command, run string) error {
	found, rest, err := root.Find(strings.Fields(strings.ReplaceAll(run, "...", "")))
	if err != nil {
		return err
	}
	if found == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("no verb %s", rest[0])
	}
	for _, m := range flagWord.FindAllStringSubmatch(run, -1) {
		if found.Flags().Lookup(m[1]) == nil && found.InheritedFlags().Lookup(m[1]) == nil {
			return fmt.Errorf("%q has no --%s", found.CommandPath(), m[1])
		}
	}
	return nil
}

// What is to be typed is the same in both languages; prose and pictures are not.
func TestTheKoreanPagesHaveTheCommandsOfTheEnglishOnes(t *testing.T) {
	pages := documents(t)
	typed := func(name string) []block {
		return slices.DeleteFunc(blocks(pages[name]), func(b block) bool { return b.language == "text" })
	}
	for english, korean := range map[string]string{"README.md": "README.ko.md", "docs/quickstart.md": "docs/quickstart.ko.md"} {
		want, got := typed(english), typed(korean)
		if len(want) == 0 || len(want) != len(got) {
			t.Errorf("%s has %d blocks, %s has %d", english, len(want), korean, len(got))
			continue
		}
		for i := range want {
			if want[i] != got[i] {
				t.Errorf("block %d of %s:\n%s\nof %s:\n%s", i+1, english, want[i].text, korean, got[i].text)
			}
		}
	}
}
