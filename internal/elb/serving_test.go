package elb_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// raw answers as itself for a load balancer of this type, whose zone has these addresses, and for its listeners.
func raw(t *testing.T, kind, addresses string, listeners func(page int) string) ([]elb.Balancer, error) {
	t.Helper()
	page := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.FormValue("Action")
		result := map[string]string{
			"DescribeTargetGroups": "<TargetGroups><member><TargetGroupArn>" + arn + "</TargetGroupArn><LoadBalancerArns><member>" + frontNLB +
				"</member></LoadBalancerArns></member></TargetGroups>",
			"DescribeLoadBalancers": "<LoadBalancers><member><LoadBalancerArn>" + frontNLB + "</LoadBalancerArn><Type>" + kind +
				"</Type><AvailabilityZones><member><ZoneName>us-east-1a</ZoneName>" + addresses + "</member></AvailabilityZones></member></LoadBalancers>",
		}[action]
		if action == "DescribeListeners" {
			page++
			result = listeners(page)
		}
		_, _ = fmt.Fprintf(w, "<%sResponse><%[1]sResult>%s</%[1]sResult></%[1]sResponse>", action, result)
	}))
	t.Cleanup(server.Close)
	cfg := newHarbour(t).cfg.Copy()
	cfg.BaseEndpoint = &server.URL
	return elb.Connect(cfg, elb.Config{Name: "web-443", ARN: arn, Port: 443}).Serving(t.Context())
}

func listener(port int, actions string) string {
	return fmt.Sprintf("<member><Port>%d</Port><DefaultActions><member>%s</member></DefaultActions></member>", port, actions)
}

// An action says where it forwards in one form or in both, and not all that it names gets something.
func TestAListenerForwardsInAnyFormOfItsAction(t *testing.T) {
	to := func(group, more string) string {
		return "<ForwardConfig><TargetGroups><member><TargetGroupArn>" + group + "</TargetGroupArn>" + more + "</member></TargetGroups></ForwardConfig>"
	}
	plain := "<TargetGroupArn>" + arn + "</TargetGroupArn>"
	got, err := raw(t, "network", "", func(int) string {
		return "<Listeners>" + listener(70000, plain) + listener(-1, plain) + listener(1, plain) + listener(2, to(arn, "")) + listener(3, plain+to(arn, "<Weight>1</Weight>")) +
			listener(4, plain+"<ForwardConfig><TargetGroups></TargetGroups></ForwardConfig>") +
			listener(5, to(arn, "<Weight>0</Weight>")) + listener(6, to(arn+"0", "")) + listener(7, "<Type>redirect</Type>") + "</Listeners>"
	})
	if err != nil || len(got) != 1 || !slices.Equal(got[0].Ports, []uint16{1, 2, 3, 4}) {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestListenersThatNeverEndAreGivenUp(t *testing.T) {
	asked := 0
	_, err := raw(t, "network", "", func(page int) string {
		asked = page
		return "<Listeners></Listeners><NextMarker>more</NextMarker>"
	})
	if err == nil || !strings.Contains(err.Error(), "over 10 pages") || asked != 10 {
		t.Errorf("%v after %d pages", err, asked)
	}
}

func TestOnlyANetworkLoadBalancersZonesHaveNames(t *testing.T) {
	none := func(int) string { return "<Listeners></Listeners>" }
	addresses := "<LoadBalancerAddresses><member><IpAddress>203.0.113.9</IpAddress></member><member><IpAddress>nowhere</IpAddress></member></LoadBalancerAddresses>"
	for kind, network := range map[string]bool{"network": true, "application": false} {
		got, err := raw(t, kind, addresses, none)
		if err != nil || len(got) != 1 || got[0].Network != network || !slices.Equal(got[0].Zones[0].Addrs, []netip.Addr{netip.MustParseAddr("203.0.113.9")}) {
			t.Errorf("%s: %+v, error %v", kind, got, err)
		}
	}
}
