package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// checkSecurityGroups wants both load balancers' groups to admit what comes, and the one in front to let it out. Where client
// addresses are not kept, only the network load balancer's own come; health checks come from these anyway. A rule for the
// network load balancer's security group admits both.
func checkSecurityGroups(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok || len(f.networks()) == 0:
		return nil
	case f.SecurityGroups.Err != nil:
		return unknown("security groups could not be read", f.SecurityGroups.Err)
	case !f.SecurityGroups.known():
		return nil
	case f.port() == 0:
		return unknown("of which port is not known", firstError(f.Group.Err, errNotRead))
	}
	out := f.frontDoor()
	for _, lb := range f.networks() {
		for _, port := range f.ports() {
			out = append(out, f.wayOut(alb, lb, port)...)
			out = append(out, f.backDoor(alb, lb, port)...)
		}
	}
	if len(out) == 0 {
		return pass("%s admits %s on %s%s", list(alb.SecurityGroups), list(names(f.networks())), list(f.ports()), f.clients(alb))
	}
	return out
}

// ports are those that the load balancer behind is called on: the binding's, and that of health checks.
func (f *Facts) ports() []uint16 {
	out := []uint16{f.port()}
	if n, err := strconv.ParseUint(f.Group.Value.Check.Port, 10, 16); err == nil && uint16(n) != out[0] {
		out = append(out, uint16(n))
	}
	return out
}

// frontDoor is about clients: a network load balancer with security groups admits only whom they name.
func (f *Facts) frontDoor() (out []Finding) {
	for _, lb := range f.networks() {
		if len(lb.SecurityGroups) == 0 {
			continue
		}
		for _, l := range f.attached() {
			somebody := slices.ContainsFunc(f.rules(lb.SecurityGroups, inward), func(r Ingress) bool {
				return r.covers(l.Port) && len(r.CIDRs)+len(r.Groups)+len(r.Lists) > 0
			})
			if l.Balancer == lb.ARN && !somebody {
				out = append(out, finding(Fail, fmt.Sprintf("the security groups of %s (%s) admit nobody on port %d", lb.Name, list(lb.SecurityGroups), l.Port), "add a rule for the clients")...)
			}
		}
	}
	return out
}

// wayOut is what the security groups of the network load balancer let out. By default all, which templates take away.
func (f *Facts) wayOut(alb *Balancer, lb Balancer, port uint16) []Finding {
	if len(lb.SecurityGroups) == 0 {
		return nil
	}
	rules := f.rules(lb.SecurityGroups, outward)
	if yes, _ := admit(rules, port, netip.Addr{}, alb.SecurityGroups); yes {
		return nil
	}
	var shut []string
	for _, a := range f.behind() {
		yes, maybe := admit(rules, port, a, nil)
		if maybe {
			return finding(Unknown, "prefix lists decide what "+lb.Name+" may send, and they are not read", "see that they hold the addresses of "+alb.Name)
		}
		if !yes {
			shut = append(shut, a.String())
		}
	}
	if len(shut) == 0 {
		return nil
	}
	return finding(Fail, fmt.Sprintf("%s of %s let nothing out to %s on port %d", list(lb.SecurityGroups), lb.Name, list(shut), port),
		fmt.Sprintf("add an outbound rule for TCP %d to %s", port, list(alb.SecurityGroups)))
}

// behind are the addresses of the group's family that the name shows.
func (f *Facts) behind() []netip.Addr {
	return slices.DeleteFunc(f.Name.Value.Addrs(), f.otherFamily)
}

func (f *Facts) otherFamily(a netip.Addr) bool { return a.Is6() != f.Group.Value.IPv6 }

func (f *Facts) backDoor(alb *Balancer, lb Balancer, port uint16) []Finding {
	rules := f.rules(alb.SecurityGroups, inward)
	if yes, _ := admit(rules, port, netip.Addr{}, lb.SecurityGroups); yes || len(alb.SecurityGroups) == 0 {
		return nil
	}
	if !f.Addresses.known() {
		return unknown("the network load balancer's addresses could not be read", firstError(f.Addresses.Err, errNotRead))
	}
	var shut []string
	seen := 0
	for _, i := range f.Addresses.Value {
		if i.Balancer != lb.ARN || f.otherFamily(i.Addr) {
			continue
		}
		seen++
		yes, maybe := admit(rules, port, i.Addr, nil)
		if maybe {
			return finding(Unknown, "prefix lists decide, which are not read", fmt.Sprintf("see that they hold the addresses of %s", lb.Name))
		}
		if !yes {
			shut = append(shut, i.Addr.String())
		}
	}
	if seen == 0 {
		return finding(Unknown, "no network interface of "+lb.Name+" is seen", fmt.Sprintf("see that %s admit it on port %d", list(alb.SecurityGroups), port))
	}
	if len(shut) > 0 {
		from := "the addresses of " + lb.Name
		if len(lb.SecurityGroups) > 0 {
			from = list(lb.SecurityGroups) + " of " + lb.Name
		}
		return finding(Fail, fmt.Sprintf("%s of %s do not admit %s on port %d", list(alb.SecurityGroups), alb.Name, list(shut), port),
			fmt.Sprintf("add a rule for TCP %d from %s: health checks come from there, and traffic where client addresses are not kept", port, from))
	}
	if open := f.open(alb, port); port == f.port() && f.preserves() && lb.Scheme == "internet-facing" && !worldwide(open) {
		return finding(Warn, fmt.Sprintf("client addresses are kept, and %s of %s admit only %s", list(alb.SecurityGroups), alb.Name, list(open)),
			"add the clients' addresses on port "+fmt.Sprint(port)+", or the security group of the network load balancer if it has one")
	}
	return nil
}

// clients says who else is admitted, where clients come as themselves and whether they are among those is not known.
func (f *Facts) clients(alb *Balancer) string {
	if open := f.open(alb, f.port()); f.preserves() && len(open) > 0 && !worldwide(open) {
		return "; client addresses are kept, and of those it admits " + list(open)
	}
	return ""
}

// open are the ranges from which the load balancer's groups let flows in to a TCP port.
func (f *Facts) open(alb *Balancer, port uint16) (out []netip.Prefix) {
	for _, r := range f.rules(alb.SecurityGroups, inward) {
		if r.covers(port) {
			out = append(out, r.CIDRs...)
		}
	}
	return out
}

func worldwide(open []netip.Prefix) bool {
	return slices.ContainsFunc(open, func(p netip.Prefix) bool { return p.Bits() == 0 && p.Addr().Is4() })
}

func inward(g SecurityGroup) []Ingress  { return g.Rules }
func outward(g SecurityGroup) []Ingress { return g.Out }

func (f *Facts) rules(groups []string, which func(SecurityGroup) []Ingress) (out []Ingress) {
	for _, id := range groups {
		out = append(out, which(f.SecurityGroups.Value[id])...)
	}
	return out
}

// covers tells whether a rule is for a TCP port.
func (r Ingress) covers(port uint16) bool {
	return r.Protocol == "-1" || strings.EqualFold(r.Protocol, "tcp") && int(port) >= r.From && int(port) <= r.To
}

// admit tells whether one of the rules lets a flow through to a TCP port, from or to an address or a security group. maybe is
// that a prefix list decides.
func admit(rules []Ingress, port uint16, who netip.Addr, of []string) (yes, maybe bool) {
	for _, r := range rules {
		if !r.covers(port) {
			continue
		}
		if who.IsValid() && slices.ContainsFunc(r.CIDRs, func(p netip.Prefix) bool { return p.Contains(who) }) ||
			slices.ContainsFunc(r.Groups, func(id string) bool { return slices.Contains(of, id) }) {
			return true, false
		}
		maybe = maybe || len(r.Lists) > 0
	}
	return false, maybe
}
