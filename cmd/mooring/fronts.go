package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/front"
	"mooring/internal/metrics/prom"
)

// fronts are those of a daemon. A front goes on for as long as its address is configured, whatever else of the
// configuration changes.
type fronts struct {
	log   *slog.Logger
	reach func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	open   map[netip.AddrPort]*openFront
	ended  bool // none is opened any more
	ending sync.WaitGroup
}

// An openFront is a front of a binding.
type openFront struct {
	*front.Front
	binding  string
	port     uint16 // of the binding's targets
	settings front.Settings
}

// A notOpened is a front whose address is not to be had.
type notOpened struct{ error }

func (e notOpened) Unwrap() error { return e.error }

func (e notOpened) hint() string {
	switch {
	case errors.Is(e, syscall.EADDRINUSE):
		return "another process listens there, perhaps another mooring watch: end it, or choose another address or port with --target-group tcp://ADDR:PORT"
	case errors.Is(e, syscall.EADDRNOTAVAIL):
		return "the address is none of this machine's: choose one that is, or none (tcp://:PORT) for all of them"
	case errors.Is(e, syscall.EACCES):
		return "ports below 1024 take a privilege: CAP_NET_BIND_SERVICE on Linux; or choose a higher port"
	default:
		return ""
	}
}

var errEnding = errors.New("open the fronts: the process is ending")

// follow opens the fronts of a configuration that are not open, and ends those that are not in it. Where one cannot be
// opened, nothing is changed. The bindings of one configuration have addresses of their own.
func (f *fronts) follow(configs []config.Config) error {
	fresh, err := f.change(configs)
	for _, attrs := range fresh { // without the lock: whoever does not read the log must not keep anything else waiting
		f.log.LogAttrs(context.Background(), slog.LevelInfo, "the front is open", attrs...)
	}
	return err
}

// change does so, and returns what there is to say of each front that was opened.
func (f *fronts) change(configs []config.Config) (fresh [][]slog.Attr, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, errEnding
	}
	next, faults := map[netip.AddrPort]*openFront{}, []error(nil)
	for _, c := range configs {
		if !c.Embedded() {
			continue
		}
		at := c.Front.Listen
		if next[at] = f.open[at]; next[at] != nil {
			continue
		}
		settings := settingsOf(c.Front)
		opened, err := front.Listen(front.Config{Listen: at, Settings: settings, Dial: f.reach, Log: f.log})
		if err != nil {
			delete(next, at)
			faults = append(faults, notOpened{fmt.Errorf("front of %s: %w%s", c.Binding.Name, err, f.whoIsThere(at))})
			continue
		}
		next[at] = &openFront{Front: opened, settings: settings}
	}
	if len(faults) > 0 {
		cutAll(next, f.open)
		return nil, errors.Join(faults...)
	}
	return f.take(configs, next), nil
}

// take makes these the fronts.
func (f *fronts) take(configs []config.Config, next map[netip.AddrPort]*openFront) (fresh [][]slog.Attr) {
	for _, c := range configs {
		o := next[c.Front.Listen]
		if o == nil {
			continue
		}
		if settings := settingsOf(c.Front); settings != o.settings {
			o.Set(settings)
			o.settings = settings
		}
		o.binding, o.port = c.Binding.Name, c.Binding.Port
		if f.open[c.Front.Listen] == nil {
			fresh = append(fresh, frontAttrs(o))
		}
	}
	for at, o := range f.open {
		if next[at] == nil {
			f.end(o)
		}
	}
	f.open = next
	return fresh
}

// whoIsThere says that a front of the last configuration keeps a new one from listening. It goes on until the new
// configuration is taken, and that is not before its fronts are open.
func (f *fronts) whoIsThere(at netip.AddrPort) string {
	for old := range f.open {
		if old.Port() == at.Port() && (old.Addr().IsUnspecified() || at.Addr().IsUnspecified()) {
			return fmt.Sprintf(" (beside the front at %s, which it cannot replace without a restart)", old)
		}
	}
	return ""
}

// cutAll ends fronts that were opened for nothing.
func cutAll(fronts, except map[netip.AddrPort]*openFront) {
	for at, o := range fronts {
		if except[at] == nil {
			o.Shutdown(past())
		}
	}
}

// past is a context that has ended.
func past() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// end closes a front and lets its flows end. It returns at once.
func (f *fronts) end(o *openFront) {
	attrs, flows := frontAttrs(o), o.Stats().Flows
	f.ending.Go(func() {
		ctx, reset := context.Background(), make(chan int, 1)
		go func() { reset <- o.Shutdown(ctx) }() // whoever does not read the log must not keep it open
		f.log.LogAttrs(ctx, slog.LevelInfo, "the front is closed, and its flows may end", append(slices.Clip(attrs), slog.Int("flows", flows))...)
		cut := <-reset
		f.log.LogAttrs(ctx, slog.LevelInfo, "the front has ended", append(slices.Clip(attrs), slog.Int("flows_reset", cut))...)
	})
}

func frontAttrs(o *openFront) []slog.Attr {
	return []slog.Attr{slog.String("binding", o.binding), slog.String("front", o.Addr().String())}
}

// drain ends all fronts, and returns when their flows are over, or their delay is.
func (f *fronts) drain() {
	var longest time.Duration
	f.mu.Lock()
	f.ended = true
	for _, o := range f.open {
		longest = max(longest, o.settings.DrainDelay)
		f.end(o)
	}
	f.open = nil
	f.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		f.ending.Wait() // for those of an older configuration too
	}()
	late := time.NewTimer(longest + shutdownLimit)
	defer late.Stop()
	select {
	case <-over:
	case <-late.C: // what hangs is left behind
	}
}

// cut ends all fronts that are still open, at once.
func (f *fronts) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	cutAll(f.open, nil)
	f.open = nil
}

// The health checks' thresholds are a Network Load Balancer's defaults, but for the one of failures, for a dead target
// costs every client that is sent there the time of a dial:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
const (
	healthyAfter   = 3
	unhealthyAfter = 2
	healthTimeout  = 5 * time.Second
)

func settingsOf(c config.Front) front.Settings {
	return front.Settings{
		HealthInterval: c.HealthInterval, HealthTimeout: min(c.HealthInterval, healthTimeout),
		Healthy: healthyAfter, Unhealthy: unhealthyAfter,
		DrainDelay: c.DrainDelay, IdleTimeout: c.IdleTimeout, MaxFlows: c.MaxFlows,
	}
}

// group is the open front of a binding.
func (f *fronts) group(_ context.Context, c config.Config) (mooring.Group, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.open[c.Front.Listen]
	if o == nil {
		return nil, errors.New("it is closed") // a newer configuration has none at this address, or the process ends
	}
	return &frontGroup{Front: o.Front, fronts: f, open: o, port: c.Binding.Port, adds: c.Policy.Mode == mooring.ModeAddOnly}, nil
}

// A frontGroup is a front as the group of one binding.
type frontGroup struct {
	*front.Front
	fronts *fronts
	open   *openFront
	port   uint16
	adds   bool // and never lets anybody go
}

// Targets implements [mooring.Group]. Targets on another port are of the binding as it was before a reload: nobody else
// registers any. Each leaves when its address is healthy on the new port, or when it is not healthy itself and somebody
// is on the new one.
func (g *frontGroup) Targets(ctx context.Context) ([]mooring.Target, error) {
	all, err := g.Front.Targets(ctx)
	if err != nil || g.adds || !g.current() {
		return all, err
	}
	old := replaced(all, g.port)
	if len(old) == 0 {
		return all, nil
	}
	if _, err := g.Deregister(ctx, old, func() error { return nil }); err != nil {
		return nil, err
	}
	return g.Front.Targets(ctx)
}

// replaced are the targets on other ports that are needed no more.
func replaced(all []mooring.Target, port uint16) (out []mooring.Target) {
	moved := map[netip.Addr]bool{}
	for _, t := range all {
		if t.Port == port && t.Health == mooring.HealthHealthy {
			moved[t.Addr] = true
		}
	}
	for _, t := range all {
		if t.Port != port && t.Registered() && (moved[t.Addr] || len(moved) > 0 && t.Health != mooring.HealthHealthy) {
			out = append(out, t)
		}
	}
	return out
}

// current tells whether the binding still is as this group knows it. The last round of one that changed must not remove
// the new one's targets.
func (g *frontGroup) current() bool {
	g.fronts.mu.Lock()
	defer g.fronts.mu.Unlock()
	return g.open.port == g.port
}

// stats are what all fronts do, for the metrics.
func (f *fronts) stats() []prom.Front {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]prom.Front, 0, len(f.open))
	for _, o := range f.open {
		s := o.Stats()
		one := prom.Front{
			Binding: o.binding, Flows: s.Flows, Accepted: s.Accepted, In: s.In, Out: s.Out,
			Targets: map[string]int{}, Refused: s.Refused, FailOpen: s.FailOpen,
		}
		for health, n := range s.Targets {
			one.Targets[string(health)] = n
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b prom.Front) int { return strings.Compare(a.Binding, b.Binding) })
	return out
}

// errUnseen is that a front's targets were asked for in another process.
var errUnseen = errors.New("they are in the process of mooring watch, and nowhere else")

// unseenFront stands for a front in another process, so that what needs the memory alone can be done.
func unseenFront(context.Context, config.Config) (mooring.Group, error) { return unseen{}, nil }

type unseen struct{}

func (unseen) Targets(context.Context) ([]mooring.Target, error) { return nil, errUnseen }

func (unseen) Register(context.Context, []mooring.Target, mooring.Permit) (mooring.Outcome, error) {
	return mooring.Outcome{}, errUnseen
}

func (unseen) Deregister(context.Context, []mooring.Target, mooring.Permit) ([]mooring.Target, error) {
	return nil, errUnseen
}
