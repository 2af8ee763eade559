package lookup_test

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mooring/internal/lookup"
	"mooring/internal/sim"
)

// searched runs the rule by itself over answers of size random addresses out of n. It returns how many were seen and
// how many answers that took.
func searched(rng *rand.Rand, n, size, most int) (seen, answers int) {
	all := live(n)
	var s lookup.Sampler
	for answers < most && s.Wants() > 0 {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		s.Add(all[:min(size, n)])
		answers++
	}
	return s.Seen(), answers
}

func TestASearchMissesSomebodyInAtMostOneOfAThousand(t *testing.T) {
	const seeds = 1000
	for _, c := range []struct {
		n, size int
		mean    float64 // answers that it takes, from the exact distribution
	}{{8, 8, 8.0}, {9, 8, 8.6}, {24, 8, 28}, {48, 8, 64}, {100, 8, 147}, {8, 1, 81}, {20, 4, 50}} {
		whole, total := 0, 0
		for seed := range uint64(seeds) {
			seen, answers := searched(rand.New(rand.NewPCG(seed, 1)), c.n, c.size, 1<<20)
			total += answers
			if seen == c.n {
				whole++
			}
		}
		mean := float64(total) / seeds
		t.Logf("%d addresses, %d an answer: all in %d of %d, %.1f answers", c.n, c.size, whole, seeds, mean)
		if whole < 997 {
			t.Errorf("%d addresses, %d an answer: all seen in %d of %d searches", c.n, c.size, whole, seeds)
		}
		if mean < c.mean*0.9 || mean > c.mean*1.1 {
			t.Errorf("%d addresses, %d an answer: %.1f answers, want about %.1f", c.n, c.size, mean, c.mean)
		}
	}
}

func TestAHundredAddressesAreFoundWithTheDefaultLookups(t *testing.T) {
	whole := 0
	for seed := range uint64(1000) {
		if seen, _ := searched(rand.New(rand.NewPCG(seed, 2)), 100, 8, 200); seen == 100 {
			whole++
		}
	}
	t.Logf("all of 100 in %d of 1000", whole)
	if whole < 997 {
		t.Errorf("all 100 seen in %d of 1000 searches", whole)
	}
}

func TestASearchNeverEndsBeforeEightAnswers(t *testing.T) {
	var s lookup.Sampler
	for i := range 8 {
		if s.Wants() == 0 {
			t.Fatalf("ended after %d answers", i)
		}
		s.Add(live(100)[:90])
	}
}

func TestOneNewAddressStartsTheSilenceAnew(t *testing.T) {
	var s lookup.Sampler
	for range 20 {
		s.Add(live(8))
	}
	if s.Wants() != 0 {
		t.Fatalf("wants %d more after 20 equal answers", s.Wants())
	}
	s.Add([]netip.Addr{addr("10.9.9.9")})
	if s.Wants() == 0 {
		t.Error("a new address, and the search is over")
	}
}

func TestAHundredAddressesAreFoundOverSockets(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Seed: 7})
	d.Set(ownName, live(100)...)
	f := finder(config(d, ownName))
	const rounds = 20
	whole := 0
	for range rounds {
		o := f.Find(t.Context(), track())
		wantConclusive(t, o)
		if len(o.Addrs()) == 100 {
			whole++
		}
	}
	if whole < rounds-1 {
		t.Errorf("all 100 seen in %d of %d rounds", whole, rounds)
	}
}

func TestServersAreAskedEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := newTalk(nil)
		defer servers.close()
		for _, a := range live(48) {
			servers.add(ownName+".", "A "+a.String())
		}
		servers.part, servers.takes = 8, 10*time.Millisecond // so that none is full for want of a turn
		wantConclusive(t, lookup.New(conversing(servers, 0)).Find(t.Context(), track()))
		counts := slices.Sorted(maps.Values(servers.askedOf(ownName)))
		if len(counts) != 2 || counts[0] < 20 || counts[1]-counts[0] > 1 {
			t.Errorf("questions by server: %v", counts)
		}
	})
}

func TestMaxLookupsBoundsTheSearchAndIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 3, 10, 50} {
		d := world(t, sim.DNSConfig{All: true})
		d.Set(ownName, live(100)...)
		c := config(d, ownName)
		c.MaxLookups = most
		o := lookup.New(c).Find(t.Context(), track())
		wantConclusive(t, o)
		if got := d.Asked(ownName); got != most {
			t.Errorf("asked %d questions, allowed %d", got, most)
		}
		if len(o.Addrs()) < min(8*most, 8) {
			t.Errorf("observed %d", len(o.Addrs()))
		}
	}
}

func TestTooFewLookupsForAllNAMEAreSpentOnTheNameItself(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2} {
		d := world(t, sim.DNSConfig{All: true})
		d.Set(elbName, live(100)...)
		c := config(d, elbName)
		c.MaxLookups = most
		wantConclusive(t, find(t, c))
		if d.Asked(elbName) != most || d.Asked("all."+elbName) != 0 {
			t.Errorf("asked %d and %d of all., want %d and 0", d.Asked(elbName), d.Asked("all."+elbName), most)
		}
	}
}

func TestTriesCountAsLookups(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(100)...)
	d.Fault(ownName, sim.DNSServFail)
	c := config(d, ownName)
	c.MaxLookups = 3
	wantClass(t, find(t, c), lookup.ServFail, ownName)
	if got := d.Asked(ownName); got > 3 {
		t.Errorf("asked %d questions, allowed 3", got)
	}
}
