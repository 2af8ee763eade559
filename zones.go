package mooring

import (
	"context"
	"slices"
	"strings"
)

// warnOfEmptyZones tells of the load balancer's zones that nobody serves, while cross-zone is off. Where an addition
// went is known in the next round only, so a round that adds does not tell; nor does one before the first write, which
// has not read the group's settings.
func (k *Keeper) warnOfEmptyZones(ctx context.Context, r *report, s sight, plan Plan) {
	settings := k.settings.Load()
	if settings == nil || settings.Zones == nil || len(r.Registered) > 0 || r.Planned != nil && len(plan.Register) > 0 {
		return
	}
	stay := s.holding.registered()
	gone := r.Deregistered
	if r.Planned != nil {
		gone = r.Planned.Deregister
	}
	stay = slices.DeleteFunc(stay, func(t Target) bool { return slices.Contains(gone, t.Addr) })
	if slices.ContainsFunc(stay, func(t Target) bool { return !zoned(t) }) {
		return
	}
	// The attribute is asked for last: it may have to be read again, and mostly no zone is empty.
	if empty := emptyZones(settings.Zones(ctx), stay); len(empty) > 0 && settings.CrossZone(ctx) == CrossZoneOff {
		r.warn("cross-zone is off and no target is in %s: the load balancer's address there serves nobody", strings.Join(empty, ", "))
	}
}

// emptyZones are the zones in which none of the targets is, sorted.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
func emptyZones(zones []string, targets []Target) []string {
	var empty []string
	for _, zone := range slices.Sorted(slices.Values(zones)) {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.Zone == zone }) {
			empty = append(empty, zone)
		}
	}
	return empty
}
