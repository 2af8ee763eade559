package mooring_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
)

// A berth is the world of one binding of a fleet: a name, a group and a memory that do what they are told.
type berth struct {
	mu           sync.Mutex
	shows        []netip.Addr
	inconclusive string // nobody answers then, unless it is partial
	targets      []mooring.Target
	memory       mooring.Memory
	finds        []time.Time // when the name was looked up
	reads        []time.Time // when the group was read
	inside, most int         // rounds at the same time

	finding     func(context.Context) // called while the name is looked up
	reading     func(context.Context)
	registering func(context.Context)
}

func newBerth(shows string) *berth {
	return &berth{shows: addrs(shows), targets: healthy(shows), memory: knowing(shows)}
}

func (b *berth) Find(ctx context.Context, tracked func(context.Context) []netip.Addr) mooring.Observation {
	b.mu.Lock()
	b.finds = append(b.finds, time.Now())
	b.inside++
	b.most = max(b.most, b.inside)
	finding := b.finding
	b.mu.Unlock()
	if finding != nil {
		finding(ctx)
	}
	tracked(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inside--
	o := answers(8, strings.Join(words(b.shows), " "))
	if o.Inconclusive = b.inconclusive; o.Inconclusive != "" && !strings.HasPrefix(o.Inconclusive, "partial") {
		o.Answers = nil
	}
	return o
}

func words(addrs []netip.Addr) (out []string) {
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

func (b *berth) Targets(ctx context.Context) ([]mooring.Target, error) {
	b.mu.Lock()
	b.reads = append(b.reads, time.Now())
	reading := b.reading
	b.mu.Unlock()
	if reading != nil {
		reading(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.targets), ctx.Err()
}

func (b *berth) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	if err := permit(); err != nil {
		return mooring.Outcome{}, err
	}
	if b.registering != nil {
		b.registering(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range targets {
		t.Health = mooring.HealthHealthy
		b.targets = append(b.targets, t)
	}
	return mooring.Outcome{Registered: targets}, ctx.Err()
}

func (b *berth) Deregister(_ context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	return targets, permit()
}

func (b *berth) Load(context.Context) (mooring.Memory, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.memory, "tag", nil
}

func (b *berth) Save(_ context.Context, m mooring.Memory, _ string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.memory = m
	return "tag", nil
}

func (b *berth) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *berth) read() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.reads)
}

func (b *berth) looks() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.finds)
}

func (b *berth) together() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most
}

// member moors the berth to a group of its own, which the name says.
func (b *berth) member(name string, interval time.Duration) *mooring.Member {
	binding := mooring.Binding{Name: name, Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:" + name}
	return &mooring.Member{Binding: binding, Interval: interval, Open: func(context.Context) (*mooring.Keeper, error) {
		return &mooring.Keeper{
			Binding: binding, Policy: mooring.DefaultPolicy(), Finder: b, Group: b, Store: b,
			Program: "test", Log: quiet, Now: time.Now, Decide: mooring.Decide,
		}, nil
	}}
}

var quiet = slog.New(slog.DiscardHandler)

// A logbook keeps what is told of a fleet.
type logbook struct {
	mu      sync.Mutex
	entries map[string][]entry
}

type entry struct {
	at     time.Time
	report mooring.Report
}

func (l *logbook) tell(_ *mooring.Member, r mooring.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.entries = map[string][]entry{}
	}
	l.entries[r.Binding] = append(l.entries[r.Binding], entry{time.Now(), r})
}

func (l *logbook) of(name string) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[name])
}

// wait lets virtual time pass.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// takes is a look that takes as long as one on a network.
func takes(d time.Duration) func(context.Context) { return func(context.Context) { <-time.After(d) } }

// watching lets a fleet watch in a goroutine; end ends it and says how long that took.
func watching(f *mooring.Fleet, tell func(*mooring.Member, mooring.Report)) (end func() time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		f.Watch(ctx, tell)
	}()
	return func() time.Duration {
		began := time.Now()
		cancel()
		<-over
		return time.Since(began)
	}
}

func TestOneThatHangsAndOthersThatPanicDisturbNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all, hangs, dies, diesInPort = 200, 50, 51, 52
		release := make(chan struct{})
		var members []*mooring.Member
		var berths []*berth
		for i := range all {
			b := newBerth("10.0.0.1 10.0.0.2")
			b.finding = takes(200 * time.Millisecond)
			m := b.member(fmt.Sprintf("b%03d", i), time.Minute)
			switch i {
			case hangs:
				b.reading = func(context.Context) { <-release } // whatever its context says
			case dies:
				open := m.Open
				m.Open = func(ctx context.Context) (*mooring.Keeper, error) {
					k, err := open(ctx)
					k.Decide = func(mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) mooring.Plan {
						panic("no judgement")
					}
					return k, err
				}
			case diesInPort:
				b.reading = func(context.Context) { panic("no group") }
			}
			members, berths = append(members, m), append(berths, b)
		}
		var log logbook
		f := mooring.NewFleet(members, 8, 45*time.Second, quiet)
		began := time.Now()
		end := watching(f, log.tell)
		wait(10*time.Minute + 30*time.Second)

		if got := f.Stuck(90 * time.Second); !slices.Equal(got, []string{"b050"}) {
			t.Errorf("stuck: %v", got)
		}
		for i, m := range members {
			told := log.of(m.Name())
			if i == hangs {
				continue
			}
			if len(told) < 10 || told[0].at.Sub(began) > 20*time.Second {
				t.Fatalf("%s: %d reports, the first at %s", m.Name(), len(told), told[0].at)
			}
			for j, e := range told {
				bad := i == dies || i == diesInPort
				if bad != strings.Contains(e.report.Error, "panic: no ") || !bad && !e.report.OK() {
					t.Fatalf("%s: %s %s", m.Name(), e.report.Error, e.report.Inconclusive)
				}
				if j > 1 && e.at.Sub(told[j-1].at) > 70*time.Second {
					t.Errorf("%s: no report for %s", m.Name(), e.at.Sub(told[j-1].at))
				}
			}
		}
		stuck := log.of("b050")
		if n := berths[hangs].read(); n != 1 || len(stuck) < 5 {
			t.Errorf("the one that hangs was begun %d times and told of %d times", n, len(stuck))
		}
		for j, e := range stuck {
			want := "has not ended, and this one was not begun"
			if j == 0 {
				want = "is left behind"
			}
			if !strings.Contains(e.report.Error, want) {
				t.Errorf("report %d of the one that hangs: %q", j, e.report.Error)
			}
		}
		close(release)
		wait(2 * time.Minute)
		if told := log.of("b050"); !told[len(told)-1].report.OK() || len(f.Stuck(0)) > 0 {
			t.Errorf("it does not go on after it ended: %+v", told[len(told)-1].report)
		}
		end()
	})
}

func TestManyThatHangDoNotTakeTheOthersTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var members []*mooring.Member
		for i := range 20 {
			b := newBerth("10.0.0.1")
			if i < 8 {
				b.finding = func(ctx context.Context) { <-ctx.Done() }
			}
			members = append(members, b.member(fmt.Sprint("b", i), time.Minute))
		}
		var log logbook
		end := watching(mooring.NewFleet(members, 8, 45*time.Second, quiet), log.tell)
		wait(12 * time.Second)
		for _, m := range members[8:] {
			if len(log.of(m.Name())) == 0 {
				t.Errorf("%s has had no round", m.Name())
			}
		}
		end()
	})
}

func TestRoundsSpreadOverTheIntervalAndStaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var members []*mooring.Member
		var berths []*berth
		for i := range 200 {
			b := newBerth("10.0.0.1")
			berths, members = append(berths, b), append(members, b.member(fmt.Sprint("binding-", i), time.Minute))
		}
		began := time.Now()
		end := watching(mooring.NewFleet(members, 8, 45*time.Second, quiet), new(logbook).tell)
		wait(5 * time.Minute)
		end()
		perSecond := map[int]int{}
		for i, b := range berths {
			for j, at := range b.finds[1:] {
				perSecond[int(at.Sub(began).Seconds())%60]++
				if j > 0 && at.Sub(b.finds[j]) != time.Minute {
					t.Fatalf("binding %d waited %s", i, at.Sub(b.finds[j]))
				}
			}
		}
		for second, n := range perSecond {
			if n > 5*12 { // of five minutes; even spread has 3 or 4 of 200 bindings in a second
				t.Errorf("%d rounds in second %d", n, second)
			}
		}
		if len(perSecond) < 50 {
			t.Errorf("rounds in %d of 60 seconds only", len(perSecond))
		}
	})
}

func TestARoundMayFollowAnotherAtOnce(t *testing.T) {
	b := newBerth("10.0.0.1")
	f := mooring.NewFleet([]*mooring.Member{b.member("web", 0)}, 8, 45*time.Second, quiet)
	for range 1000 {
		if r := f.Round(t.Context())[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func TestABindingThatCannotBeOpenedFailsAloneAndIsTriedAgain(t *testing.T) {
	good, bad := newBerth("10.0.0.1").member("good", 0), newBerth("10.0.0.1").member("bad", 0)
	open, tries := bad.Open, 0
	bad.Open = func(ctx context.Context) (*mooring.Keeper, error) {
		if tries++; tries < 3 {
			return nil, errors.New("no credentials")
		}
		return open(ctx)
	}
	f := mooring.NewFleet([]*mooring.Member{good, bad}, 8, 45*time.Second, quiet)
	f.Open(t.Context())
	first, second := f.Round(t.Context()), f.Plan(t.Context())
	if !first[0].OK() || first[1].Error != "no credentials" || !second[1].OK() {
		t.Errorf("%+v\n%+v", first, second)
	}
}
