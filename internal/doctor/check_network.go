package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mooring"
)

// networks are the network load balancers of the group.
func (f *Facts) networks() []Balancer {
	return slices.DeleteFunc(slices.Clone(f.NLBs.Value), func(lb Balancer) bool { return lb.Type != "network" })
}

func checkAddresses(f *Facts) []Finding {
	if f.NLBs.Looked && f.NLBs.Err != nil {
		return unknown("the load balancer before the group could not be read", f.NLBs.Err)
	}
	var out []Finding
	for _, lb := range f.networks() {
		out = append(out, addressesOf(lb)...)
	}
	if len(out) == 0 && len(f.NLBs.Value) > 0 {
		return finding(Fail, list(names(f.NLBs.Value))+": not a network load balancer, which has no static address", "put a network load balancer before the group")
	}
	return out
}

// addressesOf says what is true of a load balancer without addresses of its own: they stay while it lives. A new one, or a
// zone that is added, has others.
func addressesOf(lb Balancer) []Finding {
	var fixed, chosen []string
	for _, z := range lb.Zones {
		if len(z.Fixed) > 0 {
			fixed = append(fixed, z.Name+" "+strings.Join(z.Fixed, " "))
		} else {
			chosen = append(chosen, z.Name)
		}
	}
	seen := fmt.Sprintf("%s, %s: %s", lb.Name, lb.Scheme, list(fixed))
	switch {
	case lb.State != "active":
		return finding(Fail, lb.Name+" is "+lb.State, "wait until it is active, or see why it is not in the console")
	case len(chosen) == 0:
		return pass("%s", seen)
	case lb.Scheme == "internal":
		return finding(Warn, fmt.Sprintf("%s, internal: AWS chose the addresses in %s; they stay while it lives, and are lost with it", lb.Name, list(chosen)),
			"name them when it is made (SubnetMappings with PrivateIPv4Address), if it is ever to be made anew with the same ones")
	default:
		return finding(Warn, fmt.Sprintf("%s, internet-facing: AWS chose the addresses in %s; they stay while it lives, and are lost with it", lb.Name, list(chosen)),
			"use Elastic IP addresses (SubnetMappings with AllocationId), if it is ever to be made anew with the same ones")
	}
}

// checkZones finds the zones of the network load balancer whose node has nobody to send to. Of these the static address
// leaves its DNS name, and clients that know the address by heart are refused.
func checkZones(f *Facts) []Finding {
	if len(f.networks()) == 0 {
		return nil
	}
	on, known := f.crossZone()
	switch {
	case !known:
		err := f.Attributes.Err
		for _, lb := range f.networks() {
			err = firstError(err, lb.AttributesErr)
		}
		return unknown("whether cross-zone is on could not be read", firstError(err, errNotRead))
	case on:
		return pass("cross-zone is on: each node uses the targets of all zones")
	}
	have, whose := f.zonesBehind()
	if have == nil {
		return finding(Unknown, "cross-zone is off, and in which zones the targets are is not known", "switch cross-zone on, or see that every zone has a target")
	}
	var lost []string
	for _, lb := range f.networks() {
		for _, z := range lb.Zones {
			if !have[z.Name] {
				lost = append(lost, strings.TrimSpace(z.Name+" "+strings.Join(z.Fixed, " ")))
			}
		}
	}
	if len(lost) == 0 {
		return pass("cross-zone is off, and %s every zone", whose)
	}
	seen := fmt.Sprintf("cross-zone is off, and %s not in %s: who uses the static address there reaches nobody", whose, list(lost))
	if f.Attributes.Value["target_group_health.dns_failover.minimum_healthy_targets.count"] == "off" {
		seen += ", and DNS still names it"
	}
	return finding(Fail, seen, "switch cross-zone on for the group, or enable the same zones for both load balancers")
}

// zonesBehind are the zones in which there is, or will be, a target: those of the application load balancer, or those of
// the targets.
func (f *Facts) zonesBehind() (have map[string]bool, whose string) {
	have = map[string]bool{}
	if alb, ok := f.alb(); ok {
		for _, z := range alb.Zones {
			have[z.Name] = true
		}
		return have, "the load balancer behind it is"
	}
	for _, a := range f.targets() {
		if a.Zone == "" {
			return nil, ""
		}
		have[a.Zone] = true
	}
	if len(have) == 0 || have["all"] {
		return nil, ""
	}
	return have, "targets are"
}

func checkClientIP(f *Facts) []Finding {
	if !f.Group.known() {
		return nil
	}
	if !f.Attributes.known() {
		if f.Attributes.Err == nil {
			return nil
		}
		return unknown("the group's attributes could not be read", f.Attributes.Err)
	}
	alb, isALB := f.alb()
	switch {
	case f.Attributes.Value["proxy_protocol_v2.enabled"] == "true" && isALB:
		return finding(Fail, "proxy protocol v2 is on, which an application load balancer is not known to read", "switch proxy_protocol_v2.enabled off; preserve_client_ip.enabled keeps client addresses, in the same VPC")
	case f.preserves() && isALB && alb.VPC != f.Group.Value.VPC:
		return finding(Warn, "client addresses are kept, and the load balancer behind it is in another VPC ("+alb.VPC+")",
			"that works only over peering in the same Region, not by a transit gateway: else switch preserve_client_ip.enabled off")
	case f.preserves():
		return pass("kept (preserve_client_ip.enabled): clients that are behind the load balancer themselves cannot use it")
	case isALB:
		return pass("not kept: X-Forwarded-For shows the network load balancer")
	default:
		return pass("not kept")
	}
}

// portsPerTarget is how many connections an address of a network load balancer may have to one target at a time, or begin
// in a minute: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
const portsPerTarget = 55_000

func checkPorts(f *Facts) []Finding {
	targets := f.targets()
	if !f.Attributes.known() || f.preserves() || len(targets) == 0 || len(f.networks()) == 0 {
		return nil
	}
	few := len(targets)
	if on, known := f.crossZone(); known && !on {
		few = fewest(targets)
	}
	addresses := 1 + secondary(f.networks())
	seen := fmt.Sprintf("%d connections at a time by each zone's node: %d addresses, %d targets", portsPerTarget*addresses*few, addresses, few)
	if few*addresses > 1 {
		return pass("%s", seen)
	}
	return finding(Warn, seen, "if that many are ever open, or begun in a minute: switch cross-zone or preserve_client_ip.enabled on, or give the load balancer secondary addresses (they cannot be taken back); watch PortAllocationErrorCount")
}

// fewest is how many targets the zone with the fewest has, of those that have any.
func fewest(targets []mooring.AddressStatus) int {
	zones := map[string]int{}
	for _, t := range targets {
		zones[t.Zone]++
	}
	few := len(targets)
	for _, n := range zones {
		few = min(few, n)
	}
	return few
}

func secondary(all []Balancer) int {
	n := 0
	for _, lb := range all {
		if v, err := strconv.Atoi(lb.Attributes["secondary_ips.auto_assigned.per_subnet"]); err == nil {
			n = max(n, v)
		}
	}
	return n
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// admits tells whether one of the groups lets a flow in to a TCP port from an address or a security group. maybe is that a
// prefix list decides.
func (f *Facts) admits(groups []string, port uint16, from netip.Addr, of []string) (yes, maybe bool) {
	for _, id := range groups {
		for _, r := range f.SecurityGroups.Value[id].Rules {
			if r.Protocol != "-1" && (r.Protocol != "tcp" && r.Protocol != "6" || int(port) < r.From || int(port) > r.To) {
				continue
			}
			if from.IsValid() && slices.ContainsFunc(r.CIDRs, func(p netip.Prefix) bool { return p.Contains(from) }) ||
				slices.ContainsFunc(r.Groups, func(id string) bool { return slices.Contains(of, id) }) {
				return true, false
			}
			maybe = maybe || len(r.Lists) > 0
		}
	}
	return false, maybe
}

// open are the ranges from which one of the groups lets flows in to a TCP port.
func (f *Facts) open(groups []string, port uint16) (out []netip.Prefix) {
	for _, id := range groups {
		for _, r := range f.SecurityGroups.Value[id].Rules {
			if r.Protocol == "-1" || (r.Protocol == "tcp" || r.Protocol == "6") && int(port) >= r.From && int(port) <= r.To {
				out = append(out, r.CIDRs...)
			}
		}
	}
	return out
}
