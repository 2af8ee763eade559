package mooring

import (
	"slices"
	"time"
)

// freshAnswers tells of each answer of this round whether it counts as evidence, and what of it to remember.
//
// A zone's own servers choose anew for every question, so each of their answers counts but for those that only repeat
// (see [Repeats]). A resolver answers from a cache, which several resolvers may share: the same set is one answer for as
// long as it may be the same copy. This holds across rounds, so the sets that counted are remembered while somebody is missing.
func (r *round) freshAnswers() (counts []bool, seen []Seen) {
	if seen = r.next.Answers; len(r.missing) > 0 { // else they are kept as they are, for the next who is
		seen = slices.DeleteFunc(slices.Clone(seen), func(s Seen) bool { return r.now.Sub(s.At) > seenFor })
	}
	repeats := Repeats(r.o.Answers)
	for i, a := range r.o.Answers {
		fresh := !repeats[i]
		if !a.Authoritative && len(a.Addrs) > 0 && len(r.missing) > 0 {
			seen, fresh = r.see(seen, a)
		}
		counts = append(counts, fresh)
	}
	return counts, latest(seen)
}

// see adds a resolver's answer to those seen, and tells whether it counts.
func (r *round) see(seen []Seen, a Answer) ([]Seen, bool) {
	now := Seen{Hostname: a.Hostname, Addrs: slices.Clone(a.Addrs), TTL: a.TTL, At: r.now}
	i := slices.IndexFunc(seen, func(s Seen) bool { return s.Hostname == a.Hostname && slices.Equal(s.Addrs, a.Addrs) })
	if i < 0 {
		return append(seen, now), true
	}
	if stale(seen, i, a) || !r.anotherCopy(seen[i], a) {
		return seen, false
	}
	return append(slices.Delete(seen, i, i+1), now), true
}

// anotherCopy tells whether an answer cannot be the copy that counted: that one has run out, or this one lives longer
// than it did then. A TTL that only counts down, or that stays as it is while that copy was good, says nothing; nor
// does one of nothing, in the same moment.
func (r *round) anotherCopy(counted Seen, a Answer) bool {
	const rounding = time.Second // TTLs are whole seconds
	runsOut := counted.At.Add(counted.TTL)
	switch {
	case r.now.Sub(runsOut) >= rounding:
		return true
	case a.TTL == 0:
		return false
	default:
		return !r.now.Before(runsOut) || a.TTL > counted.TTL && r.now.Add(a.TTL).After(runsOut.Add(rounding))
	}
}

// stale tells whether an answer may be an old copy that a resolver serves while it cannot reach the zone, for hours and
// with a TTL of 30 s (RFC 8767 section 5). Of a name whose copies were good for longer it is one with just that TTL, and
// one with less that repeats a set while the name showed others, for several caches may serve an old copy each. Of other
// names it is one that repeats the set that counted last, if the name showed other sets too. A name whose answers are
// whole shows another set only when it changes, and then the same one again and again.
func stale(seen []Seen, i int, a Answer) bool {
	const staleTTL = 30 * time.Second
	changed := func(o Seen) bool {
		return o.Hostname == a.Hostname && len(o.Addrs) == len(a.Addrs) && !slices.Equal(o.Addrs, a.Addrs)
	}
	longer := func(o Seen) bool { return o.Hostname == a.Hostname && o.TTL > staleTTL }
	before, after := slices.ContainsFunc(seen[:i], changed), slices.ContainsFunc(seen[i+1:], changed)
	switch {
	case a.Whole || a.TTL > staleTTL:
		return false
	case slices.ContainsFunc(seen, longer):
		return a.TTL == staleTTL || before || after
	default:
		return before && !after
	}
}

// latest keeps the memory within its limits.
func latest(seen []Seen) []Seen {
	addrs := 0
	for i, s := range slices.Backward(seen) {
		addrs += len(s.Addrs)
		if len(seen)-i > maxSeen || addrs > maxSeenAddrs {
			return seen[i+1:]
		}
	}
	return seen
}
