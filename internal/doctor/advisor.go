package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Advice is whether something of AWS's own would serve the binding better than a name moored to a group.
type Advice struct {
	Option string `json:"option"` // alb-target-group, global-accelerator, privatelink-resource or ipam-pool
	Title  string `json:"title"`  // what it is
	Serves bool   `json:"serves"` // it would, as far as can be seen from here
	Why    string `json:"why"`    // what it gives, or which of its limits rules it out
	Source string `json:"source"` // AWS's page
}

// Advise goes through the alternatives. Nothing serves a front, which needs no AWS.
func Advise(f Facts) []Advice {
	if f.Binding.Front || !f.Group.known() {
		return []Advice{}
	}
	return []Advice{adviseALBGroup(&f), adviseAccelerator(&f), adviseResource(&f), advisePool(&f)}
}

// adviseALBGroup goes by the limits of groups of type alb: one load balancer of the same VPC and account, TCP only, health
// checks by HTTP only, two groups a load balancer at the most, IPv4 only, and no attribute that can be changed.
func adviseALBGroup(f *Facts) Advice {
	a := Advice{
		Option: "alb-target-group", Title: "a target group of type alb",
		Source: nlbGuide + "application-load-balancer-target.html",
	}
	alb, ok := f.alb()
	switch {
	case f.Group.Value.Type == "alb":
		a.Why = "the group is one already"
		return a
	case !ok:
		a.Why = "ruled out: " + f.noALB()
		return a
	}
	limits := slices.Concat(f.limitsOfPlace(alb), f.limitsOfTraffic())
	if len(limits) > 0 {
		a.Why = "ruled out: " + strings.Join(limits, "; ")
		return a
	}
	a.Serves = true
	a.Why = fmt.Sprintf("it takes %s itself, with nothing to keep in step, and keeps client addresses, so that the security groups of it must admit clients, or that of the network load balancer. Both groups may stand in one action of the listener, by weight, so that nothing moves at once; "+
		"whether its health check by HTTP passes must be tried", alb.Name)
	if c := f.Group.Value.Check; c.Protocol == "TCP" {
		a.Why += " (today's is by TCP)"
	}
	return a
}

func (f *Facts) noALB() string {
	if f.ALB.Err != nil {
		return "which load balancer the name is of could not be read"
	}
	return "the name is of no application load balancer of this account and region"
}

func (f *Facts) limitsOfPlace(alb *Balancer) (out []string) {
	if alb.VPC != f.Group.Value.VPC {
		out = append(out, "the load balancer is in another VPC")
	}
	if len(f.Binding.Hostnames) > 1 {
		out = append(out, "it takes one load balancer, and the binding has several names")
	}
	if f.ALBGroups.known() && f.ALBGroups.Value >= 2 {
		out = append(out, fmt.Sprintf("%d such groups hold the load balancer already, and two are the most", f.ALBGroups.Value))
	}
	if f.Group.Value.IPv6 {
		out = append(out, "the group is IPv6, and between the two it is IPv4 only")
	}
	return out
}

// limitsOfTraffic are what the present group or its listeners do that such a group does not.
func (f *Facts) limitsOfTraffic() (out []string) {
	for _, l := range f.attached() {
		if l.Protocol != "TCP" {
			out = append(out, fmt.Sprintf("the listener on %d speaks %s, and only TCP can send there", l.Port, l.Protocol))
		}
	}
	changed := map[string]string{
		"deregistration_delay.timeout_seconds":                "300",
		"deregistration_delay.connection_termination.enabled": "false",
		"proxy_protocol_v2.enabled":                           "false",
		"stickiness.enabled":                                  "false",
	}
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		if v, ok := f.Attributes.Value[key]; ok && v != changed[key] {
			out = append(out, fmt.Sprintf("%s is %s, and it has no attributes that can be changed", key, v))
		}
	}
	lb := f.networks()
	if v := f.Attributes.Value["load_balancing.cross_zone.enabled"]; v == "true" || v == "false" {
		if len(lb) > 0 && lb[0].AttributesErr == nil && lb[0].Attributes["load_balancing.cross_zone.enabled"] != v {
			out = append(out, "cross-zone is set for the group alone, and it has the load balancer's own setting")
		}
	}
	return out
}

func adviseAccelerator(f *Facts) Advice {
	a := Advice{
		Option: "global-accelerator", Title: "Global Accelerator",
		Source: docs + "global-accelerator/latest/dg/about-accelerators.html",
	}
	switch _, ok := f.alb(); {
	case !ok:
		a.Why = "ruled out: its endpoints are load balancers, instances and Elastic IP addresses, and " + f.noALB()
	case f.internalOnly():
		a.Why = "ruled out: its addresses are public, and the network load balancer is internal"
	case f.givenPublic():
		a.Why = "it would do without the network load balancer, but its addresses are its own: those that clients know today would be lost. Two static addresses for about 18 dollars a month, and its own price for traffic"
	default:
		a.Serves = true
		a.Why = "it leads straight to the application load balancer, internal too: two static addresses for about 18 dollars a month, and its own price for traffic, in place of the network load balancer"
	}
	return a
}

// internalOnly tells whether every network load balancer of the group is known to be internal.
func (f *Facts) internalOnly() bool {
	lb := f.networks()
	return len(lb) > 0 && !slices.ContainsFunc(lb, func(b Balancer) bool { return b.Scheme != "internal" })
}

// givenPublic tells whether clients may know addresses by heart that are the network load balancer's.
func (f *Facts) givenPublic() bool {
	return slices.ContainsFunc(f.networks(), func(b Balancer) bool {
		return b.Scheme != "internal" && slices.ContainsFunc(b.Zones, func(z Zone) bool { return len(z.Fixed) > 0 })
	})
}

func adviseResource(f *Facts) Advice {
	a := Advice{
		Option: "privatelink-resource", Title: "a PrivateLink resource endpoint",
		Source: docs + "vpc/latest/privatelink/use-resource-endpoint.html",
	}
	switch {
	case len(f.networks()) == 0:
		a.Why = "cannot be told: which network load balancer is before the group is not known"
	case !f.internalOnly():
		a.Why = "ruled out: it has no public addresses, and the network load balancer is internet-facing"
	default:
		a.Serves = true
		a.Why = "a resource configuration takes the name itself, and gives consumers in other VPCs and accounts an endpoint with private addresses, without a network load balancer; it has its own price by the hour and by the gigabyte"
	}
	return a
}

func advisePool(f *Facts) Advice {
	a := Advice{
		Option: "ipam-pool", Title: "an application load balancer with addresses from an IPAM pool",
		Source: docs + "elasticloadbalancing/latest/application/application-load-balancers.html",
	}
	alb, ok := f.alb()
	switch {
	case !ok:
		a.Why = "ruled out: " + f.noALB()
	case f.internalOnly():
		a.Why = "ruled out: its addresses are public, and the network load balancer is internal"
	case alb.Scheme == "internal":
		a.Why = "ruled out: only internet-facing ones take public addresses, and " + alb.Name + " is internal"
	default:
		a.Serves = true
		a.Why = "its public addresses then come out of a range that partners can allow, without a network load balancer; a range, not an address, and when the pool is used up AWS may take others"
	}
	return a
}
