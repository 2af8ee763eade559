package elb_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func TestAZoneHasOneIDAndAnotherNameInEachAccount(t *testing.T) {
	for account, c := range map[string]struct{ name, id string }{ // of the first subnet; the second is the other
		"111111111111": {"us-east-1a", "use1-az1"},
		"222222222222": {"us-east-1c", "use1-az1"},
	} {
		h := newHarbour(t, func(g *sim.TargetGroup) {
			g.ARN = strings.Replace(arn, "123456789012", account, 1)
			g.Subnets[0].Zone, g.Subnets[0].ZoneID = c.name, c.id
			g.Subnets[1].Zone, g.Subnets[1].ZoneID = "us-east-1b", "use1-az2"
		})
		named := func(cfg *elb.Config) { cfg.ARN, cfg.Zone = h.tg.ARN, "use1-az1" }
		h.register(h.inspected(named), target("10.0.1.5"), target("10.9.0.5"))
		h.wantRegistered("10.0.1.5:443@"+c.name, "10.9.0.5:443@"+c.name)
		h.register(h.group(named), target("10.9.0.6")) // by a process that has not inspected it
		h.wantRegistered("10.0.1.5:443@"+c.name, "10.9.0.5:443@"+c.name, "10.9.0.6:443@"+c.name)
		h.wantCalls("RegisterTargets", 2)
	}
}

func TestAZoneThatIsWantedIsFoundByItsID(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.AllNeedsAZ = true }) // as with cross-zone off
	h.register(h.inspected(withZone("use1-az1")), learned("10.9.0.5", "all"))
	h.wantRegistered("10.9.0.5:443@us-east-1b")
	h.wantCalls("RegisterTargets", 1)
}

func TestAZoneIDThatCannotBeFoundHaltsTheBindingBeforeAnyCall(t *testing.T) {
	for name, c := range map[string]struct {
		fault sim.AWSFault
		words []string
	}{
		"no subnet is in it": {sim.AWSFault{Action: "none"}, []string{"find the name of zone use1-az9: none of the 2 subnets"}},
		"not to be read": {sim.AWSFault{Action: "DescribeSubnets", Denied: true}, []string{
			"find the name of zone use1-az9", `the missing IAM statement is {"Effect":"Allow","Action":["ec2:DescribeSubnets"],"Resource":"*"}`,
		}},
		"nor the group": {sim.AWSFault{Action: "DescribeTargetGroups", Denied: true}, []string{
			"find the name of zone use1-az9", `the missing IAM statement is {"Effect":"Allow","Action":["elasticloadbalancing:DescribeTargetGroups"],"Resource":"*"}`,
		}},
		"not read this time": {sim.AWSFault{Action: "DescribeSubnets", Status: http.StatusInternalServerError}, []string{
			"find the name of zone use1-az9", "InternalFailure",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			h.aws.Inject(c.fault)
			g := h.group(withZone("use1-az9"))
			_, inspecting := g.Inspect(t.Context())
			out, registering := g.Register(t.Context(), []mooring.Target{target("10.0.1.5")}, allowed)
			for _, err := range []error{inspecting, registering} {
				for _, words := range c.words {
					if err == nil || !strings.Contains(err.Error(), words) {
						t.Errorf("error %v, want %q in it", err, words)
					}
				}
				if errors.Is(err, mooring.ErrDenied) != c.fault.Denied {
					t.Errorf("error %v: a denial must be one", err)
				}
			}
			if len(out.Registered) != 0 {
				t.Errorf("%+v", out)
			}
			h.wantCalls("RegisterTargets", 0)
			if _, err := g.Register(t.Context(), nil, allowed); err != nil {
				t.Errorf("nothing to do: %v", err)
			}
		})
	}
}

func TestAZoneThatIsAddedLaterIsFound(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		g := elb.Connect(f.cfg, elb.Config{Name: "web", ARN: f.groups[0].ARN, Port: 443, Zone: "use1-az9"})
		register := func() error {
			_, err := g.Register(t.Context(), []mooring.Target{target("10.9.0.5")}, allowed)
			return err
		}
		if err := register(); err == nil {
			t.Error("a zone that is not there was found")
		}
		vpc := f.groups[0].VPC
		added := sim.Subnet{ID: "subnet-c", Prefix: netip.MustParsePrefix("10.0.32.0/20"), Zone: "us-east-1f", ZoneID: "use1-az9"}
		f.groups[0].Adjust(func(tg *sim.TargetGroup) { tg.Subnets = append(tg.Subnets, added) })
		f.aws.EC2 = &sim.EC2{Subnets: map[string][]sim.Subnet{vpc: f.groups[0].Subnets}}
		<-time.After(10 * time.Minute)
		if err := register(); err != nil {
			t.Error(err)
		}
		if held := f.groups[0].Describe(time.Now()); len(held) != 1 || held[0].Zone != "us-east-1f" {
			t.Errorf("%+v", held)
		}
	})
}

func TestNamesOfZonesAreNotTakenForIDs(t *testing.T) {
	for _, zone := range []string{"us-east-1a", "us-west-2-lax-1a", "USE1-AZ1", "use1-az", "az1-"} {
		h := newHarbour(t)
		if _, err := h.group(withZone(zone)).Inspect(t.Context()); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
	h := newHarbour(t, func(g *sim.TargetGroup) { g.Subnets[0].ZoneID = "usw2-lax1-az1" })
	if _, err := h.group(withZone("usw2-lax1-az1")).Inspect(t.Context()); err != nil {
		t.Errorf("a local zone's id: %v", err)
	}
}

func TestAllIsNotSentForWhoIsKnownToBeInside(t *testing.T) {
	for _, zone := range []string{"auto", "all", "us-east-1b"} {
		t.Run(zone, func(t *testing.T) {
			h := newHarbour(t, ipv6)
			addr, outside := v6("fd00:1::5"), v6("fd00:9::5")
			g := h.group(withZone(zone))
			h.register(g, addr) // so that the list tells the family
			if _, err := g.Targets(t.Context()); err != nil {
				t.Fatal(err)
			}
			scopeOf(t.Context(), g) // reads the subnets, whatever the zone
			h.aws.Forget()
			addr.Zone = "all" // was learned long ago
			out := h.register(g, addr, outside, v6("fd00:1::6"))
			if got := zones(out)[0]; got != "fd00:1::5=none" {
				t.Errorf("%s, want what was learned to be over", got)
			}
			h.wantCalls("RegisterTargets", 1)
			sent := h.aws.Calls()[0].Form
			want := []string{"", map[string]string{"us-east-1b": zone}[zone], ""}
			if want[1] == "" {
				want[1] = "all"
			}
			for n := range 3 {
				if got := sent.Get(member(n+1, "AvailabilityZone")); got != want[n] {
					t.Errorf("%q was sent for %s, want %q", got, sent.Get(member(n+1, "Id")), want[n])
				}
			}
		})
	}
}

func v6(addr string) mooring.Target { return target(addr) }

const balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/1234567890abcdef"

// balanced puts the group behind a load balancer with addresses in these zones.
func balanced(zones ...string) func(*sim.TargetGroup) {
	return func(g *sim.TargetGroup) {
		g.LoadBalancers = append(g.LoadBalancers, sim.LoadBalancer{ARN: balancer, Zones: zones})
	}
}

func TestTheZonesOfTheLoadBalancerAreKnown(t *testing.T) {
	h := newHarbour(t, balanced("us-east-1b", "us-east-1a"), func(g *sim.TargetGroup) {
		g.LoadBalancers = append(g.LoadBalancers, sim.LoadBalancer{ARN: balancer + "0", Type: "application", Zones: []string{"us-east-1f"}})
	})
	g := h.group()
	for range 2 {
		settings, err := g.Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := settings.Zones(t.Context()); !slices.Equal(got, []string{"us-east-1a", "us-east-1b"}) {
			t.Errorf("zones %v, want those with a static address", got)
		}
		if got := settings.Warnings(); len(got) != 0 {
			t.Errorf("warnings %q", got)
		}
	}
	h.wantCalls("DescribeLoadBalancers", 1)
}

func TestWhereThereIsNoLoadBalancerNobodyAsksForIt(t *testing.T) {
	h := newHarbour(t)
	settings, err := h.group().Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Zones(t.Context()); got != nil {
		t.Errorf("zones %v", got)
	}
	h.wantCalls("DescribeLoadBalancers", 0)
}

func TestALoadBalancerThatCannotBeReadIsDoneWithout(t *testing.T) {
	for want, c := range map[string]struct {
		fault sim.AWSFault
		calls int // when it is inspected twice
	}{
		`going on without elasticloadbalancing:DescribeLoadBalancers; the missing IAM statement is ` +
			`{"Effect":"Allow","Action":["elasticloadbalancing:DescribeLoadBalancers"],"Resource":"*"}`: {sim.AWSFault{Denied: true}, 1},
		"could not read the zones of its load balancer, trying again in the next round": {sim.AWSFault{Status: http.StatusBadRequest, Code: "LoadBalancerNotFound"}, 2},
	} {
		h := newHarbour(t, balanced("us-east-1a"))
		c.fault.Action = "DescribeLoadBalancers"
		h.aws.Inject(c.fault)
		g := h.group()
		for range 2 {
			settings, err := g.Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := settings.Zones(t.Context()); got != nil {
				t.Errorf("zones %v", got)
			}
			if got := settings.Warnings(); len(got) != 1 || !strings.HasPrefix(got[0], want) {
				t.Errorf("warnings %q, want %q", got, want)
			}
		}
		h.wantCalls("DescribeLoadBalancers", c.calls)
		h.register(g, target("10.0.1.5"))
	}
}
