package lookup_test

import (
	"testing"
	"time"

	"mooring/internal/lookup"
	"mooring/internal/sim"
)

// BenchmarkFind is a whole cold look at a name with 24 addresses, at 2 ms a question.
func BenchmarkFind(b *testing.B) {
	for name, all := range map[string]bool{"sampled": false, "all": true} {
		b.Run(name, func(b *testing.B) {
			d, err := sim.NewDNS(sim.DNSConfig{Zones: []string{elbZone, ownZone}, Latency: 2 * time.Millisecond, All: all})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(d.Close)
			d.Set(elbName, live(24)...)
			for b.Loop() {
				o := lookup.New(config(d, elbName)).Find(b.Context(), track(live(24)...))
				if len(o.Addrs()) < 23 || o.Inconclusive != "" {
					b.Fatalf("saw %d: %s", len(o.Addrs()), o.Inconclusive)
				}
			}
			b.ReportMetric(float64(len(d.Questions()))/float64(b.N), "questions/op")
		})
	}
}
