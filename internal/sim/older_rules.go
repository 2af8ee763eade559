package sim

import (
	"net/netip"
	"slices"
)

// A Rule is what an older function remembers, and how it judges by it.
type Rule interface {
	// Judge returns whom a run registers and whom it deregisters, and what it will remember. It changes nothing. All
	// addresses are sorted; listed are those of the group, whatever their port and state.
	Judge(resolved, listed []netip.Addr, misses int) (register, deregister []netip.Addr, next Rule)
}

// Rule2018 is AWS's first function (populate_NLB_TG_with_ALB.py, for Python 2.7). Its zero value is a first run.
// https://aws.amazon.com/blogs/networking-and-content-delivery/using-static-ip-addresses-for-application-load-balancers/
type Rule2018 struct {
	Active  []netip.Addr
	Pending map[netip.Addr]int
}

// Judge registers whoever is resolved and not in the group, and whoever was not resolved in the run before, so that an
// address that is draining and comes back does not wait. Who is in the group, or was resolved in the run before, and is
// not resolved now is pending; at the last count it is deregistered, and in each run after it for as long as it is listed.
func (r Rule2018) Judge(resolved, listed []netip.Addr, misses int) (register, deregister []netip.Addr, next Rule) {
	register = minus(resolved, listed)
	pending := map[netip.Addr]int{}
	if len(r.Active) > 0 { // else it is a first run, which counts nobody
		register = union(register, minus(resolved, r.Active))
		for _, a := range union(minus(listed, resolved), minus(r.Active, resolved)) {
			if pending[a] = r.Pending[a] + 1; pending[a] >= misses {
				deregister = append(deregister, a)
			}
		}
	}
	return register, deregister, Rule2018{Active: resolved, Pending: pending}
}

// Rule2021 is AWS's second function, for Python 3: see [OlderState.Run].
type Rule2021 OlderState

// Judge is [OlderState.Run].
func (r Rule2021) Judge(resolved, listed []netip.Addr, misses int) (register, deregister []netip.Addr, next Rule) {
	s := OlderState(r)
	register, deregister = s.Run(resolved, listed, misses)
	return register, deregister, Rule2021(s)
}

// Rule2020 is AWS's hostname as target: whom it tracks, sorted.
// https://github.com/aws-samples/hostname-as-target-for-elastic-load-balancer/blob/da0a7c6f77fa2429cdc0e924f3c036ae694f7ea1/source/elb_hostname_as_target.py
type Rule2020 []Tracked

// A Tracked address has so many runs left.
type Tracked struct {
	Addr netip.Addr
	Left int
}

// Judge counts down whoever it tracks and does not resolve, and deregisters at zero. Others in the group stay, for it is
// published with REMOVE_UNTRACKED_TG_IP off. So do those that it tracked before its memory was lost.
func (r Rule2020) Judge(resolved, listed []netip.Addr, misses int) (register, deregister []netip.Addr, next Rule) {
	left := make(Rule2020, 0, len(resolved)+1)
	for _, a := range resolved {
		left = append(left, Tracked{a, misses})
	}
	for _, t := range r {
		i, seen := slices.BinarySearchFunc(resolved, t.Addr, netip.Addr.Compare)
		switch {
		case seen:
		case t.Left == 1:
			deregister = append(deregister, t.Addr)
		default:
			left = slices.Insert(left, i+len(left)-len(resolved), Tracked{t.Addr, t.Left - 1})
		}
	}
	return minus(resolved, listed), deregister, left
}

// RuleMonitor is the alb-ip-monitor of ASEA and LZA: the addresses in its record, which it takes for those of the group.
// https://github.com/awslabs/landing-zone-accelerator-on-aws and
// https://github.com/aws-samples/aws-secure-environment-accelerator (alb-ip-monitor)
type RuleMonitor []netip.Addr

// Judge makes the group what one answer holds. Where there is none, that is nothing.
func (r RuleMonitor) Judge(resolved, _ []netip.Addr, _ int) (register, deregister []netip.Addr, next Rule) {
	return minus(resolved, r), minus(r, resolved), RuleMonitor(resolved)
}

// minus returns the addresses of one sorted list that are not in another.
func minus(from, drop []netip.Addr) (out []netip.Addr) {
	for _, a := range from {
		for len(drop) > 0 && drop[0].Less(a) {
			drop = drop[1:]
		}
		if len(drop) == 0 || drop[0] != a {
			out = append(out, a)
		}
	}
	return out
}
