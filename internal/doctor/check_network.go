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
		out = append(out, f.addressesOf(lb)...)
	}
	switch {
	case len(out) > 0:
		return out
	case len(f.NLBs.Value) > 0:
		return finding(Fail, list(names(f.NLBs.Value))+": not a network load balancer, which has no static address", "put a network load balancer before the group")
	case f.NLBs.known() && len(f.Group.Value.Balancers) > 0:
		return unknown("the load balancer before the group is not among this account's", errNotRead)
	}
	return nil
}

// addressesOf says what is true of a load balancer without addresses of its own: they stay while it lives. A new one, or a
// zone that is added, has others. Who is within the network finds those out; who is outside had to be told them.
func (f *Facts) addressesOf(lb Balancer) []Finding {
	var fixed, chosen []string
	for _, z := range lb.Zones {
		if slices.ContainsFunc(z.Fixed, isIPv4) {
			fixed = append(fixed, z.Name+" "+strings.Join(z.Fixed, " "))
		} else {
			chosen = append(chosen, f.chosenIn(lb, z))
		}
	}
	seen := fmt.Sprintf("%s, %s: %s", lb.Name, lb.Scheme, list(append(fixed, chosen...)))
	switch {
	case lb.State != "active":
		return finding(Fail, lb.Name+" is "+lb.State, "wait until it is active, or see why it is not in the console")
	case len(chosen) == 0:
		return pass("%s", seen)
	case lb.Scheme == "internal":
		return pass("%s; AWS chose them: they stay while it lives, and SubnetMappings with PrivateIPv4Address would choose them", seen)
	default:
		return finding(Warn, fmt.Sprintf("%s, internet-facing: AWS chose the IPv4 addresses in %s; they stay while it lives, and are lost with it", lb.Name, list(chosen)),
			"use Elastic IP addresses (SubnetMappings with AllocationId), if it is ever to be made anew with the same ones")
	}
}

func isIPv4(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Is4()
}

// chosenIn is a zone with the private addresses that AWS chose in it, where they were seen.
func (f *Facts) chosenIn(lb Balancer, z Zone) string {
	words := []string{z.Name}
	for _, i := range f.Addresses.Value {
		if i.Balancer == lb.ARN && i.Zone == z.Name && i.Addr.Is4() && lb.Scheme == "internal" {
			words = append(words, i.Addr.String())
		}
	}
	return strings.Join(words, " ")
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
	have := f.zonesOfTargets()
	alb, isALB := f.alb()
	near := isALB && alb.VPC == f.Group.Value.VPC
	if lost := f.zonesWithout(zonesOf(alb)); near && len(lost) > 0 {
		return f.lostZones("the load balancer behind it is not in " + list(lost))
	}
	switch {
	case have["all"]:
		return pass("cross-zone is off, and targets are registered with zone all, which each node uses")
	case len(have) == 0 && near:
		return pass("cross-zone is off, and the load balancer behind it is in every zone")
	case len(have) == 0 && isALB && slices.Contains([]string{"", "auto", "all"}, f.Binding.Zone):
		return pass("cross-zone is off, and addresses outside the VPC are registered with zone all, which each node uses")
	case len(have) == 0 || have[""]:
		return finding(Unknown, "cross-zone is off, and in which zones the targets are is not known", "switch cross-zone on, or see that every zone has a target")
	}
	if lost := f.zonesWithout(have); len(lost) > 0 {
		return f.lostZones("no target is in " + list(lost))
	}
	return pass("cross-zone is off, and targets are in every zone")
}

func zonesOf(lb *Balancer) map[string]bool {
	have := map[string]bool{}
	if lb != nil {
		for _, z := range lb.Zones {
			have[z.Name] = true
		}
	}
	return have
}

func (f *Facts) lostZones(why string) []Finding {
	seen := "cross-zone is off, and " + why + ": who uses the static address there reaches nobody"
	if f.Attributes.Value["target_group_health.dns_failover.minimum_healthy_targets.count"] == "off" {
		seen += ", and DNS still names it"
	}
	return finding(Fail, seen, "switch cross-zone on for the group, or enable the same zones for both load balancers")
}

// zonesWithout are those of the network load balancers that are not among these, with their addresses.
func (f *Facts) zonesWithout(have map[string]bool) (lost []string) {
	for _, lb := range f.networks() {
		for _, z := range lb.Zones {
			if !have[z.Name] {
				lost = append(lost, strings.TrimSpace(z.Name+" "+strings.Join(z.Fixed, " ")))
			}
		}
	}
	return lost
}

// zonesOfTargets are the zones in which there is a target; "" is that of targets whose zone is not known, and all that of
// those which every node uses: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetDescription.html
func (f *Facts) zonesOfTargets() map[string]bool {
	have := map[string]bool{}
	for _, a := range f.targets() {
		have[a.Zone] = true
	}
	return have
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
	if few*addresses > 1 || f.Binding.Whole { // no database takes so many
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
