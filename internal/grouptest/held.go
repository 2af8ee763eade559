package grouptest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"mooring"
)

func (s Subject) empty(ctx context.Context) error {
	targets, err := s.list(ctx)
	return errors.Join(err, same("listed", targets, nil))
}

func (s Subject) registers(ctx context.Context) error {
	return inOrder(
		func() error { return s.register(ctx, s.Targets) },
		func() error { return s.holds(ctx, s.Targets) },
	)
}

// registersAgain does so while its targets are healthy: who begins anew would be without flows for a while.
func (s Subject) registersAgain(ctx context.Context) error {
	first, both := s.Targets[:1], s.Targets[:2]
	if err := inOrder(
		func() error { return s.register(ctx, first) },
		func() error { return s.untilHealthy(ctx, first[0]) },
		func() error { return s.register(ctx, both) },
		func() error { return s.holds(ctx, both) },
	); err != nil {
		return err
	}
	t, _, err := s.find(ctx, first[0])
	if err == nil && t.Health != mooring.HealthHealthy {
		err = fmt.Errorf("%s was healthy, and is %s after it was registered again", name(t), t.Health)
	}
	return err
}

func (s Subject) namedTwice(ctx context.Context) error {
	one, twice := s.Targets[:1], []mooring.Target{s.Targets[0], s.Targets[0]}
	if _, err := s.Group.Register(ctx, twice, allowed); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	if err := s.holds(ctx, one); err != nil {
		return err
	}
	if _, err := s.Group.Deregister(ctx, twice, allowed); err != nil {
		return fmt.Errorf("deregister: %w", err)
	}
	return s.holds(ctx, nil)
}

func (s Subject) becomesHealthy(ctx context.Context) error {
	if err := s.register(ctx, s.Targets); err != nil {
		return err
	}
	for _, t := range s.Targets {
		if err := s.untilHealthy(ctx, t); err != nil {
			return err
		}
	}
	return s.holds(ctx, s.Targets)
}

func (s Subject) deregisters(ctx context.Context) error {
	return inOrder(
		func() error { return s.register(ctx, s.Targets) },
		func() error { return s.deregister(ctx, s.Targets[:1]) },
		func() error { return s.holds(ctx, s.Targets[1:]) },
	)
}

// deregistersUnknown wants the unknown confirmed: that they are not there is what was asked for.
func (s Subject) deregistersUnknown(ctx context.Context) error {
	return inOrder(
		func() error { return s.deregister(ctx, s.Targets[:1]) },
		func() error { return s.register(ctx, s.Targets[1:]) },
		func() error { return s.deregister(ctx, s.Targets[:2]) },
		func() error { return s.deregister(ctx, s.Targets[:2]) },
		func() error { return s.holds(ctx, s.Targets[2:]) },
	)
}

// leaves registers the first target and, when it is at work, deregisters it. What keeps it at work ends with end.
func (s Subject) leaves(ctx context.Context) (end func() error, err error) {
	end = func() error { return nil }
	err = inOrder(
		func() error { return s.register(ctx, s.Targets[:1]) },
		func() error { return s.untilHealthy(ctx, s.Targets[0]) },
		func() error {
			if s.Busy == nil {
				return nil
			}
			e, err := s.Busy(s.Targets[0])
			if e != nil {
				end = e
			}
			return err
		},
		func() error { return s.deregister(ctx, s.Targets[:1]) },
	)
	return end, err
}

func (s Subject) drains(ctx context.Context) error {
	end, err := s.leaves(ctx)
	return inOrder(
		func() error { return err },
		func() error { return s.holds(ctx, nil) },
		end,
		func() error { return s.untilGone(ctx, s.Targets[0]) },
		func() error { return s.register(ctx, s.Targets[:1]) }, // as if it had never been there
		func() error { return s.holds(ctx, s.Targets[:1]) },
	)
}

func (s Subject) returns(ctx context.Context) (err error) {
	end, err := s.leaves(ctx)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	t, _, err := s.find(ctx, s.Targets[0])
	if err == nil && t.Health != mooring.HealthDraining && t.Health != mooring.HealthUnhealthyDraining {
		err = fmt.Errorf("%s is %q, want that it drains", name(s.Targets[0]), t.Health)
	}
	return inOrder(
		func() error { return err },
		func() error { return s.register(ctx, s.Targets[:1]) },
		func() error { return s.holds(ctx, s.Targets[:1]) },
		func() error { return s.untilHealthy(ctx, s.Targets[0]) },
	)
}

func (s Subject) twoPorts(ctx context.Context) error {
	ours, theirs := s.Targets, slices.Clone(s.Targets)
	for i := range theirs {
		theirs[i].Port = s.OtherPort
	}
	return inOrder(
		func() error { return s.register(ctx, ours) },
		func() error { return s.register(ctx, theirs) },
		func() error { return s.holds(ctx, slices.Concat(ours, theirs)) },
		func() error { return s.deregister(ctx, ours) },
		func() error { return s.holds(ctx, theirs) },
	)
}

// mapped lets the group refuse the form. But one that takes it knows who is meant.
func (s Subject) mapped(ctx context.Context) error {
	plain, long := s.Targets[:1], slices.Clone(s.Targets[:1])
	long[0].Addr = netip.AddrFrom16(plain[0].Addr.As16())
	return inOrder(
		func() error { return s.register(ctx, plain) },
		func() error { _, err := s.Group.Register(ctx, long, allowed); return err },
		func() error { return s.holds(ctx, plain) },
		func() error {
			if gone, err := s.Group.Deregister(ctx, long, allowed); err != nil || len(gone) == 0 {
				return s.holds(ctx, plain)
			}
			return s.holds(ctx, nil)
		},
	)
}

// nobodies come with somebody, who is taken.
func (s Subject) nobodies(ctx context.Context) error {
	somebody := s.Targets[:1]
	for _, addr := range []netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("224.0.0.1")} {
		nobody := mooring.Target{Addr: addr, Port: somebody[0].Port}
		out, err := s.Group.Register(ctx, []mooring.Target{nobody, somebody[0]}, allowed)
		if err != nil {
			return fmt.Errorf("register %s: %w", addr, err)
		}
		if err := same("confirmed", out.Registered, somebody); err != nil {
			return err
		}
		if len(out.Refused) != 1 || out.Refused[0].Target.Addr != addr || out.Refused[0].Reason == "" {
			return fmt.Errorf("refused %+v, want %s with a reason", out.Refused, addr)
		}
		if err := s.holds(ctx, somebody); err != nil {
			return err
		}
	}
	return nil
}

func (s Subject) many(ctx context.Context) error {
	half := s.Many[:len(s.Many)/2]
	return inOrder(
		func() error { return s.register(ctx, s.Many) },
		func() error { return s.holds(ctx, s.Many) },
		func() error { return s.deregister(ctx, half) },
		func() error { return s.holds(ctx, s.Many[len(half):]) },
		func() error { return s.deregister(ctx, s.Many) },
		func() error { return s.holds(ctx, nil) },
	)
}

func (s Subject) refuses(ctx context.Context) error {
	all := slices.Concat(s.Many[:1], s.Refused, s.Many[1:])
	out, err := s.Group.Register(ctx, all, allowed)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	var refused []mooring.Target
	for _, r := range out.Refused {
		refused = append(refused, r.Target)
		if r.Reason == "" {
			return fmt.Errorf("%s is refused for no reason", name(r.Target))
		}
	}
	return inOrder(
		func() error { return same("confirmed", out.Registered, s.Many) },
		func() error { return same("refused", refused, s.Refused) },
		func() error { return s.holds(ctx, s.Many) },
	)
}
