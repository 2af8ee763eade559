package elb_test

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"mooring"
	"mooring/internal/grouptest"
	"mooring/internal/sim"
)

func TestATargetGroupIsAGroup(t *testing.T) {
	grouptest.Run(t, func(t *testing.T) grouptest.Subject {
		outside, public := fleet("10.9.0.1", 3), target("203.0.113.9")
		h := newHarbour(t, func(g *sim.TargetGroup) {
			g.HealthyAfter, g.DrainFor = 10*time.Second, 300*time.Second
			g.Refuse[outside[1].Addr] = "reserved for use by a load balancer"
		})
		return grouptest.Subject{
			Group:     h.inspected(),
			Targets:   []mooring.Target{target("10.0.1.5"), target("10.0.17.5"), outside[0]}, // two zones, and none of the VPC's
			OtherPort: 8443,
			Many:      fleet("10.0.2.1", 250),
			Refused:   []mooring.Target{outside[1], public, {Addr: netip.MustParseAddr("fd00::9"), Port: 443}},
			Pass:      h.clock(),
		}
	})
}

// clock gives the harbour a clock that stands still, and returns what puts it forward by a second.
func (h *harbour) clock() (pass func()) {
	began, passed := time.Now(), new(atomic.Int64)
	h.aws.ELB.(*sim.ELBv2).Now = func() time.Time { return began.Add(time.Duration(passed.Load()) * time.Second) }
	return func() { passed.Add(1) }
}
