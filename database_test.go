package mooring_test

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

var databases = flag.Int("databases", defaultSeeds*10/3, "databases to live in `go test -run Database`")

// liveDatabase lives the database of a seed through six events, in virtual time.
func liveDatabase(t *testing.T, seed uint64, change func(*sim.Database)) *sim.Database {
	t.Helper()
	var d *sim.Database
	synctest.Test(t, func(t *testing.T) {
		d = sim.NewDatabase(seed)
		if change != nil {
			change(d)
		}
		d.Live(t.Context(), 6)
	})
	return d
}

func TestDatabasesThatFailOverAreFollowedWithinSeconds(t *testing.T) {
	var mu sync.Mutex
	flips, registered, deregistered := 0, time.Duration(0), time.Duration(0)
	t.Run("databases", func(t *testing.T) {
		const lanes = 4
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for seed := lane; seed < *databases; seed += lanes {
					d := liveDatabase(t, uint64(seed), nil)
					if broken := d.Broken(); len(broken) > 0 {
						t.Fatalf("seed %d broke:\n%s\n\n%s", seed, strings.Join(broken, "\n"), d.Transcript())
					}
					mu.Lock()
					flips += d.Flips
					registered, deregistered = max(registered, d.Registered), max(deregistered, d.Deregistered)
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d flips of %d databases: registered within %s, the old one deregistered within %s", flips, *databases, registered, deregistered)
}

// The bounds are not kept by themselves.
func TestTheBoundsOfADatabaseAreMissed(t *testing.T) {
	for name, change := range map[string]struct {
		with func(*sim.Database)
		says string
	}{
		"by the policy of a name that shows a part": {func(d *sim.Database) {
			admit := d.Policy.Admit
			d.Policy = mooring.DefaultPolicy()
			d.Policy.Admit = admit
		}, "was not deregistered within"},
		"by glances that bring no news": {func(d *sim.Database) { d.Daemon.Deaf = true }, "was not registered within"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				if broken := strings.Join(liveDatabase(t, seed, change.with).Broken(), "\n"); strings.Contains(broken, change.says) {
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}
