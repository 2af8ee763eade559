package elb_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

const frontNLB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/front/1111111111111111"

// withBalancer is a harbour with a load balancer in two zones, and these listeners.
func withBalancer(t *testing.T, listeners ...sim.Listener) (*harbour, *elb.Group) {
	t.Helper()
	h := newHarbour(t)
	zones := []string{"us-east-1a", "us-east-1b"}
	h.aws.ELB = &sim.ELBv2{Groups: []*sim.TargetGroup{h.tg}, Listeners: listeners, LoadBalancers: []sim.LoadBalancer{{
		ARN: frontNLB, DNSName: "front-1.elb.us-east-1.amazonaws.com", Zones: zones,
		Addresses: map[string][]sim.Address{"us-east-1a": {{PrivateIPv4: netip.MustParseAddr("10.0.0.9"), IPv6: netip.MustParseAddr("2001:db8::9")}}},
	}}}
	return h, elb.Connect(h.cfg, elb.Config{Name: "web-443", ARN: arn, Port: 443, Limiter: elb.NewLimiter(0.5)})
}

func forward(groups ...string) []sim.Action { return []sim.Action{{Type: "forward", Groups: groups}} }

func TestAGroupsClientsComeByTheListenersThatForwardToIt(t *testing.T) {
	var listeners []sim.Listener
	for port := range uint16(450) { // more than a page
		listeners = append(listeners, sim.Listener{LoadBalancer: frontNLB, Port: port + 1000, Protocol: "TCP", Actions: forward(arn + "0")})
	}
	listeners = append(listeners, sim.Listener{LoadBalancer: frontNLB, Port: 8443, Protocol: "TCP", Actions: forward(arn)},
		sim.Listener{LoadBalancer: frontNLB, Port: 443, Protocol: "TCP", Actions: forward(arn+"0", arn)})
	_, g := withBalancer(t, listeners...)
	got, err := g.Serving(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, error %v", got, err)
	}
	lb := got[0]
	if lb.ARN != frontNLB || !lb.Network || lb.DNSName != "front-1.elb.us-east-1.amazonaws.com" || !slices.Equal(lb.Ports, []uint16{443, 8443}) {
		t.Errorf("%+v", lb)
	}
	want := []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("2001:db8::9")}
	if len(lb.Zones) != 2 || !slices.Equal(lb.Zones[0].Addrs, want) || lb.Zones[1].Name != "us-east-1b" || len(lb.Zones[1].Addrs) != 0 {
		t.Errorf("zones %+v", lb.Zones)
	}
}

func TestAGroupThatNothingForwardsToServesNobody(t *testing.T) {
	_, g := withBalancer(t)
	if got, err := g.Serving(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestListenersThatMayNotBeReadNameThePermission(t *testing.T) {
	h, g := withBalancer(t, sim.Listener{LoadBalancer: frontNLB, Port: 443, Protocol: "TCP", Actions: forward(arn)})
	h.aws.Inject(sim.AWSFault{Action: "DescribeListeners", Denied: true})
	_, err := g.Serving(t.Context())
	denied := (*elb.Denied)(nil)
	if !errors.Is(err, mooring.ErrDenied) || !errors.As(err, &denied) || !strings.Contains(denied.Statement(), "elasticloadbalancing:DescribeListeners") {
		t.Errorf("said %v", err)
	}
}
