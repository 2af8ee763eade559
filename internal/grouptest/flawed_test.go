package grouptest

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"mooring"
)

// A flawed group is in memory, with one flaw or none. Its time is a number.
type flawed struct {
	flaw string

	mu    sync.Mutex
	now   int
	held  []*entry
	asked []mooring.Target // the last list that was given
	shown []mooring.Target // the last list that was returned
	free  bool             // a permit was given once
}

type entry struct {
	mooring.Target
	since, left int // left is 0 while it is registered
}

const (
	healthyAfter = 3
	drainFor     = 40
	perCall      = 4
)

func newFlawed(flaw string) *flawed {
	g := &flawed{flaw: flaw, now: 1}
	if flaw == "begins with somebody" {
		g.held = append(g.held, &entry{Target: mooring.Target{Addr: netip.MustParseAddr("10.0.9.9"), Port: 443}, since: 1})
	}
	return g
}

func (g *flawed) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
}

func (g *flawed) Targets(ctx context.Context) ([]mooring.Target, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.flaw == "an ended context shows a part" && ctx.Err() != nil {
		return nil, nil
	}
	g.held = slices.DeleteFunc(g.held, func(e *entry) bool {
		return e.left > 0 && g.now-e.left >= drainFor && g.flaw != "drains for ever"
	})
	var out []mooring.Target
	for _, e := range g.held {
		t := e.Target
		t.Health = g.health(e)
		out = append(out, t)
	}
	switch {
	case g.flaw == "lists what it was given" && len(g.asked) > 0:
		return slices.Clone(g.asked), nil
	case g.flaw == "returns its own list":
		if !slices.EqualFunc(g.shown, out, func(a, b mooring.Target) bool { return a.Addr.IsUnspecified() || a == b }) {
			g.shown = slices.Clip(out)
		}
		return g.shown, nil
	}
	return out, nil
}

func (g *flawed) health(e *entry) mooring.Health {
	switch {
	case e.left > 0 && g.flaw == "drains as healthy":
		return mooring.HealthHealthy
	case e.left > 0 && g.flaw == "drains as unused":
		return mooring.HealthUnused
	case e.left > 0:
		return mooring.HealthDraining
	case g.flaw == "an unknown state":
		return "fine"
	case g.now-e.since < healthyAfter || g.flaw == "never healthy":
		return mooring.HealthInitial
	}
	return mooring.HealthHealthy
}

func (g *flawed) find(t mooring.Target) *entry {
	i := slices.IndexFunc(g.held, func(e *entry) bool {
		return e.Addr == t.Addr && (e.Port == t.Port || g.flaw == "forgets the port")
	})
	if i < 0 {
		return nil
	}
	return g.held[i]
}

// permit asks as a group should.
func (g *flawed) permit(ctx context.Context, targets []mooring.Target, permit mooring.Permit) error {
	if len(targets) == 0 && g.flaw != "asks for nothing" {
		return nil
	}
	if err := ctx.Err(); err != nil && g.flaw != "ignores its context" {
		return err
	}
	if g.flaw == "ignores the permit" || g.free && g.flaw == "asks but once" {
		return nil
	}
	g.free = true
	err := permit()
	if err != nil && g.flaw == "hides the permit's error" {
		return errors.New("no")
	}
	return err
}

func (g *flawed) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = targets
	var out mooring.Outcome
	for chunk := range slices.Chunk(atLeast(targets, g.flaw == "asks for nothing"), perCall) {
		early := g.flaw == "changes before it asks"
		if early {
			g.add(chunk, &out)
		}
		err := g.permit(ctx, chunk, permit)
		switch {
		case err != nil && g.flaw == "confirms what was forbidden":
			out.Registered = append(out.Registered, chunk...)
			return out, err
		case err != nil && g.flaw == "gives up in silence" && len(out.Registered) > 0:
			return out, nil
		case err != nil && g.flaw == "forgets what was confirmed":
			return mooring.Outcome{}, err
		case err != nil:
			return out, err
		case !early:
			g.add(chunk, &out)
		}
		if g.flaw == "one call is enough" {
			break
		}
	}
	switch g.flaw {
	case "confirms nobody":
		out.Registered = nil
	case "writes to what it was given":
		for i := range targets {
			targets[i].Health = mooring.HealthInitial
		}
	}
	return out, nil
}

// atLeast makes a chunk of nothing.
func atLeast(targets []mooring.Target, one bool) []mooring.Target {
	if one && len(targets) == 0 {
		return make([]mooring.Target, 1)
	}
	return targets
}

func (g *flawed) add(targets []mooring.Target, out *mooring.Outcome) {
	for _, t := range targets {
		if reason := g.refusal(t); reason != "" {
			if g.flaw == "refuses for no reason" {
				reason = ""
			}
			out.Refused = append(out.Refused, mooring.Refused{Target: t, Reason: reason})
			if g.flaw == "one refused refuses all" {
				return
			}
			continue
		}
		out.Registered = append(out.Registered, t)
		if g.flaw != "takes IPv6's form for another" {
			t.Addr = t.Addr.Unmap()
		}
		e := g.find(t)
		switch {
		case e == nil || g.flaw == "adds whom it has":
			g.held = append(g.held, &entry{Target: t, since: g.now})
		case e.left > 0 && g.flaw == "never takes back who drains":
		case e.left > 0 || g.flaw == "begins anew":
			e.since, e.left = g.now, 0
		}
	}
}

func (g *flawed) refusal(t mooring.Target) string {
	switch {
	case g.flaw == "takes everybody":
		return ""
	case !t.Addr.IsValid() || t.Addr.IsUnspecified() || t.Addr.IsMulticast():
		return "nobody's address"
	case netip.MustParsePrefix("203.0.113.0/24").Contains(t.Addr):
		return "publicly routable"
	}
	return ""
}

func (g *flawed) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = nil
	var gone []mooring.Target
	for chunk := range slices.Chunk(targets, perCall) {
		if err := g.permit(ctx, chunk, permit); err != nil {
			return gone, err
		}
		for _, t := range chunk {
			t.Addr = t.Addr.Unmap()
			e := g.find(t)
			switch {
			case e == nil && g.flaw == "errs on the unknown":
				return gone, errors.New("not registered")
			case e != nil && e.left == 0 && g.flaw != "never lets go":
				e.left = g.now
			}
			if g.flaw == "is gone at once" {
				g.held = slices.DeleteFunc(g.held, func(h *entry) bool { return h == e })
			}
		}
		gone = append(gone, chunk...)
	}
	if g.flaw == "returns the caller's list" {
		return targets, nil
	}
	return gone, nil
}

// A hasty group looks and acts in two steps, and other callers come in between.
type hasty struct {
	*flawed
	inside atomic.Int32
}

func (g *hasty) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	seen := g.look()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.permit(ctx, targets, permit); err != nil || len(targets) == 0 {
		return mooring.Outcome{}, err
	}
	var out mooring.Outcome
	if g.flaw == "loses whom others add meanwhile" {
		g.held = seen
		g.add(targets, &out)
		return out, nil
	}
	for _, t := range targets { // adds whom others have added meanwhile
		if g.refusal(t) == "" && !slices.ContainsFunc(seen, func(e *entry) bool { return e.Target == t }) {
			g.held = append(g.held, &entry{Target: t, since: g.now})
		}
	}
	g.add(targets, &out)
	return out, nil
}

// look waits a little for company.
func (g *hasty) look() []*entry {
	g.mu.Lock()
	seen := slices.Clone(g.held)
	g.mu.Unlock()
	g.inside.Add(1)
	defer g.inside.Add(-1)
	for range 1000 {
		if runtime.Gosched(); g.inside.Load() > 1 {
			break
		}
	}
	return seen
}
