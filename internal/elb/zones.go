package elb

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"mooring"
)

// What may be sent as a target's availability zone, besides the name of one.
// An address in a subnet of the group's VPC must not be sent with "all", one outside must be sent with it or with
// a zone; it is the subnets that count, not the VPC's blocks.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetDescription.html
const (
	zoneAuto = "auto"
	zoneAll  = "all"
	zoneNone = "none" // nothing is sent
)

// A subnet of the group's VPC.
type subnet struct {
	prefixes []netip.Prefix
	zone     string // its name, which is the account's own
	zoneID   string // the same in all accounts
}

func (s subnet) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(s.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// A candidate is a target on its way into the group, with the zone to send.
type candidate struct {
	target mooring.Target
	zone   string   // all, none, or a zone
	guess  bool     // where the address is was not known
	told   bool     // the zone was learned, now or before
	tried  []string // zones that the group did not take for it
}

// zoning chooses zones.
type zoning struct {
	mode    string // never a zone's id
	subnets []subnet
	known   bool // the subnets are
}

// first is how a target is sent at first: as the subnets say, if it is in one of them, whatever else is configured
// or was learned; or as was learned for it. Where they are not known the address is taken to be inside, for then AWS
// finds the zone itself, and says so if it is not.
func (z zoning) first(t mooring.Target) candidate {
	c := candidate{target: t, zone: zoneNone}
	switch {
	case z.known && z.inside(t.Addr):
		c.told = t.Zone != "" // what was learned is over
	case t.Zone == zoneNone, t.Zone != "" && z.mode == zoneAuto:
		c.zone, c.told = t.Zone, true
	case z.mode == zoneAll:
		c.zone, c.told = zoneAll, t.Zone == zoneAll
	case t.Zone != "": // it is outside, and the mode says what is sent for all outside
		c.zone, c.told = z.mode, t.Zone == z.mode
	case z.known:
		c.zone = z.outside()
	default:
		c.guess = true
	}
	return c
}

func (z zoning) inside(addr netip.Addr) bool {
	return slices.ContainsFunc(z.subnets, func(s subnet) bool { return s.contains(addr) })
}

func (z zoning) outside() string {
	if z.mode == zoneAuto {
		return zoneAll
	}
	return z.mode
}

// next is how a target is sent after the group refused its zone, or "" when everything was tried.
func (z zoning) next(c candidate, message string) string {
	if z.mode == zoneNone {
		return ""
	}
	named := zoneName.FindAllString(message, 4)
	order := append([]string{z.outside(), zoneAll, zoneNone}, named...)
	if c.zone == zoneAll && !saysInside(message) {
		order = append(named, order...)
	}
	for _, zone := range order {
		if !slices.Contains(c.tried, zone) {
			return zone
		}
	}
	return ""
}

// saysInside tells apart the two messages that refuse "all": that the address is inside, and that a zone must be
// named, which was seen where cross-zone is off (aws-load-balancer-controller, resource_manager.go).
func saysInside(message string) bool {
	text := strings.ToLower(message)
	return strings.Contains(text, "within the vpc") || strings.Contains(text, "overridden")
}

// zoneName finds the zones that a message names, such as us-east-1b.
var zoneName = regexp.MustCompile(`\b[a-z]{2}(?:-[a-z0-9]+)+-[0-9]+[a-z]\b`)
