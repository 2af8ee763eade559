package mooring_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring/internal/sim"
)

// An oddLife is a world whose name moves every few rounds, and whose servers are odd in changing ways.
func oddLife(t *testing.T, seed uint64, ways []string, met map[string]int, change func(*sim.World)) (broken []string, transcript string) {
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
		if change != nil {
			change(w)
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
				met[way]++
				words := sim.Odd(rng, way, servers, w.Truth())
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

func TestSurveyOdd(t *testing.T) {
	for _, way := range strings.Split(os.Getenv("WAYS"), ",") {
		ways := []string{way}
		n, bad, ex := 300, 0, ""
		for seed := range n {
			if b, _ := oddLife(t, uint64(seed), ways, map[string]int{}, nil); len(b) > 0 {
				bad++
				ex = fmt.Sprint(seed, " ", strings.Join(b[:min(2, len(b))], " | "))
			}
		}
		t.Logf("%-14s %d of %d: %s", way, bad, n, ex)
	}
}
