package demo

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// show makes these the name's addresses.
func (s *stage) show(addrs []netip.Addr) error {
	s.mu.Lock()
	changed := !slices.Equal(s.addrs, addrs)
	first := len(s.addrs) == 0
	s.addrs = addrs
	s.dns.Set(hostname, addrs...)
	s.mu.Unlock()
	if changed {
		s.demo.changed(addrs, first)
	}
	s.measure()
	return nil
}

// shown are the addresses that can be looked up now.
func (s *stage) shown() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken == sim.DNSNone:
		return s.addrs
	case s.broken != sim.DNSServFail: // the resolver is asked instead
		return s.private
	default:
		return nil
	}
}

// fault makes the zone's servers misbehave.
func (s *stage) fault(f sim.DNSFault) {
	s.mu.Lock()
	s.broken = f
	s.dns.Fault("*", f)
	s.mu.Unlock()
	s.measure()
}

// resolver makes the system's resolver show these.
func (s *stage) resolver(addrs []netip.Addr) {
	s.mu.Lock()
	s.private = addrs
	s.dns.SetPrivate(hostname, addrs...)
	s.mu.Unlock()
	s.measure()
}

// start brings nodes up. They serve when they are warm.
func (s *stage) start(addrs []netip.Addr, warm time.Duration) error {
	var started []*node
	for _, a := range addrs {
		n, err := s.nodes.start(a)
		if err != nil {
			return fmt.Errorf("start a node for %s: %w", a, err)
		}
		started = append(started, n)
	}
	serve := func() {
		for _, n := range started {
			n.become(serving)
		}
		s.demo.say("nodes %s serve", list(addrs))
		s.measure()
	}
	if warm == 0 {
		serve()
		return nil
	}
	s.demo.say("nodes %s come up, and refuse connections for %s", list(addrs), words(warm))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warm = append(s.warm, time.AfterFunc(s.demo.scaled(warm), func() {
		s.warming.Lock()
		defer s.warming.Unlock()
		if !s.cold {
			serve()
		}
	}))
	return nil
}

// stop lets nodes die.
func (s *stage) stop(addrs []netip.Addr) {
	stopped := slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !s.nodes.stop(a) })
	if len(stopped) > 0 {
		s.demo.say("nodes %s die", list(stopped))
	}
	s.measure()
}

// gone tells whether none of these is registered.
func (s *stage) gone(addrs []netip.Addr) bool {
	targets := s.targets()
	return !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return targets[a].Addr.IsValid() && targets[a].Registered() })
}

// healthy tells whether all of these are.
func (s *stage) healthy(addrs []netip.Addr) bool {
	targets := s.targets()
	return !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return targets[a].Health != mooring.HealthHealthy })
}
