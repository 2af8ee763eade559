package mooring_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
)

// every watches a berth each second, and says how often its group was read while f ran.
func every(b *berth, log *logbook) (during func(f func()) int, end func() time.Duration) {
	end = watching(mooring.NewFleet([]*mooring.Member{b.member("db", time.Second)}, 8, 45*time.Second, quiet), log.tell)
	wait(10 * time.Second)
	return func(f func()) int {
		before := b.read()
		f()
		return b.read() - before
	}, end
}

func TestTheGroupIsReadEveryHalfMinuteWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		b, log := newBerth("10.0.0.1 10.0.0.2"), &logbook{}
		reads, end := every(b, log)
		looks := b.looks()
		if n := reads(func() { wait(5 * time.Minute) }); n < 9 || n > 10 {
			t.Errorf("it was read %d times in five minutes", n)
		}
		if n := b.looks() - looks; n != 300 {
			t.Errorf("the name was looked up %d times in five minutes", n)
		}
		for _, e := range log.of("db") {
			if !e.report.OK() || len(e.report.Resolved) != 2 {
				t.Fatalf("%+v", e.report)
			}
		}
		end()
	})
}

func TestANewAddressIsRegisteredWithinASecondAndTheGroupIsReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newBerth("10.0.0.1 10.0.0.2"), &logbook{}
		_, end := every(b, log)
		b.change(func() { b.shows = addrs("10.0.0.1 10.0.0.2 10.0.0.3") })
		changed := time.Now()
		wait(time.Second)
		if r := log.of("db"); !slices.Equal(r[len(r)-1].report.Registered, addrs("10.0.0.3")) {
			t.Errorf("%s after the change: %+v", time.Since(changed), r[len(r)-1].report)
		}
		end()
	})
}

func TestTheGroupIsReadInEveryRoundWhileSomebodyIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBerth("10.0.0.1 10.0.0.2 10.0.0.3")
		reads, end := every(b, &logbook{})
		b.change(func() { b.shows = addrs("10.0.0.1 10.0.0.2") })
		if n := reads(func() { wait(10 * time.Second) }); n != 10 {
			t.Errorf("it was read %d times in ten rounds", n)
		}
		end()
	})
}

func TestAnInconclusiveGlanceSaysSoAndKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newBerth("10.0.0.1 10.0.0.2"), &logbook{}
		reads, end := every(b, log)
		b.change(func() { b.inconclusive = "timeout: nobody answers" })
		if n := reads(func() { wait(10 * time.Second) }); n > 1 {
			t.Errorf("the group was read %d times for it", n)
		}
		told := log.of("db")
		r := told[len(told)-1].report
		if r.Inconclusive != "timeout: nobody answers" || r.OK() || r.Err != nil {
			t.Errorf("%+v", r)
		}
		b.change(func() { b.inconclusive = "" })
		wait(time.Second)
		if told := log.of("db"); !told[len(told)-1].report.OK() {
			t.Errorf("it does not end: %+v", told[len(told)-1].report)
		}
		end()
	})
}

// While nobody can be looked at, nothing can be done, so the group need not be read for it.
func TestAnInconclusiveRoundIsFollowedByGlancesAndByARoundWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBerth("10.0.0.1 10.0.0.2")
		b.inconclusive = "servfail: all servers"
		reads, end := every(b, &logbook{})
		if n := reads(func() { wait(60 * time.Second) }); n > 2 {
			t.Errorf("the group was read %d times in a minute", n)
		}
		if n := reads(func() {
			b.change(func() { b.inconclusive, b.shows = "", addrs("10.0.0.1 10.0.0.3") })
			wait(time.Second)
		}); n == 0 {
			t.Error("no round when the name could be looked at again and showed somebody new")
		}
		end()
	})
}

// What waits for its time or for somebody else is looked at now and then: the group is read every 30 s, as when all is calm.
func TestTheGroupIsNotReadForWhatNoRoundCanChange(t *testing.T) {
	for name, world := range map[string]func(b *berth, p *mooring.Policy){
		"calm":       func(*berth, *mooring.Policy) {},
		"no answers": func(b *berth, _ *mooring.Policy) { b.inconclusive = "timeout: nobody answers" },
		"adding only": func(b *berth, p *mooring.Policy) {
			p.Mode = mooring.ModeAddOnly
			b.targets, b.memory = append(b.targets, healthy("10.0.0.9")...), knowing("10.0.0.1 10.0.0.9")
		},
		"observing what another has not done": func(b *berth, p *mooring.Policy) {
			p.Mode = mooring.ModeObserve
			b.shows = addrs("10.0.0.1 10.0.0.2")
		},
		"observing whom another has not removed": func(b *berth, p *mooring.Policy) {
			p.Mode, p.MissProbability = mooring.ModeObserve, 1e-3 // eight answers prove it
			b.targets, b.memory = append(b.targets, healthy("10.0.0.9")...), knowing("10.0.0.1 10.0.0.9")
		},
		"paused, with one to add and one gone": func(b *berth, _ *mooring.Policy) {
			b.targets, b.memory = append(b.targets, healthy("10.0.0.9")...), knowing("10.0.0.1 10.0.0.9")
			b.memory.Paused = mooring.Pause{At: time.Now(), By: "ann"}
			b.shows = addrs("10.0.0.1 10.0.0.2")
		},
		"refused for hours": func(b *berth, _ *mooring.Policy) {
			b.shows = addrs("10.0.0.1 10.0.0.2")
			b.memory.Refused = []mooring.Refusal{{Addr: addrs("10.0.0.2")[0], Reason: "quota", Times: 6, Until: time.Now().Add(5 * time.Hour)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBerth("10.0.0.1")
				p := mooring.DefaultPolicy()
				world(b, &p)
				m := b.member("web", time.Second)
				open := m.Open
				m.Open = func(ctx context.Context) (*mooring.Keeper, error) {
					k, err := open(ctx)
					k.Policy = p
					return k, err
				}
				end := watching(mooring.NewFleet([]*mooring.Member{m}, 8, 45*time.Second, quiet), func(*mooring.Member, mooring.Report) {})
				wait(time.Hour)
				before := b.read()
				wait(10 * time.Minute)
				if n := b.read() - before; n > 21 {
					t.Errorf("it was read %d times in ten minutes", n)
				}
				end()
			})
		})
	}
}

// A round that was inconclusive is owed, and a glance that was so too does not pay for it.
func TestAfterAnInconclusiveRoundTheNextGoodLookIsARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBerth("10.0.0.1 10.0.0.2")
		reads, end := every(b, &logbook{})
		wait(31 * time.Second)
		b.change(func() { b.shows, b.inconclusive = addrs("10.0.0.1"), "partial: one of the hostnames failed" })
		for reads(func() { wait(time.Second) }) == 0 { // until there is a round
		}
		wait(3 * time.Second) // and glances
		if n := reads(func() {
			b.change(func() { b.inconclusive = "" })
			wait(2 * time.Second)
		}); n == 0 {
			t.Error("nobody read the group")
		}
		end()
	})
}
