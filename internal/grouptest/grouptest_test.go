package grouptest

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mooring"
)

func subject(g mooring.Group, pass func()) Subject {
	return Subject{
		Group: g, Pass: pass, OtherPort: 8443,
		Targets: some("10.0.0.1", 3), Many: some("10.0.1.1", 5*perCall), Refused: some("203.0.113.1", 2),
	}
}

// some are n targets from an address on.
func some(first string, n int) []mooring.Target {
	var out []mooring.Target
	for a := netip.MustParseAddr(first); len(out) < n; a = a.Next() {
		out = append(out, mooring.Target{Addr: a, Port: 443})
	}
	return out
}

func TestASoundGroupPasses(t *testing.T) {
	Run(t, func(*testing.T) Subject {
		g := newFlawed("")
		return subject(g, g.pass)
	})
}

// flaws are what a group may do wrong, and words of the story that must find it.
var flaws = map[string]string{
	"begins with somebody":            "an empty group",
	"confirms nobody":                 "who is registered is listed",
	"an unknown state":                "who is registered is listed",
	"begins anew":                     "stays as it was",
	"adds whom it has":                "listed once",
	"never healthy":                   "becomes healthy",
	"never lets go":                   "takes no new flows",
	"drains as healthy":               "takes no new flows",
	"errs on the unknown":             "deregistering whom the group does not have",
	"drains for ever":                 "gone in the end",
	"drains as unused":                "drains is listed so",
	"is gone at once":                 "drains is listed so",
	"never takes back who drains":     "drains is listed so",
	"forgets the port":                "two ports",
	"takes IPv6's form for another":   "IPv6's form",
	"takes everybody":                 "address of nobody",
	"one call is enough":              "more targets than one call",
	"refuses for no reason":           "has a reason",
	"one refused refuses all":         "keeps nobody out",
	"asks for nothing":                "nobody is asked",
	"ignores the permit":              "permit that is denied",
	"asks but once":                   "permit that is denied",
	"hides the permit's error":        "permit that is denied",
	"changes before it asks":          "permit that is denied",
	"confirms what was forbidden":     "permit that is denied",
	"gives up in silence":             "permit that is withdrawn",
	"forgets what was confirmed":      "permit that is withdrawn",
	"ignores its context":             "an ended context is an error",
	"an ended context shows a part":   "never shows a part",
	"returns its own list":            "the caller's to change",
	"writes to what it was given":     "stays the caller's",
	"lists what it was given":         "stays the caller's",
	"loses whom others add meanwhile": "callers at once",
	"adds whom others have added":     "callers fight",
}

func TestEachFlawIsFoundByItsStory(t *testing.T) {
	for flaw, words := range flaws {
		t.Run(flaw, func(t *testing.T) {
			i := slices.IndexFunc(stories, func(s story) bool { return strings.Contains(s.name, words) })
			if i < 0 {
				t.Fatalf("no story is about %q", words)
			}
			g := newFlawed(flaw)
			s := subject(g, g.pass)
			if strings.Contains(flaw, "whom others") {
				s.Group = &hasty{flawed: g}
			}
			if err := stories[i].tell(s, t.Context()); err == nil {
				t.Errorf("%q did not find it", stories[i].name)
			} else {
				t.Logf("found: %v", err)
			}
		})
	}
}

func TestEachStoryFindsAFlaw(t *testing.T) {
	for _, s := range stories {
		words := slices.Collect(maps.Values(flaws))
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s.name, w) }) {
			t.Errorf("nothing proves %q", s.name)
		}
	}
}
