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

// addresses are those of the network load balancers. The filter by VPC is what keeps such calls from failing in large accounts:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func (g *gathering) addresses(ctx context.Context, nlbs []Balancer) {
	found := []Interface{}
	for _, lb := range nlbs {
		_, tail, ok := strings.Cut(lb.ARN, ":loadbalancer/")
		if !ok {
			continue
		}
		in := &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(100), Filters: []ec2types.Filter{
			{Name: aws.String("vpc-id"), Values: []string{lb.VPC}}, {Name: aws.String("description"), Values: []string{"ELB " + tail}},
		}}
		out, err := ask(ctx, g, "ec2:DescribeNetworkInterfaces", g.s.Network.DescribeNetworkInterfaces, in)
		if err != nil {
			g.set(func(f *Facts) { f.Addresses = Hidden[[]Interface](err) })
			return
		}
		for _, n := range out.NetworkInterfaces {
			if a, err := netip.ParseAddr(aws.ToString(n.PrivateIpAddress)); err == nil {
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
		out.Rules = append(out.Rules, r)
	}
	return out
}
