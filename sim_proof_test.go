package mooring_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// behindCaches lives a day of a name of 24 addresses, asked through resolvers that keep an answer of 8 for a minute.
func behindCaches(t *testing.T, seed uint64, change func(*sim.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := calm(24)
		w.KeepValues()
		rounds(t, w, 2)
		w.Seed, w.Zone.Cache = seed, time.Minute
		if change != nil {
			change(w)
		}
		if left := rounds(t, w, 24*60); len(left) > 0 {
			t.Errorf("seed %d: left: %v", seed, left)
		}
		kept(t, w)
	})
}

// A cache gives one answer a minute, which leaves two thirds of the addresses out: whoever is not in it counts among
// those that it may have chosen from.
func TestADayBehindOneCacheRemovesNobody(t *testing.T) {
	for seed := range uint64(max(1, defaultSeeds/100)) {
		behindCaches(t, seed, nil)
	}
}

// A round has 45 seconds. One that looked for most of them does not begin a call that could be cut short.
func TestNoCallBeginsWhenTheTimeOfARoundIsNearlyOver(t *testing.T) {
	for _, pause := range []time.Duration{40 * time.Second, 43 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := calm(4)
			w.Sleep = nil
			ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
			defer cancel()
			p, met := w.NewProcess("slow"), false
			p.At = func(at sim.Point) {
				if at == sim.PointFound && !met {
					met = true
					pass(pause)
				}
			}
			p.Round(ctx)
			if acted := w.Calls() > 0; acted != (pause < 42*time.Second) {
				t.Errorf("after %s it acted: %t", pause, acted)
			}
			kept(t, w)
		})
	}
}

// A machine that is stopped between the answer of the group and that of the name has a fresh look at the name, and whom the
// group had long ago. No deadline tells it so, for its timers stood still as well.
func TestNobodyLeavesByAListThatIsOld(t *testing.T) {
	for _, pause := range []time.Duration{40 * time.Second, 46 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := calm(4)
			w.Sleep = nil
			p, met := w.NewProcess("stopped"), false
			p.At = func(at sim.Point) {
				if at == sim.PointDescribed && !met {
					met = true
					pass(pause)
				}
			}
			p.Round(t.Context())
			if acted := w.Calls() > 0; acted != (pause < 45*time.Second) {
				t.Errorf("after %s it acted: %t", pause, acted)
			}
			kept(t, w)
		})
	}
}

// An address that is missing may have been behind either name. What one of them says over and over does not make up for
// what the other has hardly said.
func TestTheNameThatSaysLeastDecides(t *testing.T) {
	for often, leaves := range map[int]bool{1: false, 80: true} {
		o := answers(40, "10.0.0.1 10.0.0.2")
		o.Hostnames = append([]string{"a.example"}, o.Hostnames...)
		for _, a := range answers(often, "10.0.0.3").Answers {
			a.Hostname, a.Authoritative = "a.example", leaves // one answer is a resolver's
			o.Answers = append(o.Answers, a)
		}
		m := knowing("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")
		m.Hostnames = o.Hostnames
		m.Addresses[3].Missed, m.Addresses[3].MissingSince, m.Addresses[3].LastMiss = 2, noon.Add(-5*time.Minute), noon.Add(-time.Minute)
		h := mooring.Holding{Port: 443, Targets: healthy("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")}
		plan := mooring.Decide(mooring.DefaultPolicy(), m, o, h, noon)
		if left := len(plan.Deregister) > 0; left != leaves {
			t.Errorf("after %d answers about the second name it leaves: %t; held: %+v", often, left, plan.Held)
		}
	}
}

// A function that was frozen after its decision wakes when its time is over. It does nothing, and does not call that a
// round that went well.
func TestARoundWhoseTimeIsOverBeforeItActsSaysSo(t *testing.T) {
	for pause, over := range map[time.Duration]bool{20 * time.Second: false, time.Hour: true} {
		synctest.Test(t, func(t *testing.T) {
			w := calm(4)
			ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
			defer cancel()
			p := w.NewProcess("frozen")
			p.At = func(at sim.Point) {
				if at == sim.PointDecide {
					pass(pause)
				}
			}
			report := p.Round(ctx)
			if said := report.Error != ""; said != over || (w.Calls() == 0) != over {
				t.Errorf("after %s: %d calls, error %q", pause, w.Calls(), report.Error)
			}
			kept(t, w)
		})
	}
}

// One address may stand for several hosts, each of which keeps to its own choice: what they say in turn is no news. One
// that chooses anew says much the same for other reasons, and counts.
func TestHostsBehindOneServerThatKeepToTheirChoicesSayEachOnce(t *testing.T) {
	pool := hosts(1, 12)
	answer := func(addrs []netip.Addr) mooring.Answer {
		addrs = slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
		return mooring.Answer{Hostname: "app.example", Addrs: addrs, Server: "192.0.2.1:53", Plain: true, Authoritative: true}
	}
	counted := func(n int, of func(int) []netip.Addr) (count int) {
		var all []mooring.Answer
		for i := range n {
			all = append(all, answer(of(i)))
		}
		for _, again := range mooring.Repeats(all) {
			if !again {
				count++
			}
		}
		return count
	}
	if n := counted(40, func(i int) []netip.Addr { return pool[i%2*4 : i%2*4+8] }); n != 2 {
		t.Errorf("two hosts: %d answers count", n)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{1, 2, 8, 11} {
		n := counted(40, func(int) []netip.Addr {
			rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
			return pool[:size]
		})
		if n < 32 {
			t.Errorf("chosen anew, %d of 12: only %d of 40 count", size, n)
		}
	}
	// What all.NAME holds beyond the plain name makes no answer to that a part.
	whole := mooring.Answer{Hostname: "app.example", Addrs: pool, Server: "192.0.2.1:53", Authoritative: true}
	part := answer(pool[:4])
	if again := mooring.Repeats([]mooring.Answer{whole, part, part, part}); slices.Contains(again, true) {
		t.Errorf("beside all.NAME: %v", again)
	}
}

// A name of six shows one at a time. A server that never shows one of them might do so by chance, but not for long, and
// not several servers at once: those keep to their choices, and say each of them once.
func TestServersThatLeaveSomebodyOutSayEachOnce(t *testing.T) {
	pool := hosts(1, 6)
	counted := func(n int, leavingOut ...int) []int { // answers that count, of n of each server, which leaves out so many
		var all []mooring.Answer
		for i := range n {
			for server, out := range leavingOut {
				shows := append(slices.Clone(pool[server:]), pool[:server]...)[out:]
				all = append(all, mooring.Answer{
					Hostname: "app.example", Addrs: shows[i%len(shows):][:1], Plain: true, Authoritative: true,
					Server: fmt.Sprintf("192.0.2.%d:53", server),
				})
			}
		}
		count := make([]int, len(leavingOut))
		for i, again := range mooring.Repeats(all) {
			if !again {
				count[i%len(count)]++
			}
		}
		return count
	}
	for _, c := range []struct {
		why        string
		n          int
		leavingOut []int
		count      []int
	}{
		{"one of four, as chance might", 20, []int{1, 0, 0, 0}, []int{20, 20, 20, 20}},
		{"one of four, for too long", 31, []int{1, 0, 0, 0}, []int{5, 31, 31, 31}},
		{"all of four, after fewer", 24, []int{1, 1, 1, 1}, []int{5, 5, 5, 5}},
		{"all of four, after very few", 10, []int{1, 1, 1, 1}, []int{10, 10, 10, 10}},
		{"three of four, and two each", 14, []int{2, 2, 2, 0}, []int{4, 4, 4, 14}},
	} {
		if got := counted(c.n, c.leavingOut...); !slices.Equal(got, c.count) {
			t.Errorf("%s: %v answers count, want %v", c.why, got, c.count)
		}
	}
}

// Six healthy targets have left the name, and the group refuses all who came. There is nobody to take over.
func TestWhereEverythingNewIsRefusedTheHealthyStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := calm(6)
		rounds(t, w, 2)
		w.Adjust(func(g *sim.TargetGroup) {
			for _, a := range hosts(20, 6) {
				g.Refuse[a] = "in use by a load balancer"
			}
		})
		w.SetTruth(w.Binding.Hostnames[0], hosts(20, 6))
		if left := rounds(t, w, 15); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		kept(t, w)
	})
}

// Whoever can write the memory says that an address is long gone. One of two names has hardly been asked in this round,
// and might be the one that has it.
func TestForgedMemoryAloneRemovesNobodyBehindTwoNames(t *testing.T) {
	const names = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"
	o := answers(80, "10.0.0.1 10.0.0.2")
	o.Hostnames = append([]string{"a.example"}, o.Hostnames...)
	for _, a := range answers(2, "10.0.0.3").Answers {
		a.Hostname = "a.example"
		o.Answers = append(o.Answers, a)
	}
	m := knowing(names)
	m.Hostnames = o.Hostnames
	e := &m.Addresses[3]
	e.Missed, e.Evidence, e.MissingSince, e.LastMiss = 9, 1000, noon.Add(-time.Hour), noon.Add(-time.Minute)
	plan := mooring.Decide(mooring.DefaultPolicy(), m, o, mooring.Holding{Port: 443, Targets: healthy(names)}, noon)
	if len(plan.Deregister) > 0 {
		t.Errorf("leaves: %+v", plan.Deregister)
	}
}

// The second look may take ten seconds. A process that was frozen in it for longer lets nobody go, whatever it saw.
func TestASecondLookThatTookTooLongLetsNobodyGo(t *testing.T) {
	for pause, leaves := range map[time.Duration]bool{3 * time.Second: true, 12 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			w, gone, _ := aboutToLeave(t)
			p := w.NewProcess("frozen")
			p.At = func(at sim.Point) {
				if at == sim.PointLooked {
					pass(pause)
				}
			}
			p.Round(t.Context())
			if left := !registered(w, gone); left != leaves {
				t.Errorf("after %s it leaves: %t", pause, left)
			}
			kept(t, w)
		})
	}
}
