package mooring_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// takenOver is a world in which everybody was replaced, the new ones never pass their health checks, and other hosts
// have the old addresses.
func takenOver(t *testing.T) *sim.World {
	t.Helper()
	w := calm(4)
	rounds(t, w, 2)
	w.Adjust(func(g *sim.TargetGroup) {
		for _, a := range hosts(11, 4) {
			g.Sick[a] = true
		}
	})
	w.SetTruth(w.Binding.Hostnames[0], hosts(11, 4))
	rounds(t, w, 3)
	w.Take(hosts(1, 4)...)
	return w
}

func TestAnAddressThatAnotherHostHasIsKeptNoLongerThanHoldMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := takenOver(t)
		if left := rounds(t, w, 26); len(left) > 0 {
			t.Errorf("left before their time: %v", left)
		}
		if left := rounds(t, w, 4); len(left) != 3 {
			t.Errorf("of four three leave, for the last healthy one stays: %v", left)
		}
		kept(t, w)
	})
}

func TestAnAddressThatAnotherHostHasAndThatIsKeptIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := takenOver(t)
		w.Decide = func(p mooring.Policy, m mooring.Memory, o mooring.Observation, h mooring.Holding, now time.Time) mooring.Plan {
			p.HoldMax = 10 * time.Hour
			return mooring.Decide(p, m, o, h, now)
		}
		rounds(t, w, 30)
		if broken := w.Broken(); len(broken) == 0 || !strings.Contains(broken[0], "P30") {
			t.Errorf("broken: %q", broken)
		}
	})
}

// late is a world whose network held a removal for a minute, while the address came back.
func late(t *testing.T) (w *sim.World, back netip.Addr) {
	t.Helper()
	w, back = calm(4), hosts(4, 1)[0]
	rounds(t, w, 2)
	w.SetTruth(w.Binding.Hostnames[0], hosts(1, 3))
	w.Fault = func(_ *sim.Process, c sim.Call) sim.Fault {
		if c == sim.CallDeregister {
			return sim.FailLate
		}
		return ""
	}
	rounds(t, w, 2)
	w.NewProcess("sends").Round(t.Context())
	w.Fault = nil
	w.SetTruth(w.Binding.Hostnames[0], hosts(1, 4))
	pass(30 * time.Second)
	if !registered(w, back) {
		t.Fatal("the network did not hold the request")
	}
	pass(31 * time.Second)
	if registered(w, back) {
		t.Fatal("the request did not arrive")
	}
	return w, back
}

func TestWhatALateRequestBreaksTheNextRoundMakesGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, back := late(t)
		if rounds(t, w, 1); !registered(w, back) {
			t.Errorf("%s is still gone", back)
		}
		kept(t, w)
	})
	synctest.Test(t, func(t *testing.T) {
		w, _ := late(t)
		w.Decide = func(p mooring.Policy, m mooring.Memory, o mooring.Observation, h mooring.Holding, now time.Time) mooring.Plan {
			plan := mooring.Decide(p, m, o, h, now)
			plan.Register = nil
			return plan
		}
		rounds(t, w, 1)
		if broken := w.Broken(); len(broken) == 0 || !strings.Contains(broken[0], "P18") {
			t.Errorf("and where it does not, that is not noticed: %q", broken)
		}
	})
}

// An operator changes port, group, hostname and policy while a round is on its way: it ends by what it began with.
func TestARoundEndsByTheConfigurationThatItBeganWith(t *testing.T) {
	for _, at := range sim.Points()[3:] {
		t.Run(string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, gone, _ := aboutToLeave(t)
				slow, met := w.NewProcess("slow"), false
				slow.At = func(point sim.Point) {
					if point != at || met {
						return
					}
					met = true
					w.SetTruth("other.example.com", hosts(20, 2))
					w.Rebind(func(b *mooring.Binding, p *mooring.Policy) {
						b.Hostnames, b.Port, b.TargetGroup = []string{"other.example.com"}, 8443, "web-2"
						p.Mode = mooring.ModeObserve
					})
					w.NewProcess("fast").Round(context.WithoutCancel(t.Context()))
				}
				report := slow.Round(t.Context())
				if !met || !slices.Contains(report.Deregistered, gone) {
					t.Errorf("met %t, deregistered %v\n%s", met, report.Deregistered, w.Transcript())
				}
				if now := w.Targets(); len(now) > 0 {
					t.Errorf("the other group holds %v", now)
				}
				kept(t, w)
			})
		})
	}
}

func TestNobodyOf48LeavesForNotBeingInAnAnswerOfEight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := calm(48)
		w.KeepValues()
		hours := 8
		if defaultSeeds < 300 { // the race detector takes its time
			hours = 1
		}
		for range hours {
			if left := rounds(t, w, 60); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
		if n := len(w.Targets()); n != 48 {
			t.Errorf("%d are registered", n)
		}
		kept(t, w)
	})
}

// 24 addresses behind one resolver that keeps each answer for a minute: it takes about 66 answers to prove that one left.
func TestBehindOneCacheAnAbsenceIsProvedInAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := calm(24)
		w.KeepValues()
		w.Zone.Cache = time.Minute
		hours := 8
		if defaultSeeds < 300 {
			hours = 1
		}
		for range hours {
			if left := rounds(t, w, 60); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
		gone := hosts(24, 1)
		w.SetTruth(w.Binding.Hostnames[0], hosts(1, 23))
		took := 0
		for registered(w, gone[0]) && took < 200 {
			if left := rounds(t, w, 1); len(left) > 0 && !slices.Equal(left, gone) {
				t.Errorf("left: %v", left)
			}
			took++
		}
		if took < 50 || took > 80 {
			t.Errorf("it took %d minutes", took)
		}
		t.Log(fmt.Sprint(took, " minutes"))
		kept(t, w)
	})
}
