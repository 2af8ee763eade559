package elb

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// ListenersAPI reads the listeners of the group's load balancers. Rounds need none of it.
type ListenersAPI interface {
	DescribeListeners(context.Context, *elbv2.DescribeListenersInput, ...func(*elbv2.Options)) (*elbv2.DescribeListenersOutput, error)
}

// A Balancer is a load balancer that serves the group, as its clients see it.
type Balancer struct {
	ARN     string
	DNSName string
	Network bool // a Network Load Balancer, whose zones have names of their own
	Zones   []BalancerZone
	Ports   []uint16 // of the listeners whose default action forwards to the group, sorted
}

// A BalancerZone is one zone of a load balancer. The addresses are those that were given to it: AWS does not tell those
// that it chose itself.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAddress.html
type BalancerZone struct {
	Name  string
	Addrs []netip.Addr
}

// Serving reads how clients reach the group: its load balancers, and their listeners that forward to it. A group that no
// listener forwards to has no load balancers. What a rule of an Application Load Balancer forwards is not seen.
// A missing permission is a [Denied].
func (g *Group) Serving(ctx context.Context) ([]Balancer, error) {
	d, err := g.described.start(ctx).wait(ctx)
	if err != nil || len(d.balancers) == 0 {
		return nil, err
	}
	in := &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: d.balancers} // at most 20, which come in one page
	reply, err := ask(ctx, g, "elasticloadbalancing:DescribeLoadBalancers", g.settings.DescribeLoadBalancers, in)
	if err != nil {
		return nil, err
	}
	var out []Balancer
	for _, lb := range reply.LoadBalancers {
		one := balancerOf(lb)
		if one.Ports, err = g.portsOf(ctx, one.ARN); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func balancerOf(lb types.LoadBalancer) Balancer {
	out := Balancer{
		ARN: aws.ToString(lb.LoadBalancerArn), DNSName: aws.ToString(lb.DNSName),
		Network: lb.Type == types.LoadBalancerTypeEnumNetwork,
	}
	for _, z := range lb.AvailabilityZones {
		zone := BalancerZone{Name: aws.ToString(z.ZoneName)}
		for _, a := range z.LoadBalancerAddresses {
			for _, text := range []*string{a.IpAddress, a.PrivateIPv4Address, a.IPv6Address} {
				if addr, err := netip.ParseAddr(aws.ToString(text)); err == nil {
					zone.Addrs = append(zone.Addrs, addr)
				}
			}
		}
		out.Zones = append(out.Zones, zone)
	}
	return out
}

// maxListenerPages is how many pages of a load balancer's listeners are read; it may have 50 listeners.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html
const maxListenerPages = 10

// portsOf are the ports whose listeners forward to the group.
func (g *Group) portsOf(ctx context.Context, balancer string) ([]uint16, error) {
	in := &elbv2.DescribeListenersInput{LoadBalancerArn: &balancer}
	var out []uint16
	for range maxListenerPages {
		reply, err := ask(ctx, g, "elasticloadbalancing:DescribeListeners", g.listeners.DescribeListeners, in)
		if err != nil {
			return nil, err
		}
		for _, l := range reply.Listeners {
			if port := aws.ToInt32(l.Port); port > 0 && port <= 65535 && forwards(l.DefaultActions, g.c.ARN) {
				out = append(out, uint16(port))
			}
		}
		if aws.ToString(reply.NextMarker) == "" {
			slices.Sort(out)
			return out, nil
		}
		in.Marker = reply.NextMarker
	}
	return nil, fmt.Errorf("the listeners take over %d pages", maxListenerPages)
}

// forwards tells whether one of the actions forwards to the group. A group of weight 0 gets nothing.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ForwardActionConfig.html
func forwards(actions []types.Action, group string) bool {
	return slices.ContainsFunc(actions, func(a types.Action) bool {
		if a.ForwardConfig == nil || len(a.ForwardConfig.TargetGroups) == 0 {
			return aws.ToString(a.TargetGroupArn) == group
		}
		return slices.ContainsFunc(a.ForwardConfig.TargetGroups, func(t types.TargetGroupTuple) bool {
			return aws.ToString(t.TargetGroupArn) == group && (t.Weight == nil || *t.Weight > 0)
		})
	})
}
