package mooring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Member is one binding of a fleet. Its exported fields are set before it first runs.
type Member struct {
	Binding  Binding       // as configured: until Open has asked the group, its port may be 0
	Interval time.Duration // between rounds; 0: it has no moments of its own

	// Open makes the keeper. It is called in the first round, and again in the next one after it failed.
	Open func(context.Context) (*Keeper, error)

	keeper atomic.Pointer[Keeper]
	last   Report
	read   time.Time // when the group was last read
	begun  atomic.Pointer[time.Time]
}

// Name is what reports call the binding: with the group's own port, once that is known.
func (m *Member) Name() string { return m.binding().Name }

func (m *Member) binding() Binding {
	if k := m.keeper.Load(); k != nil {
		return k.Binding
	}
	return m.Binding
}

// A Fleet runs the rounds of many bindings side by side. One that fails, hangs or panics does not disturb the others.
type Fleet struct {
	Members []*Member // of a fleet that watches they are changed by Set
	Limit   time.Duration
	Log     *slog.Logger

	slots   chan struct{}
	mu      sync.Mutex    // guards Members
	changed chan struct{} // has a value when they are others than before
}

// NewFleet returns a fleet that runs atOnce rounds at a time, each within limit. One that does not end soon after its
// limit is left behind, and its binding has no other round until it has ended.
func NewFleet(members []*Member, atOnce int, limit time.Duration, log *slog.Logger) *Fleet {
	return &Fleet{
		Members: members, Limit: limit, Log: log,
		slots: make(chan struct{}, atOnce), changed: make(chan struct{}, 1),
	}
}

const (
	// afterLimit is what a round may take beyond its limit before it is left behind.
	afterLimit = 3 * time.Second
	// slotTime is how long a round counts as one of those at the same time. Most are over long before; a few that hang
	// must not keep the others waiting.
	slotTime = 10 * time.Second
)

// Round runs one round of each binding. The reports are in the members' order.
func (f *Fleet) Round(ctx context.Context) []Report { return f.each(ctx, (*Keeper).Round) }

// Plan is the rounds stopped after their decisions.
func (f *Fleet) Plan(ctx context.Context) []Report { return f.each(ctx, (*Keeper).Plan) }

func (f *Fleet) each(ctx context.Context, round func(*Keeper, context.Context) Report) []Report {
	members := f.members()
	reports := make([]Report, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { reports[i] = f.run(ctx, m, nil, round) })
	}
	all.Wait()
	return reports
}

func (f *Fleet) members() []*Member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.Members)
}

// run runs one round of one member in its turn, and comes back whatever happens to it. Until its turn it can be stopped.
func (f *Fleet) run(ctx context.Context, m *Member, stop <-chan struct{}, round func(*Keeper, context.Context) Report) Report {
	if err := m.idle(); err != nil {
		return f.failed(ctx, m, err)
	}
	if err := f.turn(ctx, stop); err != nil {
		return f.failed(ctx, m, fmt.Errorf("round of %s: not begun: %w", m.Name(), err))
	}
	giveUp := sync.OnceFunc(func() { <-f.slots })
	defer giveUp()
	defer time.AfterFunc(slotTime, giveUp).Stop()

	limited, cancel := context.WithTimeout(ctx, f.Limit)
	defer cancel()
	now := time.Now()
	m.begun.Store(&now)
	done := make(chan Report, 1)
	go func() {
		r := f.survive(limited, m, round)
		m.begun.Store(nil) // before anybody can begin the next
		done <- r
	}()
	deadline, _ := limited.Deadline()
	late := time.NewTimer(time.Until(deadline) + afterLimit)
	defer late.Stop()
	select {
	case r := <-done:
		return r
	case <-late.C:
		return f.failed(ctx, m, fmt.Errorf("round of %s: it did not end within %s, and is left behind",
			m.Name(), time.Since(now).Round(time.Second)))
	}
}

// idle tells whether the member's last round is over.
func (m *Member) idle() error {
	if began := m.begun.Load(); began != nil {
		return fmt.Errorf("round of %s: the one that began at %s has not ended, and this one was not begun",
			m.Name(), began.UTC().Format(time.RFC3339))
	}
	return nil
}

// turn waits until fewer rounds than may be at the same time are under way.
func (f *Fleet) turn(ctx context.Context, stop <-chan struct{}) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case f.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-stop:
		return context.Canceled
	}
}

// survive makes a report of a round that panicked.
func (f *Fleet) survive(ctx context.Context, m *Member, round func(*Keeper, context.Context) Report) (r Report) {
	defer func() {
		if v := recover(); v != nil {
			p := panicOf(v)
			f.Log.LogAttrs(ctx, slog.LevelError, "a round panicked",
				slog.String("binding", m.Name()), slog.String("panic", p.Error()), slog.String("stack", string(p.Stack)))
			r = f.failed(ctx, m, fmt.Errorf("round of %s: %w", m.Name(), p))
		}
	}()
	k, err := m.open(ctx)
	if err != nil {
		return f.failed(ctx, m, err)
	}
	return round(k, ctx)
}

func (m *Member) open(ctx context.Context) (*Keeper, error) {
	if k := m.keeper.Load(); k != nil {
		return k, nil
	}
	k, err := m.Open(ctx)
	if err == nil {
		m.keeper.Store(k)
	}
	return k, err
}

// Open makes the members' keepers ahead of their first rounds, as far as that comes about before the context ends. What
// fails is tried again in the first rounds, which tell of it.
func (f *Fleet) Open(ctx context.Context) {
	for _, m := range f.members() {
		if ctx.Err() == nil {
			m.tryOpen(ctx)
		}
	}
}

func (m *Member) tryOpen(ctx context.Context) {
	defer func() { _ = recover() }() // the first round will panic too, and tell of it
	_, _ = m.open(ctx)
}

// failed is the report of a round that did not come to make one. That somebody ended it is no news for the log.
func (f *Fleet) failed(ctx context.Context, m *Member, err error) Report {
	r := &report{Report: newReport(m.binding())}
	r.fail(err)
	log := f.Log
	if errors.Is(err, context.Canceled) {
		log = slog.New(slog.DiscardHandler)
	}
	return r.done(ctx, log, 0)
}

// Stuck returns the names of the bindings whose round began longer than limit ago and has not ended, sorted.
func (f *Fleet) Stuck(limit time.Duration) []string {
	var names []string
	for _, m := range f.members() {
		if began := m.begun.Load(); began != nil && time.Since(*began) > limit {
			names = append(names, m.Name())
		}
	}
	slices.Sort(names)
	return names
}
