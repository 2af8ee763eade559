package mooring_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mooring/internal/sim"
)

// A successor keeps a copy of the group from now on.
type successor struct {
	rule  sim.Rule
	group *sim.TargetGroup
	holds []netip.Addr        // registered since its last run
	sent  map[netip.Addr]bool // whom it sent away
	lost  map[loss]bool
}

// A loss is a live target that a function sent away, or did not register for two runs.
type loss struct {
	addr netip.Addr
	how  string
	at   time.Time
}

func (k *keptTrue) successor(rule sim.Rule) *successor {
	s := &successor{rule: rule, sent: map[netip.Addr]bool{}, lost: map[loss]bool{}, group: &sim.TargetGroup{
		ARN: "web", Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443, CrossZone: true,
		Subnets: k.Group.Subnets, HealthyAfter: k.Group.HealthyAfter, DrainFor: k.Group.DrainFor,
	}}
	for _, t := range k.Targets() {
		one := []sim.TargetDescription{{Addr: t.Addr, Port: t.Port}}
		err := s.group.Register(k.now.Add(-time.Hour), one)
		if !t.Registered() {
			err = errors.Join(err, s.group.Deregister(k.now.Add(-time.Minute), one))
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
	_, s.holds = s.listed(k.now)
	return s
}

// listed are all that the group has, and registered those of them that are not draining.
func (s *successor) listed(now time.Time) (all, registered []netip.Addr) {
	for _, t := range s.group.Describe(now) { // sorted
		all = append(all, t.Addr)
		if t.State != "draining" {
			registered = append(registered, t.Addr)
		}
	}
	return all, registered
}

// run is one invocation, at which the name holds truth and has held was.
func (s *successor) run(t *testing.T, now time.Time, resolved, truth, was []netip.Addr) {
	listed, before := s.listed(now)
	register, deregister, next := s.rule.Judge(resolved, listed, eldersMisses)
	do := func(change func(time.Time, []sim.TargetDescription) error, addrs []netip.Addr) {
		for _, a := range addrs {
			if err := change(now, []sim.TargetDescription{{Addr: a, Port: 443}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	do(s.group.Register, register)
	do(s.group.Deregister, deregister)
	s.rule, s.holds = next, before
	if len(register)+len(deregister) > 0 {
		_, s.holds = s.listed(now)
	}
	for _, a := range deregister {
		s.sent[a] = true
	}
	for _, a := range truth {
		switch in := slices.Contains(s.holds, a); {
		case !in && slices.Contains(before, a):
			s.lost[loss{a, "sent away", now}] = true
		case !in && slices.Contains(was, a):
			s.lost[loss{a, "not registered", now}] = true
		}
	}
}
