package mooring_test

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
)

func TestAFleetThatIsEndedWhileItLooksEndsQuickly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newBerth("10.0.0.1"), &logbook{}
		b.finding = func(ctx context.Context) { <-ctx.Done() }
		end := watching(mooring.NewFleet([]*mooring.Member{b.member("web", time.Minute)}, 8, 45*time.Second, quiet), log.tell)
		wait(time.Second)
		if took := end(); took > 100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if b.memory.Revision != 0 || len(b.targets) != 1 {
			t.Errorf("it acted on half a look: %+v", b.memory)
		}
	})
}

func TestAFleetThatIsEndedWhileItActsFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newBerth("10.0.0.1"), &logbook{}
		b.shows = addrs("10.0.0.1 10.0.0.2")
		b.registering = func(ctx context.Context) {
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
			}
		}
		end := watching(mooring.NewFleet([]*mooring.Member{b.member("web", time.Minute)}, 8, 45*time.Second, quiet), log.tell)
		wait(time.Second)
		if took := end(); took != 4*time.Second {
			t.Errorf("it took %s", took)
		}
		told := log.of("web")
		if len(told) != 1 || !slices.Equal(told[0].report.Registered, addrs("10.0.0.2")) || told[0].report.Err != nil {
			t.Errorf("%+v", told)
		}
	})
}

func TestMembersThatStayGoOnUndisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stays, leaves, comes := newBerth("10.0.0.1"), newBerth("10.0.0.2"), newBerth("10.0.0.3")
		one, two, three := stays.member("stays", time.Minute), leaves.member("leaves", time.Minute), comes.member("comes", time.Minute)
		f := mooring.NewFleet([]*mooring.Member{one, two}, 8, 45*time.Second, quiet)
		end := watching(f, new(logbook).tell)
		wait(3*time.Minute - time.Second)
		before, left := stays.looks(), leaves.looks()
		f.Set([]*mooring.Member{one, three})
		wait(time.Second)
		if comes.looks() != 1 || stays.looks() > before+1 {
			t.Errorf("%d rounds of the new one, %d more of the old one", comes.looks(), stays.looks()-before)
		}
		wait(3 * time.Minute)
		if leaves.looks() != left || stays.looks() < before+3 || comes.looks() < 3 {
			t.Errorf("%d more of the one that left, %d, %d", leaves.looks()-left, stays.looks()-before, comes.looks())
		}
		end()
	})
}

func TestTwoMembersForTheSameTargetsNeverHaveARoundAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBerth("10.0.0.1")
		b.finding = takes(10 * time.Second)
		f := mooring.NewFleet([]*mooring.Member{b.member("web", time.Minute)}, 8, 45*time.Second, quiet)
		end := watching(f, new(logbook).tell)
		wait(time.Second) // in the middle of the first round
		for range 3 {
			next := b.member("web", time.Minute)
			next.Binding.Port = 0 // the group's own, which may be the same
			f.Set([]*mooring.Member{next})
			wait(time.Second)
		}
		if b.looks() != 1 {
			t.Errorf("%d rounds began beside the first", b.looks()-1)
		}
		wait(time.Minute)
		if b.together() != 1 || b.looks() < 2 {
			t.Errorf("%d at the same time, %d in all", b.together(), b.looks())
		}
		end()
	})
}

func TestAChangedBindingDoesNotBeginWhileItsOldRoundHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newBerth("10.0.0.1"), &logbook{}
		release := make(chan struct{})
		b.finding = func(context.Context) { <-release }
		f := mooring.NewFleet([]*mooring.Member{b.member("web", time.Minute)}, 8, 45*time.Second, quiet)
		end := watching(f, log.tell)
		wait(time.Second)
		f.Set([]*mooring.Member{b.member("web", time.Minute)})
		wait(5 * time.Minute)
		if b.looks() != 1 || len(log.of("web")) < 4 {
			t.Errorf("%d rounds, %d reports", b.looks(), len(log.of("web")))
		}
		b.change(func() { b.finding = nil })
		close(release)
		wait(2 * time.Minute)
		if told := log.of("web"); !told[len(told)-1].report.OK() {
			t.Errorf("%+v", told[len(told)-1].report)
		}
		end()
	})
}

func TestAVisitEndsByItself(t *testing.T) {
	second := time.Second
	for name, c := range map[string]struct {
		interval time.Duration
		visit    mooring.Visit
		last     time.Duration // from the beginning; 0: no limit
		want     []time.Duration
	}{
		"one round":                 {want: []time.Duration{0}},
		"it looks again":            {visit: mooring.Visit{Again: []time.Duration{5 * second, 15 * second}}, want: []time.Duration{0, 5 * second, 15 * second}},
		"as far as there is time":   {visit: mooring.Visit{Again: []time.Duration{5 * second, 15 * second}}, last: 10 * second, want: []time.Duration{0, 5 * second}},
		"there is no time for more": {interval: second, last: -second, want: []time.Duration{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, log := newBerth("10.0.0.1"), &logbook{}
				f := mooring.NewFleet([]*mooring.Member{b.member("web", c.interval)}, 8, 45*second, quiet)
				began := time.Now()
				if c.last != 0 {
					c.visit.Last = began.Add(c.last)
				}
				f.Visit(t.Context(), c.visit, log.tell)
				var got []time.Duration
				for _, e := range log.of("web") {
					got = append(got, e.at.Sub(began))
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("looked at %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestAVisitAtAnIntervalRunsUntilItsLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBerth("10.0.0.1")
		f := mooring.NewFleet([]*mooring.Member{b.member("web", 5*time.Second)}, 8, 45*time.Second, quiet)
		began := time.Now()
		f.Visit(t.Context(), mooring.Visit{Last: began.Add(45 * time.Second)}, new(logbook).tell)
		if n := b.looks(); n < 9 || n > 10 || time.Since(began) > 45*time.Second {
			t.Errorf("%d looks in %s", n, time.Since(began))
		}
	})
}

func TestTheFirstStepOfEveryVisitIsARound(t *testing.T) {
	b := newBerth("10.0.0.1")
	f := mooring.NewFleet([]*mooring.Member{b.member("web", 0)}, 8, 45*time.Second, quiet)
	for range 3 {
		f.Visit(t.Context(), mooring.Visit{}, func(_ *mooring.Member, r mooring.Report) {
			if r.Glance {
				t.Error("it only glanced")
			}
		})
	}
	if b.read() != 3 {
		t.Errorf("the group was read %d times", b.read())
	}
}

func TestAReloadKeepsNobodyOfTheConfigurationBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBerth("10.0.0.1")
		f := mooring.NewFleet(nil, 8, 45*time.Second, quiet)
		end := watching(f, func(*mooring.Member, mooring.Report) {})
		var let atomic.Int64
		const reloads = 50
		for range reloads {
			m := b.member("web", time.Minute)
			runtime.AddCleanup(m, func(int) { let.Add(1) }, 0)
			f.Set([]*mooring.Member{m})
			wait(2 * time.Minute)
		}
		runtime.GC()
		runtime.GC()
		end()
		if n := reloads - let.Load(); n > 5 { // the last one, and what is on the stack
			t.Errorf("%d of %d are kept", n, reloads)
		}
	})
}
