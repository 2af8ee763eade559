package mooring

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Watch runs rounds until the context ends, and returns when those that were begun are over. Each report is told as it
// comes, those of different bindings at the same time.
//
// A binding's first round comes at once, the others at its own moments of its interval, which depend on its name alone,
// so that many bindings spread over the interval and stay so. Where only the name needs to be looked at, they are glances.
func (f *Fleet) Watch(ctx context.Context, tell func(*Member, Report)) {
	w := newWatch(f, Visit{}, tell)
	for {
		w.follow(ctx, f.members())
		select {
		case <-f.changed:
		case <-ctx.Done():
			w.all.Wait()
			return
		}
	}
}

// Set changes the members of a fleet that watches. Those that stay go on as if nothing had happened. A round of one
// that leaves is ended first; of two members for the same targets the new one begins when the old one is over.
func (f *Fleet) Set(members []*Member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Members = slices.Clone(members)
	select {
	case f.changed <- struct{}{}:
	default: // it is to look anyway
	}
}

// A Visit is a watch that ends by itself.
type Visit struct {
	Last  time.Time       // no round begins later; the zero time: there is no such limit
	Again []time.Duration // each binding is looked at so long after the beginning too, whatever its interval; ascending
}

// Visit watches until no member has a moment left, and returns when all rounds are over. A member without an interval
// has one round, and those of v.Again.
func (f *Fleet) Visit(ctx context.Context, v Visit, tell func(*Member, Report)) {
	w := newWatch(f, v, tell)
	w.follow(ctx, f.members())
	w.all.Wait()
}

// A watch is what Watch and Visit keep while they run.
type watch struct {
	fleet *Fleet
	visit Visit
	tell  func(*Member, Report)
	epoch time.Time
	all   sync.WaitGroup
	loops map[*Member]*loop
	going []*loop // told to stop, and perhaps not over
}

func newWatch(f *Fleet, v Visit, tell func(*Member, Report)) *watch {
	return &watch{fleet: f, visit: v, tell: tell, epoch: time.Now(), loops: map[*Member]*loop{}}
}

// A loop runs one member.
type loop struct {
	member     *Member
	before     []*loop // of the same targets
	stop, over chan struct{}
}

// follow stops the loops of members that are gone, and starts those of members that are new.
func (w *watch) follow(ctx context.Context, members []*Member) {
	for m, l := range w.loops {
		if !slices.Contains(members, m) {
			close(l.stop)
			delete(w.loops, m)
			w.going = append(w.going, l)
		}
	}
	w.going = slices.DeleteFunc(w.going, func(l *loop) bool { return isClosed(l.over) && l.member.begun.Load() == nil })
	for _, m := range members {
		if w.loops[m] != nil {
			continue
		}
		l := &loop{member: m, stop: make(chan struct{}), over: make(chan struct{})}
		for _, old := range w.going {
			if overlap(old.member.Binding, m.Binding) {
				l.before = append(l.before, old)
			}
		}
		w.loops[m] = l
		w.all.Go(func() { w.run(ctx, l) })
	}
}

// overlap tells whether two bindings may be moored to the same targets.
func overlap(a, b Binding) bool {
	return a.TargetGroup == b.TargetGroup && (a.Port == b.Port || a.Port == 0 || b.Port == 0)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// run runs a loop. Its first step is a round: what the last one saw may be long ago.
func (w *watch) run(ctx context.Context, l *loop) {
	defer close(l.over)
	for _, old := range l.before {
		select {
		case <-old.over:
		case <-l.stop:
			return
		case <-ctx.Done():
			return
		}
	}
	step := l.member.round
	for !isClosed(l.stop) {
		r := w.step(ctx, l, step)
		if ended := ctx.Err() != nil || isClosed(l.stop); !ended || !errors.Is(r.Err, context.Canceled) {
			w.tell(l.member, r)
		}
		step = l.member.step
		at, ok := w.next(l.member, time.Now())
		if !ok || !l.sleepUntil(ctx, at) {
			return
		}
	}
}

// step runs one step, unless a round of an earlier member for the same targets was left behind and goes on.
func (w *watch) step(ctx context.Context, l *loop, step func(*Keeper, context.Context) Report) Report {
	l.before = slices.DeleteFunc(l.before, func(old *loop) bool { return old.member.idle() == nil })
	for _, old := range l.before {
		if err := old.member.idle(); err != nil && old.member != l.member {
			return w.fleet.failed(ctx, l.member, fmt.Errorf("binding %s, of an earlier configuration: %w", l.member.Name(), err))
		}
	}
	return w.fleet.run(ctx, l.member, l.stop, step)
}

// round runs a round, and remembers what it saw.
func (m *Member) round(k *Keeper, ctx context.Context) Report {
	m.last, m.read = k.Round(ctx), time.Now()
	return m.last
}

// step is a glance where that is enough, else a round.
func (m *Member) step(k *Keeper, ctx context.Context) Report {
	r, enough := k.Glance(ctx, m.last, m.read)
	if !enough {
		return m.round(k, ctx)
	}
	if r.Inconclusive != m.last.Inconclusive {
		k.Log.LogAttrs(ctx, slog.LevelInfo, "round", slog.Any("report", r))
	}
	m.last = r
	return r
}

// next is the member's next moment, if it has one.
func (w *watch) next(m *Member, now time.Time) (time.Time, bool) {
	var at time.Time
	if m.Interval > 0 {
		at = m.moment(w.epoch, now)
	}
	for _, d := range w.visit.Again {
		if again := w.epoch.Add(d); again.After(now) && (at.IsZero() || again.Before(at)) {
			at = again
		}
	}
	return at, !at.IsZero() && (w.visit.Last.IsZero() || !at.After(w.visit.Last))
}

// moment is the first of the member's own moments that is at least half an interval away.
func (m *Member) moment(epoch, now time.Time) time.Time {
	h := fnv.New64a()
	_, _ = h.Write([]byte(m.Binding.Name))
	phase := time.Duration(h.Sum64() % uint64(m.Interval))
	earliest := now.Add(m.Interval / 2).Sub(epoch)
	turns := (earliest - phase + m.Interval - 1) / m.Interval
	return epoch.Add(phase + max(0, turns)*m.Interval)
}

// sleepUntil tells whether that time came before the context, or the loop, ended.
func (l *loop) sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	case <-l.stop:
		return false
	}
}
