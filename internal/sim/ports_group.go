package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	p.asksGroup()
	p.spend(ctx, p.group)
	states, fault, err := g.describe(ctx)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	targets := targetsOf(states)
	p.sawGroup(targets, fault == FailOldView, fault == "")
	return targets, p.reach(PointDescribed)
}

// describe is the group as it is, as it was, in part, or not at all.
func (g group) describe(ctx context.Context) ([]TargetState, Fault, error) {
	p := g.p
	fault := p.w.fault(p, CallDescribe)
	if err := p.failing(ctx, fault); err != nil {
		return nil, fault, err
	}
	if err := p.unavailable(); err != nil {
		return nil, fault, err
	}
	p.w.arrive(p.w.Now())
	states := p.target.Describe(p.w.Now())
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	older := p.w.views[p.target]
	p.w.views[p.target] = states
	switch {
	case fault == FailOldView && older != nil:
		states = older
	case fault == FailNoView:
		states = nil
	case fault == FailPartView:
		states = slices.DeleteFunc(slices.Clone(states), func(TargetState) bool { return p.group.IntN(3) == 0 })
	}
	return states, fault, nil
}

// Inspect tells whether the group may be written, and its cross-zone attribute.
func (g group) Inspect(context.Context) (mooring.Settings, error) {
	if g.p.dead.Load() {
		return mooring.Settings{}, errCrashed
	}
	if err := g.p.unavailable(); err != nil {
		g.p.halted()
		return mooring.Settings{}, err
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
	err := g.call(ctx, CallRegister, targets, permit, g.p.target.Register)
	var api *APIError
	switch {
	case err == nil:
		out.Registered = append(out.Registered, targets...)
		return nil
	case !errors.As(err, &api), !blamesTargets(api):
		return err
	case len(targets) == 1:
		out.Refused = append(out.Refused, mooring.Refused{Target: targets[0], Reason: err.Error()})
		g.p.refusedBy(targets[0].Addr)
		return nil
	}
	half := len(targets) / 2
	return errors.Join(g.register(ctx, targets[:half], permit, out), g.register(ctx, targets[half:], permit, out))
}

// blamesTargets tells whether an error is about those who were to be registered.
func blamesTargets(err *APIError) bool {
	return err.Code != codeNotFound && err.Code != codeThrottled
}

// Deregister removes targets.
func (g group) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := g.p.reach(PointDeregister); err != nil {
		return nil, err
	}
	if err := g.call(ctx, CallDeregister, targets, permit, g.p.target.Deregister); err != nil {
		return nil, err
	}
	return targets, g.p.reach(PointDeregistered)
}
