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

// Repeats tells of each answer of one round whether it only repeats what the same server had said about the same name,
// while the plain name showed more than that. A server that chose anew would seldom say the same twice in a row, so one that
// does says it only once. One whose answers are under half as many different ones as chance would have made them, or never
// held somebody whom another server shows, keeps to a few choices, whichever of its hosts answers: it says each of these
// once. Where the name showed nothing else, each answer may have been all there is.
func Repeats(answers []Answer) []bool {
	shown := shownBy(answers)
	said := map[asked]*sayings{}
	for _, a := range answers {
		said[askedOf(a)] = said[askedOf(a)].add(a.Addrs)
	}
	repeats, again := make([]bool, len(answers)), map[asked]*sayings{}
	for i, a := range answers {
		of := askedOf(a)
		before := again[of]
		if a.Authoritative && !a.Whole && len(a.Addrs) < shown[a.Hostname] {
			repeats[i] = before.last(a.Addrs) || before.has(a.Addrs) && said[of].few(shown[a.Hostname])
		}
		again[of] = before.add(a.Addrs)
	}
	return repeats
}

// asked is what one server was asked about.
type asked struct {
	hostname, server string
	plain            bool
}

func askedOf(a Answer) asked { return asked{a.Hostname, a.Server, a.Plain} }

// shownBy counts the addresses that the plain answers showed, by hostname.
func shownBy(answers []Answer) map[string]int {
	seen := map[string]map[netip.Addr]struct{}{}
	for _, a := range answers {
		if seen[a.Hostname] == nil {
			seen[a.Hostname] = map[netip.Addr]struct{}{}
		}
		for _, x := range a.Addrs {
			if a.Plain {
				seen[a.Hostname][x] = struct{}{}
			}
		}
	}
	shown := map[string]int{}
	for name, addrs := range seen {
		shown[name] = len(addrs)
	}
	return shown
}

// sayings are the answers of one server about one name. The nil pointer is none.
type sayings struct {
	n         int
	different [][]netip.Addr
	held      map[netip.Addr]struct{} // by some answer
	latest    []netip.Addr
}

func (s *sayings) add(addrs []netip.Addr) *sayings {
	if s == nil {
		s = &sayings{held: map[netip.Addr]struct{}{}}
	}
	if !s.has(addrs) {
		s.different = append(s.different, addrs)
		for _, a := range addrs {
			s.held[a] = struct{}{}
		}
	}
	s.n, s.latest = s.n+1, addrs
	return s
}

func (s *sayings) has(addrs []netip.Addr) bool {
	return s != nil && slices.ContainsFunc(s.different, func(d []netip.Addr) bool { return slices.Equal(d, addrs) })
}

func (s *sayings) last(addrs []netip.Addr) bool { return s != nil && slices.Equal(s.latest, addrs) }

// few tells whether the answers keep to a few choices from the d addresses that the name shows. They do where they are
// under half as many different ones as chance would make: of n draws from c sets that are equally likely,
// c*(1 - (1-1/c)^n) are different on average, c being the number of ways to choose that many of d. They also do where
// they leave somebody out, and chance, which does so with a probability of at most d*(1-a/d)^n, seldom would.
func (s *sayings) few(d int) bool {
	const seldom = 0.05 // of those who choose anew, so many are asked some questions more
	if spared := 1 - float64(len(s.latest))/float64(d); len(s.held) < d && float64(d)*math.Pow(spared, float64(s.n)) < seldom {
		return true
	}
	c := math.Exp(min(logChoose(d, len(s.latest)), 600)) // e^600 is far beyond all that matters, and finite
	expected := -c * math.Expm1(float64(s.n)*math.Log1p(-1/c))
	return c > 1 && 2*float64(len(s.different)) < expected
}

// logChoose is the logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	some, _ := math.Lgamma(float64(k + 1))
	rest, _ := math.Lgamma(float64(max(0, n-k) + 1))
	return all - some - rest
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
