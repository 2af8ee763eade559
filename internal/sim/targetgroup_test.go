package sim_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring/internal/sim"
)

var dawn = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

func describe(addr string, port uint16, zone string) sim.TargetDescription {
	return sim.TargetDescription{Addr: netip.MustParseAddr(addr), Port: port, Zone: zone}
}

// harbour is a group with subnets in two zones, slow to turn healthy and to drain.
func harbour() *sim.TargetGroup {
	return &sim.TargetGroup{
		ARN:  "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web-443/73e2d6bc24d8a067",
		Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443,
		Subnets: []sim.Subnet{
			{ID: "subnet-a", Prefix: netip.MustParsePrefix("10.0.1.0/24"), Zone: "us-east-1a"},
			{ID: "subnet-b", Prefix: netip.MustParsePrefix("10.0.2.0/24"), Zone: "us-east-1b"},
		},
		HealthyAfter: 3 * time.Minute, DrainFor: 5 * time.Minute,
	}
}

func wantCode(t *testing.T, err error, code, words string) {
	t.Helper()
	var api *sim.APIError
	if !errors.As(err, &api) || api.Code != code || !strings.Contains(api.Message, words) {
		t.Fatalf("error %v, want %s with %q", err, code, words)
	}
}

func TestATargetIsInitialBeforeItIsHealthyAndDrainingBeforeItIsGone(t *testing.T) {
	g := harbour()
	target := []sim.TargetDescription{describe("10.0.1.5", 443, "")}
	if err := g.Register(dawn, target); err != nil {
		t.Fatal(err)
	}
	leave := dawn.Add(10 * time.Minute)
	for _, step := range []struct {
		at    time.Time
		state string
	}{
		{dawn, "initial"},
		{dawn.Add(3*time.Minute - 1), "initial"},
		{dawn.Add(3 * time.Minute), "healthy"},
	} {
		if got := g.Describe(step.at); len(got) != 1 || got[0].State != step.state || got[0].Zone != "us-east-1a" {
			t.Errorf("at %s: %+v, want %s in us-east-1a", step.at.Sub(dawn), got, step.state)
		}
	}
	if err := g.Deregister(leave, target); err != nil {
		t.Fatal(err)
	}
	if got := g.Describe(leave.Add(5*time.Minute - 1)); len(got) != 1 || got[0].State != "draining" {
		t.Errorf("before the drain is over: %+v", got)
	}
	if got := g.Describe(leave.Add(5 * time.Minute)); len(got) != 0 {
		t.Errorf("after the drain: %+v", got)
	}
}

func TestADrainingTargetThatIsRegisteredAgainStartsAnew(t *testing.T) {
	g := harbour()
	target := []sim.TargetDescription{describe("10.0.1.5", 443, "")}
	for _, err := range []error{g.Register(dawn, target), g.Deregister(dawn.Add(time.Hour), target), g.Register(dawn.Add(time.Hour), target)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := g.Describe(dawn.Add(time.Hour)); len(got) != 1 || got[0].State != "initial" {
		t.Errorf("%+v, want one initial target", got)
	}
}

func TestATargetIsAnAddressAndAPort(t *testing.T) {
	g := harbour()
	if err := g.Register(dawn, []sim.TargetDescription{describe("10.0.1.5", 443, ""), describe("10.0.1.5", 8443, "")}); err != nil {
		t.Fatal(err)
	}
	if err := g.Deregister(dawn, []sim.TargetDescription{describe("10.0.1.5", 0, "")}); err != nil { // the group's port
		t.Fatal(err)
	}
	got := g.Describe(dawn)
	if len(got) != 2 || got[0].State != "draining" || got[1].Port != 8443 || got[1].State != "initial" {
		t.Errorf("%+v, want 443 draining and 8443 untouched", got)
	}
}

func TestTheGroupRefusesWhatAWSRefusesAndTakesNoneOfThatBatch(t *testing.T) {
	inside, outside, public := describe("10.0.1.5", 443, ""), describe("10.9.0.5", 443, ""), describe("203.0.113.5", 443, "all")
	at := func(d sim.TargetDescription, zone string) sim.TargetDescription { d.Zone = zone; return d }
	for name, c := range map[string]struct {
		change      func(*sim.TargetGroup)
		bad         sim.TargetDescription
		code, words string
	}{
		"outside without a zone": {bad: outside, code: "ValidationError", words: "Availability Zone is required"},
		"inside with all":        {bad: at(inside, "all"), code: "ValidationError", words: "overridden to 'all' from 'us-east-1a'"},
		"an unknown zone":        {bad: at(outside, "us-east-1x"), code: "ValidationError", words: "not a valid Availability Zone"},
		"a public address":       {bad: public, code: "InvalidTarget", words: "publicly routable"},
		"IPv6 in an IPv4 group":  {bad: describe("2001:db8::5", 443, ""), code: "ValidationError", words: "not a valid IPv4 address"},
		"an instance group": {
			change: func(g *sim.TargetGroup) { g.Type = "instance" }, bad: inside, code: "ValidationError", words: "type 'instance'",
		},
		"a zone is wanted": {
			change: func(g *sim.TargetGroup) { g.AllNeedsAZ = true }, bad: at(outside, "all"), code: "ValidationError",
			words: "you must specify an Availability Zone",
		},
		"over the quota": {
			change: func(g *sim.TargetGroup) { g.Quota = 1 }, bad: describe("10.0.2.5", 443, ""), code: "TooManyTargets", words: "Too many",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := harbour()
			if c.change != nil {
				c.change(g)
			}
			wantCode(t, g.Register(dawn, []sim.TargetDescription{describe("10.0.1.9", 443, ""), c.bad}), c.code, c.words)
			if got := g.Describe(dawn); len(got) != 0 {
				t.Errorf("%+v was taken", got)
			}
		})
	}
}

func TestDeregisteringTheUnknownIsNoError(t *testing.T) {
	if err := harbour().Deregister(dawn, []sim.TargetDescription{describe("10.0.1.5", 443, "")}); err != nil {
		t.Error(err)
	}
}
