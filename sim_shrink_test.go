package mooring_test

import (
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/sim"
)

// A guard is left out, a life breaks a promise, and what is left of its story is no more than it takes to see why.
func TestTheStoryOfABrokenPromiseIsMadeShort(t *testing.T) {
	hasty := func(l *sim.Life) {
		l.Quiet = true
		l.Decide = mooring.DecideWith(slices.DeleteFunc(mooring.Guards(), func(g mooring.Guard) bool { return g.Name == "misses" }))
	}
	broken := func(f sim.Fate) string {
		for _, why := range fated(t, f, hasty).Broken() {
			return promiseOf(why)
		}
		return ""
	}
	for seed := range uint64(50) {
		fate := sim.DrawFate(seed, *span)
		promise := broken(fate)
		if promise == "" || len(fate.Turns) < 50 {
			continue
		}
		short := sim.Shrink(fate, 400, func(f sim.Fate) bool { return broken(f) == promise })
		t.Logf("%d turns of seed %d became:\n%s", len(fate.Turns), seed, short)
		again, err := sim.ParseFate(short.String())
		if err != nil {
			t.Fatal(err)
		}
		if len(short.Turns) > 10 || broken(again) != promise {
			t.Errorf("%d turns are left, and they break %q", len(short.Turns), broken(again))
		}
		if whole := fated(t, again, untold).Broken(); len(whole) > 0 {
			t.Errorf("with all guards it breaks as well: %s", whole[0])
		}
		return
	}
	t.Error("no life broke a promise")
}

func TestAFateIsReadAsItIsWritten(t *testing.T) {
	for seed := range uint64(20) {
		want := sim.DrawFate(seed, *span).String()
		fate, err := sim.ParseFate("# a comment\n\n" + want)
		if err != nil || fate.String() != want {
			t.Errorf("seed %d: %v: %s", seed, err, firstDifference(want, fate.String()))
		}
	}
}

func TestAFateThatCannotBeReadIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"no seed":         "0 world rounds=1\n",
		"seed is a word":  "seed many\n",
		"no round":        "seed 1\nworld rounds=1\n",
		"rounds go back":  "seed 1\n5 repair\n4 repair\n",
		"too many rounds": "seed 1\n100001 repair\n",
		"unknown command": "seed 1\n1 dance\n",
		"no command":      "seed 1\n1\n",
	} {
		if fate, err := sim.ParseFate(text); err == nil {
			t.Errorf("%s: read as %q", name, fate)
		}
	}
}

// A fate that somebody sent may ask for a hundred thousand rounds of a thousand addresses, with as many that are hidden.
func TestAFateThatAsksForTooMuchEndsSoon(t *testing.T) {
	const many = "10.0.0.0-255,10.0.1.0-255,10.0.2.0-255,10.0.3.0-200"
	for name, turns := range map[string]string{
		"too much in all":    "0 world rounds=100000\n0 dns answers=1 servers=1 hidden=" + many + "\n0 name addrs=" + many,
		"too many questions": "0 dns max-lookups=1001",
		"too large answers":  "0 dns answers=1001",
		"too many names":     "0 bind" + strings.Repeat(" a.example", 17),
	} {
		fate, err := sim.ParseFate("seed 1\n" + turns + "\n")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if broken := fated(t, fate, untold).Broken(); len(broken) == 0 || !strings.Contains(broken[0], "asks for too") {
			t.Errorf("%s: %q", name, broken)
		}
	}
}

// What cannot be carried out is told as broken, and no life passes because half of its fate was misread.
func TestATurnThatCannotBeCarriedOutBreaksTheLife(t *testing.T) {
	for _, turn := range []string{
		"1 once find=tired", "1 once dream=error", "1 crash at=dawn", "1 pause at=look for=long", "1 clock by=much",
		"1 hand deregister=him", "1 edit pause=x", "1 idle long", "1 name addrs=10.0", "1 policy misses=0", "0 world speed=9",
	} {
		fate, err := sim.ParseFate("seed 1\n0 world rounds=1\n0 name addrs=10.0.0.1\n" + turn + "\n")
		if err != nil {
			fate, err = sim.ParseFate("seed 1\n" + turn + "\n")
		}
		if err != nil {
			t.Errorf("%s: %v", turn, err)
		} else if broken := fated(t, fate, untold).Broken(); len(broken) == 0 {
			t.Errorf("%q was carried out", turn)
		}
	}
}
