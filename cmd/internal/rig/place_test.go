package rig

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/config"
)

// A duty counts the rounds of the bindings that a watcher of its own keeps.
type duty struct {
	*Watcher
	mu      sync.Mutex
	configs []config.Config
	rounds  map[string]int
	reload  chan struct{}
	end     func()
}

func onDuty(t *testing.T, leaseOf func(context.Context, config.Config, string) (Lease, error), configs ...config.Config) *duty {
	t.Helper()
	d := &duty{configs: configs, rounds: map[string]int{}, reload: make(chan struct{})}
	d.Watcher = &Watcher{
		Options: Options{Log: slog.New(slog.DiscardHandler), open: (&crew{opened: map[string]int{}}).open},
		Load: func(context.Context) ([]config.Config, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return slices.Clone(d.configs), nil
		},
		LeaseOf: leaseOf,
		Told: func(r mooring.Report) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.rounds[r.Binding]++
		},
	}
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { defer close(over); d.Run(ctx, d.reload) }()
	d.end = func() { cancel(); <-over }
	return d
}

func (d *duty) of(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rounds[name]
}

func inDir(name, dir string) config.Config {
	c := bindingAt(name, "")
	c.Memory = config.Memory{Kind: "file", Dir: dir}
	return c
}

func TestDaemonsThatKeepOtherBindingsAtOnePlaceAllWork(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		web := onDuty(t, LeaseOf(Options{}, "web's"), inDir("web", dir))
		db := onDuty(t, LeaseOf(Options{}, "db's"), inDir("db", dir))
		twin := onDuty(t, LeaseOf(Options{}, "web's twin"), inDir("web", dir))
		<-time.After(time.Hour)
		if web.of("web")+twin.of("web") == 0 || web.of("web") > 0 && twin.of("web") > 0 || db.of("db") == 0 {
			t.Errorf("web's %d and its twin's %d rounds, db's %d", web.of("web"), twin.of("web"), db.of("db"))
		}
		for _, d := range []*duty{web, db, twin} {
			d.end()
		}
	})
}

func TestOnePlaceSpeltInTwoWaysIsOne(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := onDuty(t, LeaseOf(Options{}, "me"), inDir("one", dir), inDir("two", dir+"/."))
		<-time.After(time.Hour)
		if d.of("one") == 0 || d.of("two") == 0 {
			t.Errorf("%d and %d rounds", d.of("one"), d.of("two"))
		}
		d.end()
	})
}

func TestALeaseFollowsTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := map[string]int{}
		c := bindingAt("web", "bucket")
		c.Memory.RoleARN = "typo"
		d := onDuty(t, func(_ context.Context, c config.Config, _ string) (Lease, error) {
			mu.Lock()
			defer mu.Unlock()
			asked[c.Memory.RoleARN]++
			return nil, errors.New("cannot be assumed")
		}, c)
		<-time.After(time.Minute)
		c.Memory.RoleARN = "right"
		d.mu.Lock()
		d.configs = []config.Config{c}
		d.mu.Unlock()
		d.reload <- struct{}{}
		<-time.After(time.Minute)
		mu.Lock()
		before := asked["typo"]
		mu.Unlock()
		<-time.After(time.Hour)
		mu.Lock()
		if asked["right"] == 0 || asked["typo"] > before {
			t.Errorf("asked as %v", asked)
		}
		mu.Unlock()
		d.end()
	})
}

func TestWhoHasTheFrontNeedsNoLease(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		web, app := inDir("web", dir), inDir("app", dir)
		web.Front.Listen = netip.MustParseAddrPort("127.0.0.1:8443")
		held := &board{holder: "another"}
		d := onDuty(t, func(_ context.Context, c config.Config, _ string) (Lease, error) {
			if c.Embedded() {
				t.Error("a lease was asked for")
			}
			return hung{held, "me"}, nil
		}, web, app)
		<-time.After(time.Hour)
		if d.of("web") == 0 || d.of("app") > 0 {
			t.Errorf("%d rounds of the one with a front, %d of the other, whose lease another holds", d.of("web"), d.of("app"))
		}
		d.end()
	})
}

// Clients wait for a front's targets, and must not wait for the rounds of others.
func TestAFrontHasItsTargetsBeforeTheRoundsBegin(t *testing.T) {
	c := inDir("web", t.TempDir())
	c.Front.Listen = netip.MustParseAddrPort("127.0.0.1:8443")
	opened := &crew{opened: map[string]int{}}
	w := &Watcher{
		Options: Options{Log: slog.New(slog.DiscardHandler), open: opened.open},
		Load: func(context.Context) ([]config.Config, error) {
			return []config.Config{inDir("app", t.TempDir()), c}, nil
		},
	}
	if err := w.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if opened.opened["web"] != 1 || opened.opened["app"] != 0 {
		t.Errorf("opened %v", opened.opened)
	}
}

func TestALeaseThatPanicsEndsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := onDuty(t, func(context.Context, config.Config, string) (Lease, error) { panic("no such lease") }, bindingAt("web", "bucket"))
		<-time.After(time.Hour)
		if d.of("web") == 0 {
			t.Error("nobody works")
		}
		d.end()
	})
}
