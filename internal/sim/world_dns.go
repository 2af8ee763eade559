package sim

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A Zone is how the names answer.
type Zone struct {
	Answer     int           // addresses in one answer; a load balancer's name gives 8
	All        bool          // there is a record all.NAME with up to 100 of them
	Cache      time.Duration // asked through a resolver that keeps an answer this long; 0: the zone's servers are asked
	MaxLookups int           // questions of one search
	MaxConfirm int           // and of one confirmation
	Lag        time.Duration // how far a stale server is behind; 0: two minutes
}

func (z Zone) lag() time.Duration { return cmp.Or(z.Lag, lag) }

const (
	lag       = 2 * time.Minute // how far a stale server is behind
	allAnswer = 100             // addresses that the record all.NAME holds at the most
)

// A cached answer, as a resolver keeps it.
type cached struct {
	addrs []netip.Addr
	until time.Time
}

// A question is about one name, and remembers by which servers it is answered.
type question struct {
	w      *World
	policy mooring.Policy
	name   string
	fault  Fault
	rng    *rand.Rand
	asked  int
}

// plain asks for the name itself.
func (q *question) plain() mooring.Answer {
	q.asked++
	if q.w.Zone.Cache > 0 {
		return q.cached()
	}
	server, when := "192.0.2.1:53", q.w.Now()
	if q.asked%2 == 0 {
		server = "192.0.2.2:53"
	}
	if q.fault == FailStale || q.fault == FailStaleServer && q.asked%2 == 0 {
		when = when.Add(-q.w.Zone.lag())
	}
	return mooring.Answer{
		Hostname: q.name, Addrs: pick(q.rng, q.at(when), q.w.Zone.Answer), Server: server, TTL: time.Minute,
		Plain: true, Whole: q.policy.Answers == mooring.AnswersWhole, Authoritative: true,
	}
}

// cached answers as a resolver does: the same set, its TTL counting down, until it must ask anew.
func (q *question) cached() mooring.Answer {
	now := q.w.Now()
	q.w.mu.Lock()
	c, ok := q.w.cache[q.name]
	q.w.mu.Unlock()
	if !ok || !now.Before(c.until) {
		c = cached{pick(q.rng, q.at(now), q.w.Zone.Answer), now.Add(q.w.Zone.Cache)}
		q.w.mu.Lock()
		q.w.cache[q.name] = c
		q.w.mu.Unlock()
	}
	return mooring.Answer{
		Hostname: q.name, Addrs: c.addrs, Server: "10.0.0.2:53", TTL: c.until.Sub(now).Truncate(time.Second),
		Plain: true, Whole: q.policy.Answers == mooring.AnswersWhole,
	}
}

// whole asks for the undocumented record that holds every address.
func (q *question) whole() mooring.Answer {
	addrs := pick(q.rng, q.at(q.w.Now()), allAnswer)
	if q.fault == FailShortAll && len(addrs) > 1 {
		i := q.rng.IntN(len(addrs))
		addrs = slices.Delete(slices.Clone(addrs), i, i+1)
	}
	return mooring.Answer{
		Hostname: q.name, Addrs: addrs, Server: "192.0.2.1:53", TTL: time.Minute, Whole: true, Authoritative: true,
	}
}

func (q *question) at(when time.Time) []netip.Addr {
	q.w.mu.Lock()
	defer q.w.mu.Unlock()
	return q.w.at(q.name, when)
}

// pick returns k random ones of the addresses, sorted.
func pick(rng *rand.Rand, addrs []netip.Addr, k int) []netip.Addr {
	if k >= len(addrs) {
		return addrs
	}
	out := slices.Clone(addrs)
	for i := range k {
		j := i + rng.IntN(len(out)-i)
		out[i], out[j] = out[j], out[i]
	}
	out = out[:k]
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}
