package elb

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"mooring"
)

// A description is what matters of a target group.
type description struct {
	kind     string // target type
	protocol string
	vpc      string
	port     uint16
	ipv6     bool

	balancers []string // ARNs of the load balancers that the group serves
}

// Inspect reads the group's settings, once in a process. A group that cannot hold what mooring registers is an
// error; what may not be read, or could not be, is done without and warned of.
func (g *Group) Inspect(ctx context.Context) (mooring.Settings, error) {
	d, err := g.described.start(ctx).wait(ctx)
	if err == nil {
		err = d.check()
	} else if !halts(err) && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		return mooring.Settings{}, err
	}
	g.attributes.start(ctx)
	var balancers *flight[[]string]
	if len(d.balancers) > 0 {
		balancers = g.balancers.start(ctx)
	}
	if d.vpc != "" && g.needsSubnets() {
		g.subnets.start(ctx)
	}
	if _, err := g.zoneMode(ctx); err != nil {
		return mooring.Settings{}, err
	}
	return mooring.Settings{
		// Somebody may switch it while a daemon runs, so it is read again where it was read long ago.
		CrossZone: func(ctx context.Context) mooring.CrossZone { return crossZone(g.attributes.renew(ctx).wait(ctx)) },
		Zones:     func(ctx context.Context) []string { return zonesOf(ctx, balancers) },
		Warnings:  g.warnings,
	}, nil
}

// halts tells whether there is no such group. Other errors of reading it say nothing about it.
func halts(err error) bool {
	return slices.Contains([]string{"TargetGroupNotFound", "ValidationError"}, codeOf(err))
}

// check refuses groups that cannot hold addresses and a port alone: those of other types, those of a Gateway
// Load Balancer, and QUIC's, whose targets need a server id.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetDescription.html
func (d description) check() error {
	if d.kind != string(types.TargetTypeEnumIp) {
		return fmt.Errorf("the target group is of type %q: it must be of type ip", d.kind)
	}
	switch types.ProtocolEnum(d.protocol) {
	case types.ProtocolEnumGeneve, types.ProtocolEnumQuic, types.ProtocolEnumTcpQuic:
		return fmt.Errorf("the target group's protocol is %s: it must be TCP, TLS, UDP, TCP_UDP, HTTP or HTTPS", d.protocol)
	default:
		return nil
	}
}

// crossZone reads the attribute. use_load_balancer_configuration, the default, leaves it to the load balancer,
// where it is off unless somebody has switched it on; taking it for off keeps the last healthy target of each zone.
// So does an attribute that could not be read this time. One that may never be read is unknown, which is reported.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
func crossZone(attributes map[string]string, err error) mooring.CrossZone {
	switch {
	case errors.Is(err, mooring.ErrDenied):
		return mooring.CrossZoneUnknown
	case err == nil && attributes["load_balancing.cross_zone.enabled"] == "true":
		return mooring.CrossZoneOn
	default:
		return mooring.CrossZoneOff
	}
}

// warnings says what is done without: all that is denied in one, with the IAM statement that is missing.
func (g *Group) warnings() []string {
	var out, denied []string
	note := func(what string, err error) {
		missing := (*Denied)(nil)
		switch {
		case errors.As(err, &missing):
			denied = append(denied, missing.Action)
		case err != nil:
			out = append(out, fmt.Sprintf("could not read %s, trying again in the next round: %s", what, brief(err.Error())))
		}
	}
	note("the target group", g.described.peek().failure())
	note("the target group's attributes", g.attributes.peek().failure())
	note("the subnets of its VPC", g.subnets.peek().failure())
	note("the zones of its load balancer", g.balancers.peek().failure())
	slices.Sort(denied)
	if denied = slices.Compact(denied); len(denied) > 0 {
		out = append(out, fmt.Sprintf("going on without %s; the missing IAM statement is %s",
			strings.Join(denied, ", "), statement("*", denied...)))
	}
	return out
}

func (g *Group) readDescription(ctx context.Context) (description, error) {
	in := &elbv2.DescribeTargetGroupsInput{TargetGroupArns: []string{g.c.ARN}}
	reply, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetGroups", g.settings.DescribeTargetGroups, in)
	if err != nil {
		return description{}, err
	}
	i := slices.IndexFunc(reply.TargetGroups, func(tg types.TargetGroup) bool {
		return tg.TargetGroupArn == nil || *tg.TargetGroupArn == g.c.ARN
	})
	if i < 0 {
		return description{}, fmt.Errorf("the answer does not hold the target group %s", g.c.ARN)
	}
	tg := reply.TargetGroups[i]
	d := description{
		kind: string(tg.TargetType), protocol: string(tg.Protocol), vpc: aws.ToString(tg.VpcId),
		ipv6:      tg.IpAddressType == types.TargetGroupIpAddressTypeEnumIpv6,
		balancers: tg.LoadBalancerArns[:min(len(tg.LoadBalancerArns), maxBalancers)],
	}
	if port := aws.ToInt32(tg.Port); port > 0 && port <= 65535 {
		d.port = uint16(port)
	}
	return d, nil
}

func (g *Group) readAttributes(ctx context.Context) (map[string]string, error) {
	in := &elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &g.c.ARN}
	reply, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetGroupAttributes", g.settings.DescribeTargetGroupAttributes, in)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, a := range reply.Attributes {
		out[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	return out, nil
}

// Pages of subnets. A VPC has 200 by default: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
const (
	subnetsPerPage = 1000
	maxPages       = 10
)

func (g *Group) readSubnets(ctx context.Context) ([]subnet, error) {
	d, err := g.described.start(ctx).wait(ctx)
	if err != nil {
		return nil, err
	}
	in := &ec2.DescribeSubnetsInput{
		Filters:    []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{d.vpc}}},
		MaxResults: aws.Int32(subnetsPerPage),
	}
	var out []subnet
	for range maxPages {
		reply, err := ask(ctx, g, "ec2:DescribeSubnets", g.network.DescribeSubnets, in)
		if err != nil {
			return nil, err
		}
		for _, s := range reply.Subnets {
			out = append(out, subnetOf(s))
		}
		if aws.ToString(reply.NextToken) == "" {
			return out, nil
		}
		in.NextToken = reply.NextToken
	}
	return nil, fmt.Errorf("the VPC has over %d subnets", maxPages*subnetsPerPage)
}

func subnetOf(s ec2types.Subnet) subnet {
	out := subnet{zone: aws.ToString(s.AvailabilityZone), zoneID: aws.ToString(s.AvailabilityZoneId)}
	add := func(cidr *string) {
		if p, err := netip.ParsePrefix(aws.ToString(cidr)); err == nil {
			out.prefixes = append(out.prefixes, p)
		}
	}
	add(s.CidrBlock)
	for _, a := range s.Ipv6CidrBlockAssociationSet {
		if a.Ipv6CidrBlockState == nil || a.Ipv6CidrBlockState.State == ec2types.SubnetCidrBlockStateCodeAssociated {
			add(a.Ipv6CidrBlock)
		}
	}
	return out
}
