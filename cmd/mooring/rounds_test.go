package main_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// slowCalls makes every call take long enough that calls which do not wait for one another overlap.
func slowCalls(w *rigtest.World) { w.AWS.Inject(sim.AWSFault{Latency: 500 * time.Millisecond}) }

func TestARoundTakesNoMoreRoundTripsThanItMust(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 1, All: true}, rigtest.Addrs(1, 4))
	w.Group.Adjust(func(g *sim.TargetGroup) { g.Unused = true }) // no health, so that nobody is kept until the new one is healthy
	slowCalls(w)
	depth := func(what string, most int) {
		t.Helper()
		w.AWS.Forget()
		r := mustSync(t, w, env)
		if got := sim.Depth(w.AWS.Calls()); got > most {
			t.Errorf("%s: %d calls one after the other, want at most %d\n%s", what, got, most, r.Stdout)
		}
	}
	// Each run is a process of its own, so the first write costs one more.
	depth("the first run registers, with an empty bucket", 3+1)
	depth("an idle run", 1)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 5)...)
	depth("a run that registers", 3+1)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	depth("the first miss", 2)
	depth("the second miss", 2)
	w.DNS.Set(rigtest.Name, append(rigtest.Addrs(1, 4), rigtest.Addrs(9, 9)...)...)
	depth("a run that registers and deregisters", 3+1+1)
	if got := w.Registered(); len(got) != 5 || slices.Contains(got, rigtest.Addrs(5, 5)[0]) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
}

func TestAFullReplacementOnASlowGroupNeverServesWithFewerThan4(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 4}, rigtest.Addrs(1, 4))
	w.Group.Adjust(func(g *sim.TargetGroup) { g.HealthyAfter = 6 * time.Second })
	mustSync(t, w, env)
	w.Pass(6 * time.Second)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(11, 14)...)
	for range 12 {
		mustSync(t, w, env)
		if got := w.Healthy(); got < 4 {
			t.Fatalf("%d healthy", got)
		}
		w.Pass(time.Second)
	}
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(11, 14)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
}

func TestOneRefusedTargetOf20DoesNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 20}, rigtest.Addrs(1, 20))
	bad := rigtest.Addrs(7, 7)[0]
	w.Group.Adjust(func(g *sim.TargetGroup) { g.Refuse = map[netip.Addr]string{bad: "it is reserved"} })
	r := mustSync(t, w, env)
	if got := w.Registered(); len(got) != 19 || slices.Contains(got, bad) {
		t.Errorf("registered %d: %s", len(got), rigtest.Strings(got))
	}
	if len(r.Report.Refused) != 1 || r.Report.Refused[0].Addr != bad || r.Report.Refused[0].Until.IsZero() {
		t.Errorf("refused: %+v", r.Report.Refused)
	}
}

func TestThreeQuestionsARunAnd24AddressesRemoveNobody(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 3}, rigtest.Addrs(1, 24))
	mustSync(t, w, env)
	for range 20 {
		mustSync(t, w, append(env, "MAX_LOOKUP_PER_INVOCATION=3"))
		if got := w.Registered(); len(got) != 24 {
			t.Fatalf("registered %d: %s", len(got), rigtest.Strings(got))
		}
	}
}

// One run is held up at a call, an address that it is about to remove comes back, and another run begins and ends.
// Wherever the first one is held up, the address stays.
func TestOfOverlappingRunsNoneRemovesAnAddressThatCameBack(t *testing.T) {
	t.Parallel()
	type point struct {
		action string
		after  bool // the call has taken effect, and its reply is late
	}
	for _, p := range []point{
		{"GetObject", false},
		{"GetObject", true},
		{"DescribeTargetHealth", true},
		{"PutObject", false},
		{"PutObject", true},
		{"DescribeTargetGroups", true},
		{"RegisterTargets", false},
		{"RegisterTargets", true},
	} {
		name := p.action + " begins"
		if p.after {
			name = p.action + " has taken effect"
		}
		for _, other := range []bool{true, false} {
			t.Run(strings.ReplaceAll(name, " ", "-")+map[bool]string{true: ",another-run", false: ",alone"}[other], func(t *testing.T) {
				t.Parallel()
				w, env := original(t, sim.DNSConfig{Seed: 8}, rigtest.Addrs(1, 4))
				w.Group.Adjust(func(g *sim.TargetGroup) { g.Unused = true }) // so that nothing but the proof of absence keeps it
				mustSync(t, w, env)
				w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
				mustSync(t, w, env)
				mustSync(t, w, env)
				// The third run would remove the fourth address, and registers a new one.
				w.DNS.Set(rigtest.Name, append(rigtest.Addrs(1, 3), rigtest.Addrs(9, 9)...)...)
				var once sync.Once
				meanwhile := func(sim.AWSCall) {
					once.Do(func() {
						w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
						if other {
							w.Sync(env...)
						}
					})
				}
				fault := sim.AWSFault{Action: p.action, Times: 1}
				if p.after {
					fault.After = meanwhile
				} else {
					fault.Before = meanwhile
				}
				w.AWS.Inject(fault)
				r := w.Sync(env...)
				if got := w.Registered(); !slices.Contains(got, rigtest.Addrs(4, 4)[0]) {
					t.Errorf("the address that came back is gone\n%s%s", r.Stdout, r.Stderr)
				}
			})
		}
	}
}
