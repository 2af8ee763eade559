package elb_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func TestZonesAreKnownFromTheSubnets(t *testing.T) {
	h := newHarbour(t)
	out := h.register(h.inspected(), target("10.0.1.5"), target("10.9.0.5"), target("10.0.17.5"))
	wantZones(t, out, "10.0.1.5=", "10.0.17.5=", "10.9.0.5=") // nothing had to be learned
	h.wantRegistered("10.0.1.5:443@us-east-1a", "10.0.17.5:443@us-east-1b", "10.9.0.5:443@all")
	h.wantCalls("RegisterTargets", 1)
}

func TestSubnetsBeyondTheFirstPageCount(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) {
		g.Subnets = nil
		for i := range 1200 { // in the order of their ids
			prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 4), byte(i << 4), 0}), 28)
			g.Subnets = append(g.Subnets, sim.Subnet{ID: fmt.Sprintf("subnet-%04d", i), Prefix: prefix, Zone: "us-east-1a"})
		}
	})
	h.register(h.inspected(), target("10.74.240.5"))
	h.wantRegistered("10.74.240.5:443@us-east-1a")
	h.wantCalls("RegisterTargets", 1)
	h.wantCalls("DescribeSubnets", 2)
}

func TestWhereSubnetsMayNotBeReadZonesAreLearnedFromTheGroup(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Denied: true})
	out := h.register(h.inspected(), fleet("10.9.0.1", 24)...)
	for _, got := range out.Registered {
		if got.Zone != "all" {
			t.Errorf("%s: learned %q, want all", got.Addr, got.Zone)
		}
	}
	if len(h.registered()) != 24 {
		t.Errorf("the group holds %d, want 24", len(h.registered()))
	}
	h.wantCalls("RegisterTargets", 2) // the first message speaks for all whose place was a guess
}

func TestInsideAndOutsideAreToldApartWithoutSubnets(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Denied: true})
	mixed := []mooring.Target{target("10.0.1.5"), target("10.9.0.5"), target("10.0.17.5"), target("10.9.0.6")}
	out := h.register(h.inspected(), mixed...)
	wantZones(t, out, "10.0.1.5=none", "10.0.17.5=none", "10.9.0.5=all", "10.9.0.6=all")
	h.wantRegistered("10.0.1.5:443@us-east-1a", "10.0.17.5:443@us-east-1b", "10.9.0.5:443@all", "10.9.0.6:443@all")
	if n := h.aws.Count("RegisterTargets"); n > 4 {
		t.Errorf("%d calls, want at most 4", n)
	}
}

func TestWhatWasLearnedIsSentAtOnceAndPassedOn(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Denied: true})
	out := h.register(h.inspected(), learned("10.9.0.5", "all"), learned("10.0.1.5", "none"), learned("10.9.0.7", "us-east-1b"))
	wantZones(t, out, "10.0.1.5=none", "10.9.0.5=all", "10.9.0.7=us-east-1b")
	h.wantCalls("RegisterTargets", 1)
}

func TestWhatWasLearnedIsUnlearnedWhenTheGroupSaysSo(t *testing.T) {
	h := newHarbour(t)
	out := h.register(h.inspected(), learned("10.0.1.5", "all"), learned("10.9.0.5", "none"))
	wantZones(t, out, "10.0.1.5=none", "10.9.0.5=all")
	h.wantRegistered("10.0.1.5:443@us-east-1a", "10.9.0.5:443@all")
}

func TestTheConfiguredZoneDecides(t *testing.T) {
	inside, outside := target("10.0.1.5"), target("10.9.0.5")
	for _, c := range []struct {
		zone   string
		before mooring.Target // how the outside one was sent before
		holds  []string
		calls  int
	}{
		{"all", outside, []string{"10.0.1.5:443@us-east-1a", "10.9.0.5:443@all"}, 2},                     // the inside one is told otherwise
		{"all", learned("10.9.0.5", "none"), []string{"10.0.1.5:443@us-east-1a", "10.9.0.5:443@all"}, 3}, // both are
		{"us-east-1b", outside, []string{"10.0.1.5:443@us-east-1a", "10.9.0.5:443@us-east-1b"}, 1},
		{"us-east-1b", learned("10.9.0.5", "all"), []string{"10.0.1.5:443@us-east-1a", "10.9.0.5:443@us-east-1b"}, 1},
		{"us-east-1x", outside, []string{"10.0.1.5:443@us-east-1a", "10.9.0.5:443@all"}, 4}, // no such zone
		{"none", outside, []string{"10.0.1.5:443@us-east-1a"}, 2},
		{"none", learned("10.9.0.5", "all"), []string{"10.0.1.5:443@us-east-1a"}, 2},
	} {
		t.Run(c.zone+" after "+c.before.Zone, func(t *testing.T) {
			h := newHarbour(t)
			out := h.register(h.inspected(withZone(c.zone)), inside, c.before)
			h.wantRegistered(c.holds...)
			h.wantCalls("RegisterTargets", c.calls)
			if want := 2 - len(c.holds); len(refusals(t, out, "Availability Zone is required")) != want {
				t.Errorf("refused %v, want %d", out.Refused, want)
			}
		})
	}
}

func TestWhatWasLearnedHoldsUnderAConfiguredZone(t *testing.T) {
	for _, zone := range []string{"all", "us-east-1b"} {
		h := newHarbour(t)
		h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Denied: true})
		out := h.register(h.inspected(withZone(zone)), learned("10.0.1.5", "none"), learned("10.9.0.5", "all"))
		if got := zones(out)[0]; got != "10.0.1.5=none" {
			t.Errorf("--zone %s: %s, want it learned that nothing is sent", zone, got)
		}
		h.wantRegistered("10.0.1.5:443@us-east-1a", "10.9.0.5:443@"+zone)
		h.wantCalls("RegisterTargets", 1)
	}
}

func TestAFixedZoneModeNeedsNoSubnets(t *testing.T) {
	for _, zone := range []string{"all", "none"} {
		h := newHarbour(t)
		h.inspected(withZone(zone))
		h.wantCalls("DescribeSubnets", 0)
	}
}

func TestAZoneThatTheGroupNamesIsUsed(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.AllNeedsAZ = true })
	h.aws.Inject(sim.AWSFault{ // the group says which
		Action: "RegisterTargets", Times: 1, Status: http.StatusBadRequest, Code: "ValidationError",
		Message: "For IP address '10.9.0.5' you must specify an Availability Zone, such as us-east-1b",
	})
	out := h.register(h.inspected(), target("10.9.0.5"))
	wantZones(t, out, "10.9.0.5=us-east-1b")
	h.wantRegistered("10.9.0.5:443@us-east-1b")
}

func TestAZoneThatIsWantedAndConfiguredIsUsed(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.AllNeedsAZ = true })
	out := h.register(h.inspected(withZone("us-east-1b")), target("10.9.0.5"))
	if len(out.Registered) != 1 {
		t.Errorf("outcome %+v", out)
	}
	h.wantRegistered("10.9.0.5:443@us-east-1b")
}

func TestWhoNoZoneIsTakenForIsSetAsideAfterEachWasTriedOnce(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.AllNeedsAZ = true })
	out := h.register(h.inspected(), target("10.0.1.5"), target("10.9.0.5"))
	if refused := refusals(t, out, "Availability Zone"); !slices.Equal(refused, []netip.Addr{netip.MustParseAddr("10.9.0.5")}) {
		t.Errorf("refused %v", refused)
	}
	h.wantRegistered("10.0.1.5:443@us-east-1a")
	h.wantCalls("RegisterTargets", 3) // with all, with none, and the other alone
}

func TestAZoneErrorThatNamesNobodyIsFoundByHalving(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Denied: true})
	h.aws.Inject(sim.AWSFault{
		Action: "RegisterTargets", Status: http.StatusBadRequest, Code: "ValidationError",
		Message: "You must specify a valid Availability Zone or select 'all'",
		When: func(c sim.AWSCall) bool {
			for n := 1; c.Form.Has(member(n, "Id")); n++ {
				if c.Form.Get(member(n, "Id")) == "10.9.0.3" && c.Form.Get(member(n, "AvailabilityZone")) == "" {
					return true
				}
			}
			return false
		},
	})
	all := append(fleet("10.0.1.1", 3), target("10.9.0.3"))
	out := h.register(h.inspected(), all...)
	if len(out.Registered) != 4 || len(h.registered()) != 4 {
		t.Errorf("confirmed %v, the group holds %v", zones(out), h.registered())
	}
}

func member(n int, field string) string { return fmt.Sprintf("Targets.member.%d.%s", n, field) }

func TestRegisterWaitsForTheSubnets(t *testing.T) {
	h := newHarbour(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Before: func(sim.AWSCall) { close(arrived); <-release }})
	g := h.group()
	if _, err := g.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-arrived
	done := make(chan mooring.Outcome)
	go func() {
		out, err := g.Register(t.Context(), []mooring.Target{target("10.9.0.5")}, allowed)
		if err != nil {
			t.Error(err)
		}
		done <- out
	}()
	close(release)
	wantZones(t, <-done, "10.9.0.5=")
	h.wantCalls("RegisterTargets", 1) // without the subnets the first would be refused
}

func TestWithoutInspectionZonesAreLearned(t *testing.T) {
	h := newHarbour(t)
	out := h.register(h.group(func(c *elb.Config) { c.Zone = "auto" }), target("10.9.0.5"))
	wantZones(t, out, "10.9.0.5=all")
	h.wantCalls("DescribeSubnets", 0)
}

func TestWhoeverIsOutsideLeavesWithTheZoneThatItCameWith(t *testing.T) {
	h := newHarbour(t)
	g := h.inspected()
	h.register(g, target("10.0.0.1"), target("10.9.0.5"))
	held, err := g.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.aws.Forget()
	if _, err := g.Deregister(t.Context(), held, allowed); err != nil {
		t.Fatal(err)
	}
	h.wantRegistered()
	sent := h.aws.Calls()[0].Form
	inside, outside := sent.Get("Targets.member.1.AvailabilityZone"), sent.Get("Targets.member.2.AvailabilityZone")
	if inside != "" || outside != "all" {
		t.Errorf("%q was sent for the one inside, %q for the one outside, want nothing and all", inside, outside)
	}
}
