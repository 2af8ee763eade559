//go:build linux

package soak_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// grace is for how long an address that was away must have been live before its removal is wrong. A call may have been on its way while
// somebody paused it, and before that a run looks twice, for 15 s together.
const grace = 40 * time.Second

// A truth is which addresses the name has, and since when.
type truth struct {
	mu    sync.Mutex
	since map[netip.Addr]time.Time
	pool  []netip.Addr
}

// anchors are live from the beginning to the end.
const (
	anchors  = 4
	poolSize = 30
	mostLive = 14
)

func newTruth() *truth {
	return &truth{since: map[netip.Addr]time.Time{}, pool: rigtest.Addrs(1, poolSize)}
}

func (t *truth) change(rng *rand.Rand) []netip.Addr {
	t.mu.Lock()
	for range 1 + rng.IntN(4) {
		a := t.pool[anchors+rng.IntN(poolSize-anchors)]
		if _, live := t.since[a]; live {
			delete(t.since, a)
		} else if len(t.since) < mostLive {
			t.since[a] = time.Now()
		}
	}
	for _, a := range t.pool[:anchors] {
		if _, live := t.since[a]; !live {
			t.since[a] = time.Now()
		}
	}
	t.mu.Unlock()
	return t.addrs()
}

func (t *truth) addrs() []netip.Addr {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []netip.Addr
	for a := range t.since {
		out = append(out, a)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// longLive tells whether no run can have found the address absent of late.
func (t *truth) longLive(a netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	since, live := t.since[a]
	return live && (time.Since(since) > grace || slices.Contains(t.pool[:anchors], a))
}

// flaws are what the group's API may do wrong for a while.
type flaws struct{ throttles, loses, fails atomic.Bool }

func (f *flaws) inject(w *rigtest.World) {
	group := func(on *atomic.Bool) func(sim.AWSCall) bool {
		return func(c sim.AWSCall) bool { return on.Load() && c.Service == "elb" }
	}
	w.AWS.Inject(sim.AWSFault{When: group(&f.throttles), Throttled: true})
	w.AWS.Inject(sim.AWSFault{When: group(&f.loses), Lost: true})
	w.AWS.Inject(sim.AWSFault{When: group(&f.fails), Status: 500})
}

// A trouble begins and ends.
type trouble struct {
	name       string
	begin, end func()
}

const killing = "the program is killed and started again"

func (s *soak) kinds() []trouble {
	dns := func(name string, zone, resolver sim.DNSFault) trouble {
		set := func(zone, resolver sim.DNSFault) {
			s.w.DNS.Fault(rigtest.Name, zone)
			s.w.DNS.FaultResolver(rigtest.Name, resolver)
		}
		return trouble{name, func() { set(zone, resolver) }, func() { set(sim.DNSNone, sim.DNSNone) }}
	}
	flaw := func(name string, f *atomic.Bool) trouble {
		return trouble{name, func() { f.Store(true) }, func() { f.Store(false) }}
	}
	out := []trouble{
		{"the name servers are stopped", s.w.DNS.Stop, func() {
			if err := s.w.DNS.Restart(); err != nil {
				s.t.Error(err)
			}
		}},
		dns("the name servers are paused", sim.DNSSilent, sim.DNSSilent),
		dns("the zone's servers are paused", sim.DNSSilent, sim.DNSNone),
		dns("the name servers fail", sim.DNSServFail, sim.DNSServFail),
		dns("the name is not there", sim.DNSNXDomain, sim.DNSNXDomain),
		dns("the name is empty", sim.DNSEmpty, sim.DNSEmpty),
		dns("answers are forged", sim.DNSForged, sim.DNSNone),
		{"one name server is stale", s.stale, s.fresh},
		{"the group's API is stopped", s.elb.close, s.elb.open},
		{"the group's API is paused", s.elb.hold, s.elb.release},
		flaw("the group's API throttles", &s.flaws.throttles),
		flaw("the group's API loses replies", &s.flaws.loses),
		flaw("the group's API fails", &s.flaws.fails),
		{"the store is stopped", s.store.close, s.store.open},
		{"the store is paused", s.store.hold, s.store.release},
		{"the program is paused", func() { s.pause(true) }, func() { s.pause(false) }},
		{"the program is ended and started again", s.replace, func() {}},
	}
	if s.moto != nil {
		out = append(out,
			trouble{"moto is paused", func() { s.moto.signal(syscall.SIGSTOP) }, func() { s.moto.signal(syscall.SIGCONT) }},
			trouble{"moto is killed and started again", func() { s.store.close(); s.moto.restart(); s.store.open() }, func() {}},
		)
	}
	return out
}

// stale makes one server go on with what the name has now.
func (s *soak) stale() { s.w.DNS.SetAt(1, rigtest.Name, s.truth.addrs()...) }

func (s *soak) fresh() { s.w.DNS.Remove(rigtest.Name); s.w.DNS.Set(rigtest.Name, s.truth.addrs()...) }

func (s *soak) pause(stop bool) {
	s.first.paused.Store(stop)
	sig := syscall.SIGCONT
	if stop {
		sig = syscall.SIGSTOP
	}
	s.first.signal(sig)
}

// replace ends the program as a service manager does.
func (s *soak) replace() {
	s.first.stop(syscall.SIGTERM, "SIGTERM")
	s.first.flat()
	s.first = s.startProgram("first")
}
