package mooring

import (
	"math"
	"net/netip"
	"slices"
)

// Repeats tells of each answer of one round whether it only repeats what the same server had said about the same name,
// while the plain name showed more than that. A server that chose anew would seldom say the same twice in a row, so one that
// does says it only once. One that keeps to a few choices, whichever of its hosts answers, says each of these once. Where the
// name showed nothing else, each answer may have been all there is.
func Repeats(answers []Answer) []bool {
	shown := shownBy(answers)
	few := keepToFew(answers, shown)
	repeats, again := make([]bool, len(answers)), map[asked]*sayings{}
	for i, a := range answers {
		of := askedOf(a)
		before := again[of]
		if a.Authoritative && !a.Whole && len(a.Addrs) < shown[a.Hostname] {
			repeats[i] = before.last(a.Addrs) || few[of] && before.has(a.Addrs)
		}
		again[of] = before.add(a.Addrs)
	}
	return repeats
}

// keepToFew finds the servers that keep to a few choices from what the name shows: those whose answers are too much alike,
// and those that leave somebody out whom chance would hardly leave out, be it of one server or of all together.
func keepToFew(answers []Answer, shown map[string]int) map[asked]bool {
	const seldom = 0.05 // of those who choose anew, so many are asked some questions more
	said, servers := map[asked]*sayings{}, []asked{}
	for _, a := range answers {
		of := askedOf(a)
		if said[of] == nil {
			servers = append(servers, of)
		}
		said[of] = said[of].add(a.Addrs)
	}
	together := map[asked]chances{}
	for _, of := range servers {
		together[of.anybody()] = together[of.anybody()].and(said[of].leftOut(shown[of.hostname]))
	}
	few := map[asked]bool{}
	for _, of := range servers {
		d := shown[of.hostname]
		out := said[of].leftOut(d)
		few[of] = said[of].alike(d) ||
			math.Exp(out) < seldom ||
			out < 0 && together[of.anybody()].chance() < seldom
	}
	return few
}

// chances are of several things that came about independently.
type chances struct {
	n   int
	log float64 // of their product
}

func (c chances) and(log float64) chances { return chances{c.n + 1, c.log + log} }

// chance of a product as small as theirs, of n that are evenly distributed: p * sum of (-ln p)^j / j! for j < n
// (R. A. Fisher, Statistical Methods for Research Workers, 4th ed. 1932, section 21.1).
func (c chances) chance() float64 {
	sum, term := 0.0, 1.0
	for j := range c.n {
		sum += term
		term *= -c.log / float64(j+1)
	}
	return math.Exp(c.log) * sum
}

// asked is what one server was asked about.
type asked struct {
	hostname, server string
	plain            bool
}

func askedOf(a Answer) asked { return asked{a.Hostname, a.Server, a.Plain} }

// anybody stands for all servers that were asked the same.
func (q asked) anybody() asked { return asked{q.hostname, "", q.plain} }

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

// alike tells whether the answers are under half as many different ones as chance would make them from the d addresses
// that the name shows: of n draws from c sets that are equally likely, c*(1 - (1-1/c)^n) are different on average, c being
// the number of ways to choose that many of d.
func (s *sayings) alike(d int) bool {
	c := math.Exp(min(logChoose(d, len(s.latest)), 600)) // e^600 is far beyond all that matters, and finite
	expected := -c * math.Expm1(float64(s.n)*math.Log1p(-1/c))
	return c > 1 && 2*float64(len(s.different)) < expected
}

// leftOut is the logarithm of the chance, or of more than that, that answers chosen anew leave out so many of the d addresses
// that the name shows. One answer of a leaves out m given ones with C(d-m,a)/C(d,a), and there are C(d,m) ways to give m.
func (s *sayings) leftOut(d int) float64 {
	a, m := len(s.latest), d-len(s.held)
	if m <= 0 {
		return 0
	}
	return min(0, logChoose(d, m)+float64(s.n)*(logChoose(d-m, a)-logChoose(d, a)))
}

// logChoose is the logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	some, _ := math.Lgamma(float64(k + 1))
	rest, _ := math.Lgamma(float64(max(0, n-k) + 1))
	return all - some - rest
}
