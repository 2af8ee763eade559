package demo

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"mooring"
)

var updateScreens = flag.Bool("update-screens", false, "write testdata/screen anew; look at the pictures before you commit them")

// colors is all that a screen may hold beside text.
var colors = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestTheScreenShowsTheStoryAtEverySize(t *testing.T) {
	for _, c := range []struct {
		name          string
		snapshot      Snapshot
		width, height int
	}{
		{"begun-80x24", storyBegun(), 80, 24},
		{"grown-80x24", storyGrown(), 80, 24},
		{"grown-60x15", storyGrown(), 60, 15},
		{"grown-120x40", storyGrown(), 120, 40},
		{"nothing-80x24", Snapshot{}, 80, 24},
		{"grown-40x8", storyGrown(), 40, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Without its colours, so that the picture shows that they carry no meaning alone.
			got := colors.ReplaceAllString(render(c.snapshot, c.width, c.height, "q"), "") + "\n"
			file := filepath.Join("testdata", "screen", c.name+".txt")
			if *updateScreens {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s shows something else:\n%s\nrun `go test ./cmd/internal/demo -run Screen -update-screens` and look at it", file, got)
			}
		})
	}
}

// checkFits measures as terminals do, not as the screen does.
func checkFits(t *testing.T, s Snapshot, width, height int) {
	t.Helper()
	drawn := render(s, width, height, "q")
	if width <= 0 || height <= 0 {
		if drawn != "" {
			t.Fatalf("%dx%d shows %q", width, height, drawn)
		}
		return
	}
	lines := strings.Split(drawn, "\n")
	if len(lines) != height {
		t.Fatalf("%dx%d has %d lines", width, height, len(lines))
	}
	for i, line := range lines {
		text := colors.ReplaceAllString(line, "")
		if got := ansi.StringWidth(text); got > width || got != utf8.RuneCountInString(text) {
			t.Fatalf("%dx%d: line %d is %d wide, of %d runes: %q", width, height, i+1, got, utf8.RuneCountInString(text), line)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 || r == utf8.RuneError }) {
			t.Fatalf("%dx%d: line %d holds a control character: %q", width, height, i+1, line)
		}
	}
}

func TestAScreenFillsItsTerminalAndNothingWraps(t *testing.T) {
	hostile := Snapshot{}
	for i, text := range hostileTexts {
		hostile = spoiled(hostile, text, i)
	}
	for _, s := range []Snapshot{{}, storyBegun(), storyGrown(), hostile} {
		for _, height := range []int{-1, 0, 1, 2, 3, 5, 8, 9, 12, 15, 23, 24, 25, 40, 60} {
			for width := -1; width <= 130; width += 1 + max(width, 0)/20 {
				checkFits(t, s, width, height)
			}
		}
	}
}

var hostileTexts = []string{
	"\x1b[2J\x1b[H\x1b]0;title\a\x1bc", "\x9b31m\u009b31m", "a\r\nb\tc\bd\x7f", "\u202egnirts\u2066", "汉字漢字 한국어",
	"e\u0301\u0301\u0301 \u200d\ufe0f", "\U0001f469\u200d\U0001f680 \U0001f1e9\U0001f1ea", "\xff\xfe\xc3", strings.Repeat("long ", 5000), strings.Repeat("x", 100_000),
	"\u00ad\u2028\u2029\ufeff",
}

// spoiled is a snapshot with this text wherever a text can be.
func spoiled(s Snapshot, text string, i int) Snapshot {
	s.Fixed, s.Name, s.Chapter, s.Doubt = text, text, text, text
	addr := netip.MustParseAddr("fe80::1").WithZone(fmt.Sprintf("%.99sz", text))
	s.Addresses = append(s.Addresses, Address{Addr: addr, Health: mooring.Health(text), Note: text, Flows: 1 << 40},
		Address{Addr: netip.Addr{}, InDNS: i%2 == 0, Flows: -1})
	s.Decisions = append(s.Decisions, Decision{At: -time.Hour, Addrs: []netip.Addr{addr, addr, addr}, Action: text, Why: text})
	s.Front, s.Pinned = Tally{Requests: -1, Failures: 1 << 60}, Tally{Requests: 1 << 60, Failures: 1 << 62}
	s.Step, s.Steps, s.Rounds, s.Changes = 1<<40, -3, -1, 1<<60
	s.Clock, s.Elapsed, s.LongestStale, s.Speed = 1<<62, -1, -1, 1e300
	return s
}

func TestNothingInASnapshotCommandsTheTerminal(t *testing.T) {
	for i, text := range hostileTexts {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			for _, size := range [][2]int{{80, 24}, {60, 15}, {120, 40}} {
				checkFits(t, spoiled(storyGrown(), text, i), size[0], size[1])
			}
		})
	}
}

func TestFailuresAreToldByWordsAndShapesNotOnlyByColour(t *testing.T) {
	s := storyGrown()
	s.Front = Tally{Requests: 100_000, Failures: 1}
	plain := colors.ReplaceAllString(render(s, 80, 24, "q"), "")
	if !strings.Contains(plain, "✗ 1 failure (0.1 %)") || !strings.Contains(plain, "━×  ") {
		t.Errorf("one failure of many is not seen:\n%s", plain)
	}
}

func TestWhoIsInDNSOrRegisteredIsShownFirst(t *testing.T) {
	s := Snapshot{}
	for last := byte(1); last <= 20; last++ { // the odd ones lead nowhere
		s.Addresses = append(s.Addresses, Address{Addr: drawnNode(last, nil).Addr, InDNS: last%4 == 0})
		if last%4 == 2 {
			s.Addresses[last-1].Health = mooring.HealthDraining
		}
	}
	shown := chooseAddresses(s.Addresses, 10)
	for i, a := range shown {
		if want := drawnNode(byte(2*i+2), nil).Addr; a.Addr != want {
			t.Errorf("in line %d %s is shown, not %s", i, a.Addr, want)
		}
	}
	if plain := colors.ReplaceAllString(render(s, 80, 24, "q"), ""); !strings.Contains(plain, "5 in DNS, 0 healthy, +4 more") {
		t.Errorf("who is not shown is not counted:\n%s", plain)
	}
}

func TestTheLinesOfATerminalAreGivenAwayByItsHeightAlone(t *testing.T) {
	for height := range 60 {
		room, left := shareLines(height)
		sum := left
		for _, n := range room {
			sum += n
		}
		if sum != height || left < 0 {
			t.Errorf("of %d lines %d are given away, and %d left", height, sum-left, left)
		}
	}
	if _, left := shareLines(24); left != 0 {
		t.Errorf("80x24 leaves %d lines empty", left)
	}
}
