package rig

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"mooring"
	"mooring/internal/config"
)

// A Watcher runs rounds for ever, follows its configuration, and of the bindings whose memory it shares with other
// processes runs those where it leads. Its exported fields are set before it is prepared; Told and Changed may be nil.
type Watcher struct {
	Options Options
	Load    func(context.Context) ([]config.Config, error)
	// LeaseOf makes the lease at the place where the binding's memory is; nil: this process leads everywhere.
	LeaseOf func(ctx context.Context, c config.Config, share string) (Lease, error)

	Told    func(mooring.Report) // of each round and glance, those of different bindings at the same time
	Changed func(Status)         // whenever it is another

	fleet *mooring.Fleet

	publishing sync.Mutex // so that the last status told is the newest
	mu         sync.Mutex
	bound      []*bound
	tenures    map[place]*tenure
	standings  map[place]standing
	loadErr    error
	loaded     time.Time
}

// A Status is what a watcher does.
type Status struct {
	Bindings []BindingStatus // as configured, in that order
	Stale    bool            // the configuration could not be read anew, and the old one goes on
	Loaded   time.Time       // when it was last read
}

// A BindingStatus is what a watcher does with one binding.
type BindingStatus struct {
	Name  string
	Leads bool // else another process does, or that is not known yet
	Ready bool // a round of it has ended, or another process leads
}

// Prepare reads the configuration for the first time.
func (w *Watcher) Prepare(ctx context.Context) error {
	w.Options = w.Options.shared()
	configs, err := w.Load(ctx)
	if err != nil {
		return err
	}
	w.fleet = mooring.NewFleet(nil, atOnce, RoundLimit, w.Options.Log)
	w.bound, w.loaded = bind(configs, nil, w.Options), time.Now()
	openFronts(ctx, w.bound, w.Options)
	w.tenures, w.standings = map[place]*tenure{}, map[place]standing{{}: leading}
	return nil
}

// Run watches until the context ends and the rounds that were begun are over. A value from reload makes it read the
// configuration anew; one that is bad is logged, and the old one goes on.
func (w *Watcher) Run(ctx context.Context, reload <-chan struct{}) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.fleet.Watch(ctx, w.tell)
	}()
	w.follow(ctx)
	for {
		select {
		case <-reload:
			w.reload(ctx)
		case <-over:
			w.release(ctx, func(place) bool { return true })
			return
		}
	}
}

func (w *Watcher) reload(ctx context.Context) {
	configs, err := w.Load(ctx)
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	w.loadErr = err
	if err == nil {
		w.bound, w.loaded = bind(configs, w.bound, w.Options), time.Now()
	}
	all := w.bound
	w.mu.Unlock()
	if err != nil {
		w.Options.Log.LogAttrs(ctx, slog.LevelError, "the configuration was not read anew, and the old one goes on", slog.String("error", err.Error()))
	} else {
		openFronts(ctx, all, w.Options)
		w.Options.Log.LogAttrs(ctx, slog.LevelInfo, "the configuration was read anew", slog.Int("bindings", len(all)))
	}
	w.follow(ctx)
}

// follow has a lease at every place of the configuration and at no other, and runs the bindings of those where it leads.
func (w *Watcher) follow(ctx context.Context) {
	w.mu.Lock()
	used := map[place]bool{}
	for _, b := range w.bound {
		if used[b.place] = true; b.place != (place{}) && w.tenures[b.place] == nil {
			w.tenures[b.place] = w.seek(ctx, b)
		}
	}
	w.mu.Unlock()
	w.update()
	w.release(ctx, func(p place) bool { return !used[p] })
}

// seek begins to hold the lease at a binding's place.
func (w *Watcher) seek(ctx context.Context, b *bound) *tenure {
	if w.LeaseOf == nil {
		w.standings[b.place] = leading
		return &tenure{stop: func() {}, over: closed}
	}
	ctx, cancel := context.WithCancel(ctx)
	c, at := b.config, b.place // a reload may change them
	for old, s := range w.standings {
		if s == leading && old.memory == at.memory && old.who == at.who && old != (place{}) {
			w.standings[at] = leading // as before, until the lease on what it keeps now is decided
		}
	}
	t := &tenure{
		lease: func(ctx context.Context) (Lease, error) { return w.LeaseOf(ctx, c, at.share) },
		kind:  at.memory.Kind, name: b.config.Memory.String(), stop: cancel, over: make(chan struct{}),
		decided: func(s standing) {
			w.mu.Lock()
			w.standings[at] = s
			w.mu.Unlock()
			w.update()
		},
	}
	go t.keep(ctx, w.Options.Log)
	return t
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// release gives up the leases at some places.
func (w *Watcher) release(ctx context.Context, at func(place) bool) {
	w.mu.Lock()
	var ending []*tenure
	for p, t := range w.tenures {
		if at(p) {
			delete(w.tenures, p)
			ending = append(ending, t)
		}
	}
	w.mu.Unlock()
	var all sync.WaitGroup
	for _, t := range ending {
		all.Go(func() { t.end(ctx, w.Options.Log) })
	}
	all.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.standings {
		if w.tenures[p] == nil && p != (place{}) {
			delete(w.standings, p)
		}
	}
}

// update runs the bindings of the places where this process leads.
func (w *Watcher) update() {
	w.mu.Lock()
	var active []*mooring.Member
	for _, b := range w.bound {
		if w.standings[b.place] == leading {
			active = append(active, b.member)
		}
	}
	w.fleet.Set(active)
	w.mu.Unlock()
	w.publish()
}

func (w *Watcher) publish() {
	w.publishing.Lock()
	defer w.publishing.Unlock()
	if w.Changed != nil {
		w.Changed(w.Status())
	}
}

// Status is what it does now.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{Stale: w.loadErr != nil, Loaded: w.loaded}
	for _, b := range w.bound {
		stands := w.standings[b.place]
		s.Bindings = append(s.Bindings, BindingStatus{
			Name: b.name, Leads: stands == leading, Ready: b.ended || stands == standby,
		})
	}
	return s
}

// tell passes a report on. A binding's first one tells that it is ready, and may tell its name.
func (w *Watcher) tell(m *mooring.Member, r mooring.Report) {
	w.mu.Lock()
	news := false
	for _, b := range w.bound {
		if b.member == m && (!b.ended || b.name != r.Binding) {
			b.ended, b.name, news = true, r.Binding, true
		}
	}
	w.mu.Unlock()
	if news {
		w.publish() // first: who counts reports by binding must know the binding
	}
	if w.Told != nil {
		w.Told(r)
	}
}

// Stuck names the bindings that have a round which has not returned for twice the time that it may take.
func (w *Watcher) Stuck() []string { return w.fleet.Stuck(2 * RoundLimit) }

// Pending names the bindings that are not ready.
func (s Status) Pending() (names []string) {
	for _, b := range s.Bindings {
		if !b.Ready {
			names = append(names, b.Name)
		}
	}
	return names
}
