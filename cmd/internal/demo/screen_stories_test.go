package demo

import (
	"net/netip"
	"time"

	"mooring"
)

// drawnNode is an address as most are: in DNS, up, and taking flows.
func drawnNode(last byte, change func(*Address)) Address {
	a := Address{
		Addr: netip.AddrFrom4([4]byte{10, 0, 0, last}), InDNS: true, Serving: true,
		Health: mooring.HealthHealthy, Flows: int(last) % 4,
	}
	if change != nil {
		change(&a)
	}
	return a
}

func drawnPinned(a *Address) { a.Pinned = true }

func storyBegun() Snapshot {
	return Snapshot{
		Fixed: "127.0.0.1:8443", Name: "internal-app-1234567890.eu-central-1.elb.amazonaws.com",
		Elapsed: 1200 * time.Millisecond, Clock: 36 * time.Second, Speed: 30, Step: 1, Steps: 7,
		Chapter: "Four nodes serve. The front learns their addresses from DNS.",
		Addresses: []Address{
			drawnNode(11, drawnPinned), drawnNode(12, drawnPinned), drawnNode(13, drawnPinned),
			drawnNode(14, func(a *Address) { a.Pinned, a.Health, a.Flows = true, mooring.HealthInitial, 0 }),
		},
		Front: Tally{Requests: 118}, Pinned: Tally{Requests: 117}, Changes: 1, Rounds: 1,
		Decisions: []Decision{{At: 2 * time.Second, Action: "registered", Why: "observed", Addrs: drawnAddrs(11, 14)}},
	}
}

func drawnAddrs(first, last byte) (out []netip.Addr) {
	for i := first; i <= last; i++ {
		out = append(out, drawnNode(i, nil).Addr)
	}
	return out
}

// storyGrown has been replaced once and scaled out: more addresses than fit, in every state.
func storyGrown() Snapshot {
	s := storyBegun()
	s.Elapsed, s.Clock, s.Step, s.Rounds, s.Changes = 14*time.Second, 7*time.Minute+3*time.Second, 4, 41, 3
	s.Chapter = "The load balancer scales out from four nodes to twelve. One answer of its DNS shows eight of them at most, " +
		"so no single answer holds the whole set; mooring asks until it has proof that it has seen them all."
	s.Addresses = []Address{
		drawnNode(11, func(a *Address) {
			*a = Address{Addr: a.Addr, Pinned: true, Health: mooring.HealthDraining, Flows: 1}
		}),
		drawnNode(12, func(a *Address) {
			*a = Address{Addr: a.Addr, Pinned: true, Health: mooring.HealthUnhealthy, Note: "held: missed 1 of 3"}
		}),
		drawnNode(13, func(a *Address) { *a = Address{Addr: a.Addr, Pinned: true} }),
		drawnNode(14, func(a *Address) { *a = Address{Addr: a.Addr, Pinned: true, Serving: true} }),
	}
	for last := byte(21); last <= 34; last++ {
		s.Addresses = append(s.Addresses, drawnNode(last, func(a *Address) {
			if last > 32 {
				a.Health, a.Flows = mooring.HealthInitial, 0
			}
		}))
	}
	s.Front, s.Pinned = Tally{Requests: 12_345}, Tally{Requests: 4_002, Failures: 1_204}
	s.LongestMissing, s.LongestStale = 412*time.Millisecond, 3100*time.Millisecond
	s.Decisions = append(s.Decisions,
		Decision{At: 301 * time.Second, Action: "held", Addrs: drawnAddrs(11, 12), Why: "misses: seen missing in 1 round of 3, for 12s of 1m30s"},
		Decision{At: 399 * time.Second, Action: "deregistered", Addrs: drawnAddrs(11, 11), Why: "missing in 5 rounds, by a chance of 3e-12 only not seen"},
		Decision{At: 410 * time.Second, Action: "held", Addrs: drawnAddrs(12, 12), Why: "make-before-break"},
		Decision{At: 420 * time.Second, Action: "registered", Addrs: drawnAddrs(25, 34), Why: "observed"},
	)
	s.Doubt = "timeout: ns-1 did not answer"
	return s
}
