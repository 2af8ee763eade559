package mooring_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// In every other world two daemons share the memory, and no one leads.
func TestDaemonsKeepEveryPromise(t *testing.T) {
	var mu sync.Mutex
	reached := map[string]int{}
	t.Run("worlds", func(t *testing.T) {
		const lanes = 4
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for seed := lane; seed < *seeds*2/3; seed += lanes {
					synctest.Test(t, func(t *testing.T) {
						l := sim.NewLife(uint64(seed))
						if broken := l.LiveWatched(t.Context(), 1+seed/lanes%2); len(broken) > 0 {
							t.Fatalf("seed %d broke:\n%s\n\n%s", seed, strings.Join(broken, "\n"), l.Transcript())
						}
						mu.Lock()
						defer mu.Unlock()
						for what, n := range l.Reached() {
							reached[what] += n
						}
					})
				}
			})
		}
	})
	for _, what := range []string{"killed", "frozen", "slow", "frozen while all come back"} {
		for _, p := range sim.Points() {
			if *seeds >= 300 && reached["daemon "+what+" at "+string(p)] == 0 {
				t.Errorf("never %s at %s in %d worlds", what, p, *seeds*2/3)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(reached)) {
		if strings.HasPrefix(what, "daemon") {
			t.Logf("%6d %s", reached[what], what)
		}
	}
}

// A daemon is stopped for ten minutes at each point of its flow; meanwhile the address that it is about to take out
// comes back, and another run goes through. When the daemon goes on, its timers have long fired.
func TestADaemonFrozenForTenMinutesTakesNobodyOut(t *testing.T) {
	for _, at := range sim.Points()[:len(sim.Points())-1] { // after the last, it has left
		t.Run(string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { freezesAt(t, at) })
		})
	}
}

func freezesAt(t *testing.T, at sim.Point) {
	w, gone, stay := aboutToLeave(t)
	slow, met := w.NewDaemon("slow", time.Minute), make(chan struct{})
	var once sync.Once
	slow.At = func(point sim.Point) {
		if point == at {
			once.Do(func() {
				slow.Freeze(10 * time.Minute)
				close(met)
			})
		}
	}
	slow.Start(t.Context())
	<-met
	w.SetTruth(w.Binding.Hostnames[0], append(slices.Clone(stay), gone))
	w.NewProcess("fast").Round(context.WithoutCancel(t.Context()))
	pass(12 * time.Minute)
	slow.Stop()
	if !registered(w, gone) {
		t.Errorf("%s left:\n%s", gone, w.Transcript())
	}
	kept(t, w)
}

func TestADaemonThatIsKilledAtAnyPointIsReplaced(t *testing.T) {
	for _, at := range sim.Points() {
		t.Run(string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, gone, stay := aboutToLeave(t)
				first, met := w.NewDaemon("first", time.Minute), make(chan struct{})
				var once sync.Once
				first.At = func(point sim.Point) {
					if point == at {
						once.Do(func() {
							first.Crash()
							close(met)
						})
					}
				}
				first.Start(t.Context())
				<-met
				first.Stop()
				second := w.NewDaemon("second", time.Minute)
				second.Start(t.Context())
				pass(3 * time.Minute)
				second.Stop()
				if now := w.Targets(); len(now) != len(stay) || registered(w, gone) {
					t.Errorf("then %v\n%s", now, w.Transcript())
				}
				kept(t, w)
			})
		})
	}
}

func TestARoundThatIgnoresAPauseIsNoticed(t *testing.T) {
	for name, decide := range map[string]decision{
		"obeys": mooring.Decide,
		"ignores": func(p mooring.Policy, m mooring.Memory, o mooring.Observation, h mooring.Holding, now time.Time) mooring.Plan {
			plan := mooring.Decide(p, m, o, h, now)
			plan.Paused = mooring.Pause{}
			return plan
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := calm(4)
				rounds(t, w, 2)
				if err := w.Edit(t.Context(), func(m mooring.Memory) mooring.Memory {
					m.Paused = mooring.Pause{At: time.Now(), By: "an operator"}
					return m
				}); err != nil {
					t.Fatal(err)
				}
				w.SetTruth(w.Binding.Hostnames[0], hosts(1, 5))
				w.Decide = decide
				rounds(t, w, 2)
				broken := strings.Join(w.Broken(), "\n")
				if noticed := strings.Contains(broken, "P21"); noticed != (name == "ignores") {
					t.Errorf("broken: %q", broken)
				}
				if in := registered(w, hosts(5, 1)[0]); in != (name == "ignores") {
					t.Errorf("registered: %t", in)
				}
			})
		})
	}
}
