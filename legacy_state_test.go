package mooring_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mooring"
	"mooring/internal/sim"
	"mooring/internal/store"
)

const (
	keptName  = "internal-web-123456789.eu-central-1.elb.amazonaws.com"
	keptGroup = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef"
)

// A keptTrue is a world that mooring keeps, a round a minute, while the objects of three older functions are kept true. The
// functions' own rules run along and change nothing, so that their true states are known.
type keptTrue struct {
	*sim.World
	t       *testing.T
	now     time.Time
	rng     *rand.Rand
	pail    *pail
	truth   map[time.Time][]netip.Addr // from a minute on; all of it is known before the world begins
	calm    int                        // minutes, about, between two changes of the name
	since   int                        // minutes, the last change of the name
	trouble map[sim.Call]sim.Fault     // of the round that is run
	shadows map[string]sim.Rule
	tallies map[string]*handovers
}

// An elderly is one of the functions: how it asks, and its rule before its first run.
type elderly struct {
	format  string
	every   time.Duration
	lookups int
	first   sim.Rule
}

const eldersMisses = 3

var elders = []elderly{
	{"v1", time.Minute, 50, sim.Rule2018{}},
	{"v2", time.Minute, 50, sim.Rule2021{}},
	{"v3", 5 * time.Minute, 10, sim.Rule2020{}},
}

// A handovers is what became of the worlds that one function was given back.
type handovers struct {
	n       int // of them
	dead    int // targets of mooring's that had left the name, and were to leave the group
	early   int // of them that left before the function itself had missed them so often: mooring's counts went on
	anew    int // of them that would have stayed for ever, had the function begun with an empty state
	counted int // states in which somebody is counted
}

var keptStart = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

const stranger = "10.0.2.200"

func newKept(t *testing.T, seed uint64, n, minutes, calm int) *keptTrue {
	k := &keptTrue{
		t: t, now: keptStart, calm: calm, rng: rand.New(rand.NewPCG(seed, 5)), truth: map[time.Time][]netip.Addr{},
		shadows: map[string]sim.Rule{}, tallies: map[string]*handovers{},
	}
	clock := func() time.Time { return k.now }
	k.World = sim.NewWorld(seed, clock)
	k.KeepValues()
	k.Quiet = true
	k.Group.HealthyAfter, k.Group.DrainFor = 90*time.Second, 5*time.Minute
	k.plan(n, minutes+120)
	k.SetTruth(k.Binding.Hostnames[0], k.at(k.now))
	if err := k.ByHand(true, netip.MustParseAddr(stranger), k.Binding.Port); err != nil {
		t.Fatal(err)
	}
	k.Fault = func(_ *sim.Process, c sim.Call) sim.Fault { return k.trouble[c] }
	k.pail = &pail{seed: seed, now: clock, objects: map[string]drop{}}
	var writers []*store.LegacyWriter
	for _, e := range elders {
		w, err := store.NewLegacyWriter(k.pail, store.LegacyWriteConfig{
			Format: e.format, Bucket: "state", Name: keptName, TargetGroup: keptGroup, Misses: eldersMisses,
			Threshold: k.Policy.Threshold(), Now: clock,
		})
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
		k.shadows[e.format], k.tallies[e.format] = e.first, &handovers{}
	}
	k.Mirror = func(ctx context.Context, m mooring.Memory) error {
		var errs []error
		for _, w := range writers {
			errs = append(errs, w.Write(ctx, m))
		}
		return errors.Join(errs...)
	}
	return k
}

// plan draws what the name will hold: nodes are added, taken away and replaced, and some return while they drain.
func (k *keptTrue) plan(n, minutes int) {
	pool := hosts(1, 90)
	now := slices.Clone(pool[:n])
	var gone []netip.Addr
	k.truth[k.now] = slices.Clone(now)
	for m := 1; m < minutes; m++ {
		if k.rng.IntN(k.calm) > 0 {
			continue
		}
		drop := func(i int) { gone, now = append(gone, now[i]), slices.Delete(now, i, i+1) }
		add := func(a netip.Addr) {
			if !slices.Contains(now, a) {
				now = append(now, a)
			}
		}
		switch some := 1 + k.rng.IntN(3); k.rng.IntN(4) {
		case 0:
			for range some {
				add(pool[k.rng.IntN(len(pool))])
			}
		case 1:
			for range min(some, len(now)-2, max(0, len(now)-n+3)) {
				drop(k.rng.IntN(len(now)))
			}
		case 2:
			drop(k.rng.IntN(len(now)))
			add(pool[k.rng.IntN(len(pool))])
		case 3:
			if len(gone) > 0 {
				add(gone[len(gone)-1])
			}
		}
		slices.SortFunc(now, netip.Addr.Compare)
		k.truth[k.now.Add(time.Duration(m)*time.Minute)] = slices.Clone(now)
	}
}

// at is what the name holds in a minute.
func (k *keptTrue) at(when time.Time) []netip.Addr {
	for when = when.Truncate(time.Minute); ; when = when.Add(-time.Minute) {
		if addrs, ok := k.truth[when]; ok || !when.After(keptStart) {
			return addrs
		}
	}
}

// resolve is what a function resolves; nothing where no server answers. Now and then a server is a minute behind.
func (k *keptTrue) resolve(e elderly, when time.Time) (resolved []netip.Addr, stale bool) {
	switch k.rng.IntN(40) {
	case 0:
		return nil, false
	case 1:
		when, stale = when.Add(-time.Minute), true
	}
	truth, seen := slices.Clone(k.at(when)), map[netip.Addr]bool{}
	for range e.lookups {
		k.rng.Shuffle(len(truth), func(i, j int) { truth[i], truth[j] = truth[j], truth[i] })
		for _, a := range truth[:min(8, len(truth))] {
			seen[a] = true
		}
		if len(truth) < 8 {
			break
		}
	}
	for a := range seen {
		resolved = append(resolved, a)
	}
	slices.SortFunc(resolved, netip.Addr.Compare)
	return resolved, stale
}

// befall draws what goes wrong in the round to come. Its reads run side by side, so that they must not draw themselves.
func (k *keptTrue) befall() {
	k.trouble = map[sim.Call]sim.Fault{}
	if faults := sim.FaultsOf(sim.CallFind)[:10]; k.rng.IntN(72) == 0 {
		k.trouble[sim.CallFind] = faults[k.rng.IntN(len(faults))]
	}
	if faults := sim.FaultsOf(sim.CallLoad)[:2]; k.rng.IntN(360) == 0 {
		k.trouble[sim.CallLoad] = faults[k.rng.IntN(len(faults))]
	}
}

// live lives so many minutes, and hands the group over at random ones.
func (k *keptTrue) live(minutes int) {
	for m := range minutes {
		if addrs, ok := k.truth[k.now]; ok {
			k.SetTruth(k.Binding.Hostnames[0], addrs)
			k.since = 0
		}
		k.since++
		k.now = k.now.Add(20 * time.Second)
		k.befall()
		k.NewProcess(fmt.Sprint("round ", m)).Round(k.t.Context())
		for _, e := range elders {
			k.shadow(e, m)
		}
		if eventful := k.since < 8; m > 30 && (eventful && k.rng.IntN(4) == 0 || k.rng.IntN(100) == 0) {
			for _, e := range elders {
				k.handOver(e)
			}
		}
		k.now = k.now.Add(40 * time.Second)
	}
}

// shadow runs a function's judgement, of which nothing is done but remembered.
func (k *keptTrue) shadow(e elderly, minute int) {
	if time.Duration(minute)*time.Minute%e.every > 0 {
		return
	}
	if resolved, _ := k.resolve(e, k.now); resolved != nil {
		_, _, k.shadows[e.format] = k.shadows[e.format].Judge(resolved, listedIn(k.Targets()), eldersMisses)
	}
}

// counts tells whether somebody has been missed by this rule.
func counts(rule sim.Rule) bool {
	switch r := rule.(type) {
	case sim.Rule2018:
		return len(r.Pending) > 0
	case sim.Rule2021:
		return len(r.Pending) > 0
	case sim.Rule2020:
		return slices.ContainsFunc(r, func(t sim.Tracked) bool { return t.Left < eldersMisses })
	default:
		return false
	}
}

func listedIn(targets []mooring.Target) (out []netip.Addr) {
	for _, t := range targets {
		out = append(out, t.Addr)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// handOver gives the group of now to a function which reads what is in the bucket, to one which remembers what is true, and
// to one which remembers nothing. The first must lose nobody whom the second keeps, and nobody may stay who is gone.
func (k *keptTrue) handOver(e elderly) {
	memory, err := k.Memory()
	if err != nil {
		return
	}
	tally := k.tallies[e.format]
	tally.n++
	heir, truly, anew := k.successor(k.pail.remembered(k.t, e.format)), k.successor(k.shadows[e.format]), k.successor(e.first)
	if counts(heir.rule) {
		tally.counted++
	}
	ours := slices.DeleteFunc(slices.Clone(heir.holds), func(a netip.Addr) bool {
		return !slices.ContainsFunc(memory.Addresses, func(e mooring.Entry) bool { return e.Addr == a })
	})
	gone := func(a netip.Addr, until time.Time) bool {
		for at := k.now; !at.After(until); at = at.Add(time.Minute) {
			if slices.Contains(k.at(at), a) {
				return false
			}
		}
		return true
	}
	always := func(a netip.Addr, from, to time.Time) bool {
		for at := from; !at.After(to); at = at.Add(time.Minute) {
			if !slices.Contains(k.at(at), a) {
				return false
			}
		}
		return true
	}
	var lagging []time.Time
	judged := 0 // runs since the last one that saw a name of a minute ago
	end := k.now
	for range 8 {
		end = end.Add(e.every)
		resolved, stale := k.resolve(e, end)
		if resolved == nil {
			continue
		}
		if judged++; stale {
			judged, lagging = 0, append(lagging, end)
		}
		for _, s := range []*successor{heir, truly, anew} {
			s.run(k.t, end, resolved, k.at(end), k.at(end.Add(-e.every)))
		}
		left := func(a netip.Addr) bool { return !slices.Contains(heir.holds, a) }
		for _, a := range ours {
			switch {
			case !gone(a, end):
			case judged >= eldersMisses && !left(a):
				k.t.Fatalf("%s at %s: %s is gone and stays; it began with %v, and now remembers %v", e.format, k.now, a, k.pail.remembered(k.t, e.format), heir.rule)
			case judged < eldersMisses && left(a):
				tally.early++
			}
		}
	}
	for _, a := range ours {
		if gone(a, end) {
			tally.dead++
			if slices.Contains(anew.holds, a) {
				tally.anew++
			}
		}
	}
	for what := range heir.lost {
		own := heir.sent[what.addr] // v2 registers nobody who is draining: its own way, after a removal that was judged by itself
		if what.how == "sent away" {
			own = slices.Contains(lagging, what.at) && !always(what.addr, k.now.Add(-time.Minute), what.at) // it had left, and its return was not seen
		}
		if !truly.lost[what] && !own {
			k.t.Fatalf("%s at %s: lost: %v; it began with %v, in place of %v", e.format, k.now, what, k.pail.remembered(k.t, e.format), k.shadows[e.format])
		}
	}
	if e.format == "v3" && !slices.Contains(heir.holds, netip.MustParseAddr(stranger)) {
		k.t.Fatalf("v3 at %s: took over a stranger", k.now)
	}
}

const week = 7 * 24 * 60 // minutes

func TestAnOlderFunctionGoesOnWhereMooringIsWhateverTheMoment(t *testing.T) {
	t.Parallel()
	for seed, c := range []struct{ addrs, minutes, calm int }{{3, week, 60}, {8, week / 20, 20}, {24, week / 20, 20}} {
		t.Run(fmt.Sprintf("%d addresses", c.addrs), func(t *testing.T) {
			t.Parallel()
			if defaultSeeds < 300 && c.minutes == week { // the race detector takes its time
				c.minutes /= 5
			}
			k := newKept(t, uint64(seed), c.addrs, c.minutes, c.calm)
			k.live(c.minutes)
			if broken := k.Broken(); len(broken) > 0 {
				t.Error(broken)
			}
			for _, e := range elders {
				h := *k.tallies[e.format]
				t.Logf("%s: %+v, %d writes", e.format, h, k.pail.writes)
				if h.dead == 0 || h.early == 0 || h.counted == 0 || e.format == "v3" && h.anew == 0 {
					t.Errorf("%s: nothing is shown by %+v", e.format, h)
				}
			}
		})
	}
}
