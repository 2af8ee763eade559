package mooring_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"mooring"
)

func TestMemoryThatNobodyCanHaveWrittenIsNotRead(t *testing.T) {
	for name, change := range map[string]func(*mooring.Memory){
		"a count beyond all counting": func(m *mooring.Memory) { m.Counts = []mooring.Count{{At: noon, N: 1 << 62}} },
		"more counts than are kept":   func(m *mooring.Memory) { m.Counts = make([]mooring.Count, 101) },
		"a pause since never":         func(m *mooring.Memory) { m.Paused = mooring.Pause{By: "x"} },
		"a pause by a long name":      func(m *mooring.Memory) { m.Paused = mooring.Pause{At: noon, By: strings.Repeat("x", 513)} },
		"a pause for long reasons":    func(m *mooring.Memory) { m.Paused = mooring.Pause{At: noon, Why: strings.Repeat("x", 513)} },
		"others without end":          func(m *mooring.Memory) { m.Others.Rounds = 1<<63 - 1 },
		"others with fewer than none": func(m *mooring.Memory) { m.Others.Writes = -1 },
		"an address with a zone":      func(m *mooring.Memory) { m.Left.Addrs = []netip.Addr{netip.MustParseAddr("fe80::1%\x1b[2J")} },
		"addresses out of order":      func(m *mooring.Memory) { m.Left.Addrs = addrs("10.0.0.2 10.0.0.1") },
		"a decision about such a one": func(m *mooring.Memory) {
			m.Decisions = []mooring.Decision{{At: noon, Addr: netip.MustParseAddr("fe80::1%x")}}
		},
		"a decision of too many words": func(m *mooring.Memory) { m.Decisions = []mooring.Decision{{At: noon, Action: strings.Repeat("x", 65)}} },
	} {
		t.Run(name, func(t *testing.T) {
			sound := knowing("10.0.0.1")
			if _, err := sound.Encode(); err != nil {
				t.Fatal(err)
			}
			change(&sound)
			if body, err := sound.Encode(); err == nil {
				t.Errorf("it is saved:\n%s", body)
			}
		})
	}
	sound := knowing("10.0.0.1")
	sound.Others.Rounds = 1_000_000
	body, err := sound.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mooring.DecodeMemory([]byte(strings.Replace(string(body), "1000000", "1000001", 1))); !errors.Is(err, mooring.ErrMemory) {
		t.Errorf("%v: what could not have been saved is read", err)
	}
}

func TestNoTextOfTheMemoryReachesATerminalAsItIs(t *testing.T) {
	d := leaving()
	d.memory.Decisions = []mooring.Decision{{At: noon, Addr: addrs("10.0.0.1")[0], Action: "\x1b[2J", Why: "\x1b]0;x\x07 \u202e"}}
	var out strings.Builder
	if err := d.keeper().Explain(t.Context(), addrs("10.0.0.1")[0]).WriteText(&out, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
		t.Errorf("%q", out.String())
	}
}
