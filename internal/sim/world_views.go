package sim

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// shows is what a server shows of a name at some time, if it shows all of it. The caller holds the lock.
func (w *World) shows(z *Zone, name string, server int, when time.Time) []netip.Addr {
	changes := w.truth[name]
	var addrs []netip.Addr
	for i, c := range slices.Backward(changes) {
		w.work++
		if i == 0 || !w.comes(z, name, server, i, c).After(when) {
			addrs = c.addrs
			break
		}
	}
	if !z.poisoned(server) || len(z.Added)+len(z.Hidden) == 0 {
		return addrs
	}
	w.work += len(addrs) * len(z.Hidden)
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return slices.Contains(z.Hidden, a) })
	return union(addrs, z.Added)
}

// comes is when a change of a name comes to a server.
func (w *World) comes(z *Zone, name string, server, i int, c change) time.Time {
	at := c.at.Add(z.behind(server))
	if z.Skew > 0 {
		at = at.Add(time.Duration(w.chance(fmt.Sprintf("skew %s %d %d", name, server, i)).Int64N(int64(z.Skew) + 1)))
	}
	return at
}

// some are the addresses of one answer. A server that is sticky chooses once in a while only; where several hosts stand
// behind its address, chance says which of them answers.
func (w *World) some(z *Zone, rng *rand.Rand, name string, server int, addrs []netip.Addr) []netip.Addr {
	w.work += len(addrs) * (1 + len(z.Light))
	if z.Sticky > 0 {
		who := fmt.Sprintf("sticky %s %d %d", name, server, w.Now().UnixNano()/int64(z.Sticky))
		if hosts := z.hosts(); hosts > 1 {
			who += fmt.Sprint(" by host ", rng.IntN(hosts))
		}
		rng = w.chance(who)
	}
	if len(z.Light) == 0 {
		return pick(rng, addrs, z.Answer)
	}
	return pickWeighted(rng, addrs, z.Answer, func(a netip.Addr) float64 {
		if slices.Contains(z.Light, a) {
			return cmp.Or(z.Weight, 0.1)
		}
		return 1
	})
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

// pickWeighted returns k of the addresses, drawn one after the other in proportion to their weights, sorted.
func pickWeighted(rng *rand.Rand, addrs []netip.Addr, k int, weight func(netip.Addr) float64) []netip.Addr {
	if k >= len(addrs) {
		return addrs
	}
	turn := map[netip.Addr]float64{} // exponential waits: who comes first is drawn first
	for _, a := range addrs {
		turn[a] = rng.ExpFloat64() / weight(a)
	}
	out := slices.Clone(addrs)
	slices.SortFunc(out, func(a, b netip.Addr) int { return cmp.Compare(turn[a], turn[b]) })
	out = out[:k]
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// A copied answer is one as a resolver keeps it.
type copied struct {
	addrs  []netip.Addr
	source source
	until  time.Time
}

// A source is where an answer came from: what a server of the zone showed of a name, and when.
type source struct {
	name   string
	server int
	at     time.Time
	zone   *Zone // as it was then
	cached bool  // it was a resolver's copy
	whole  bool  // nobody whom the server showed was left out of the answer
}

// A question is about one name, and remembers by which servers it is answered.
type question struct {
	w       *World
	policy  mooring.Policy
	zone    Zone // as it is for this look
	name    string
	fault   Fault
	rng     *rand.Rand
	asked   int
	turn    int // whose turn it is
	errors  map[int]int
	last    Fault // of a server or a resolver
	sources []source
}

// plain asks for the name itself. It is false when nobody answers, after two tries.
func (q *question) plain() (mooring.Answer, bool) {
	if q.zone.Cache > 0 {
		return q.cached()
	}
	server, ok := q.next()
	if !ok {
		return mooring.Answer{}, false
	}
	addrs, s := q.ask(server)
	q.sources = append(q.sources, s)
	return mooring.Answer{
		Hostname: q.name, Addrs: addrs, Server: zoneServer(server), TTL: cmp.Or(q.zone.TTL, time.Minute),
		Plain: true, Whole: q.policy.Answers == mooring.AnswersWhole, Authoritative: true,
	}, true
}

func zoneServer(i int) string { return netip.AddrPortFrom(serverAddr(i), 53).String() }

// serverAddr is the address of a server of the zone, and resolverAddr that of a resolver.
func serverAddr(i int) netip.Addr   { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}) }
func resolverAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 2)}) }

// next is the server that answers a question: each in its turn, the next one where one fails, and none that failed before.
func (q *question) next() (int, bool) {
	n := q.zone.servers()
	for range 2 {
		q.asked++
		for range n - 1 {
			if q.errors[q.turn%n] == 0 {
				break
			}
			q.turn++
		}
		server := q.turn % n
		q.turn++
		f := q.zone.failing(server)
		if f == "" {
			return server, true
		}
		if q.errors == nil {
			q.errors = map[int]int{}
		}
		q.errors[server]++
		q.last = f
		if q.asked >= q.zone.MaxLookups+q.zone.MaxConfirm {
			break
		}
	}
	return 0, false
}

// ask is what a server answers now.
func (q *question) ask(server int) ([]netip.Addr, source) {
	q.w.mu.Lock()
	defer q.w.mu.Unlock()
	return q.w.answer(&q.zone, q.rng, q.name, server)
}

// answer is what a server answers now about a name; the caller holds the lock.
func (w *World) answer(z *Zone, rng *rand.Rand, name string, server int) ([]netip.Addr, source) {
	view := w.shows(z, name, server, w.Now())
	addrs := w.some(z, rng, name, server, view)
	return addrs, source{name: name, server: server, at: w.Now(), zone: z, whole: len(addrs) == len(view)}
}

// cached answers as a resolver does: the same set, its TTL counting down, until it must ask anew.
func (q *question) cached() (mooring.Answer, bool) {
	q.asked++
	resolver := q.turn % q.zone.resolvers()
	q.turn++
	q.w.mu.Lock()
	defer q.w.mu.Unlock()
	c, ttl, ok := q.w.recursive(&q.zone, q.rng, q.name, resolver)
	if !ok {
		q.last = FailServfail
		return mooring.Answer{}, false
	}
	q.sources = append(q.sources, c.source)
	return mooring.Answer{
		Hostname: q.name, Addrs: c.addrs, Server: netip.AddrPortFrom(resolverAddr(resolver), 53).String(), TTL: ttl,
		Plain: true, Whole: q.policy.Answers == mooring.AnswersWhole,
	}, true
}

// recursive is the copy that a resolver gives, and how long it may be kept; the caller holds the lock.
func (w *World) recursive(z *Zone, rng *rand.Rand, name string, resolver int) (copied, time.Duration, bool) {
	now, key := w.Now(), fmt.Sprintf("%s at %d", name, resolver)
	c, ok := w.cache[key]
	if ok && now.Before(c.until) {
		return c, c.until.Sub(now).Truncate(time.Second), true
	}
	server, reached := w.reaches(z, name, resolver)
	switch {
	case reached:
		addrs, s := w.answer(z, rng, name, server)
		c = copied{addrs, s, now.Add(z.Cache)}
		w.cache[key] = c
		return c, z.Cache.Truncate(time.Second), true
	case ok && z.ServeStale:
		w.meet("an old copy served")
		return c, staleTTL, true
	default:
		return copied{}, 0, false
	}
}

// reaches is the server that a resolver asks: another one for each copy, and one that answers if there is one.
func (w *World) reaches(z *Zone, name string, resolver int) (int, bool) {
	n := z.servers()
	first := w.chance(fmt.Sprintf("resolver %d of %s at %d", resolver, name, w.Now().UnixNano())).IntN(n)
	for i := range n {
		if server := (first + i) % n; !z.Cut && z.failing(server) == "" {
			return server, true
		}
	}
	return 0, false
}

// whole asks for the undocumented record that holds every address. It is false when nobody answers.
func (q *question) whole() (mooring.Answer, bool) {
	turn := q.turn
	server, ok := q.next()
	q.asked, q.turn = 0, turn // it is asked beside the others
	if !ok {
		return mooring.Answer{}, false
	}
	q.w.mu.Lock()
	addrs := pick(q.rng, q.w.shows(&q.zone, q.name, server, q.w.Now()), allAnswer)
	q.w.mu.Unlock()
	if q.fault == FailShortAll && len(addrs) > 1 {
		i := q.rng.IntN(len(addrs))
		addrs = slices.Delete(slices.Clone(addrs), i, i+1)
	}
	return mooring.Answer{
		Hostname: q.name, Addrs: addrs, Server: zoneServer(server), TTL: cmp.Or(q.zone.TTL, time.Minute), Whole: true, Authoritative: true,
	}, true
}

// shownSince is since when an address was shown without a break: at every moment by all the given sources' servers
// of some name, each being as far behind, and hiding as much, as when it was asked. The last moment is never where it is not shown now.
// The caller holds the lock.
func (w *World) shownSince(sources []source, addr netip.Addr) time.Time {
	shown := func(when time.Time) bool {
		by := map[string]bool{}
		for _, s := range sources {
			before, ok := by[s.name]
			by[s.name] = (before || !ok) && slices.Contains(w.shows(s.zone, s.name, s.server, when), addr)
		}
		for _, all := range by {
			if all {
				return true
			}
		}
		return false
	}
	sources = slices.Clone(sources)
	slices.SortFunc(sources, func(a, b source) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.server, b.server)) })
	sources = slices.CompactFunc(sources, func(a, b source) bool { return a.name == b.name && a.server == b.server && a.zone == b.zone })
	since := time.Unix(math.MaxInt32, 0)
	for _, when := range w.moments(sources) {
		if !shown(when) || w.exhausted() {
			return since
		}
		since = when
	}
	return since
}

// moments are the times at which the sources' servers changed what they show, the latest first; the last one is the
// beginning of all time.
func (w *World) moments(sources []source) []time.Time {
	out := []time.Time{{}}
	for _, s := range sources {
		w.work += len(w.truth[s.name])
		for i, c := range w.truth[s.name] {
			if at := w.comes(s.zone, s.name, s.server, i, c); !at.After(w.Now()) {
				out = append(out, at)
			}
		}
	}
	slices.SortFunc(out, func(a, b time.Time) int { return b.Compare(a) })
	return slices.CompactFunc(out, time.Time.Equal)
}
