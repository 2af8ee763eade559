package mooring_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
)

var finderSeeds = flag.Int("finder-seeds", defaultSeeds*2/5, "worlds to live with the real Finder in `go test -run RealFinder`")

// realFinder looks up over the world's wire.
func realFinder(w *sim.World) func(*sim.Process) mooring.Finder {
	return func(p *sim.Process) mooring.Finder {
		c := lookup.Config{
			Hostnames: w.Binding.Hostnames, Mode: lookup.Auto, Whole: w.Policy.Answers == mooring.AnswersWhole, Resolvers: w.Resolvers(),
			MaxLookups: w.Zone.MaxLookups, RoundShare: w.Policy.RoundShare(), Admits: w.Policy.Admits, Dial: p.Dial,
		}
		if w.Zone.Cache > 0 {
			c.Mode = lookup.Resolver
		}
		return lookup.New(c)
	}
}

// A wireLife is a world whose processes look up by themselves: what the name is like, how it moves, and what the wire
// does to each look follow from a seed.
type wireLife struct {
	*sim.World
	rng  *rand.Rand
	pool []netip.Addr
}

func newWireLife(seed uint64) *wireLife {
	l := &wireLife{World: sim.NewWorld(seed, time.Now), rng: rand.New(rand.NewPCG(seed, 5)), pool: hosts(1, 40)}
	l.NewFinder = realFinder(l.World)
	if l.rng.IntN(2) == 0 {
		l.Binding.Hostnames = []string{"internal-web-1.eu-west-1.elb.amazonaws.com"}
		l.Zone.All = l.rng.IntN(2) == 0
	}
	if l.rng.IntN(5) == 0 {
		l.Binding.Hostnames = append(l.Binding.Hostnames, "old.example.org")
	}
	if l.rng.IntN(2) == 0 {
		l.Zone.Answer = 1 + l.rng.IntN(13)
	}
	l.Zone.Servers = 1 + l.rng.IntN(4)
	switch l.rng.IntN(8) {
	case 0:
		l.Zone.Cache, l.Zone.Resolvers = time.Minute, 1+l.rng.IntN(3)
		l.pool = l.pool[:12]
	case 1:
		admit := l.Policy.Admit
		l.Policy = mooring.WholePolicy()
		l.Policy.Admit, l.Zone.Answer = admit, 60
	case 2, 3:
		l.pool = l.pool[:7] // one answer holds them all, often
	}
	for _, name := range l.Binding.Hostnames {
		l.SetTruth(name, l.some(1+l.rng.IntN(20)))
	}
	return l
}

func (l *wireLife) some(n int) []netip.Addr {
	l.rng.Shuffle(len(l.pool), func(i, j int) { l.pool[i], l.pool[j] = l.pool[j], l.pool[i] })
	return slices.Clone(l.pool[:min(n, len(l.pool))])
}

// troubled draws what every third look meets. Which look it is decides, not when.
func (l *wireLife) troubled() {
	faults, places := sim.WireFaults(), []sim.WirePlace{sim.Everywhere, sim.AtOne, sim.AtOne, sim.AtOthers, sim.Once}
	l.Wire = func(p *sim.Process) sim.WirePlan {
		if l.rng.IntN(3) > 0 {
			return sim.WirePlan{}
		}
		return sim.WirePlan{
			Fault: faults[l.rng.IntN(len(faults))], Place: places[l.rng.IntN(len(places))], Server: l.rng.IntN(max(1, l.Zone.Servers)),
		}
	}
}

func (l *wireLife) live(t *testing.T, n int) {
	for i := range n {
		if l.rng.IntN(8) == 0 {
			name := l.Binding.Hostnames[l.rng.IntN(len(l.Binding.Hostnames))]
			now := l.some(1 + l.rng.IntN(20))
			if l.rng.IntN(3) > 0 {
				now = l.Truth()
				l.rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
				now = append(now[:len(now)-l.rng.IntN(min(4, len(now)))], l.some(l.rng.IntN(4))...)
			}
			l.SetTruth(name, now)
		}
		l.NewProcess(fmt.Sprint("run ", i)).Round(t.Context())
		pass(20*time.Second + time.Duration(l.rng.IntN(60))*time.Second)
	}
	l.Wire = func(*sim.Process) sim.WirePlan { return sim.WirePlan{} }
	for i := range 3 { // what the name has is registered within three calm rounds
		l.NewProcess(fmt.Sprint("calm run ", i)).Round(t.Context())
		pass(time.Minute)
	}
	pass(time.Minute) // the servers close their connections
}

func TestSimulatedWorldsWithTheRealFinder(t *testing.T) {
	var mu sync.Mutex
	reached := map[string]int{}
	t.Run("worlds", func(t *testing.T) {
		const lanes = 4
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for seed := lane; seed < *finderSeeds; seed += lanes {
					l := liveByWire(t, uint64(seed))
					mu.Lock()
					for what, n := range l.Reached() {
						reached[what] += n
					}
					mu.Unlock()
				}
			})
		}
	})
	if *finderSeeds < 100 {
		return
	}
	for _, fault := range sim.WireFaults() { // what the worlds must meet, or they prove nothing
		for _, place := range []sim.WirePlace{sim.Everywhere, sim.AtOne, sim.AtOthers, sim.Once} {
			if what := fmt.Sprintf("wire %s %s", fault, place); reached[what] == 0 {
				t.Errorf("never met in %d worlds: %s", *finderSeeds, what)
			}
		}
	}
}

// liveByWire lives one world. It fails where a promise breaks, or where what the Finder says is not what the wire carried.
func liveByWire(t *testing.T, seed uint64) *wireLife {
	t.Helper()
	var l *wireLife
	synctest.Test(t, func(t *testing.T) {
		l = newWireLife(seed)
		l.troubled()
		l.live(t, 40)
	})
	if broken := l.Broken(); len(broken) > 0 {
		t.Fatalf("seed %d broke:\n%s\n\n%s", seed, strings.Join(broken, "\n"), l.Transcript())
	}
	if l.Zone.Cache == 0 {
		for _, a := range l.Truth() {
			if !registered(l.World, a) {
				t.Fatalf("seed %d: %s is not registered after three calm rounds:\n%s", seed, a, l.Transcript())
			}
		}
	}
	return l
}
