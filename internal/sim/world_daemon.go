package sim

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"mooring"
)

// A Daemon is a process that lives on: a fleet of one binding over the world's ports, with glances between its rounds.
// What is said of a round is said when it ends, so a daemon that is killed in one says nothing.
type Daemon struct {
	*Process
	Interval time.Duration
	Limit    time.Duration // of a round
	Deaf     bool          // its glances bring no news: a look is repeated until the group is read anew

	stop  context.CancelFunc
	all   sync.WaitGroup
	upset atomic.Pointer[upset] // what waits for it
}

// NewDaemon returns a daemon that has not begun.
func (w *World) NewDaemon(name string, interval time.Duration) *Daemon {
	return &Daemon{Process: w.NewProcess(name), Interval: interval, Limit: 50 * time.Second}
}

// Start begins to watch. It does not wait.
func (d *Daemon) Start(ctx context.Context) {
	ctx, d.stop = context.WithCancel(ctx)
	d.configure()
	d.begin()
	member := &mooring.Member{
		Binding: d.binding, Interval: d.Interval,
		Open: func(context.Context) (*mooring.Keeper, error) {
			k := d.keeper()
			k.Decide, k.Log = d.decide(), slog.New(listener{d.Process})
			if d.Deaf {
				k.Finder = &deaf{Finder: k.Finder}
			}
			return k, nil
		},
	}
	fleet := mooring.NewFleet([]*mooring.Member{member}, 1, d.Limit, slog.New(slog.DiscardHandler))
	d.all.Go(func() { fleet.Watch(ctx, func(*mooring.Member, mooring.Report) {}) })
}

// Stop ends it as SIGTERM does: a round that has begun is finished.
func (d *Daemon) Stop() {
	d.stop()
	d.all.Wait()
}

// Kill ends it where it is, and waits until nothing of it is left.
func (d *Daemon) Kill() {
	d.Crash()
	d.Stop()
}

// Freeze stops all of the process at its next call and for so long, as SIGSTOP does: its timers fire late.
func (p *Process) Freeze(d time.Duration) { p.thaws.Store(time.Now().Add(d).UnixNano()) }

// frozen waits until the process goes on.
func (p *Process) frozen() {
	if left := time.Until(time.Unix(0, p.thaws.Load())); left > 0 {
		sleep(context.Background(), left)
	}
}

// begin makes the process ready for its next round.
func (p *Process) begin() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.rec = newRecord(p.w.Now())
}

// A listener hears from a daemon's log how each round ended.
type listener struct{ p *Process }

func (listener) Enabled(context.Context, slog.Level) bool { return true }
func (l listener) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l listener) WithGroup(string) slog.Handler          { return l }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if report, ok := a.Value.Any().(mooring.Report); ok && !report.Glance && !l.p.dead.Load() {
			l.p.ended(report)
			l.p.begin()
		}
		return true
	})
	return nil
}

// A deaf finder repeats what it found for half a minute.
type deaf struct {
	mooring.Finder
	last mooring.Observation
	at   time.Time
}
