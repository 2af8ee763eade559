package lookup_test

import (
	"testing"

	"mooring/internal/sim"
)

// Of three questions a round one may go to all.NAME, which there may not be. The server that says so was heard all the
// same, so two servers answered.
func TestThreeQuestionsAreEnoughToHearTwoServers(t *testing.T) {
	for seed := range uint64(60) {
		d := world(t, sim.DNSConfig{Seed: seed, Servers: 2})
		d.Set(elbName, live(24)...)
		c := config(d, elbName)
		c.MaxLookups = 3
		wantConclusive(t, find(t, c))
	}
}
