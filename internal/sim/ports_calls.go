package sim

import (
	"context"
	"fmt"
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
		p.w.mu.Unlock()
		return err
	}
	p.offers(c, targets)
	fault := p.w.fault(p, c)
	if fault == FailError {
		return fmt.Errorf("throttled: %w", errInjected)
	}
	var described []TargetDescription
	for _, t := range targets {
		described = append(described, TargetDescription{Addr: t.Addr, Port: t.Port, Zone: t.Zone})
	}
	if err := change(p.w.Now(), described); err != nil {
		return err
	}
	p.changed(c, targets)
	p.spend(ctx, p.group)
	if fault == FailLost {
		return fmt.Errorf("the reply was lost: %w", errInjected)
	}
	return nil
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
	p.w.mu.Lock()
	m, tag, err := p.w.store.load()
	switch fault {
	case FailError:
		err = fmt.Errorf("load: %w", errInjected)
	case FailDenied:
		err = fmt.Errorf("load: %w", mooring.ErrDenied)
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
	newTag, err := s.write(m, tag, fault)
	if gone := p.reach(PointSaved); gone != nil {
		return "", gone
	}
	return newTag, err
}

func (s store) write(m mooring.Memory, tag string, fault Fault) (string, error) {
	p := s.p
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	var err error
	switch fault {
	case FailError:
		err = fmt.Errorf("save: %w", errInjected)
	case FailDenied:
		err = fmt.Errorf("save: %w", mooring.ErrDenied)
	case FailConflict:
		err = mooring.ErrConflict
	case FailPretend:
	default:
		p.writing(m)
		err = p.w.store.save(m, tag)
		if err == nil {
			p.remembered(m)
		}
	}
	if fault == FailLost && err == nil {
		err = fmt.Errorf("save: the reply was lost: %w", errInjected)
	}
	if err != nil {
		p.w.meet("save lost or unconfirmed")
	}
	p.rec.saveTried, p.rec.saved, p.rec.stored = true, err == nil, p.w.store.decoded
	return p.w.store.current(), err
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
