package mooring_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

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
	for seed := range uint64(3) {
		behindCaches(t, seed, nil)
	}
}

// The answers about one name say nothing about the addresses of another, however whole they are.
func TestADayOfTwoNamesBehindOneCacheRemovesNobody(t *testing.T) {
	for seed := range uint64(3) {
		behindCaches(t, seed, func(w *sim.World) {
			w.Binding.Hostnames = append(w.Binding.Hostnames, "old.example.com")
			w.SetTruth("old.example.com", []netip.Addr{netip.MustParseAddr("10.0.0.200")})
		})
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
