package doctor

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// interfaces are those of a VPC whose description is like that. The filter by VPC is what keeps such calls from failing in
// large accounts, and a page may be empty before the last one:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func (g *gathering) interfaces(ctx context.Context, vpc, description string) (out []ec2types.NetworkInterface, err error) {
	in := &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(1000), Filters: []ec2types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{vpc}}, {Name: aws.String("description"), Values: []string{description}},
	}}
	for range maxPages {
		reply, err := ask(ctx, g, "ec2:DescribeNetworkInterfaces", g.s.Network.DescribeNetworkInterfaces, in)
		if err != nil {
			return nil, err
		}
		out = append(out, reply.NetworkInterfaces...)
		if in.NextToken = reply.NextToken; aws.ToString(in.NextToken) == "" {
			break
		}
	}
	return out, nil
}

// addressesIn are all private ones, of both families: a load balancer may have several, and sends from each.
func addressesIn(n ec2types.NetworkInterface) (out []netip.Addr) {
	texts := []*string{n.PrivateIpAddress}
	for _, a := range n.PrivateIpAddresses {
		texts = append(texts, a.PrivateIpAddress)
	}
	for _, a := range n.Ipv6Addresses {
		texts = append(texts, a.Ipv6Address)
	}
	for _, text := range texts {
		if a, err := netip.ParseAddr(aws.ToString(text)); err == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// addresses are those of the network load balancers.
func (g *gathering) addresses(ctx context.Context, nlbs []Balancer) {
	found := []Interface{}
	for _, lb := range nlbs {
		_, tail, ok := strings.Cut(lb.ARN, ":loadbalancer/")
		if !ok {
			continue
		}
		all, err := g.interfaces(ctx, lb.VPC, "ELB "+tail)
		if err != nil {
			g.set(func(f *Facts) { f.Addresses = Hidden[[]Interface](err) })
			return
		}
		for _, n := range all {
			for _, a := range addressesIn(n) {
				found = append(found, Interface{Balancer: lb.ARN, Zone: aws.ToString(n.AvailabilityZone), Addr: a})
			}
		}
	}
	g.set(func(f *Facts) { f.Addresses = Is(found) })
}

func (g *gathering) securityGroups(ctx context.Context, alb *Balancer, nlbs []Balancer) {
	ids := slices.Clone(alb.SecurityGroups)
	for _, lb := range nlbs {
		ids = append(ids, lb.SecurityGroups...)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		g.set(func(f *Facts) { f.SecurityGroups = Is(map[string]SecurityGroup{}) })
		return
	}
	out, err := ask(ctx, g, "ec2:DescribeSecurityGroups", g.s.Network.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{GroupIds: ids})
	found := map[string]SecurityGroup{}
	if err == nil {
		for _, sg := range out.SecurityGroups {
			found[aws.ToString(sg.GroupId)] = securityGroupOf(sg)
		}
	}
	g.set(func(f *Facts) { f.SecurityGroups = factOf(found, err) })
}

func securityGroupOf(sg ec2types.SecurityGroup) (out SecurityGroup) {
	for _, p := range sg.IpPermissions {
		out.Rules = append(out.Rules, ingressOf(p))
	}
	for _, p := range sg.IpPermissionsEgress {
		out.Out = append(out.Out, ingressOf(p))
	}
	return out
}

func ingressOf(p ec2types.IpPermission) Ingress {
	r := Ingress{Protocol: aws.ToString(p.IpProtocol), From: int(aws.ToInt32(p.FromPort)), To: int(aws.ToInt32(p.ToPort))}
	add := func(cidr *string) {
		if prefix, err := netip.ParsePrefix(aws.ToString(cidr)); err == nil {
			r.CIDRs = append(r.CIDRs, prefix)
		}
	}
	for _, one := range p.IpRanges {
		add(one.CidrIp)
	}
	for _, one := range p.Ipv6Ranges {
		add(one.CidrIpv6)
	}
	for _, one := range p.UserIdGroupPairs {
		r.Groups = append(r.Groups, aws.ToString(one.GroupId))
	}
	for _, one := range p.PrefixListIds {
		r.Lists = append(r.Lists, aws.ToString(one.PrefixListId))
	}
	return r
}
