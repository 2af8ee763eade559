package mooring_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

func TestEveryPromiseIsWrittenDown(t *testing.T) {
	doc, err := os.ReadFile("docs/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sim.Promises() {
		number, words, _ := strings.Cut(p.Name, " ")
		if !strings.Contains(strings.ToLower(string(doc)), strings.ToLower("**"+number+" "+words)) {
			t.Errorf("docs/promises.md does not say %q", p.Name)
		}
	}
}

type decision = func(mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) mooring.Plan

// A guard that may be left out without any promise being broken is no guard, or the checks are blind.
func TestEveryGuardIsMissedWhenItIsLeftOut(t *testing.T) {
	hasty := func(l *sim.Life) { // whatever is not seen may leave at once
		l.Policy.Mode, l.Policy.Adopt, l.Policy.Misses, l.Policy.Hold = mooring.ModeSync, mooring.AdoptAll, 1, 0
	}
	special := map[string]func(*sim.Life){"memory": hasty}
	// A round that is inconclusive has no evidence of its own either, so two guards hold it: both must go.
	also := map[string]string{"inconclusive": "evidence"}
	for _, guard := range mooring.Guards() {
		t.Run(guard.Name, func(t *testing.T) {
			t.Parallel()
			rest := slices.DeleteFunc(mooring.Guards(), func(g mooring.Guard) bool {
				return g.Name == guard.Name || g.Name == also[guard.Name]
			})
			in := func(seed uint64, decide decision) []string {
				return live(t, seed, func(l *sim.Life) {
					l.Decide = decide
					if change := special[guard.Name]; change != nil {
						change(l)
					}
				}).Broken()
			}
			for seed := range uint64(100) {
				broken := in(seed, mooring.DecideWith(rest))
				if len(broken) == 0 || also[guard.Name] != "" && !strings.Contains(broken[0], "conclusive") {
					continue
				}
				t.Logf("seed %d: %s", seed, broken[0])
				if broken := in(seed, mooring.Decide); len(broken) > 0 {
					t.Errorf("and with all guards: %s", broken[0])
				}
				return
			}
			t.Error("nobody noticed")
		})
	}
}

func TestAStoreThatOnlyPretendsToSaveIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := calm(8)
		w.Fault = func(_ *sim.Process, c sim.Call) sim.Fault {
			if c == sim.CallSave {
				return sim.FailPretend
			}
			return ""
		}
		rounds(t, w, 1)
		if broken := w.Broken(); len(broken) == 0 || !strings.Contains(broken[0], "P12") {
			t.Errorf("broken: %q", broken)
		}
	})
}

// calm is a world without faults that lives by the virtual clock; its name holds n addresses.
func calm(n int) *sim.World {
	w := sim.NewWorld(uint64(n), time.Now)
	w.SetTruth(w.Binding.Hostnames[0], hosts(1, n))
	return w
}

// hosts returns n addresses, spread over three zones.
func hosts(first, n int) (out []netip.Addr) {
	for i := first; i < first+n; i++ {
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(10 + i)}))
	}
	return out
}

// rounds runs n of them, a minute apart, and returns the names of who left.
func rounds(t *testing.T, w *sim.World, n int) (left []netip.Addr) {
	t.Helper()
	for i := range n {
		left = append(left, w.NewProcess(fmt.Sprint(t.Name(), i, w.Now())).Round(t.Context()).Deregistered...)
		pass(time.Minute)
	}
	return left
}

func pass(d time.Duration) { <-time.After(d) }

func registered(w *sim.World, addr netip.Addr) bool {
	return slices.ContainsFunc(w.Targets(), func(t mooring.Target) bool { return t.Addr == addr && t.Registered() })
}

func kept(t *testing.T, w *sim.World) {
	t.Helper()
	if broken := w.Broken(); len(broken) > 0 {
		t.Errorf("broken: %s\n%s", strings.Join(broken, "\n"), w.Transcript())
	}
}

// After the second look there are five seconds. Whoever comes back in these is registered again by the next round;
// so the pauses are longer, and where the look itself is slow to return, longer than a plan lives.
func TestAnAddressThatReturnsWhileASlowRunIsOvertakenStays(t *testing.T) {
	for _, at := range sim.Points()[:len(sim.Points())-1] { // after the last, it has left
		for _, pause := range []time.Duration{31 * time.Second, 5 * time.Minute, 2 * time.Hour, 6 * time.Second} {
			if pause == 6*time.Second && at == sim.PointLooked {
				continue
			}
			t.Run(fmt.Sprintf("%s for %s", at, pause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { returnsAt(t, at, pause) })
			})
		}
	}
}

// aboutToLeave is a world whose next round registers one address and deregisters another, which is ill, so that
// the new one need not be healthy first. It returns the world, who is about to leave, and who stays.
func aboutToLeave(t *testing.T) (w *sim.World, gone netip.Addr, stay []netip.Addr) {
	t.Helper()
	w, gone, stay = calm(4), hosts(4, 1)[0], append(hosts(1, 3), hosts(9, 1)...)
	rounds(t, w, 2)
	w.Adjust(func(g *sim.TargetGroup) { g.Sick[gone] = true })
	w.SetTruth(w.Binding.Hostnames[0], hosts(1, 3))
	rounds(t, w, 2)
	w.SetTruth(w.Binding.Hostnames[0], stay)
	return w, gone, stay
}

func returnsAt(t *testing.T, at sim.Point, pause time.Duration) {
	w, gone, stay := aboutToLeave(t)
	slow, met := w.NewProcess("slow"), false
	slow.At = func(point sim.Point) {
		if point != at || met {
			return
		}
		met = true
		w.SetTruth(w.Binding.Hostnames[0], append(stay, gone))
		pass(pause / 2)
		w.NewProcess("fast").Round(context.WithoutCancel(t.Context()))
		pass(pause - pause/2)
	}
	slow.Round(t.Context())
	if !met || !registered(w, gone) {
		t.Errorf("met %t; %s left:\n%s", met, gone, w.Transcript())
	}
	kept(t, w)
}

func TestACrashAtAnyPointIsMadeGoodByTheNextTwoRounds(t *testing.T) {
	for _, at := range sim.Points() {
		t.Run(string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, gone, stay := aboutToLeave(t)
				crashing, met := w.NewProcess("crashing"), false
				crashing.At = func(point sim.Point) {
					if point == at {
						met = true
						crashing.Crash()
					}
				}
				crashing.Round(t.Context())
				rounds(t, w, 2)
				if now := w.Targets(); !met || len(now) != len(stay) || registered(w, gone) {
					t.Errorf("met %t, then %v\n%s", met, now, w.Transcript())
				}
				kept(t, w)
			})
		})
	}
}

func TestThreeQuestionsARunRemoveNobodyOf24(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			w := calm(24)
			w.Seed, w.Zone.MaxLookups = seed, 3
			if left := rounds(t, w, 20); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			kept(t, w)
		})
	}
}

// The memory is a trusted thing only as far as to say what is ours: a fifth of any proof is this round's own.
func TestForgedMemoryAloneRemovesNobodyWhoIsLive(t *testing.T) {
	for _, questions := range []int{1, 5, 600} {
		for seed := range uint64(20) {
			synctest.Test(t, func(t *testing.T) {
				w := calm(24)
				rounds(t, w, 2)
				w.Seed, w.Zone.MaxLookups, w.Zone.MaxConfirm = seed, min(questions, 200), questions-1
				if err := w.Befall(sim.MemoryForged); err != nil {
					t.Fatal(err)
				}
				if left := rounds(t, w, 3); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				kept(t, w)
			})
		}
	}
}

func TestAnswersThatAResolverRepeatsCountOnce(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			w := calm(24)
			rounds(t, w, 2)
			w.Seed, w.Zone.Cache = seed, time.Hour
			if left := rounds(t, w, 300); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			kept(t, w)
		})
	}
}

func TestTheLastHealthyTargetStaysHoweverLongItIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, last := calm(4), hosts(4, 1)[0]
		rounds(t, w, 2)
		w.Adjust(func(g *sim.TargetGroup) {
			for _, a := range hosts(1, 3) {
				g.Sick[a] = true
			}
		})
		w.SetTruth(w.Binding.Hostnames[0], hosts(1, 3))
		if left := rounds(t, w, 100); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		w.Adjust(func(g *sim.TargetGroup) { clear(g.Sick) })
		if left := rounds(t, w, 1); !slices.Equal(left, []netip.Addr{last}) {
			t.Errorf("left when the others were well: %v", left)
		}
		kept(t, w)
	})
}

// A seed that fails is of use only if it fails again.
func TestTheSameSeedLivesTheSameLife(t *testing.T) {
	for seed := range uint64(12) {
		first, second := live(t, seed, nil).Transcript(), live(t, seed, nil).Transcript()
		if first != second {
			t.Errorf("seed %d: %s", seed, firstDifference(first, second))
		}
	}
}
