package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/lookup"
)

// ErrFront is that a binding's group is a front and this process cannot be one.
var ErrFront = errors.New("its group is a front, which only mooring watch can be")

// frontOf is the front of a binding. Nothing of AWS is needed for it.
func frontOf(ctx context.Context, c config.Config, o Options) (mooring.Group, error) {
	if o.Front == nil {
		return nil, fmt.Errorf("binding %s, %s: %w", c.Binding.Name, c.Binding.TargetGroup, ErrFront)
	}
	group, err := o.Front(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("front of %s: %w", c.Binding.Name, err)
	}
	return group, nil
}

// frontScope is what a front takes: IPv4, unless only ranges of IPv6 are admitted.
func frontScope(c config.Config) func(context.Context) (lookup.Scope, error) {
	ipv4 := slices.ContainsFunc(c.Policy.Admit, func(p netip.Prefix) bool { return p.Addr().Is4() })
	return func(context.Context) (lookup.Scope, error) {
		return lookup.Scope{IPv6: !ipv4, Admits: c.Policy.Admits}, nil
	}
}

// seed gives a front that has no targets those that it had when the last round was done with it: a target group outlives
// the process that keeps it, and so the name need not be in order for clients to be served. The next round sees a group as
// it was left. What may not be a target is left out, whoever wrote the memory. Without memory there is nothing to go on
// with; why it cannot be read, the round tells.
func seed(ctx context.Context, k *mooring.Keeper) error {
	ours := func(t mooring.Target) bool { return t.Port == k.Binding.Port }
	holds, err := k.Group.Targets(ctx)
	if err != nil || slices.ContainsFunc(holds, ours) {
		return nil //nolint:nilerror // who has no targets to show cannot be given any, and the round tells of it
	}
	m, _, err := k.Store.Load(ctx)
	if err != nil {
		return nil //nolint:nilerror // the round tells of it
	}
	var targets []mooring.Target
	for _, a := range lastHeld(m) {
		if k.Policy.Admits(a) && len(targets) < k.Policy.MaxTargets {
			targets = append(targets, mooring.Target{Addr: a, Port: k.Binding.Port})
		}
	}
	if len(targets) == 0 {
		return nil
	}
	if _, err := k.Group.Register(ctx, targets, func() error { return nil }); err != nil {
		return fmt.Errorf("register the remembered targets of %s: %w", k.Binding.Name, err)
	}
	k.Log.LogAttrs(ctx, slog.LevelInfo, "the front goes on with the targets that it had",
		slog.String("binding", k.Binding.Name), slog.Int("targets", len(targets)))
	return nil
}

// lastHeld is who was registered when a round was last done with the group. A pause and its end forget that, for others may
// change a target group meanwhile. Nobody else changes a front, and paused rounds remember nothing: so it is who is ours,
// but for who has left. A front that is started anew while it is paused would serve nobody otherwise.
func lastHeld(m mooring.Memory) []netip.Addr {
	if !m.Left.At.IsZero() {
		return m.Left.Addrs
	}
	did := map[netip.Addr]string{}
	for _, d := range m.Decisions {
		if d.Action == mooring.DidRegister || d.Action == mooring.DidDeregister {
			did[d.Addr] = d.Action
		}
	}
	var out []netip.Addr
	for _, e := range m.Addresses {
		if e.GoneSince.IsZero() && did[e.Addr] != mooring.DidDeregister {
			out = append(out, e.Addr)
		}
	}
	return out
}

// openFronts makes the keepers of bindings with fronts ahead of their first rounds: clients wait for their targets, and
// other bindings' rounds may be slow. What fails is tried again in the first rounds, which tell of it.
func openFronts(ctx context.Context, all []*bound, o Options) {
	var members []*mooring.Member
	for _, b := range all {
		if b.config.Embedded() {
			members = append(members, b.member)
		}
	}
	mooring.NewFleet(members, 1, RoundLimit, o.Log).Open(ctx)
}
