package elb_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func TestTheListHasStateReasonAndZoneOfEachTarget(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) {
		g.Sick = map[netip.Addr]bool{netip.MustParseAddr("10.0.1.6"): true}
	})
	g := h.inspected()
	h.register(g, target("10.0.1.5"), target("10.0.1.6"), target("10.0.17.5"), target("10.9.0.5"))
	if _, err := g.Deregister(t.Context(), []mooring.Target{target("10.0.17.5")}, allowed); err != nil {
		t.Fatal(err)
	}
	got, err := g.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []mooring.Target{
		{Addr: netip.MustParseAddr("10.0.1.5"), Port: 443, Zone: "us-east-1a", Health: mooring.HealthHealthy},
		{Addr: netip.MustParseAddr("10.0.1.6"), Port: 443, Zone: "us-east-1a", Health: mooring.HealthUnhealthy, Reason: "Target.FailedHealthChecks"},
		{Addr: netip.MustParseAddr("10.0.17.5"), Port: 443, Zone: "us-east-1b", Health: mooring.HealthDraining, Reason: "Target.DeregistrationInProgress"},
		{Addr: netip.MustParseAddr("10.9.0.5"), Port: 443, Zone: "all", Health: mooring.HealthHealthy},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	h.wantCalls("DescribeTargetHealth", 1)
}

func TestAGroupOfAnotherTypeIsToldByWhatItHolds(t *testing.T) {
	for _, id := range []string{"i-0f76fade", "arn:aws:lambda:us-east-1:123456789012:function:web"} {
		g := newHarbour(t, func(g *sim.TargetGroup) { g.Others = []string{id} }).group()
		if _, err := g.Targets(t.Context()); err == nil || !strings.Contains(err.Error(), "must be of target type ip") {
			t.Errorf("%s: error %v", id, err)
		}
	}
}

func TestWhatIsNoAddressIsLeftOutAndLeftAlone(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.Others = []string{"something-new", "fe80::1%eth0", ""} })
	h.register(h.inspected(), target("10.0.1.5"))
	got, err := h.group().Targets(t.Context())
	if err != nil || len(got) != 1 || got[0].Addr != netip.MustParseAddr("10.0.1.5") {
		t.Errorf("%+v, error %v, want the one address", got, err)
	}
}

func TestAListThatIsThrottledOrDownForAMomentComesThrough(t *testing.T) {
	for _, fault := range []sim.AWSFault{{Throttled: true}, {Status: 500, Code: "HealthUnavailable"}, {Status: 503}, {Lost: true}} {
		h := newHarbour(t)
		fault.Action, fault.Times = "DescribeTargetHealth", 2
		h.aws.Inject(fault)
		if _, err := h.group().Targets(t.Context()); err != nil {
			t.Errorf("%+v: %v", fault, err)
		}
		h.wantCalls("DescribeTargetHealth", 3)
	}
}

func TestAListThatFailsIsAnErrorAndNotAnEmptyGroup(t *testing.T) {
	h := newHarbour(t)
	h.register(h.inspected(), target("10.0.1.5"))
	h.aws.Inject(sim.AWSFault{Action: "DescribeTargetHealth", Status: 503})
	if got, err := h.group().Targets(t.Context()); err == nil || len(got) != 0 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestTheListEndsWithItsContext(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "DescribeTargetHealth", Latency: time.Hour})
	g := elb.New(deaf{}, deaf{}, deaf{}, elb.Config{ARN: arn})
	for name, group := range map[string]*elb.Group{"slow": h.group(), "deaf": g} {
		began := time.Now()
		ctx, cancel := contextOf(t, 50*time.Millisecond)
		_, err := group.Targets(ctx)
		cancel()
		if took := time.Since(began); err == nil || took > 3*time.Second {
			t.Errorf("%s: error %v after %s", name, err, took)
		}
	}
}

// A thousand targets, one of them refused.
func BenchmarkRegisterAThousandWithOneRefused(b *testing.B) {
	h := newHarbour(b, func(g *sim.TargetGroup) { g.Quota = 2000 })
	all := fleet("10.0.0.1", 1000)
	h.tg.Refuse[all[777].Addr] = "in use"
	g := h.inspected()
	h.aws.Forget()
	for b.Loop() {
		if out := h.register(g, all...); len(out.Registered) != 999 {
			b.Fatalf("%d confirmed, want 999", len(out.Registered))
		}
	}
	b.ReportMetric(float64(h.aws.Count("RegisterTargets"))/float64(b.N), "calls/op")
}
