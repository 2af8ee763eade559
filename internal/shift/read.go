package shift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// A State is what a name has of records that lead clients to addresses.
type State struct {
	Sets     []Set  // as they are listed
	Original []Set  // one a type: what is there before a shift, and after it is taken back
	Pair     bool   // they are a pair of weighted records a type, and not the original
	Odd      string // why they can be taken back and not moved on; "" where they can
	Percent  int    // of the answers lead to the NLB, rounded; 0 where there is no pair
	TTL      int    // seconds for which a client may keep an answer
	Notes    []string
}

// A Balancer is the network load balancer that traffic moves to.
type Balancer struct {
	ARN       string
	Name      string
	DNSName   string
	ZoneID    string // of the hosted zone that its own name is in (CanonicalHostedZoneId)
	Dualstack bool   // it has IPv6 addresses too
	Internal  bool   // its addresses are private
	Zones     []string
	Groups    []TargetGroup // those that its listeners forward to
}

// A TargetGroup is one of a load balancer's.
type TargetGroup struct {
	ARN  string
	Name string
	Port int
}

// A Refused says why the records of a name cannot be shifted.
type Refused struct{ Why string }

func (e *Refused) Error() string { return e.Why }

// aliasTTL is the TTL of a load balancer's own name, in seconds, which an alias takes over:
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html
const aliasTTL = 60

// moved are the types of records that lead clients to addresses, in the order in which they are shown.
var moved = []types.RRType{types.RRTypeA, types.RRTypeAaaa, types.RRTypeCname}

// Read finds out where a name stands from what is listed under it; apex: it is its zone's own. With only, other types are
// left alone. It does not
// need the load balancer: what it cannot do without one is refused by [Forward].
func Read(listed []Set, apex bool, only []types.RRType) (State, error) {
	var s State
	refuse := func(format string, args ...any) (State, error) {
		return State{}, &Refused{fmt.Sprintf(format, args...)}
	}
	var pairs, simple, halves []string
	for _, t := range moved {
		var sets []Set
		for _, set := range listed {
			if set.Type == t && (len(only) == 0 || slices.Contains(only, t)) {
				sets = append(sets, set)
			}
		}
		if len(sets) == 0 {
			continue
		}
		first, pair, half, why := readType(sets)
		switch {
		case why != "":
			return refuse("its %s record %s", t, why)
		case t == types.RRTypeCname && apex:
			return refuse("a CNAME cannot stand at the top of a zone, where other records are: make it an alias first")
		case pair:
			pairs = append(pairs, string(t))
		default:
			simple = append(simple, string(t))
		}
		if half {
			halves = append(halves, string(t))
		}
		s.Sets, s.Original = append(s.Sets, sets...), append(s.Original, first)
		s.TTL = max(s.TTL, ttlOf(first))
	}
	switch {
	case len(s.Sets) == 0 && len(only) > 0:
		return refuse("there is no %s record of that name in the zone", join(only))
	case len(s.Sets) == 0:
		return refuse("there is no A, AAAA or CNAME record of that name in the zone")
	case len(halves) > 0:
		s.Odd = fmt.Sprintf("of its %s records %s is missing, so somebody changed them by hand", strings.Join(halves, ", "), NLB)
	case len(pairs) > 0 && len(simple) > 0:
		s.Odd = fmt.Sprintf("its %s records are a pair of mooring's, and its %s record is not (--only %s leaves that alone)",
			strings.Join(pairs, ", "), strings.Join(simple, ", "), strings.Join(pairs, ","))
	}
	s.Pair = len(pairs) > 0
	if s.Pair {
		var same bool
		if s.Percent, same = share(s.Sets); !same && s.Odd == "" {
			s.Odd = "the weights of its " + strings.Join(pairs, " and ") + " records differ, so somebody changed them by hand"
		}
	}
	s.Notes = notes(listed, s)
	return s, nil
}

// readType finds the original among the sets of one type, or says why they are none that can be shifted. Of a pair the
// original is enough.
func readType(sets []Set) (first Set, pair, half bool, why string) {
	for _, set := range sets {
		if why := policyOf(set); why != "" {
			return Set{}, false, false, why
		}
	}
	if len(sets) == 1 && sets[0].SetIdentifier == nil {
		return sets[0], false, false, ""
	}
	found := map[string]*Set{}
	for i, set := range sets {
		id := aws.ToString(set.SetIdentifier)
		if id != ALB && id != NLB {
			return Set{}, false, false, fmt.Sprintf("is weighted already, with the SetIdentifier %q, which is not mooring's: make one simple record of them first", id)
		}
		found[id] = &sets[i]
	}
	if found[ALB] == nil {
		return Set{}, false, false, "has lost " + ALB + ", which is the original with a weight: only " + NLB + " is left of the pair"
	}
	return original(*found[ALB]), true, found[NLB] == nil, ""
}

// policyOf says which routing policy a set has, where that is neither simple nor weighted.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
func policyOf(s Set) string {
	const cannot = ", which shift does not change"
	switch {
	case aws.ToString(s.TrafficPolicyInstanceId) != "":
		return "was made by a traffic policy (" + aws.ToString(s.TrafficPolicyInstanceId) + "): change the policy instead"
	case s.Failover != "":
		return "has the failover routing policy" + cannot
	case s.Region != "":
		return "has the latency routing policy" + cannot
	case s.GeoLocation != nil:
		return "has the geolocation routing policy" + cannot
	case s.GeoProximityLocation != nil:
		return "has the geoproximity routing policy" + cannot
	case s.CidrRoutingConfig != nil:
		return "has the IP-based routing policy" + cannot
	case s.MultiValueAnswer != nil:
		return "has the multivalue answer routing policy" + cannot
	case s.AliasTarget == nil && len(s.ResourceRecords) == 0:
		return "has neither values nor an alias target"
	}
	return ""
}

// share is the part of the answers that lead to the NLB, in percent and rounded, but 0 and 100 only where that is exact. Of
// the types' it is the largest; same tells whether all have it. Where all weights are 0 every record gets the same share.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html
func share(sets []Set) (most int, same bool) {
	same = true
	for i, s := range sets {
		percent := shareOf(member(sets, s.Type, ALB), member(sets, s.Type, NLB))
		same = same && (i == 0 || percent == most)
		most = max(most, percent)
	}
	return most, same
}

func shareOf(alb, nlb *Set) int {
	if nlb == nil || alb == nil {
		return 0
	}
	to, from := aws.ToInt64(nlb.Weight), aws.ToInt64(alb.Weight)
	switch {
	case to+from == 0:
		return 50
	case to == 0:
		return 0
	case from == 0:
		return 100
	default:
		return int(min(max((100*to+(to+from)/2)/(to+from), 1), 99))
	}
}

func ttlOf(s Set) int {
	if s.AliasTarget != nil {
		return aliasTTL
	}
	return int(aws.ToInt64(s.TTL))
}

// notes are what somebody should know who moves these records.
func notes(listed []Set, s State) (out []string) {
	if s.TTL > aliasTTL {
		out = append(out, fmt.Sprintf("the record's TTL is %d s: for so long clients keep the old answer after each step, also after the way back; make it 60 s beforehand, and wait out the old one", s.TTL))
	}
	for _, set := range listed {
		if set.Type == types.RRTypeHttps || set.Type == types.RRTypeSvcb {
			out = append(out, fmt.Sprintf("there is a record of type %s too, which stays: address hints in it lead clients past the weights", set.Type))
		}
	}
	return out
}

func join(all []types.RRType) string {
	var out []string
	for _, t := range all {
		out = append(out, string(t))
	}
	return strings.Join(out, ", ")
}

// elbName finds names of load balancers: NAME.REGION.elb.amazonaws.com of application ones, NAME.elb.REGION.amazonaws.com
// of network ones, both also in other partitions and with the prefix that the console gives to aliases.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-to-elb-load-balancer.html
func elbName(name string) bool {
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(name), "."), ".")
	return len(labels) > 3 && slices.Contains(labels[1:], "elb") && slices.Contains(labels, "amazonaws")
}
