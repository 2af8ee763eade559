package mooring

import "slices"

// freshAnswers tells of each answer of this round whether it counts as evidence, and what of it to remember.
//
// A zone's own servers choose anew for every question, so each of their answers counts. A resolver answers
// from its cache: the same set from the same resolver is one answer for as long as it may be the same copy,
// that is while its TTL only counts down, or stays equal within the time that the first copy was good for.
// This holds across rounds, so resolvers' answers are remembered while somebody is missing.
func (r *round) freshAnswers() (counts []bool, seen []Seen) {
	if len(r.missing) > 0 {
		seen = slices.DeleteFunc(slices.Clone(r.next.Answers), func(s Seen) bool { return r.now.Sub(s.At) > staleMiss })
	}
	for _, a := range r.o.Answers {
		fresh := true
		if !a.Authoritative && len(a.Addrs) > 0 && len(r.missing) > 0 {
			seen, fresh = r.see(seen, a)
		}
		counts = append(counts, fresh)
	}
	return counts, seen[max(0, len(seen)-maxSeen):]
}

// see adds a resolver's answer to those seen, and tells whether it is a new one.
func (r *round) see(seen []Seen, a Answer) ([]Seen, bool) {
	now := Seen{Hostname: a.Hostname, Server: a.Server, Addrs: slices.Clone(a.Addrs), TTL: a.TTL, At: r.now}
	i := slices.IndexFunc(seen, func(s Seen) bool {
		return s.Hostname == a.Hostname && s.Server == a.Server && slices.Equal(s.Addrs, a.Addrs)
	})
	if i < 0 {
		return append(seen, now), true
	}
	last := seen[i]
	ranOut := a.TTL == last.TTL && a.TTL > 0 && r.now.Sub(last.At) >= last.TTL
	if a.TTL != last.TTL || ranOut {
		seen = append(slices.Delete(seen, i, i+1), now)
	}
	return seen, a.TTL > last.TTL || ranOut
}
