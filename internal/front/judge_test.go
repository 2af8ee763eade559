package front

import (
	"context"
	"net/netip"
	"testing"

	"mooring"
)

// A check may succeed in the very moment in which its target leaves.
func TestACheckThatEndsAfterItsTargetLeftCountsForNothing(t *testing.T) {
	f := &Front{notes: make(chan func(), 1)}
	leaving := &target{health: mooring.HealthDraining}
	f.targets = map[netip.AddrPort]*target{leaving.at: leaving}
	left, leave := context.WithCancel(t.Context())
	leave()
	s := DefaultSettings()
	for range s.Healthy {
		f.judge(left, leaving, s, nil)
	}
	if leaving.health != mooring.HealthDraining {
		t.Errorf("it is %s", leaving.health)
	}
}
