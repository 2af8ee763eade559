package mooring_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring/internal/sim"
)

// An oddLife is a world whose name moves every few rounds, and whose servers are odd in changing ways.
func oddLife(t *testing.T, seed uint64, ways []string) (broken []string, transcript string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 3))
		w := sim.NewWorld(seed, time.Now)
		host, pool := w.Binding.Hostnames[0], hosts(1, 60)
		servers := 1 + rng.IntN(4)
		must(t, w.Zone.Set(fmt.Sprintf("servers=%d", servers), fmt.Sprintf("answers=%d", 1+rng.IntN(13))))
		if rng.IntN(3) == 0 {
			must(t, w.Zone.Set("cache=1m", fmt.Sprintf("resolvers=%d", 1+rng.IntN(3)), "serve-stale="+[]string{"yes", "no"}[rng.IntN(2)]))
			pool = pool[:20]
		}
		w.Zone.All = rng.IntN(4) == 0
		some := func(n int) []netip.Addr {
			rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
			return slices.Clone(pool[:min(n, len(pool))])
		}
		w.SetTruth(host, some(1+rng.IntN(30)))
		for i := range 80 {
			if rng.IntN(8) == 0 {
				now := w.Truth()
				rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
				w.SetTruth(host, append(now[:len(now)-rng.IntN(min(4, len(now)))], some(rng.IntN(4))...))
			}
			if rng.IntN(15) == 0 {
				way := ways[rng.IntN(len(ways))]
				words := sim.Odd(rng, way, servers, w.Truth())
				if way == "sticky" {
					words = append(words, sim.OddHosts(rng))
				}
				w.AdjustZone(func(z *sim.Zone) {
					if rng.IntN(2) == 0 {
						z.Calm()
					}
					must(t, z.Set(words...))
				})
			}
			w.NewProcess(fmt.Sprint("run ", i)).Round(t.Context())
			pass(30*time.Second + time.Duration(rng.IntN(60))*time.Second)
		}
		broken, transcript = w.Broken(), w.Transcript()
	})
	return broken, transcript
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestServersWithViewsOfTheirOwnRemoveNobodyWhomTheyAllShow(t *testing.T) {
	for _, way := range sim.Oddities() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(max(2, defaultSeeds/37)) {
				if broken, transcript := oddLife(t, seed, []string{way}); len(broken) > 0 {
					t.Fatalf("seed %d broke:\n%s\n\n%s", seed, strings.Join(broken, "\n"), transcript)
				}
			}
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(defaultSeeds / 15) {
			if broken, transcript := oddLife(t, seed, sim.Oddities()); len(broken) > 0 {
				t.Fatalf("seed %d broke:\n%s\n\n%s", seed, strings.Join(broken, "\n"), transcript)
			}
		}
	})
}

// repeating is a name of 12 that shows 8 of them, and whose two servers keep to their choice for an hour.
func repeating(t *testing.T, settings ...string) *sim.World {
	t.Helper()
	w := calm(12)
	rounds(t, w, 3)
	must(t, w.Zone.Set(append(settings, "sticky=1h")...))
	return w
}

func TestServersThatKeepToTheirChoiceSayItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := repeating(t)
		if left := rounds(t, w, 40); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		kept(t, w)
	})
}

// What is not promised: of a name that shows the same few to everybody for so long, nobody can know that it has more.
func TestWhatAllServersKeepToIsTakenForTheName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := repeating(t, "servers=1")
		if left := rounds(t, w, 40); len(left) != 4 {
			t.Errorf("left: %v", left)
		}
		kept(t, w)
	})
}

func TestOldCopiesOfSeveralResolversCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := calm(12)
		must(t, w.Zone.Set("cache=1m", "resolvers=3", "serve-stale=yes"))
		rounds(t, w, 30)
		w.SetTruth(w.Binding.Hostnames[0], hosts(1, 11)) // somebody is missing, so answers are counted
		rounds(t, w, 1)
		must(t, w.Zone.Set("cut=yes"))
		if left := rounds(t, w, 6*60); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if w.Reached()["an old copy served"] == 0 {
			t.Error("no old copy was served")
		}
		kept(t, w)
	})
}
