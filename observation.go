package mooring

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"
)

// An Answer is one answer about a hostname.
type Answer struct {
	Hostname string        // the binding's hostname that was looked up
	Addrs    []netip.Addr  // what it held: unmapped, admitted, sorted, no two equal
	Server   string        // who gave it, ADDR:PORT
	TTL      time.Duration // how long it may be kept

	Plain         bool // about the name itself, not about an undocumented record beside it
	Whole         bool // declared or known to hold all addresses
	Authoritative bool // from a server of the name's own zone, not from a cache
}

// An Observation is all that one round learned about a binding's hostnames.
type Observation struct {
	Hostnames []string // what was asked for, sorted
	Answers   []Answer // in the order in which they came

	// Inconclusive says why this round may not count against anyone; "" when it may.
	// Its first word is the class: timeout, servfail, refused, nxdomain, empty, truncated, tainted,
	// cname-loop, too-few-servers or partial.
	Inconclusive string

	Warnings []string // what a person should know of how it was observed
}

// Addrs returns every address that some answer held, sorted.
func (o Observation) Addrs() []netip.Addr {
	seen := map[netip.Addr]struct{}{}
	for _, a := range o.Answers {
		for _, x := range a.Addrs {
			seen[x] = struct{}{}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), netip.Addr.Compare)
}

// DNS names the servers that answered: "authoritative", "resolver", or both joined by "+"; "" when nobody did.
func (o Observation) DNS() string {
	zone := slices.ContainsFunc(o.Answers, func(a Answer) bool { return a.Authoritative })
	cache := slices.ContainsFunc(o.Answers, func(a Answer) bool { return !a.Authoritative })
	switch {
	case zone && cache:
		return "authoritative+resolver"
	case zone:
		return "authoritative"
	case cache:
		return "resolver"
	default:
		return ""
	}
}

// Silence is the evidence, in nats, that an answer of a addresses without x is against x,
// when d addresses are known, x among them: -ln(1 - a/(d+1)).
//
// It is a lower bound as long as at most one live address is unknown: of d+1 addresses an answer
// of a random ones leaves x out with probability 1 - a/(d+1).
func Silence(a, d int) float64 {
	a = max(0, min(a, d))
	return -math.Log1p(-float64(a) / float64(d+1))
}

// evidence is what this round says against each address that is ours and missing.
type evidence struct {
	total   float64 // nats, from all answers that count
	current bool    // zone servers alone gave the fifth that must come from this round's plain answers
}

// weigh sums the evidence of the answers that count against missing addresses of ours.
//
// A missing address may have belonged to any of the hostnames, and the answers of one say nothing
// about the others, so each hostname is weighed by itself and the lightest counts.
func (o Observation) weigh(missing int, threshold float64, counts []bool) evidence {
	if len(o.Hostnames) == 0 {
		return evidence{}
	}
	least := evidence{total: math.Inf(1), current: true}
	for _, name := range o.Hostnames {
		total, plain, zone := o.weighName(name, missing, threshold, counts)
		least.total = min(least.total, total)
		least.current = least.current && (!zone || reaches(plain, threshold/currentShare))
	}
	return least
}

func (o Observation) weighName(name string, missing int, threshold float64, counts []bool) (total, plain float64, zone bool) {
	d := o.distinct(name) + missing
	for i, a := range o.Answers {
		if a.Hostname != name || len(a.Addrs) == 0 || !counts[i] {
			continue
		}
		nats := Silence(len(a.Addrs), d)
		if a.Whole {
			nats = threshold
		}
		total += nats
		if a.Authoritative {
			zone = true
			if a.Plain {
				plain += nats
			}
		}
	}
	return total, plain, zone
}

// distinct counts the addresses observed behind one of the hostnames.
func (o Observation) distinct(name string) int {
	seen := map[netip.Addr]struct{}{}
	for _, a := range o.Answers {
		if a.Hostname != name {
			continue
		}
		for _, x := range a.Addrs {
			seen[x] = struct{}{}
		}
	}
	return len(seen)
}

// reaches compares nats with a tolerance for the order of summation.
func reaches(sum, needed float64) bool { return sum >= needed-1e-9 }
