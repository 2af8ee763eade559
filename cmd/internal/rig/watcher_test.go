package rig

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/store"
)

// calm is the world of a binding where nothing happens.
type calm struct{}

var calmAddr = netip.MustParseAddr("10.0.0.1")

func (calm) Find(context.Context, func(context.Context) []netip.Addr) mooring.Observation {
	return mooring.Observation{Hostnames: []string{"app.example"}, Answers: []mooring.Answer{{
		Hostname: "app.example", Addrs: []netip.Addr{calmAddr}, Server: "192.0.2.1:53", Plain: true, Whole: true, Authoritative: true,
	}}}
}

func (calm) Targets(context.Context) ([]mooring.Target, error) {
	return []mooring.Target{{Addr: calmAddr, Port: 443, Health: mooring.HealthHealthy}}, nil
}

func (calm) Register(context.Context, []mooring.Target, mooring.Permit) (mooring.Outcome, error) {
	return mooring.Outcome{}, nil
}

func (calm) Deregister(context.Context, []mooring.Target, mooring.Permit) ([]mooring.Target, error) {
	return nil, nil
}

// A board is where the processes that share a memory hang their lease.
type board struct {
	mu     sync.Mutex
	holder string
	err    error
	calls  map[string]int // of Hold, by who called
}

type hung struct {
	*board
	who string
}

func (h hung) Hold(context.Context) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls == nil {
		h.calls = map[string]int{}
	}
	h.calls[h.who]++
	if h.err != nil {
		return false, h.err
	}
	if h.holder == "" {
		h.holder = h.who
	}
	return h.holder == h.who, nil
}

func (h hung) Release(context.Context) error { h.take(""); return nil }

func (b *board) take(who string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holder = who
}

func (b *board) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// asked is how often Hold was called by who since it was last asked.
func (b *board) asked(who string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.calls[who]
	b.calls[who] = 0
	return n
}

func (b *board) is() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.holder
}

// A crew is a watcher, with the configuration that it reads and what it did.
type crew struct {
	*Watcher
	mu      sync.Mutex
	configs []config.Config
	fault   error
	rounds  map[string]int
	errors  map[string]string
	opened  map[string]int
	reloads chan struct{}
	cancel  context.CancelFunc
	over    chan struct{}
}

func bindingAt(name, bucket string) config.Config {
	return config.Config{
		Named: true, Policy: mooring.DefaultPolicy(), Memory: config.Memory{Kind: "s3", Bucket: bucket},
		Binding: mooring.Binding{Name: name, Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:" + name},
	}
}

// embark starts a watcher called who, whose leases are on the board.
func embark(t *testing.T, who string, b *board, configs ...config.Config) *crew {
	t.Helper()
	c := &crew{
		configs: configs, rounds: map[string]int{}, errors: map[string]string{}, opened: map[string]int{},
		reloads: make(chan struct{}), over: make(chan struct{}),
	}
	c.Watcher = &Watcher{
		Options: Options{Log: slog.New(slog.DiscardHandler), open: c.open},
		Load: func(context.Context) ([]config.Config, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.configs, c.fault
		},
		LeaseOf: func(context.Context, config.Config, string) (Lease, error) { return hung{b, who}, nil },
		Told: func(r mooring.Report) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.rounds[r.Binding]++
			c.errors[r.Binding] = r.Error
		},
	}
	if err := c.Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(c.over)
		c.Run(ctx, c.reloads)
	}()
	synctest.Wait()
	return c
}

func (c *crew) open(_ context.Context, at config.Config, o Options) (*mooring.Keeper, error) {
	c.mu.Lock()
	c.opened[at.Binding.Name]++
	c.mu.Unlock()
	b := at.Binding
	if b.Port == 0 {
		b.Port = 443
	}
	return &mooring.Keeper{
		Binding: b, Policy: at.Policy, Finder: calm{}, Group: calm{}, Store: store.None{},
		Log: o.Log, Now: time.Now, Decide: mooring.Decide,
	}, nil
}

func (c *crew) end() {
	c.cancel()
	<-c.over
}

// during says how many rounds the binding had in that time.
func (c *crew) during(d time.Duration, binding string) int {
	before := c.count(binding)
	<-time.After(d)
	synctest.Wait()
	return c.count(binding) - before
}

func (c *crew) count(binding string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rounds[binding]
}

func (c *crew) reload(configs []config.Config, fault error) {
	c.mu.Lock()
	c.configs, c.fault = configs, fault
	c.mu.Unlock()
	c.reloads <- struct{}{}
	synctest.Wait()
}

func TestOfTwoThatShareAMemoryOneLeadsAndTheOtherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{}
		first := embark(t, "first", b, bindingAt("web", "bucket"))
		second := embark(t, "second", b, bindingAt("web", "bucket"))
		if n, m := first.during(5*time.Minute, "web"), second.count("web"); n < 4 || m != 0 {
			t.Errorf("%d rounds of the first, %d of the second", n, m)
		}
		if s := second.Status(); s.Bindings[0].Leads || !s.Bindings[0].Ready {
			t.Errorf("the one that stands by: %+v", s)
		}
		first.end()
		if b.is() != "" {
			t.Error("the first did not release its lease")
		}
		if n := second.during(5*time.Minute, "web"); n < 4 {
			t.Errorf("%d rounds of the second", n)
		}
		b.take("third")
		if n := second.during(5*time.Minute, "web"); n > 1 {
			t.Errorf("%d rounds of the second, when it had lost the lease", n)
		}
		second.end()
		if b.is() != "third" {
			t.Error("the second released a lease that it did not hold")
		}
	})
}

func TestALeaseThatWasReleasedIsTakenAtOnceAndRenewedNoMoreOftenForIt(t *testing.T) {
	for kind, within := range map[string]time.Duration{"s3": 2 * time.Second, "file": time.Second} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := bindingAt("web", "bucket")
				at.Memory.Kind, at.Memory.Dir = kind, "/var/lib/mooring"
				b := &board{}
				first := embark(t, "first", b, at)
				second := embark(t, "second", b, at)
				first.during(5*time.Minute+within/2, "web") // between two looks
				if renewed, looked := b.asked("first"), b.asked("second"); renewed > 16 || looked < int(5*time.Minute/within) {
					t.Errorf("in five minutes %d calls of the one that leads, and %d of the other", renewed, looked)
				}
				first.end()
				second.during(within, "web")
				if !second.Status().Bindings[0].Leads {
					t.Errorf("%s after the release the other still stands by", within)
				}
				b.asked("second")
				second.during(5*time.Minute, "web")
				if renewed := b.asked("second"); renewed > 16 {
					t.Errorf("it calls %d times in five minutes when it leads", renewed)
				}
				second.end()
			})
		})
	}
}

func TestOneLookThatFailsMakesNobodyLeadAndManyDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{}
		first := embark(t, "first", b, bindingAt("web", "bucket"))
		second := embark(t, "second", b, bindingAt("web", "bucket"))
		b.fail(errors.New("slow down"))
		second.during(5*time.Second, "web")
		b.fail(nil)
		second.during(5*time.Second, "web")
		b.fail(errors.New("slow down"))
		second.during(18*time.Second, "web")
		if second.Status().Bindings[0].Leads {
			t.Error("it leads beside another after looks that failed for less than a renewal's time")
		}
		second.during(4*time.Second, "web")
		if !first.Status().Bindings[0].Leads || !second.Status().Bindings[0].Leads {
			t.Error("nobody can know who leads, and not both do")
		}
		b.fail(nil)
		second.during(time.Minute, "web")
		if second.Status().Bindings[0].Leads {
			t.Error("it goes on leading when the lease is to be had, and another's")
		}
		first.end()
		second.end()
	})
}

func TestWithoutALeaseToBeHadAProcessLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{err: errors.New("access denied")}
		c := embark(t, "first", b, bindingAt("web", "bucket"))
		if n := c.during(5*time.Minute, "web"); n < 4 || !c.Status().Bindings[0].Leads {
			t.Errorf("%d rounds; %+v", n, c.Status())
		}
		c.end()
	})
}

func TestOnlyTheBindingsOfAPlaceThatIsLedAreRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elsewhere := &board{holder: "somebody"}
		c := embark(t, "first", elsewhere, bindingAt("web", "bucket"), config.Config{
			Named: true, Policy: mooring.DefaultPolicy(), Memory: config.Memory{Kind: "none"},
			Binding: mooring.Binding{Name: "alone", Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:alone"},
		})
		if n := c.during(5*time.Minute, "alone"); n < 4 || c.count("web") != 0 {
			t.Errorf("%d rounds without a memory to share, %d of the one that another leads", n, c.count("web"))
		}
		c.end()
	})
}

func TestABadConfigurationIsNotTakenAndTheOldOneGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := embark(t, "first", &board{}, bindingAt("web", "bucket"))
		c.reload(nil, errors.New("line 3: no"))
		if n := c.during(5*time.Minute, "web"); n < 4 || !c.Status().Stale {
			t.Errorf("%d rounds; %+v", n, c.Status())
		}
		c.reload([]config.Config{bindingAt("web", "bucket")}, nil)
		if c.Status().Stale {
			t.Error("it does not forget the fault")
		}
		c.end()
	})
}

func TestUnchangedBindingsKeepTheirKeeperAndOthersFollowTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{}
		c := embark(t, "first", b, bindingAt("stays", "bucket"), bindingAt("changes", "bucket"), bindingAt("goes", "elsewhere"))
		c.during(3*time.Minute, "stays")
		changed := bindingAt("changes", "bucket")
		changed.Policy.Misses = 9
		c.reload([]config.Config{bindingAt("comes", "bucket"), bindingAt("stays", "bucket"), changed}, nil)
		gone := c.count("goes")
		if n := c.during(5*time.Minute, "stays"); n < 4 || c.count("goes") != gone || c.count("comes") < 4 {
			t.Errorf("%d rounds of the one that stays, %d of the one that went, %d of the one that came", n, c.count("goes")-gone, c.count("comes"))
		}
		c.mu.Lock()
		if c.opened["stays"] != 1 || c.opened["changes"] != 2 {
			t.Errorf("opened: %v", c.opened)
		}
		c.mu.Unlock()
		var names []string
		for _, s := range c.Status().Bindings {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, []string{"comes", "stays", "changes"}) {
			t.Errorf("%v", names)
		}
		c.end()
	})
}

// What a group's own port is shows only when the group is asked.
func TestTwoBindingsThatTurnOutToBeForTheSameTargetsAreNotBothRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, told := bindingAt("own", "bucket"), bindingAt("told", "bucket")
		own.Binding.Port, own.Binding.TargetGroup = 0, told.Binding.TargetGroup
		fleet, err := NewFleet(t.Context(), []config.Config{own, told}, Options{
			Log: slog.New(slog.DiscardHandler), open: (&crew{opened: map[string]int{}}).open,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := fleet.Round(t.Context())
		if !strings.Contains(got[0].Error, "bindings told and own: both moored to port 443") || got[1].Error != "" {
			t.Errorf("%q; %q", got[0].Error, got[1].Error)
		}
	})
}

// So a binding without a port of its own is opened anew when another one of its group comes, goes or changes.
func TestABindingWithoutAPortOfItsOwnLooksForItsDoubleAgainAfterAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, told := bindingAt("own", "bucket"), bindingAt("told", "bucket")
		own.Binding.Port, own.Binding.TargetGroup = 0, told.Binding.TargetGroup
		c := embark(t, "first", &board{}, own)
		if n := c.during(3*time.Minute, "own"); n < 2 {
			t.Errorf("%d rounds alone", n)
		}
		c.reload([]config.Config{own, told}, nil)
		c.during(3*time.Minute, "own")
		if got := c.said("own"); !strings.Contains(got, "bindings told and own: both moored to port 443") {
			t.Errorf("beside its double it said %q", got)
		}
		c.reload([]config.Config{own}, nil)
		c.during(3*time.Minute, "own")
		if got := c.said("own"); got != "" {
			t.Errorf("alone again it said %q", got)
		}
		c.end()
	})
}

// said is the error of a binding's last round.
func (c *crew) said(binding string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errors[binding]
}

func TestNobodyIsReadyBeforeItIsKnownWhoLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan struct{})
		c := &Watcher{
			Options: Options{Log: slog.New(slog.DiscardHandler)},
			Load: func(context.Context) ([]config.Config, error) {
				return []config.Config{bindingAt("web", "bucket")}, nil
			},
			LeaseOf: func(ctx context.Context, _ config.Config, _ string) (Lease, error) {
				close(asked)
				<-ctx.Done()
				return nil, ctx.Err()
			},
		}
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		over := make(chan struct{})
		go func() { defer close(over); c.Run(ctx, nil) }()
		<-asked
		if got := c.Status().Pending(); !slices.Equal(got, []string{"web"}) {
			t.Errorf("%v", got)
		}
		cancel()
		<-over
	})
}
