package elb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// zoning waits for the subnets, if somebody has asked for them. With the zone all they are not asked for, but used
// where they are known already: AWS refuses all for whoever is inside.
func (g *Group) zoning(ctx context.Context) (zoning, error) {
	mode, err := g.zoneMode(ctx)
	if err != nil {
		return zoning{}, err
	}
	z := zoning{mode: mode}
	if f := g.subnets.peek(); f != nil && (g.needsSubnets() || f.done()) {
		subnets, err := f.wait(ctx)
		z.subnets, z.known = subnets, err == nil
	}
	return z, nil
}

func (g *Group) needsSubnets() bool { return g.c.Zone != zoneAll && g.c.Zone != zoneNone }

// zoneID finds the ids of zones, such as use1-az1, usw2-lax1-az1 or aps1-az3.
// https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
var zoneID = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*-az[0-9]+$`)

// zoneMode is the configured zone: auto, all, none or a zone's name. An id is looked up among the subnets of the
// group's VPC, for the API takes names only, and the same zone has another name in each account.
func (g *Group) zoneMode(ctx context.Context) (string, error) {
	switch {
	case g.c.Zone == "":
		return zoneAuto, nil
	case !zoneID.MatchString(g.c.Zone):
		return g.c.Zone, nil
	}
	subnets, err := g.subnets.start(ctx).wait(ctx)
	name, ok := nameOf(g.c.Zone, subnets)
	if err == nil && !ok { // subnets are added
		subnets, err = g.subnets.renew(ctx).wait(ctx)
		name, ok = nameOf(g.c.Zone, subnets)
	}
	switch missing := (*Denied)(nil); {
	case errors.As(err, &missing):
		return "", fmt.Errorf("find the name of zone %s: %w; the missing IAM statement is %s", g.c.Zone, err, missing.Statement())
	case err != nil:
		return "", fmt.Errorf("find the name of zone %s: %w", g.c.Zone, err)
	case !ok:
		return "", fmt.Errorf("find the name of zone %s: none of the %d subnets of the target group's VPC is in it", g.c.Zone, len(subnets))
	}
	return name, nil
}

func nameOf(id string, subnets []subnet) (string, bool) {
	i := slices.IndexFunc(subnets, func(s subnet) bool { return s.zoneID == id && s.zone != "" })
	if i < 0 {
		return "", false
	}
	return subnets[i].zone, true
}

// maxBalancers is how many one call asks for. A group serves one: the list is one for the sake of the API's form.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html
const maxBalancers = 20

// readBalancers returns the zones of the group's Network Load Balancers, which have an address in each that never
// changes. An Application Load Balancer has none.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AvailabilityZone.html
func (g *Group) readBalancers(ctx context.Context) ([]string, error) {
	d, err := g.described.start(ctx).wait(ctx)
	if err != nil {
		return nil, err
	}
	in := &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: d.balancers}
	var zones []string
	for range maxPages {
		reply, err := ask(ctx, g, "elasticloadbalancing:DescribeLoadBalancers", g.settings.DescribeLoadBalancers, in)
		if err != nil {
			return nil, err
		}
		for _, lb := range reply.LoadBalancers {
			if lb.Type == types.LoadBalancerTypeEnumNetwork {
				zones = append(zones, zonesWith(lb)...)
			}
		}
		if aws.ToString(reply.NextMarker) == "" {
			slices.Sort(zones)
			return slices.Compact(zones), nil
		}
		in.Marker = reply.NextMarker
	}
	return nil, fmt.Errorf("the load balancers take over %d pages", maxPages)
}

func zonesWith(lb types.LoadBalancer) []string {
	var out []string
	for _, z := range lb.AvailabilityZones {
		if name := aws.ToString(z.ZoneName); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func zonesOf(ctx context.Context, balancers *flight[[]string]) []string {
	if balancers == nil {
		return nil
	}
	zones, err := balancers.wait(ctx)
	if err != nil {
		return nil // which is warned of
	}
	return slices.Clone(zones)
}
