package main_test

import (
	"fmt"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// One process, cold, does a whole round: 2 ms a DNS question, 24 addresses shown 8 at a time. The time is the
// program's own and the namespace's around it.
func BenchmarkColdRound(b *testing.B) {
	for _, all := range []bool{false, true} {
		b.Run(fmt.Sprintf("all=%t", all), func(b *testing.B) {
			w := rigtest.New(b, "mooring/cmd/mooring", sim.DNSConfig{Seed: 24, All: all, Latency: 2 * time.Millisecond})
			w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 24)...)
			env := append(w.OriginalEnvironment(), "MOORING_HOLD=0s")
			for b.Loop() {
				if r := w.Sync(env...); r.Code != 0 {
					b.Fatal(r.Stderr)
				}
			}
		})
	}
}
