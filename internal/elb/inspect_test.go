package elb_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func TestAGroupThatCannotHoldTheTargetsHaltsTheBinding(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sim.TargetGroup)
		words  string
	}{
		"instance":     {func(g *sim.TargetGroup) { g.Type = "instance" }, `of type "instance": it must be of type ip`},
		"lambda":       {func(g *sim.TargetGroup) { g.Type = "lambda" }, "must be of type ip"},
		"alb":          {func(g *sim.TargetGroup) { g.Type = "alb" }, "must be of type ip"},
		"GENEVE":       {func(g *sim.TargetGroup) { g.Protocol = "GENEVE" }, "protocol is GENEVE"},
		"QUIC":         {func(g *sim.TargetGroup) { g.Protocol = "TCP_QUIC" }, "protocol is TCP_QUIC"},
		"another ARN":  {func(g *sim.TargetGroup) { g.ARN += "0" }, "there is no target group " + arn},
		"HTTP is fine": {func(g *sim.TargetGroup) { g.Protocol = "HTTP" }, ""},
		"TLS is fine":  {func(g *sim.TargetGroup) { g.Protocol = "TLS" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newHarbour(t, c.change).group().Inspect(t.Context())
			if (err == nil) != (c.words == "") || err != nil && !strings.Contains(err.Error(), c.words) {
				t.Errorf("error %v, want %q in it", err, c.words)
			}
		})
	}
}

func TestAMalformedARNHaltsTheBinding(t *testing.T) {
	_, err := newHarbour(t).group(func(c *elb.Config) { c.ARN = "web-443" }).Inspect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "not a valid target group ARN") {
		t.Errorf("error %v", err)
	}
}

func TestSettingsAreReadOnceInAProcess(t *testing.T) {
	h := newHarbour(t)
	g := h.inspected()
	for range 3 {
		if _, err := g.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.register(g, target("10.0.1.5")) // waits for the subnets
	}
	for _, action := range []string{"DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeSubnets"} {
		h.wantCalls(action, 1)
	}
}

func TestCrossZoneIsOnOnlyWhereItIsKnownToBe(t *testing.T) {
	attribute := func(value string) func(*sim.TargetGroup) {
		return func(g *sim.TargetGroup) {
			g.Attributes = map[string]string{"load_balancing.cross_zone.enabled": value}
		}
	}
	for name, c := range map[string]struct {
		change func(*sim.TargetGroup)
		fault  sim.AWSFault
		want   mooring.CrossZone
	}{
		"true":                            {attribute("true"), sim.AWSFault{}, mooring.CrossZoneOn},
		"false":                           {attribute("false"), sim.AWSFault{}, mooring.CrossZoneOff},
		"left to the load balancer":       {attribute("use_load_balancer_configuration"), sim.AWSFault{}, mooring.CrossZoneOff},
		"not known to the API":            {attribute(""), sim.AWSFault{}, mooring.CrossZoneOff},
		"not read this time":              {attribute("true"), sim.AWSFault{Status: 500}, mooring.CrossZoneOff},
		"not to be read: which is warned": {attribute("true"), sim.AWSFault{Denied: true}, mooring.CrossZoneUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, c.change)
			if c.fault.Denied || c.fault.Status != 0 {
				c.fault.Action = "DescribeTargetGroupAttributes"
				h.aws.Inject(c.fault)
			}
			settings, err := h.group().Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := settings.CrossZone(t.Context()); got != c.want {
				t.Errorf("cross-zone %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatIsDeniedIsDoneWithoutAndOneWarningHoldsTheStatement(t *testing.T) {
	h := newHarbour(t)
	for _, action := range []string{"DescribeTargetGroupAttributes", "DescribeSubnets"} {
		h.aws.Inject(sim.AWSFault{Action: action, Denied: true})
	}
	g := h.inspected()
	out := h.register(g, target("10.9.0.5"))
	wantZones(t, out, "10.9.0.5=all")
	settings, err := g.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := `going on without ec2:DescribeSubnets, elasticloadbalancing:DescribeTargetGroupAttributes; the missing IAM statement is ` +
		`{"Effect":"Allow","Action":["ec2:DescribeSubnets","elasticloadbalancing:DescribeTargetGroupAttributes"],"Resource":"*"}`
	if got := settings.Warnings(); len(got) != 1 || got[0] != want {
		t.Errorf("warnings %q, want %q", got, want)
	}
	h.wantCalls("DescribeSubnets", 1) // what is denied is not asked for again
}

func TestWhereTheGroupItselfMayNotBeReadRegistrationGoesOn(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Denied: true, When: func(c sim.AWSCall) bool {
		return c.Action != "RegisterTargets" && c.Action != "DeregisterTargets" && c.Action != "DescribeTargetHealth"
	}})
	g := h.inspected()
	h.register(g, target("10.0.1.5"), target("10.9.0.5"))
	h.wantRegistered("10.0.1.5:443@us-east-1a", "10.9.0.5:443@all")
	settings, err := g.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Warnings(); len(got) != 1 || !strings.Contains(got[0], "elasticloadbalancing:DescribeTargetGroups") {
		t.Errorf("warnings %q", got)
	}
}

func TestADenialThatStandsInTheWayTwiceIsNamedOnce(t *testing.T) {
	h := newHarbour(t, ipv6)
	h.register(h.group(), mooring.Target{Addr: netip.MustParseAddr("fd00:1::5"), Port: 443})
	h.aws.Inject(sim.AWSFault{Action: "DescribeTargetGroups", Denied: true})
	g := h.group()
	if _, err := g.Targets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scopeOf(t.Context(), g); !got.ipv6 || got.prefixes != nil || got.err != nil {
		t.Fatalf("%+v, want IPv6, and no more for want of the VPC", got)
	}
	settings, err := g.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Warnings(); len(got) != 1 || strings.Count(got[0], "DescribeTargetGroups") != 2 {
		t.Errorf("warnings %q, want the action named once, and once in the statement", got)
	}
}

func TestAReadThatFailedIsTriedAgainInTheNextRound(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Status: 500, Times: 3, Action: "DescribeTargetGroups"}) // all attempts of one call
	g := h.group()
	settings, err := g.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Warnings(); len(got) != 1 || !strings.Contains(got[0], "could not read the target group, trying again") {
		t.Errorf("warnings %q", got)
	}
	if settings, err = g.Inspect(t.Context()); err != nil || len(settings.Warnings()) != 0 {
		t.Errorf("the next round: error %v, warnings %q", err, settings.Warnings())
	}
	h.wantCalls("DescribeTargetGroups", 4)
}

func TestAWrongGroupIsStillWrongWhenItIsAskedAgain(t *testing.T) {
	g := newHarbour(t, func(g *sim.TargetGroup) { g.Type = "instance" }).group()
	for range 2 {
		if _, err := g.Inspect(t.Context()); err == nil {
			t.Fatal("no error")
		}
	}
}

func TestTheDepthOfAFirstRegistrationIsThree(t *testing.T) {
	h := newHarbour(t, balanced("us-east-1a"))
	h.aws.Inject(sim.AWSFault{Latency: 20_000_000}) // so that what runs at the same time overlaps
	g := h.group()
	if _, err := g.Targets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.register(g, target("10.0.1.5"))
	if depth := sim.Depth(h.aws.Calls()); depth != 4 { // health, group, attributes beside subnets, register
		t.Errorf("depth %d, want 4: %v", depth, h.aws.Calls())
	}
}

func TestADeniedCallSaysWhichStatementIsMissing(t *testing.T) {
	for action, c := range map[string]struct {
		resource string
		call     func(context.Context, *elb.Group) error
	}{
		"DescribeTargetHealth": {"*", func(ctx context.Context, g *elb.Group) error { _, err := g.Targets(ctx); return err }},
		"RegisterTargets": {arn, func(ctx context.Context, g *elb.Group) error {
			_, err := g.Register(ctx, fleet("10.0.0.1", 1), allowed)
			return err
		}},
		"DeregisterTargets": {arn, func(ctx context.Context, g *elb.Group) error {
			_, err := g.Deregister(ctx, fleet("10.0.0.1", 1), allowed)
			return err
		}},
		"DescribeTargetGroups": {"*", func(ctx context.Context, g *elb.Group) error { _, err := g.Port(ctx); return err }},
	} {
		t.Run(action, func(t *testing.T) {
			h := newHarbour(t)
			h.aws.Inject(sim.AWSFault{Action: action, Denied: true})
			err := c.call(t.Context(), h.group())
			var denied *elb.Denied
			if !errors.Is(err, mooring.ErrDenied) || !errors.As(err, &denied) {
				t.Fatalf("error %v, want a denial", err)
			}
			want := `{"Effect":"Allow","Action":["elasticloadbalancing:` + action + `"],"Resource":"` + c.resource + `"}`
			if got := denied.Statement(); got != want {
				t.Errorf("statement %s, want %s", got, want)
			}
			h.wantCalls(action, 1) // a denial is not tried again
		})
	}
}

func TestSubnetsMayBeDeniedInEC2sOwnWords(t *testing.T) {
	h := newHarbour(t, ipv6)
	h.aws.Inject(sim.AWSFault{Action: "DescribeSubnets", Denied: true})
	g := h.group()
	h.register(g, mooring.Target{Addr: netip.MustParseAddr("fd00:1::5"), Port: 443})
	if _, err := g.Targets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scopeOf(t.Context(), g); !got.ipv6 || got.err != nil {
		t.Errorf("%+v, want IPv6", got)
	}
	settings, err := g.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Warnings(); len(got) != 1 || !strings.Contains(got[0], "going on without ec2:DescribeSubnets") {
		t.Errorf("warnings %q, want a denial of ec2:DescribeSubnets", got)
	}
}

func ipv6(g *sim.TargetGroup) {
	g.IPv6 = true
	g.Subnets = append(g.Subnets, sim.Subnet{ID: "subnet-6", Prefix: netip.MustParsePrefix("fd00:1::/64"), Zone: "us-east-1a"})
}
