package mooring_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// A fortnight is a world in which AWS's function of 2021 keeps the group and mooring looks on, each once a minute and
// half a minute apart. The truth judges both.
type fortnight struct {
	*sim.World
	older  *sim.Older
	rng    *rand.Rand
	pool   []netip.Addr
	outage int // minutes for which no name server will answer
	rounds []lookedOn
	writes int // saves in rounds that had nothing to say
}

// A lookedOn is one round of mode observe.
type lookedOn struct {
	at     time.Time
	clean  bool
	report mooring.Report
	truth  []netip.Addr
}

func newFortnight(seed uint64, n, lookups int, reads bool) *fortnight {
	f := &fortnight{World: sim.NewWorld(seed, time.Now), rng: rand.New(rand.NewPCG(seed, 2)), pool: hosts(1, 90)}
	f.Policy.Mode = mooring.ModeObserve
	f.Group.HealthyAfter, f.Group.DrainFor = 90*time.Second, 5*time.Minute
	f.KeepValues()
	f.older = f.NewOlder(lookups, reads)
	f.SetTruth(f.Binding.Hostnames[0], f.pool[:n])
	fails := func() sim.Fault {
		faults := sim.FaultsOf(sim.CallFind)[:10] // those that a round can tell; servers that are behind nobody can
		if f.outage > 0 || f.rng.IntN(150) == 0 {
			return faults[f.rng.IntN(len(faults))]
		}
		return ""
	}
	f.older.Fault = fails
	f.Fault = func(_ *sim.Process, c sim.Call) sim.Fault {
		if c == sim.CallFind {
			return fails()
		}
		return ""
	}
	return f
}

// move lets the load balancer scale out, scale in, replace a node, and take an address back that it gave up a moment ago.
func (f *fortnight) move(n int) {
	name, now := f.Binding.Hostnames[0], f.Truth()
	fresh := slices.DeleteFunc(slices.Clone(f.pool), func(a netip.Addr) bool { return slices.Contains(now, a) })
	f.rng.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
	f.rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
	some := 1 + f.rng.IntN(4)
	switch f.rng.IntN(4) {
	case 0:
		now = append(now, fresh[:min(some, max(0, n+8-len(now)))]...)
	case 1:
		now = now[min(some, max(0, len(now)-n+8)):]
	case 2:
		now = append(now[1:], fresh[0])
	case 3:
		for _, t := range f.Targets() {
			if !t.Registered() && slices.Contains(fresh, t.Addr) {
				now = append(now, t.Addr)
				break
			}
		}
	}
	f.SetTruth(name, now)
}

// live lives so many minutes. The world moves a few times a day, at any second.
func (f *fortnight) live(t *testing.T, minutes, n int) {
	t.Helper()
	looker := 0
	for range minutes {
		if f.outage--; f.outage < 0 && f.rng.IntN(2000) == 0 {
			f.outage = f.rng.IntN(10)
		}
		f.older.Run()
		f.half(n)
		looker++
		saves, known := f.Saves(), f.known()
		began := time.Now()
		report := f.NewProcess(fmt.Sprint("look ", looker)).Round(t.Context())
		report.Plan = mooring.Plan{} // it holds the memory, twenty thousand times
		f.rounds = append(f.rounds, lookedOn{began, report.OK(), report, f.Truth()})
		if f.idle() && f.Saves() != saves && f.known() == known { // who left the group a day ago is forgotten
			f.writes++
		}
		if n := len(f.rounds); n > 1 { // twenty thousand reports are much to carry
			r := &f.rounds[n-2].report
			r.Resolved, r.Missing, r.Held, r.Unmanaged, r.Warnings, r.Hostnames = nil, nil, nil, nil, nil, nil
		}
		f.half(n)
	}
}

func (f *fortnight) half(n int) {
	first := time.Duration(f.rng.IntN(28000)) * time.Millisecond
	end := time.Now().Truncate(30 * time.Second).Add(30 * time.Second)
	pass(first)
	if f.rng.IntN(160) == 0 {
		f.move(n)
	}
	pass(time.Until(end))
}

func (f *fortnight) known() int {
	m, _ := f.Memory()
	return len(m.Addresses)
}

// idle tells whether the last round saw what the round before it saw, and had nothing to tell.
func (f *fortnight) idle() bool {
	if len(f.rounds) < 2 {
		return false
	}
	last, now := f.rounds[len(f.rounds)-2].report, f.rounds[len(f.rounds)-1].report
	steps := now.Others != nil && len(now.Others.Steps) > 0
	return last.OK() && now.OK() && slices.Equal(last.Resolved, now.Resolved) && slices.Equal(last.Targets, now.Targets) &&
		len(now.Missing)+now.Changes() == 0 && !steps
}

func TestTwoWeeksBesideTheOlderFunction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFortnight(1, 32, 10, false)
		days := 14
		if defaultSeeds < 300 { // the race detector takes its time
			days = 2
		}
		f.live(t, days*24*60, 32)
		y := f.judge()
		y.check(t)
		if days == 14 && (y.wrong < 20 || y.late < 20 || y.right < 100) {
			t.Errorf("too little happened to prove anything")
		}
		if f.writes > 0 {
			t.Errorf("%d rounds wrote although nothing had changed", f.writes)
		}
		if f.Calls() > 0 {
			t.Errorf("mode observe made %d calls", f.Calls())
		}
		t.Logf("%d saves in %d rounds", f.Saves(), len(f.rounds))
	})
}

// Where nobody else is at work, hardly ever may another program be told of, whatever fails; and never where nothing does.
// What is left are rounds that registered somebody and could not save that they did, and clocks that disagree by hours.
func TestNobodyElseIsSeldomTakenForAProgram(t *testing.T) {
	t.Parallel()
	claims, worlds := map[float64]int{}, map[float64]int{}
	for seed := range *seeds / 3 {
		l := live(t, uint64(seed), func(l *sim.Life) {
			l.NoHands = true
			fate := l.Fault
			l.Fault = func(p *sim.Process, c sim.Call) sim.Fault {
				if f := fate(p, c); f != sim.FailPartView { // who is left out of a description looks as if he had been taken out
					return f
				}
				return ""
			}
		})
		worlds[l.Faulty()]++
		if l.Reached()["another program"] > 0 {
			claims[l.Faulty()]++
		}
	}
	t.Logf("claimed in %v of %v worlds, by the chance that a call fails", claims, worlds)
	if claims[0] > 0 || claims[0.01]+claims[0.03]+claims[0.08] > *seeds/3/10 {
		t.Errorf("claimed in %v of %v worlds", claims, worlds)
	}
}

func TestOneChangeByHandIsNoProgram(t *testing.T) {
	for _, register := range []bool{true, false} {
		for _, mode := range []mooring.Mode{mooring.ModeSync, mooring.ModeObserve} {
			synctest.Test(t, func(t *testing.T) {
				w := calm(6)
				rounds(t, w, 3)
				w.Policy.Mode = mode
				addr := hosts(3, 1)[0]
				if register {
					addr = netip.MustParseAddr("10.0.1.200")
				}
				if err := w.ByHand(register, addr, w.Binding.Port); err != nil {
					t.Fatal(err)
				}
				steps := 0
				for i := range 30 {
					r := w.NewProcess(fmt.Sprint(i)).Round(t.Context())
					if o := r.Others; o != nil {
						if steps += len(o.Steps); o.Another != "" {
							t.Errorf("%s: round %d tells of a program: %s", mode, i, o.Another)
						}
					}
					pass(time.Minute)
				}
				if steps != 1 {
					t.Errorf("%s, register %t: %d steps were told of, want one", mode, register, steps)
				}
			})
		}
	}
}

// In mode sync the two undo each other's work. mooring says so in the round that meets the second change, and keeps
// its promises.
func TestSyncBesideTheOlderFunctionSaysSo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		for _, reads := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) { besideInSync(t, newFortnight(seed, 32, 10, reads)) })
		}
	}
}

func besideInSync(t *testing.T, f *fortnight) {
	f.Policy.Mode = mooring.ModeSync
	f.live(t, 8*60, 32)
	changed, first := 0, -1
	for i, r := range f.rounds {
		o := r.report.Others
		if o != nil && len(o.Steps) > 0 {
			changed++
		}
		if o != nil && o.Another != "" && first < 0 {
			first = i
		}
		if changed >= 2 && r.report.OK() && (o == nil || o.Another == "") {
			t.Fatalf("round %d does not tell of a program after %d rounds with changes", i, changed)
		}
	}
	if first < 0 {
		t.Error("never told of a program")
	}
	kept(t, f.World)
	t.Logf("%d changes by the older function; told of in round %d", len(f.older.Steps), first)
}

// The state of the older function goes on being written, whether it changes anything or not. That is enough to tell,
// and costs a write in an hour.
func TestAnOlderFunctionIsKnownByItsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFortnight(1, 5, 10, true)
		f.older.Fault, f.Fault = nil, nil
		told, saves := 0, 0
		for i := range 240 {
			f.older.Run()
			pass(30 * time.Second)
			r := f.NewProcess(fmt.Sprint(i)).Round(t.Context())
			if r.Others != nil && r.Others.Another != "" {
				told++
			}
			if i == 9 {
				saves = f.Saves()
			}
			pass(30 * time.Second)
		}
		if told < 237 {
			t.Errorf("told of in %d of 240 rounds", told)
		}
		if more := f.Saves() - saves; more > 4 {
			t.Errorf("%d writes in four hours", more)
		}
	})
}

// The restatement that lives in the worlds and the one that stands beside the other tools are the same rule.
func TestTheOlderFunctionIsTheOneOfTheStories(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	all := addrs("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.9")
	for range 200 {
		theirs, state := awsV2(), sim.OlderState{Active: all, Pending: map[netip.Addr]int{}}
		for range 30 {
			var in minute
			for _, a := range all {
				if rng.IntN(4) > 0 {
					in.dns = append(in.dns, a)
				}
				if rng.IntN(8) > 0 {
					in.group = append(in.group, mooring.Target{Addr: a, Port: 443, Health: mooring.HealthHealthy})
				}
			}
			act := theirs(in)
			register, deregister := state.Run(in.dns, members(in), 3)
			if !slices.Equal(act.register, on443(register)) || !slices.Equal(act.deregister, on443(deregister)) {
				t.Fatalf("%v: %v and %v; in the worlds %v and %v", in, act.register, act.deregister, register, deregister)
			}
		}
	}
}
