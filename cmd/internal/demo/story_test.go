package demo

import (
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mooring"
)

func TestOwnStoryIsLiveAndHasAChapterForEachTrouble(t *testing.T) {
	s, err := parseStory(mooring.DemoStory)
	if err != nil {
		t.Fatal(err)
	}
	if !IsLive(mooring.DemoStory) || s.chapters != 11 || list(s.pinned) != "10.0.0.11-12,10.0.1.11-12" {
		t.Errorf("live %t, %d chapters, pinned %s; want a live story of 11 that begins with four", IsLive(mooring.DemoStory), s.chapters, list(s.pinned))
	}
	for _, one := range s.steps {
		if one.chapter > 0 && len(one.text) > 240 {
			t.Errorf("line %d: a chapter's text has %d characters, too many for three lines of a terminal", one.line, len(one.text))
		}
	}
}

func TestStoriesOfTheSimulatedWorldAreNotLive(t *testing.T) {
	files, err := fs.Glob(mooring.Stories, "testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		script, err := fs.ReadFile(mooring.Stories, file)
		if err != nil || IsLive(string(script)) {
			t.Errorf("%s is taken for a live story, or: %v", file, err)
		}
	}
}

const begin = "start 10.0.0.1-2\nname addrs=10.0.0.1-2\nload 2\n"

func TestFaultsOfAStoryAreToldWithTheirLine(t *testing.T) {
	for script, want := range map[string]string{
		begin + "dance":                        "line 4: dance: no such command",
		begin + "\n# text\nload":               `line 6: load: "": want a number from 0 to 1000`,
		begin + "load 1001":                    `line 4: load: "1001": want a number`,
		begin + "load 2 3":                     `line 4: load: "2 3": want a number`,
		begin + "rounds 0":                     `line 4: rounds: "0": want a number from 1 to 10000`,
		begin + "rounds 1 within=x":            `line 4: rounds: "x": want a duration`,
		begin + "rounds 1 for=1s":              `line 4: rounds: "for=1s": want within=DURATION`,
		begin + "wait":                         `line 4: wait: "": want a duration`,
		begin + "wait -1s":                     `line 4: wait: "-1s": want a duration`,
		begin + "wait 25h":                     `line 4: wait: "25h": want a duration above 0 and up to 24h0m0s`,
		begin + "start":                        `line 4: start: "": want LIST`,
		begin + "start 10.0.0.1 warm":          `line 4: start: "warm": want warm=DURATION`,
		begin + "start 10.0.0.1 10.0.0.2 warm": "line 4: start",
		begin + "stop nobody":                  `line 4: stop: "nobody": want a private IPv4 address`,
		begin + "stop 10.0.0.9-1":              `line 4: stop: "10.0.0.9-1": want a range`,
		begin + "stop 10.0.0.1-255":            "line 4: stop: more than 64 addresses",
		begin + "name addrs=127.0.0.1":         `line 4: name: "127.0.0.1": want a private IPv4 address`,
		begin + "name addrs=fd00::1":           `line 4: name: "fd00::1": want a private IPv4 address`,
		begin + "name 10.0.0.1":                `line 4: name: "10.0.0.1": want addrs=LIST`,
		begin + "name addrs=none":              "line 4: name: want addresses",
		begin + "dns fault=funny":              "line 4: dns: want fault=nxdomain",
		begin + "dns":                          "line 4: dns: want fault=nxdomain",
		begin + "resolver":                     `line 4: resolver: "": want addrs=LIST`,
		begin + "until then":                   "line 4: until: want leave, gone LIST or healthy LIST",
		begin + "until gone":                   "line 4: until: want leave, gone LIST or healthy LIST",
		begin:                                  "a live story must wait for something",
		"start 10.0.0.1\nload 1\nrounds 1":     "a live story needs a name with addresses",
		"name addrs=10.0.0.1\nrounds 1":        "a live story needs a load",
		strings.Repeat("#\n\n", 10_001):        "line 20001: more than 10000 commands",
		strings.Repeat("#", maxStory+1):        "over the limit of 1048576",
	} {
		if _, err := parseStory(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v; want %s", script, err, want)
		}
	}
}

func TestWordsMayBeAnySpaceApart(t *testing.T) {
	for _, space := range []string{" ", "   ", "\t", " \t "} {
		script := "start 10.0.0.5\nname" + space + "addrs=10.0.0.5\nload" + space + "1\nrounds 1\nname addrs=10.0.0.6\n"
		if s, err := parseStory(script); err != nil || list(s.pinned) != "10.0.0.5" {
			t.Errorf("%q between words: pinned %s, %v", space, list(s.pinned), err)
		}
	}
}

func TestCommentsInARowAreOneChapterFitForATerminal(t *testing.T) {
	s, err := parseStory("# One,\n# and\x1b[2J more.\n" + begin + "# Two.\nrounds 1\n")
	if err != nil {
		t.Fatal(err)
	}
	var chapters []string
	for _, one := range s.steps {
		if one.chapter > 0 {
			chapters = append(chapters, one.text)
		}
	}
	if want := []string{"One, and [2J more.", "Two."}; !slices.Equal(chapters, want) {
		t.Errorf("chapters %q, want %q", chapters, want)
	}
}

func TestListsAreWrittenAsTheyAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.11-14,10.0.1.11":          "10.0.0.11-14,10.0.1.11",
		"10.0.1.11,10.0.0.12,10.0.0.11":   "10.0.0.11-12,10.0.1.11",
		"10.0.0.1-2,10.0.0.2-3":           "10.0.0.1-3",
		"192.168.255.254-255,192.168.0.1": "192.168.0.1,192.168.255.254-255",
		"none":                            "none",
	} {
		addrs, err := parseAddrs(text)
		if err != nil || list(addrs) != want {
			t.Errorf("%s: %s, %v; want %s", text, list(addrs), err, want)
		}
	}
	if got := list([]netip.Addr(nil)); got != "none" {
		t.Errorf("nobody is %q", got)
	}
}

func FuzzStory(f *testing.F) {
	f.Add(mooring.DemoStory)
	f.Add(begin + "rounds 1 within=90s")
	f.Fuzz(func(t *testing.T, script string) {
		s, err := parseStory(script)
		if err == nil && (len(s.pinned) == 0 || len(s.pinned) > maxPinned || !IsLive(script)) {
			t.Errorf("a story without a load or a name was taken, or %d addresses are pinned", len(s.pinned))
		}
	})
}
