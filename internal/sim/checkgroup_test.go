package sim_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"mooring"
)

// broken is a group in memory, with one fault or none.
type broken struct {
	fault string
	held  []mooring.Target
}

func newBroken(fault string) *broken {
	g := &broken{fault: fault}
	if fault == "begins with somebody" {
		g.held = []mooring.Target{{Addr: netip.MustParseAddr("10.0.9.9"), Port: 443, Health: mooring.HealthHealthy}}
	}
	return g
}

func (g *broken) Targets(context.Context) ([]mooring.Target, error) { return slices.Clone(g.held), nil }

func (g *broken) index(t mooring.Target) int {
	return slices.IndexFunc(g.held, func(o mooring.Target) bool {
		return o.Addr == t.Addr && (o.Port == t.Port || g.fault == "forgets the port")
	})
}

// permit asks as a group should.
func (g *broken) permit(ctx context.Context, targets []mooring.Target, permit mooring.Permit) error {
	if err := ctx.Err(); err != nil && g.fault != "ignores its context" {
		return err
	}
	if g.fault == "ignores the permit" || len(targets) == 0 && g.fault != "asks for nothing" {
		return nil
	}
	return permit()
}

func (g *broken) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	if err := g.permit(ctx, targets, permit); err != nil {
		return mooring.Outcome{}, err
	}
	for _, t := range targets {
		if t.Health = mooring.HealthInitial; g.index(t) < 0 {
			g.held = append(g.held, t)
		}
	}
	if g.fault == "confirms nobody" {
		targets = nil
	}
	return mooring.Outcome{Registered: targets}, nil
}

func (g *broken) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := g.permit(ctx, targets, permit); err != nil {
		return nil, err
	}
	for _, t := range targets {
		i := g.index(t)
		if i < 0 && g.fault == "errs on the unknown" {
			return nil, errUnknown
		}
		if i >= 0 && g.fault != "never forgets" {
			g.held = slices.Delete(g.held, i, i+1)
		}
	}
	return targets, nil
}

var errUnknown = errors.New("not registered")
