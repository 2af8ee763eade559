package mooring

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Member is one binding of a fleet. Its exported fields are set before it first runs.
type Member struct {
	Binding  Binding // as configured: until Open has asked the group, its port may be 0
	Interval time.Duration

	// Open makes the keeper. It is called in the first round, and again in the next one after it failed.
	Open func(context.Context) (*Keeper, error)

	keeper *Keeper
	last   Report
	read   time.Time // when the group was last read
	begun  atomic.Pointer[time.Time]
}

// A Fleet runs the rounds of many bindings side by side. One that fails, hangs or panics does not disturb the others.
type Fleet struct {
	Members []*Member
	AtOnce  int           // rounds at the same time
	Limit   time.Duration // of a round; one that does not end soon after it is left behind
	Log     *slog.Logger

	slots chan struct{}
}

// NewFleet returns a fleet that runs atOnce rounds at a time, each within limit.
func NewFleet(members []*Member, atOnce int, limit time.Duration, log *slog.Logger) *Fleet {
	return &Fleet{Members: members, AtOnce: atOnce, Limit: limit, Log: log, slots: make(chan struct{}, atOnce)}
}

// afterLimit is what a round may take beyond its limit before it is left behind.
const afterLimit = 5 * time.Second

// Round runs one round of each binding. The reports are in the members' order.
func (f *Fleet) Round(ctx context.Context) []Report { return f.each(ctx, (*Keeper).Round) }

// Plan is the rounds stopped after their decisions.
func (f *Fleet) Plan(ctx context.Context) []Report { return f.each(ctx, (*Keeper).Plan) }

func (f *Fleet) each(ctx context.Context, round func(*Keeper, context.Context) Report) []Report {
	reports := make([]Report, len(f.Members))
	var all sync.WaitGroup
	for i, m := range f.Members {
		all.Go(func() { reports[i] = f.run(ctx, m, round) })
	}
	all.Wait()
	return reports
}

// run runs one round of one member in its turn, and comes back whatever happens to it.
func (f *Fleet) run(ctx context.Context, m *Member, round func(*Keeper, context.Context) Report) Report {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return f.failed(ctx, m, fmt.Errorf("round of %s: not begun: %w", m.Binding.Name, context.Cause(ctx)))
	}
	if began := m.begun.Load(); began != nil {
		return f.failed(ctx, m, fmt.Errorf("round of %s: the one that began at %s has not ended, and this one was not begun",
			m.Binding.Name, began.UTC().Format(time.RFC3339)))
	}
	now := time.Now()
	m.begun.Store(&now)
	limited, cancel := context.WithTimeout(ctx, f.Limit)
	defer cancel()
	done := make(chan Report, 1)
	go func() {
		defer m.begun.Store(nil)
		defer func() {
			if v := recover(); v != nil {
				done <- f.panicked(ctx, m, panicOf(v))
			}
		}()
		done <- f.open(limited, m, round)
	}()
	late := time.NewTimer(f.Limit + afterLimit)
	defer late.Stop()
	select {
	case r := <-done:
		return r
	case <-late.C:
		return f.failed(ctx, m, fmt.Errorf("round of %s: it did not end within %s, and is left behind", m.Binding.Name, f.Limit+afterLimit))
	}
}

func (f *Fleet) open(ctx context.Context, m *Member, round func(*Keeper, context.Context) Report) Report {
	if m.keeper == nil {
		keeper, err := m.Open(ctx)
		if err != nil {
			return f.failed(ctx, m, err)
		}
		m.keeper = keeper
	}
	return round(m.keeper, ctx)
}

func (f *Fleet) panicked(ctx context.Context, m *Member, p *Panic) Report {
	f.Log.LogAttrs(ctx, slog.LevelError, "a round panicked",
		slog.String("binding", m.Binding.Name), slog.String("panic", p.Error()), slog.String("stack", string(p.Stack)))
	return f.failed(ctx, m, fmt.Errorf("round of %s: %w", m.Binding.Name, p))
}

// failed is the report of a round that did not come to make one.
func (f *Fleet) failed(ctx context.Context, m *Member, err error) Report {
	r := &report{Report: newReport(m.Binding)}
	r.fail(err)
	return r.done(ctx, f.Log, 0)
}

// Watch runs rounds until the context ends, and returns when those that were begun are over. Each report is told as it
// comes, those of different bindings at the same time.
//
// The first round comes at once, the others at the binding's own moments of its interval, which depend on its name
// alone, so that many bindings spread over the interval and stay so.
func (f *Fleet) Watch(ctx context.Context, tell func(Report)) {
	epoch := time.Now()
	var all sync.WaitGroup
	for _, m := range f.Members {
		all.Go(func() {
			for {
				if r := f.step(ctx, m); ctx.Err() == nil || !errors.Is(r.Err, context.Canceled) {
					tell(r)
				}
				if !sleepUntil(ctx, m.next(epoch, time.Now())) {
					return
				}
			}
		})
	}
	all.Wait()
}

// step is a glance where that is enough, else a round.
func (f *Fleet) step(ctx context.Context, m *Member) Report {
	return f.run(ctx, m, func(k *Keeper, ctx context.Context) Report {
		if r, enough := k.Glance(ctx, m.last, m.read); enough {
			if r.Inconclusive != m.last.Inconclusive {
				k.Log.LogAttrs(ctx, slog.LevelInfo, "round", slog.Any("report", r))
			}
			m.last = r
			return r
		}
		m.last, m.read = k.Round(ctx), time.Now()
		return m.last
	})
}

// next is the binding's first moment that is at least half an interval away.
func (m *Member) next(epoch, now time.Time) time.Time {
	h := fnv.New64a()
	_, _ = h.Write([]byte(m.Binding.Name))
	phase := time.Duration(h.Sum64() % uint64(m.Interval))
	earliest := now.Add(m.Interval / 2).Sub(epoch)
	turns := (earliest - phase + m.Interval - 1) / m.Interval
	return epoch.Add(phase + max(0, turns)*m.Interval)
}

// sleepUntil tells whether that time came before the context ended.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Stuck returns the names of the bindings whose round began longer than limit ago and has not ended, sorted.
func (f *Fleet) Stuck(limit time.Duration) []string {
	var names []string
	for _, m := range f.Members {
		if began := m.begun.Load(); began != nil && time.Since(*began) > limit {
			names = append(names, m.Binding.Name)
		}
	}
	slices.Sort(names)
	return names
}
