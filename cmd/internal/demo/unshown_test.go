package demo

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
)

// heldWithout judges the story's worst case without one guard, and tells which other one holds the target that is missing:
// it was missed long enough and often enough, and is proved absent as far as a memory can.
func heldWithout(t *testing.T, guard string, change func(*mooring.Memory, *mooring.Observation)) string {
	t.Helper()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	gone, p := netip.MustParseAddr("10.0.0.9"), usualPolicy()
	p.Adopt = mooring.AdoptAll // whose it is without a memory must not decide this
	holding := mooring.Holding{Port: port}
	var shown []netip.Addr
	for a := netip.MustParseAddr("10.0.0.1"); a.Less(gone); a = a.Next() {
		shown = append(shown, a)
		holding.Targets = append(holding.Targets, mooring.Target{Addr: a, Port: port, Health: mooring.HealthHealthy})
	}
	holding.Targets = append(holding.Targets, mooring.Target{Addr: gone, Port: port, Health: mooring.HealthHealthy})
	m := mooring.Memory{Addresses: []mooring.Entry{{
		Addr: gone, Since: now.Add(-time.Hour), Missed: p.Misses, MissingSince: now.Add(-p.Hold), LastMiss: now.Add(-interval), Evidence: 2 * p.Threshold(),
	}}}
	o := mooring.Observation{Hostnames: []string{hostname}, Answers: []mooring.Answer{{Hostname: hostname, Addrs: shown, Plain: true, Whole: true, Authoritative: true}}}
	change(&m, &o)
	by := func(guards []mooring.Guard) string {
		plan := mooring.DecideWith(guards)(p, m, o, holding, now)
		if i := slices.IndexFunc(plan.Held, func(h mooring.Held) bool { return h.Addr == gone }); i >= 0 {
			return plan.Held[i].Guard
		}
		t.Fatalf("nothing holds %s: %+v", gone, plan)
		return ""
	}
	if got := by(mooring.Guards()); got != guard {
		t.Fatalf("held by %s; want %s", got, guard)
	}
	return by(slices.DeleteFunc(mooring.Guards(), func(g mooring.Guard) bool { return g.Name == guard }))
}

func TestWithoutTheGuardOfInconclusiveRoundsEvidenceHoldsWhoIsMissing(t *testing.T) {
	got := heldWithout(t, "inconclusive", func(_ *mooring.Memory, o *mooring.Observation) { o.Inconclusive = "servfail" })
	if got != "evidence" {
		t.Errorf("held by %s", got)
	}
}

func TestWithoutTheGuardOfMemoryMissesHoldsWhoIsMissing(t *testing.T) {
	got := heldWithout(t, "memory", func(m *mooring.Memory, _ *mooring.Observation) { *m = mooring.Memory{Unusable: "no memory"} })
	if got != "misses" {
		t.Errorf("held by %s", got)
	}
}

func TestTheDemoSyncsAndItsFrontHasNoZones(t *testing.T) {
	if mode := usualPolicy().Mode; mode != mooring.ModeSync {
		t.Errorf("the mode is %s", mode)
	}
	var group mooring.Group = (*front.Front)(nil)
	if _, ok := group.(mooring.Inspector); ok {
		t.Error("a front tells its settings, cross-zone may be among them")
	}
}
