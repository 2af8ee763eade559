package mooring_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"mooring"
	"mooring/internal/sim"
)

var seeds = flag.Int("seeds", 300, "worlds to live in `go test -run Sim`")

// live lives one world in virtual time.
func live(t *testing.T, seed uint64, change func(*sim.Life)) *sim.Life {
	t.Helper()
	var l *sim.Life
	synctest.Test(t, func(t *testing.T) {
		l = sim.NewLife(seed)
		if change != nil {
			change(l)
		}
		l.Live(t.Context())
	})
	return l
}

func TestSimulatedWorldsKeepEveryPromise(t *testing.T) {
	var mu sync.Mutex
	reached := map[string]int{}
	t.Run("worlds", func(t *testing.T) {
		const lanes = 4
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for seed := lane; seed < *seeds; seed += lanes {
					l := live(t, uint64(seed), nil)
					if broken := l.Broken(); len(broken) > 0 {
						t.Fatalf("seed %d broke:\n%s\n\n%s", seed, strings.Join(broken, "\n"), l.Transcript())
					}
					mu.Lock()
					for what, n := range l.Reached() {
						reached[what] += n
					}
					mu.Unlock()
				}
			})
		}
	})
	if *seeds >= 300 {
		for _, what := range everything() {
			if reached[what] == 0 {
				t.Errorf("never met in %d worlds: %s", *seeds, what)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(reached)) {
		t.Logf("%6d %s", reached[what], what)
	}
}

// everything is what a few hundred worlds must meet, or they prove nothing.
func everything() []string {
	all := []string{
		"permit denied", "save lost or unconfirmed", "memory unusable", "target refused",
		"held registration", "held seen again",
	}
	for _, c := range []sim.Call{
		sim.CallFind, sim.CallDescribe, sim.CallInspect, sim.CallRegister, sim.CallDeregister, sim.CallLoad, sim.CallSave,
	} {
		for _, f := range sim.FaultsOf(c) {
			all = append(all, string(c)+" "+string(f))
		}
	}
	for _, a := range sim.Accidents() {
		all = append(all, "memory "+string(a))
	}
	for _, g := range mooring.Guards() {
		all = append(all, "held "+g.Name)
	}
	for _, p := range sim.Points() {
		for _, what := range []string{"crash", "pause", "duplicate", "step"} {
			all = append(all, what+" at "+string(p))
		}
	}
	return all
}
