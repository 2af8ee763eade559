package doctor

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mooring"
)

func checkGroup(f *Facts) []Finding {
	switch {
	case f.Group.known():
		g := f.Group.Value
		return pass("type %s, %s, port %d, %s", g.Type, g.Protocol, g.Port, g.VPC)
	case codeOf(f.Group.Err) == "TargetGroupNotFound" || codeOf(f.Group.Err) == "ValidationError":
		return finding(Fail, errText(f.Group.Err), "check the ARN, its account and its region; a group that was made anew has another ARN")
	case f.Group.Looked:
		return unknown("the group could not be read", f.Group.Err)
	default:
		return nil
	}
}

func checkGroupType(f *Facts) []Finding {
	switch {
	case !f.Group.known():
		return nil
	case f.Group.Value.Type == "ip":
		return pass("type ip")
	case f.Group.Value.Type == "alb":
		return finding(Fail, "type alb: it takes the load balancer itself, and no addresses", "there is nothing to keep in step: mooring is not needed for it")
	default:
		return finding(Fail, "type "+f.Group.Value.Type, "make a group of type ip and send the listener there: a group's type cannot be changed")
	}
}

// checkGroupProtocol knows which listeners send to which groups: TCP to TCP, TLS to TCP or TLS.
func checkGroupProtocol(f *Facts) []Finding {
	if !f.Group.known() {
		return nil
	}
	switch p := f.Group.Value.Protocol; {
	case p == "TLS" && f.albListens("HTTP"):
		return finding(Fail, "the group speaks TLS, and the load balancer behind it plain HTTP on that port", "use a group of protocol TCP, or an HTTPS listener")
	case p == "TCP" && f.albListens("HTTPS") && slices.ContainsFunc(f.attached(), func(l Listener) bool { return l.Protocol == "TLS" }):
		return finding(Fail, "a TLS listener sends plain TCP to a port that speaks HTTPS", "use a group of protocol TLS, a TCP listener, or an HTTP port of the load balancer behind it")
	case p == "TCP" || p == "TLS":
		return pass("%s", p)
	case p == "TCP_UDP":
		return finding(Warn, "TCP_UDP: client addresses are always kept, and no target may be outside the VPC", "use TCP, unless UDP is needed")
	default:
		return finding(Fail, "protocol "+p, "make a group of protocol TCP (or TLS): a group's protocol cannot be changed")
	}
}

// albListens tells whether the application load balancer is known to speak that protocol on the binding's port.
func (f *Facts) albListens(protocol string) bool {
	l, ok := f.albListener(f.port())
	return ok && l.Protocol == protocol
}

func (f *Facts) albListener(port uint16) (Listener, bool) {
	i := slices.IndexFunc(f.ALBListeners.Value, func(l Listener) bool { return l.Port == port })
	if i < 0 {
		return Listener{}, false
	}
	return f.ALBListeners.Value[i], true
}

func checkGroupPort(f *Facts) []Finding {
	switch g, want := f.Group.Value.Port, f.Binding.Port; {
	case !f.Group.known():
		return nil
	case want == 0 && g == 0:
		return finding(Fail, "neither the binding nor the group has one", "give one with --port")
	case want == 0 || g == want:
		return pass("%d", f.port())
	default:
		return finding(Warn, fmt.Sprintf("targets are registered on %d, and the group's own is %d", want, g),
			"nothing, if that is meant: the port is always sent. What others register without a port goes to the group's")
	}
}

func checkGroupFamily(f *Facts) []Finding {
	if !f.Group.known() {
		return nil
	}
	ipv6 := f.Group.Value.IPv6
	family := map[bool]string{false: "IPv4", true: "IPv6"}
	other := func(a netip.Addr) bool { return a.Is6() != ipv6 }
	if addrs := f.Name.Value.Addrs(); f.Name.known() && len(addrs) > 0 && !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !other(a) }) {
		return finding(Fail, "the group takes "+family[ipv6]+", and the name shows "+list(addrs), "make a group of the other family: it cannot be changed")
	}
	if alb, ok := f.alb(); ok && ipv6 && alb.State != "" {
		return finding(Warn, "the group takes IPv6: the load balancer behind it must be dualstack, and so must the one before it",
			"use an IPv4 group, unless IPv6 is meant: client addresses are lost between the families")
	}
	return pass("%s", family[ipv6])
}

func checkAttached(f *Facts) []Finding {
	g := f.Group.Value
	switch {
	case !f.Group.known():
		return nil
	case len(g.Balancers) == 0:
		return finding(Fail, "no load balancer uses the group: every target is unused, and gets no traffic", "add a listener to the network load balancer that forwards to the group")
	case f.Listeners.Err != nil:
		return unknown("its listeners could not be read", f.Listeners.Err)
	case !f.Listeners.known():
		return nil
	}
	var words []string
	for _, l := range f.attached() {
		words = append(words, fmt.Sprintf("%s:%d", l.Protocol, l.Port))
	}
	if len(words) == 0 {
		return finding(Warn, "no listener's default action sends to it", "let a listener forward to the group, unless another rule does")
	}
	return pass("%s of %s", list(words), list(names(f.NLBs.Value)))
}

func names(all []Balancer) (out []string) {
	for _, lb := range all {
		out = append(out, lb.Name)
	}
	return out
}

// checkTargets looks at our own: what it says of an empty group is true before the first round.
func checkTargets(f *Facts) []Finding {
	s := f.Status.Value
	if !f.Status.known() || s.GroupErr != nil {
		if f.Status.known() {
			return unknown("targets could not be listed", s.GroupErr)
		}
		return nil
	}
	counts, reasons := map[mooring.Health]int{}, map[string]bool{}
	total := 0
	for _, a := range f.targets() {
		counts[a.Health]++
		total++
		if a.HealthReason != "" {
			reasons[a.HealthReason] = true
		}
	}
	var words []string
	for _, h := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[h], h))
	}
	seen := strings.Join(words, ", ")
	if len(reasons) > 0 {
		seen += " (" + strings.Join(slices.Sorted(maps.Keys(reasons)), ", ") + ")"
	}
	switch {
	case total == 0:
		return finding(Warn, "the group is empty", "run mooring sync, or wait for the first round: an alias record with EvaluateTargetHealth takes an empty group for a failure")
	case counts[mooring.HealthHealthy] == total:
		return pass("%s", seen)
	case counts[mooring.HealthHealthy] == 0 && counts[mooring.HealthUnhealthy] > 0:
		return finding(Fail, seen, "see health-check and security-groups here; the load balancer now sends to all of them, as it does when none is healthy")
	case reasons["Target.NotInUse"] && len(f.Group.Value.Balancers) > 0:
		return finding(Warn, seen, "a target that is not in use is in a zone in which the network load balancer has no node: enable its zone there, or leave it")
	default:
		return finding(Warn, seen, "see health-check and security-groups here if it stays so: a new target takes up to 5 minutes")
	}
}

// targets are the addresses that are registered, ours and others', draining ones aside.
func (f *Facts) targets() []mooring.AddressStatus {
	all := slices.Concat(f.Status.Value.Addresses, f.Status.Value.Unmanaged)
	return slices.DeleteFunc(all, func(a mooring.AddressStatus) bool {
		return a.Health == "" || !(mooring.Target{Health: a.Health}).Registered()
	})
}

func checkUnmanaged(f *Facts) []Finding {
	s := f.Status.Value
	if !f.Status.known() || s.GroupErr != nil || s.MemoryErr != nil {
		return nil
	}
	if len(s.Unmanaged) == 0 {
		return pass("none is somebody else's")
	}
	var addrs []netip.Addr
	for _, a := range s.Unmanaged {
		addrs = append(addrs, a.Addr)
	}
	if len(s.Addresses) == 0 {
		return pass("before the first round: %s; who is seen behind the name becomes ours", list(addrs))
	}
	return finding(Warn, "never seen behind the name, and not registered by us: "+list(addrs),
		"mooring never removes them: take them over with mooring adopt, or deregister them by hand if they are left over")
}
