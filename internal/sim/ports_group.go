package sim

import (
	"context"
	"errors"
	"fmt"

	"mooring"
)

// A group holds targets as the world's target group does. It splits a batch that is refused until the
// culprits are alone.
type group struct{ p *Process }

var errInjected = errors.New("injected fault")

// Targets describes the group, or what it was, or nothing.
func (g group) Targets(ctx context.Context) ([]mooring.Target, error) {
	p := g.p
	if p.dead.Load() {
		return nil, errCrashed
	}
	p.spend(ctx, p.group)
	fault := p.w.fault(p, CallDescribe)
	states := p.w.Group.Describe(p.w.Now())
	p.w.mu.Lock()
	older := p.w.view
	if p.w.view = states; older == nil {
		older = states
	}
	p.w.mu.Unlock()
	switch fault {
	case FailError:
		return nil, fmt.Errorf("describe: %w", errInjected)
	case FailOldView:
		states = older
	case FailNoView:
		states = nil
	}
	targets := targetsOf(states)
	p.sawGroup(targets, fault == FailOldView)
	return targets, p.reach(PointDescribed)
}

// Inspect tells whether the group may be written, and its cross-zone attribute.
func (g group) Inspect(context.Context) (mooring.Settings, error) {
	if g.p.dead.Load() {
		return mooring.Settings{}, errCrashed
	}
	if g.p.w.fault(g.p, CallInspect) != "" {
		g.p.halted()
		return mooring.Settings{}, fmt.Errorf("target group not found: %w", errInjected)
	}
	return mooring.Settings{
		CrossZone: func(context.Context) mooring.CrossZone { return g.p.w.CrossZone },
		Warnings:  func() []string { return nil },
	}, nil
}

// Register adds targets; those that are refused are set aside and the others registered.
func (g group) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	if err := g.p.reach(PointRegister); err != nil {
		return mooring.Outcome{}, err
	}
	var out mooring.Outcome
	if err := g.register(ctx, targets, permit, &out); err != nil {
		g.p.unconfirmed()
		return out, err
	}
	return out, g.p.reach(PointRegistered)
}

func (g group) register(ctx context.Context, targets []mooring.Target, permit mooring.Permit, out *mooring.Outcome) error {
	err := g.call(ctx, CallRegister, targets, permit, g.p.w.Group.Register)
	var api *APIError
	switch {
	case err == nil:
		out.Registered = append(out.Registered, targets...)
		return nil
	case !errors.As(err, &api):
		return err
	case len(targets) == 1:
		out.Refused = append(out.Refused, mooring.Refused{Target: targets[0], Reason: err.Error()})
		g.p.refusedBy(targets[0].Addr)
		return nil
	}
	half := len(targets) / 2
	return errors.Join(g.register(ctx, targets[:half], permit, out), g.register(ctx, targets[half:], permit, out))
}

// Deregister removes targets.
func (g group) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := g.p.reach(PointDeregister); err != nil {
		return nil, err
	}
	if err := g.call(ctx, CallDeregister, targets, permit, g.p.w.Group.Deregister); err != nil {
		return nil, err
	}
	return targets, g.p.reach(PointDeregistered)
}
