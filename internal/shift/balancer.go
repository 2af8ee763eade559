package shift

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// BalancersAPI describes load balancers and their groups.
type BalancersAPI interface {
	DescribeLoadBalancers(context.Context, *elbv2.DescribeLoadBalancersInput, ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancersOutput, error)
	DescribeTargetGroups(context.Context, *elbv2.DescribeTargetGroupsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error)
}

// FindBalancer finds a network load balancer by its ARN, its DNS name, or the ARN of one of its target groups. One that
// does not work, or that has no target groups, is refused.
func FindBalancer(ctx context.Context, api BalancersAPI, by string) (Balancer, error) {
	in, err := lookFor(ctx, api, by)
	if err != nil {
		return Balancer{}, err
	}
	out, err := api.DescribeLoadBalancers(ctx, in)
	if err != nil {
		return Balancer{}, fmt.Errorf("find load balancer %s: %w", by, explain(err, "elasticloadbalancing:DescribeLoadBalancers", "*"))
	}
	var found []types.LoadBalancer
	for _, lb := range out.LoadBalancers {
		if in.LoadBalancerArns != nil || dotted(aws.ToString(lb.DNSName)) == dotted(by) {
			found = append(found, lb)
		}
	}
	if len(found) == 0 {
		return Balancer{}, fmt.Errorf("there is no load balancer %s in this account and region", by)
	}
	b, err := describe(found, by)
	if err != nil {
		return Balancer{}, err
	}
	if b.Groups, err = groupsOf(ctx, api, b); err != nil {
		return Balancer{}, err
	}
	if len(b.Groups) == 0 {
		return Balancer{}, fmt.Errorf("no listener of load balancer %s forwards to a target group: it would serve nobody", b.Name)
	}
	return b, nil
}

// lookFor is how to ask for it.
func lookFor(ctx context.Context, api BalancersAPI, by string) (*elbv2.DescribeLoadBalancersInput, error) {
	switch {
	case strings.Contains(by, ":targetgroup/"):
		out, err := api.DescribeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{TargetGroupArns: []string{by}})
		switch {
		case err != nil:
			return nil, fmt.Errorf("find the load balancer of %s: %w", by, explain(err, "elasticloadbalancing:DescribeTargetGroups", "*"))
		case len(out.TargetGroups) == 0 || len(out.TargetGroups[0].LoadBalancerArns) == 0:
			return nil, fmt.Errorf("no load balancer uses the target group %s: a listener must forward to it", by)
		}
		return &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: out.TargetGroups[0].LoadBalancerArns}, nil
	case strings.HasPrefix(by, "arn:"):
		return &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{by}}, nil
	}
	// Its name is the first label of its DNS name, up to the last hyphen:
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html#dns-name
	// and an internal one of another type has internal- before that, with which no name begins:
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
	label, _, _ := strings.Cut(by, ".")
	label = strings.TrimPrefix(label, "internal-")
	i := strings.LastIndex(label, "-")
	if i <= 0 {
		return nil, fmt.Errorf("%q: want the ARN of a network load balancer, or its DNS name", by)
	}
	return &elbv2.DescribeLoadBalancersInput{Names: []string{label[:i]}}, nil
}

// describe takes the network load balancer among those that were found. There may be application ones beside it only by
// mistake, and more than one network load balancer behind a group only by choice.
func describe(found []types.LoadBalancer, by string) (Balancer, error) {
	var names []string
	for _, lb := range found {
		names = append(names, aws.ToString(lb.LoadBalancerArn))
	}
	switch lb := found[0]; {
	case len(found) > 1:
		return Balancer{}, fmt.Errorf("%d load balancers use %s: choose one with --nlb, %s", len(found), by, strings.Join(names, ", "))
	case lb.Type != types.LoadBalancerTypeEnumNetwork:
		return Balancer{}, fmt.Errorf("load balancer %s is of type %s: want a network load balancer", names[0], lb.Type)
	case lb.State != nil && lb.State.Code != types.LoadBalancerStateEnumActive:
		return Balancer{}, fmt.Errorf("load balancer %s is %s, and not active", names[0], lb.State.Code)
	case aws.ToString(lb.DNSName) == "" || aws.ToString(lb.CanonicalHostedZoneId) == "":
		return Balancer{}, fmt.Errorf("load balancer %s has no DNS name, or no hosted zone", names[0])
	default:
		b := Balancer{
			ARN: names[0], Name: cmp.Or(aws.ToString(lb.LoadBalancerName), names[0]), DNSName: *lb.DNSName, ZoneID: *lb.CanonicalHostedZoneId,
			Dualstack: lb.IpAddressType == types.IpAddressTypeDualstack, Internal: lb.Scheme == types.LoadBalancerSchemeEnumInternal,
		}
		for _, z := range lb.AvailabilityZones {
			b.Zones = append(b.Zones, aws.ToString(z.ZoneName))
		}
		slices.Sort(b.Zones)
		return b, nil
	}
}

// groupsOf are the target groups that the load balancer's listeners forward to, by their names.
func groupsOf(ctx context.Context, api BalancersAPI, b Balancer) ([]TargetGroup, error) {
	var groups []TargetGroup
	in := &elbv2.DescribeTargetGroupsInput{LoadBalancerArn: &b.ARN}
	for range maxPages {
		out, err := api.DescribeTargetGroups(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("find the target groups of %s: %w", b.Name, explain(err, "elasticloadbalancing:DescribeTargetGroups", "*"))
		}
		for _, g := range out.TargetGroups {
			groups = append(groups, TargetGroup{
				ARN: aws.ToString(g.TargetGroupArn), Name: aws.ToString(g.TargetGroupName), Port: int(aws.ToInt32(g.Port)),
			})
		}
		if in.Marker = out.NextMarker; aws.ToString(in.Marker) == "" {
			slices.SortFunc(groups, func(a, b TargetGroup) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ARN, b.ARN)) })
			return groups, nil
		}
	}
	return nil, fmt.Errorf("find the target groups of %s: there are too many", b.Name)
}
