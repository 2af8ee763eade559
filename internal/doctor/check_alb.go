package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

var errNotRead = errors.New("not read")

// checkALB says whether the name is of a load balancer that can be looked at. Of other names the checks that follow say
// nothing.
func checkALB(f *Facts) []Finding {
	if !f.ALB.Looked {
		return nil
	}
	if f.ALB.Err != nil {
		return unknown("load balancers could not be listed", f.ALB.Err)
	}
	alb, ok := f.alb()
	if !ok {
		for _, host := range f.Binding.Hostnames {
			region, elb := isELB(host)
			switch {
			case elb && region == f.Binding.GroupRegion:
				return finding(Unknown, host+" is of a load balancer that this account does not have: another account's, a classic one, or one that was deleted",
					"see there that it is internal, active, listens on the port, admits this network, and that the network leads there")
			case elb:
				return finding(Unknown, host+" is in "+region, "see there that it is internal, active and listens on the port; the network must lead there, and client addresses cannot be kept")
			}
		}
		return pass("%s: no application load balancer of this account and region, so the checks of one are left out", list(f.Binding.Hostnames))
	}
	switch alb.State {
	case "active":
		return pass("%s, active, in %s", alb.Name, list(zoneNames(alb.Zones)))
	case "active_impaired":
		return finding(Warn, alb.Name+" is active_impaired: it serves, and cannot grow", "free addresses in its subnets: it needs 8 in each")
	default:
		return finding(Fail, alb.Name+" is "+alb.State, "wait until it is active, or see why it is not in the console")
	}
}

func zoneNames(zones []Zone) (out []string) {
	for _, z := range zones {
		out = append(out, z.Name)
	}
	return out
}

func checkALBScheme(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok:
		return nil
	case alb.Scheme == "internal":
		return pass("internal")
	default:
		return finding(Fail, alb.Name+" is "+alb.Scheme+": its name shows public addresses, which the group does not take",
			"make an internal one: a scheme cannot be changed. Or use a group of type alb, which takes it as it is; see the advice below")
	}
}

func checkALBListener(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok:
		return nil
	case f.ALBListeners.Err != nil:
		return unknown("its listeners could not be read", f.ALBListeners.Err)
	}
	l, ok := f.albListener(f.port())
	if !ok {
		var ports []string
		for _, l := range f.ALBListeners.Value {
			ports = append(ports, fmt.Sprint(l.Port))
		}
		return finding(Fail, fmt.Sprintf("%s has no listener on %d; it has %s", alb.Name, f.port(), list(ports)), "add one, or moor another port with --port")
	}
	return pass("%s on %d", l.Protocol, l.Port)
}

func checkALBVPC(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok || !f.Group.known():
		return nil
	case alb.VPC == f.Group.Value.VPC:
		return pass("the same VPC, %s", alb.VPC)
	default:
		return finding(Warn, fmt.Sprintf("it is in %s, the group in %s", alb.VPC, f.Group.Value.VPC),
			"peering, a transit gateway or the like must lead from the one to the other and back, both networks' rules must admit it, and addresses must not overlap; targets are registered with zone all (--zone)")
	}
}

// checkIdle wants the load balancer behind to close idle connections before the one in front forgets them in silence.
func checkIdle(f *Facts) []Finding {
	alb, ok := f.alb()
	if !ok {
		return nil
	}
	if alb.AttributesErr != nil {
		return unknown("its attributes could not be read", alb.AttributesErr)
	}
	behind, err := time.ParseDuration(alb.Attributes["idle_timeout.timeout_seconds"] + "s")
	if err != nil {
		return nil
	}
	var front time.Duration
	for _, l := range f.attached() {
		if l.IdleErr != nil {
			return unknown("the listener's idle time-out could not be read", l.IdleErr)
		}
		if l.Idle > 0 && (front == 0 || l.Idle < front) {
			front = l.Idle
		}
	}
	switch {
	case front == 0:
		return nil
	case behind < front:
		return pass("%s, below %s", behind, front)
	default:
		return finding(Warn, fmt.Sprintf("%s, and the network load balancer forgets a flow after %s: who sends on it then is reset", behind, front),
			"set idle_timeout.timeout_seconds of the application load balancer below it, or tcp.idle_timeout.seconds of the listener above it (up to 6000)")
	}
}

// checkSecurityGroups wants both load balancers' groups to admit what comes. Where client addresses are not kept, only the
// network load balancer's own come; health checks come from these anyway. A rule for the network load balancer's security
// group admits both.
func checkSecurityGroups(f *Facts) []Finding {
	alb, ok := f.alb()
	switch {
	case !ok || len(f.networks()) == 0:
		return nil
	case f.SecurityGroups.Err != nil:
		return unknown("security groups could not be read", f.SecurityGroups.Err)
	case !f.SecurityGroups.known():
		return nil
	}
	out := f.frontDoor()
	if len(alb.SecurityGroups) == 0 {
		return out
	}
	for _, lb := range f.networks() {
		out = append(out, f.backDoor(alb, lb)...)
	}
	if len(out) == 0 {
		return pass("%s admits %s on %d", list(alb.SecurityGroups), list(names(f.networks())), f.port())
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
			if l.Balancer == lb.ARN && !f.anybody(lb.SecurityGroups, l.Port) {
				out = append(out, finding(Fail, fmt.Sprintf("the security groups of %s (%s) admit nobody on port %d", lb.Name, list(lb.SecurityGroups), l.Port), "add a rule for the clients")...)
			}
		}
	}
	return out
}

// anybody tells whether the groups have any rule for a TCP port.
func (f *Facts) anybody(groups []string, port uint16) bool {
	return slices.ContainsFunc(groups, func(id string) bool {
		return slices.ContainsFunc(f.SecurityGroups.Value[id].Rules, func(r Ingress) bool {
			return (r.Protocol == "-1" || (r.Protocol == "tcp" || r.Protocol == "6") && int(port) >= r.From && int(port) <= r.To) &&
				len(r.CIDRs)+len(r.Groups)+len(r.Lists) > 0
		})
	})
}

func (f *Facts) backDoor(alb *Balancer, lb Balancer) []Finding {
	port := f.port()
	if yes, _ := f.admits(alb.SecurityGroups, port, netip.Addr{}, lb.SecurityGroups); yes {
		return nil
	}
	if !f.Addresses.known() {
		return unknown("the network load balancer's addresses could not be read", firstError(f.Addresses.Err, errNotRead))
	}
	var shut []string
	for _, i := range f.Addresses.Value {
		if i.Balancer != lb.ARN {
			continue
		}
		yes, maybe := f.admits(alb.SecurityGroups, port, i.Addr, nil)
		if maybe {
			return finding(Unknown, "prefix lists decide, which are not read", fmt.Sprintf("see that they hold the addresses of %s", lb.Name))
		}
		if !yes {
			shut = append(shut, i.Addr.String())
		}
	}
	if len(shut) > 0 {
		from := "the addresses of " + lb.Name
		if len(lb.SecurityGroups) > 0 {
			from = list(lb.SecurityGroups) + " of " + lb.Name
		}
		return finding(Fail, fmt.Sprintf("%s of %s do not admit %s on port %d", list(alb.SecurityGroups), alb.Name, list(shut), port),
			fmt.Sprintf("add a rule for TCP %d from %s: health checks come from there, and traffic where client addresses are not kept", port, from))
	}
	if open := f.open(alb.SecurityGroups, port); f.preserves() && lb.Scheme == "internet-facing" && !worldwide(open) {
		var words []string
		for _, p := range open {
			words = append(words, p.String())
		}
		return finding(Warn, fmt.Sprintf("client addresses are kept, and %s of %s admit only %s", list(alb.SecurityGroups), alb.Name, strings.Join(words, ", ")),
			"add the clients' addresses on port "+fmt.Sprint(port)+", or the security group of the network load balancer if it has one")
	}
	return nil
}

func worldwide(open []netip.Prefix) bool {
	return slices.ContainsFunc(open, func(p netip.Prefix) bool { return p.Bits() == 0 && p.Addr().Is4() })
}
