package grouptest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mooring"
)

func allowed() error { return nil }

// register wants everybody confirmed, and nobody else.
func (s Subject) register(ctx context.Context, targets []mooring.Target) error {
	out, err := s.Group.Register(ctx, targets, allowed)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	for _, r := range out.Refused {
		return fmt.Errorf("register: %s is refused: %s", name(r.Target), r.Reason)
	}
	return same("confirmed as registered", out.Registered, targets)
}

// deregister wants everybody confirmed, and nobody else.
func (s Subject) deregister(ctx context.Context, targets []mooring.Target) error {
	gone, err := s.Group.Deregister(ctx, targets, allowed)
	if err != nil {
		return fmt.Errorf("deregister: %w", err)
	}
	return same("confirmed as deregistered", gone, targets)
}

// list is what the group holds, after a look at what holds for every list.
func (s Subject) list(ctx context.Context) ([]mooring.Target, error) {
	targets, err := s.Group.Targets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	listed := map[netip.AddrPort]bool{}
	for _, t := range targets {
		key := netip.AddrPortFrom(t.Addr, t.Port)
		switch {
		case !t.Addr.IsValid() || t.Addr.Is4In6() || t.Port == 0:
			return nil, fmt.Errorf("list: %s is not how a target is named", key)
		case listed[key]:
			return nil, fmt.Errorf("list: %s twice", key)
		case !slices.Contains(known, t.Health):
			return nil, fmt.Errorf("list: %s is %q, which is no state of a target", key, t.Health)
		}
		listed[key] = true
	}
	return targets, nil
}

var known = []mooring.Health{
	mooring.HealthInitial, mooring.HealthHealthy, mooring.HealthUnhealthy, mooring.HealthUnhealthyDraining,
	mooring.HealthUnused, mooring.HealthDraining, mooring.HealthUnavailable,
}

// holds wants exactly these targets registered.
func (s Subject) holds(ctx context.Context, want []mooring.Target) error {
	targets, err := s.list(ctx)
	if err != nil {
		return err
	}
	return same("registered", slices.DeleteFunc(targets, func(t mooring.Target) bool { return !t.Registered() }), want)
}

// find returns how a target is listed.
func (s Subject) find(ctx context.Context, target mooring.Target) (t mooring.Target, ok bool, err error) {
	targets, err := s.list(ctx)
	i := slices.IndexFunc(targets, func(t mooring.Target) bool { return name(t) == name(target) })
	if i < 0 {
		return mooring.Target{}, false, err
	}
	return targets[i], true, nil
}

// until lets time pass until the target is listed as ready wants it, where a target that is not listed has no state.
func (s Subject) until(ctx context.Context, target mooring.Target, what string, ready func(mooring.Health) bool) error {
	var last mooring.Health
	for range passes {
		t, _, err := s.find(ctx, target)
		if err != nil {
			return err
		}
		if last = t.Health; ready(last) {
			return nil
		}
		s.Pass()
	}
	return fmt.Errorf("%s is %q, and was never %s", name(target), last, what)
}

func (s Subject) untilHealthy(ctx context.Context, target mooring.Target) error {
	return s.until(ctx, target, "healthy", func(h mooring.Health) bool { return h == mooring.HealthHealthy })
}

func (s Subject) untilGone(ctx context.Context, target mooring.Target) error {
	return s.until(ctx, target, "gone", func(h mooring.Health) bool { return h == "" })
}

// name is a target's identity. An IPv4 address has one name only.
func name(t mooring.Target) string { return netip.AddrPortFrom(t.Addr.Unmap(), t.Port).String() }

func names(targets []mooring.Target) []string {
	out := make([]string, 0, len(targets))
	for _, t := range targets {
		out = append(out, name(t))
	}
	slices.Sort(out)
	return out
}

// same compares what is named, whatever the order.
func same(what string, got, want []mooring.Target) error {
	if g, w := names(got), names(want); !slices.Equal(g, w) {
		return fmt.Errorf("%s: [%s], want [%s]", what, strings.Join(g, " "), strings.Join(w, " "))
	}
	return nil
}

// none wants nobody confirmed, and this error.
func none(what string, confirmed []mooring.Target, err, want error) error {
	switch {
	case !errors.Is(err, want):
		return fmt.Errorf("%s: error %w, want one that is: %w", what, orNone(err), want)
	case len(confirmed) > 0:
		return fmt.Errorf("%s: %v confirmed beside error %w", what, names(confirmed), err)
	}
	return nil
}

// inOrder stops at the first error, as what comes after it would only repeat it.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
