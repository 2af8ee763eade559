package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mooring"
)

// call changes the group, once it is permitted, and checks every promise against the truth.
func (g group) call(ctx context.Context, c Call, targets []mooring.Target, permit mooring.Permit,
	change func(time.Time, []TargetDescription) error,
) error {
	p := g.p
	if p.dead.Load() {
		return errCrashed
	}
	if err := permit(); err != nil {
		p.w.mu.Lock()
		p.w.meet("permit denied")
		if deadline, ok := ctx.Deadline(); ok && p.w.Now().After(deadline.Add(-callLife)) {
			p.w.meet("deadline before " + string(c))
		}
		p.w.mu.Unlock()
		return err
	}
	p.offers(c, targets)
	fault := p.w.fault(p, c)
	if err := p.failing(ctx, fault); err != nil {
		return err
	}
	var described []TargetDescription
	for _, t := range targets {
		described = append(described, TargetDescription{Addr: t.Addr, Port: t.Port, Zone: t.Zone})
	}
	r := request{process: p.Name, call: c, group: p.target, targets: described}
	if fault == FailLate {
		return g.late(ctx, r, targets)
	}
	p.w.arrive(p.w.Now())
	if err := change(p.w.Now(), described); err != nil {
		return err
	}
	p.changed(c, targets, p.w.holdings(p.target))
	if fault == FailTwice {
		p.w.hold(r)
	}
	p.spend(ctx, p.group)
	if ctx.Err() != nil {
		return fmt.Errorf("no answer came in time: %w", context.Cause(ctx))
	}
	if fault == FailLost {
		return fmt.Errorf("the reply was lost: %w", errInjected)
	}
	return nil
}

// late gives a request to the network, which holds it. The promises are about the moment when it was sent.
func (g group) late(ctx context.Context, r request, targets []mooring.Target) error {
	p := g.p
	after := p.w.holdings(p.target)
	if r.call == CallDeregister {
		after = slices.DeleteFunc(after, func(t mooring.Target) bool { return slices.Contains(addrsOf(targets), t.Addr) })
	}
	p.changed(r.call, targets, after)
	p.w.hold(r)
	return p.hang(ctx)
}

// callLife is how long a process waits for an answer of the group or of the store.
const callLife = 5 * time.Second

// failing makes a call fail that takes no effect.
func (p *Process) failing(ctx context.Context, f Fault) error {
	switch f {
	case FailError:
		return fmt.Errorf("throttled: %w", errInjected)
	case FailDenied:
		return mooring.ErrDenied
	case FailHang:
		return p.hang(ctx)
	default:
		return nil
	}
}

// hang waits for an answer that does not come.
func (p *Process) hang(ctx context.Context) error {
	if p.w.Sleep != nil {
		p.w.Sleep(ctx, callLife)
	}
	return fmt.Errorf("no answer within %s: %w", callLife, context.DeadlineExceeded)
}

// A store keeps memory as the world's storage does.
type store struct{ p *Process }

// Load reads the stored memory.
func (s store) Load(ctx context.Context) (mooring.Memory, string, error) {
	p := s.p
	if p.dead.Load() {
		return mooring.Memory{}, "", errCrashed
	}
	p.frozen()
	p.w.mu.Lock()
	p.rec.began = p.w.Now()
	p.w.mu.Unlock()
	p.spend(ctx, p.store)
	fault := p.w.fault(p, CallLoad)
	failed := p.failing(ctx, fault)
	p.w.mu.Lock()
	m, tag, err := p.storage().load()
	switch {
	case failed != nil:
		err = fmt.Errorf("load: %w", failed)
	case fault == FailNotFound:
		m, tag, err = mooring.Memory{}, "", nil
	}
	p.rec.memory, p.rec.loadErr = m, err
	if err != nil {
		p.w.meet("memory unusable")
	}
	p.w.mu.Unlock()
	if gone := p.reach(PointLoaded); gone != nil {
		return mooring.Memory{}, "", gone
	}
	return m, tag, err
}

// Save writes the memory where nobody else did since it was loaded.
func (s store) Save(ctx context.Context, m mooring.Memory, tag string) (string, error) {
	p := s.p
	if err := p.reach(PointSave); err != nil {
		return "", err
	}
	p.spend(ctx, p.store)
	fault := p.w.fault(p, CallSave)
	newTag, err := s.write(m, tag, fault, p.failing(ctx, fault))
	if gone := p.reach(PointSaved); gone != nil {
		return "", gone
	}
	return newTag, err
}

func (s store) write(m mooring.Memory, tag string, fault Fault, failed error) (string, error) {
	p := s.p
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	storage := p.storage()
	var err error
	switch {
	case failed != nil:
		err = fmt.Errorf("save: %w", failed)
	case fault == FailConflict:
		err = mooring.ErrConflict
	case fault == FailPretend:
	default:
		if fault == FailDeleted {
			storage.lose()
		}
		p.writing(m)
		err = storage.save(m, tag)
		if err == nil {
			p.remembered(m)
			storage.keep(p.w.Now())
		}
	}
	if fault == FailLost && err == nil {
		err = fmt.Errorf("save: the reply was lost: %w", errInjected)
	}
	if err != nil {
		p.w.meet("save lost or unconfirmed")
	}
	p.rec.saveTried, p.rec.saved, p.rec.stored = true, err == nil, storage.decoded
	return storage.current(), err
}

// An elder is a store that knows where the older function keeps its state.
type elder struct{ store }

// Older returns what the older function remembers.
func (e elder) Older(context.Context) (*mooring.Import, error) {
	o := e.p.w.elder
	if e.p.dead.Load() || o.Written.IsZero() {
		return nil, nil
	}
	return &mooring.Import{Source: "the older function", Addrs: o.state.Active, Written: o.Written}, nil
}
