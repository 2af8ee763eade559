package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"mooring"
)

// More calls that are made.
type (
	// GroupsAPI reads target groups.
	GroupsAPI interface {
		DescribeTargetGroups(context.Context, *elbv2.DescribeTargetGroupsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error)
		DescribeTargetGroupAttributes(context.Context, *elbv2.DescribeTargetGroupAttributesInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupAttributesOutput, error)
		DescribeTargetHealth(context.Context, *elbv2.DescribeTargetHealthInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error)
	}

	// BalancersAPI reads load balancers, and the tags of groups.
	BalancersAPI interface {
		DescribeLoadBalancers(context.Context, *elbv2.DescribeLoadBalancersInput, ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancersOutput, error)
		DescribeLoadBalancerAttributes(context.Context, *elbv2.DescribeLoadBalancerAttributesInput, ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancerAttributesOutput, error)
		DescribeTags(context.Context, *elbv2.DescribeTagsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTagsOutput, error)
	}

	// ListenersAPI reads listeners.
	ListenersAPI interface {
		DescribeListeners(context.Context, *elbv2.DescribeListenersInput, ...func(*elbv2.Options)) (*elbv2.DescribeListenersOutput, error)
		DescribeListenerAttributes(context.Context, *elbv2.DescribeListenerAttributesInput, ...func(*elbv2.Options)) (*elbv2.DescribeListenerAttributesOutput, error)
		DescribeRules(context.Context, *elbv2.DescribeRulesInput, ...func(*elbv2.Options)) (*elbv2.DescribeRulesOutput, error)
	}

	// NetworkAPI reads what is around a load balancer's addresses.
	NetworkAPI interface {
		DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
		DescribeNetworkInterfaces(context.Context, *ec2.DescribeNetworkInterfacesInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error)
	}
)

// balancing reads the group first, for the rest depends on it.
func (g *gathering) balancing(ctx context.Context) {
	if g.s.Groups == nil {
		g.find(ctx, false)
		return
	}
	group, err := g.group(ctx)
	g.set(func(f *Facts) { f.Group = factOf(group, err) })
	var all mooring.Tasks
	all.Go(func() { g.find(ctx, group.IPv6) })
	if err == nil {
		all.Go(func() { g.attributes(ctx) })
		all.Go(func() { g.tags(ctx) })
	}
	if !errors.Is(err, errSilent) {
		all.Go(func() { g.balancers(ctx, group) })
	}
	all.Wait()
	if err != nil { // which load balancer is before the group is not known
		g.set(func(f *Facts) { f.NLBs, f.Listeners = Hidden[[]Balancer](err), Hidden[[]Listener](err) })
	}
}

func (g *gathering) find(ctx context.Context, ipv6 bool) {
	defer close(g.shown)
	if g.s.Find != nil {
		o := g.s.Find(ctx, ipv6)
		g.set(func(f *Facts) { f.Name = Is(o) })
	}
}

func (g *gathering) group(ctx context.Context) (Group, error) {
	in := &elbv2.DescribeTargetGroupsInput{TargetGroupArns: []string{g.s.Binding.Group}}
	out, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetGroups", g.s.Groups.DescribeTargetGroups, in)
	if err != nil {
		return Group{}, err
	}
	i := slices.IndexFunc(out.TargetGroups, func(tg types.TargetGroup) bool { return aws.ToString(tg.TargetGroupArn) == g.s.Binding.Group })
	if i < 0 {
		return Group{}, fmt.Errorf("the answer does not hold the target group %s", g.s.Binding.Group)
	}
	return groupOf(out.TargetGroups[i]), nil
}

func groupOf(tg types.TargetGroup) Group {
	out := Group{
		Type: string(tg.TargetType), Protocol: string(tg.Protocol), VPC: aws.ToString(tg.VpcId), Port: portOf(tg.Port),
		IPv6: tg.IpAddressType == types.TargetGroupIpAddressTypeEnumIpv6, Balancers: tg.LoadBalancerArns,
		Check: HealthCheck{
			Enabled: aws.ToBool(tg.HealthCheckEnabled), Protocol: string(tg.HealthCheckProtocol),
			Port: aws.ToString(tg.HealthCheckPort), Path: aws.ToString(tg.HealthCheckPath),
		},
	}
	if tg.Matcher != nil {
		out.Check.Matcher = aws.ToString(tg.Matcher.HttpCode)
	}
	return out
}

func portOf(p *int32) uint16 {
	if n := aws.ToInt32(p); n > 0 && n <= 65535 {
		return uint16(n)
	}
	return 0
}

func (g *gathering) attributes(ctx context.Context) {
	in := &elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &g.s.Binding.Group}
	out, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetGroupAttributes", g.s.Groups.DescribeTargetGroupAttributes, in)
	values := map[string]string{}
	if err == nil {
		for _, a := range out.Attributes {
			values[aws.ToString(a.Key)] = aws.ToString(a.Value)
		}
	}
	g.set(func(f *Facts) { f.Attributes = factOf(values, err) })
}

func (g *gathering) tags(ctx context.Context) {
	in := &elbv2.DescribeTagsInput{ResourceArns: []string{g.s.Binding.Group}}
	out, err := ask(ctx, g, "elasticloadbalancing:DescribeTags", g.s.Balancers.DescribeTags, in)
	values := map[string]string{}
	if err == nil {
		for _, d := range out.TagDescriptions {
			for _, t := range d.Tags {
				values[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
		}
	}
	g.set(func(f *Facts) { f.Tags = factOf(values, err) })
}

// balancers reads all load balancers, and of those that matter everything else.
func (g *gathering) balancers(ctx context.Context, group Group) {
	all, err := g.list(ctx)
	if err != nil {
		g.set(func(f *Facts) {
			f.ALB = Hidden[*Balancer](err)
			f.NLBs, f.Listeners = Hidden[[]Balancer](err), Hidden[[]Listener](err)
		})
		return
	}
	nlbs := slices.DeleteFunc(slices.Clone(all), func(lb Balancer) bool { return !slices.Contains(group.Balancers, lb.ARN) })
	alb := g.behind(ctx, all)
	set := slices.Clone(nlbs) // whose settings are written while the others are read
	var work mooring.Tasks
	for i := range set {
		work.Go(func() { g.settings(ctx, &set[i]) })
	}
	if alb != nil {
		work.Go(func() { g.settings(ctx, alb) })
		work.Go(func() {
			found, err := g.listeners(ctx, alb.ARN)
			g.set(func(f *Facts) { f.ALBListeners = factOf(found, err) })
		})
		work.Go(func() { g.securityGroups(ctx, alb, nlbs) })
		work.Go(func() {
			n, err := g.albGroups(ctx, alb)
			g.set(func(f *Facts) { f.ALBGroups = factOf(n, err) })
		})
	}
	work.Go(func() { g.addresses(ctx, nlbs) })
	work.Go(func() {
		var found []Listener
		for _, lb := range nlbs {
			some, err := g.listeners(ctx, lb.ARN)
			if err != nil {
				g.set(func(f *Facts) { f.Listeners = Hidden[[]Listener](err) })
				return
			}
			found = append(found, some...)
		}
		g.set(func(f *Facts) { f.Listeners = Is(found) })
	})
	work.Wait()
	g.set(func(f *Facts) { f.NLBs, f.ALB = Is(set), Is(alb) })
}

func (g *gathering) list(ctx context.Context) ([]Balancer, error) {
	in := &elbv2.DescribeLoadBalancersInput{PageSize: aws.Int32(400)}
	var out []Balancer
	for range maxPages {
		reply, err := ask(ctx, g, "elasticloadbalancing:DescribeLoadBalancers", g.s.Balancers.DescribeLoadBalancers, in)
		if err != nil {
			return nil, err
		}
		for _, lb := range reply.LoadBalancers {
			out = append(out, balancerOf(lb))
		}
		if in.Marker = reply.NextMarker; aws.ToString(in.Marker) == "" {
			return out, nil
		}
	}
	return out, nil // four thousand, of the 50 that an account may have by default
}

func balancerOf(lb types.LoadBalancer) Balancer {
	out := Balancer{
		ARN: aws.ToString(lb.LoadBalancerArn), Name: aws.ToString(lb.LoadBalancerName), Type: string(lb.Type), Scheme: string(lb.Scheme),
		VPC: aws.ToString(lb.VpcId), DNSName: aws.ToString(lb.DNSName), SecurityGroups: lb.SecurityGroups,
	}
	out.Name = cmp.Or(out.Name, out.ARN)
	if lb.State != nil {
		out.State = string(lb.State.Code)
	}
	if lb.IpamPools != nil {
		out.Pool = aws.ToString(lb.IpamPools.Ipv4IpamPoolId)
	}
	for _, z := range lb.AvailabilityZones {
		zone := Zone{Name: aws.ToString(z.ZoneName), Subnet: aws.ToString(z.SubnetId)}
		for _, a := range z.LoadBalancerAddresses {
			for _, text := range []*string{a.IpAddress, a.PrivateIPv4Address, a.IPv6Address} {
				if aws.ToString(text) != "" {
					zone.Fixed = append(zone.Fixed, *text)
				}
			}
		}
		out.Zones = append(out.Zones, zone)
	}
	return out
}

// behind finds the application load balancer that the name is of: by its own name, by what the name is an alias of, or,
// where a record of Route 53 hides that, by the addresses that it shows.
func (g *gathering) behind(ctx context.Context, all []Balancer) *Balancer {
	for _, host := range g.s.Binding.Hostnames {
		names := []string{host}
		if _, elb := isELB(host); !elb && g.s.Alias != nil {
			names = append(names, g.s.Alias(ctx, host))
		}
		for i := range all {
			if all[i].Type == "application" && slices.ContainsFunc(names, func(n string) bool { return sameName(n, all[i].DNSName) }) {
				return &all[i]
			}
		}
	}
	return g.byAddress(ctx, all)
}

// byAddress finds the load balancer of the group's VPC whose network interface has an address that the name shows.
func (g *gathering) byAddress(ctx context.Context, all []Balancer) *Balancer {
	select {
	case <-g.shown:
	case <-ctx.Done():
	}
	g.mu.Lock()
	shows, vpc := g.f.Name.Value.Addrs(), g.f.Group.Value.VPC
	g.mu.Unlock()
	here := func(lb Balancer) bool { return lb.Type == "application" && lb.VPC == vpc }
	if len(shows) == 0 || vpc == "" || !slices.ContainsFunc(all, here) || (&Facts{Binding: g.s.Binding}).onlyELB() {
		return nil
	}
	found, err := g.interfaces(ctx, vpc, "ELB app/*")
	if err != nil {
		return nil // the name is then taken for another's
	}
	for _, n := range found {
		tail, ok := strings.CutPrefix(aws.ToString(n.Description), "ELB ")
		if !ok || !slices.ContainsFunc(addressesIn(n), func(a netip.Addr) bool { return slices.Contains(shows, a) }) {
			continue
		}
		if i := slices.IndexFunc(all, func(lb Balancer) bool { return here(lb) && strings.HasSuffix(lb.ARN, ":loadbalancer/"+tail) }); i >= 0 {
			return &all[i]
		}
	}
	return nil
}

// sameName compares names of load balancers. Route 53's console puts dualstack before them:
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-to-elb-load-balancer.html
func sameName(a, b string) bool {
	plain := func(s string) string {
		return strings.TrimPrefix(strings.TrimSuffix(strings.ToLower(s), "."), "dualstack.")
	}
	return b != "" && plain(a) == plain(b)
}

func (g *gathering) settings(ctx context.Context, lb *Balancer) {
	in := &elbv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &lb.ARN}
	out, err := ask(ctx, g, "elasticloadbalancing:DescribeLoadBalancerAttributes", g.s.Balancers.DescribeLoadBalancerAttributes, in)
	if err != nil {
		lb.AttributesErr = err
		return
	}
	lb.Attributes = map[string]string{}
	for _, a := range out.Attributes {
		lb.Attributes[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
}

// albGroups counts the groups of type alb that hold a load balancer. Of those of its VPC 20 are asked at the most.
func (g *gathering) albGroups(ctx context.Context, alb *Balancer) (n int, err error) {
	in := &elbv2.DescribeTargetGroupsInput{PageSize: aws.Int32(400)}
	asked := 0
	for range maxPages {
		out, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetGroups", g.s.Groups.DescribeTargetGroups, in)
		if err != nil {
			return n, err
		}
		for _, tg := range out.TargetGroups {
			if tg.TargetType != types.TargetTypeEnumAlb || aws.ToString(tg.VpcId) != alb.VPC || asked >= 20 {
				continue
			}
			asked++
			health, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetHealth", g.s.Groups.DescribeTargetHealth, &elbv2.DescribeTargetHealthInput{TargetGroupArn: tg.TargetGroupArn})
			if err != nil {
				return n, err
			}
			if slices.ContainsFunc(health.TargetHealthDescriptions, func(d types.TargetHealthDescription) bool {
				return d.Target != nil && aws.ToString(d.Target.Id) == alb.ARN
			}) {
				n++
			}
		}
		if in.Marker = out.NextMarker; aws.ToString(in.Marker) == "" {
			break
		}
	}
	return n, nil
}
