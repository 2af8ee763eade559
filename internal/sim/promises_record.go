package sim

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A record is what one round saw and did, for the checks.
type record struct {
	began    time.Time
	deadline time.Time // by when it must be over; zero: none
	decided  bool      // from then on, a look is the second one
	judged   time.Time // when it was
	first    look
	second   look

	asked, askedWall time.Time // when the group was, by real time and by the process's own clock

	view      []mooring.Target // what the group said
	viewStale bool
	viewTrue  bool // and the whole of it
	viewed    bool

	memory           mooring.Memory
	loadErr          error
	saveTried, saved bool
	stored           mooring.Memory         // what the store held after the save
	counted          bool                   // its misses are in the ledger,
	absent           map[netip.Addr]absence // as it was then

	halted       bool
	unconfirmed  bool // a registration failed
	refused      map[netip.Addr]bool
	deregistered []mooring.Target
}

func newRecord(now time.Time) record { return record{began: now, refused: map[netip.Addr]bool{}} }

// A look is one look at the name.
type look struct {
	o     mooring.Observation
	began time.Time
	done  bool

	zone    Zone     // as it was for this look
	sources []source // of its answers, each once

	told, toldWall time.Time // when the process had it, by real time and by its own clock
}

// age is how old a look is, by the larger of real time and the process's own clock: either may have stood still.
func (l look) age(now, wall time.Time) time.Duration {
	return max(now.Sub(l.told), wall.Sub(l.toldWall))
}

// An absence is the checker's own count of who is missing.
type absence struct {
	missed      int
	since, last time.Time
	judged      time.Time // when its first miss was
	first       look      // that missed it
	forged      bool      // somebody else wrote the count in the memory
	blind       bool      // it began with old copies, which nothing told from new ones
}

func (p *Process) looked() bool { p.w.mu.Lock(); defer p.w.mu.Unlock(); return p.rec.decided }

// decides tells whether this is the first decision of the round.
func (p *Process) decides() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	first := !p.rec.decided
	p.rec.decided = true
	return first
}

// judges notes the time of the first decision, which is that of the misses that it counts.
func (p *Process) judges() { p.w.mu.Lock(); p.rec.judged = p.w.Now(); p.w.mu.Unlock() }

func (p *Process) sawName(o mooring.Observation, began time.Time, zone Zone, sources []source) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	l := look{o: o, began: began, done: true, zone: zone}
	for _, s := range sources {
		if !slices.Contains(l.sources, s) {
			l.sources = append(l.sources, s)
		}
	}
	if p.rec.decided {
		p.rec.second = l
	} else {
		p.rec.first = l
	}
	for _, a := range o.Addrs() {
		p.storage().shown[a] = true
	}
}

// tellsName hands the last look to the process.
func (p *Process) tellsName() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	l := &p.rec.first
	if p.rec.second.done {
		l = &p.rec.second
	}
	l.told, l.toldWall = p.w.Now(), p.Wall()
}

func (p *Process) asksGroup() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.rec.asked, p.rec.askedWall = p.w.Now(), p.Wall()
}

func (p *Process) sawGroup(targets []mooring.Target, stale, sound bool) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.rec.view, p.rec.viewStale, p.rec.viewTrue, p.rec.viewed = targets, stale, sound, true
	for _, t := range targets {
		if t.Registered() {
			delete(p.storage().aside, t.Addr) // it was taken after all
		}
	}
}

func (p *Process) halted()      { p.w.mu.Lock(); p.rec.halted = true; p.w.mu.Unlock() }
func (p *Process) unconfirmed() { p.w.mu.Lock(); p.rec.unconfirmed = true; p.w.mu.Unlock() }

func (p *Process) refusedBy(a netip.Addr) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.rec.refused[a] = true
	p.w.meet("target refused")
}

// writing checks a save before it is made; the caller holds the lock.
func (p *Process) writing(m mooring.Memory) {
	switch {
	case p.rec.loadErr != nil:
		p.w.breaks(p, "P14 memory is needed", "a memory that could not be read is overwritten")
	case p.storage().err == nil && m.Revision <= p.storage().decoded.Revision && p.storage().body != nil && p.rec.memory.Revision == p.storage().decoded.Revision:
		p.w.breaks(p, "P12 remember first", "the revision did not rise")
	}
}

// remembered counts the misses of a round that was saved; the caller holds the lock. A round saves a second
// time what it learned, which counts nobody again.
func (p *Process) remembered(m mooring.Memory) {
	p.w.note("%s: saved revision %d", p.Name, m.Revision)
	if p.rec.counted {
		return
	}
	p.rec.counted = true
	ledger := p.storage().ledger
	defer func() { p.rec.absent = maps.Clone(ledger) }()
	seen := p.rec.first.o.Addrs()
	for _, a := range seen {
		delete(ledger, a)
	}
	if !slices.Equal(p.rec.memory.Hostnames, m.Hostnames) {
		clear(ledger)
	}
	p.takesOver()
	if p.rec.first.o.Inconclusive != "" || len(seen) == 0 {
		return
	}
	now := p.w.Now()
	for _, t := range p.rec.ours(p.policy, p.rec.view, p.binding.Port) { // who becomes ours later was not missed before
		if slices.Contains(seen, t.Addr) {
			continue
		}
		absent := ledger[t.Addr]
		if absent.missed == 0 || !p.w.Skewed && p.rec.first.told.Sub(absent.last) > 2*time.Hour {
			absent = absence{forged: absent.forged, since: p.rec.first.told, judged: p.rec.judged, first: p.rec.first, blind: p.blind()}
		}
		absent.missed++
		absent.last = now
		ledger[t.Addr] = absent
	}
}

// blind tells whether the round takes old copies for new ones: it has no memory of a longer life than theirs.
func (p *Process) blind() bool {
	z := p.rec.first.zone
	return z.Cut && z.ServeStale && !slices.ContainsFunc(p.rec.memory.Answers, func(s mooring.Seen) bool { return s.TTL > staleTTL })
}

// takesOver makes all targets ours for good, where the policy says so; the caller holds the lock.
func (p *Process) takesOver() {
	for _, t := range p.rec.view {
		if p.policy.Adopt == mooring.AdoptAll && t.Port == p.binding.Port {
			p.storage().shown[t.Addr] = true
		}
	}
}

// changed checks every promise after a call that changed the group.
func (p *Process) changed(c Call, targets, after []mooring.Target) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.calls++
	p.w.changes = append(p.w.changes, Change{p.w.Now(), c == CallRegister, addrsOf(targets)})
	p.w.note("%s: %s %s", p.Name, c, words(addrsOf(targets)))
	a := &act{
		w: p.w, rec: &p.rec, policy: p.policy, binding: p.binding, store: p.storage(), now: p.w.Now(), wall: p.Wall(), after: after,
	}
	if c == CallRegister {
		a.register = targets
	} else {
		a.deregister = targets
		p.rec.deregistered = append(p.rec.deregistered, targets...)
	}
	for _, promise := range Promises() {
		if why := promise.Broken(a); why != "" {
			p.w.breaks(p, promise.Name, why)
		}
	}
}

func (w *World) breaks(p *Process, promise, why string) {
	w.note("%s: BROKEN %s: %s", p.Name, promise, why)
	w.broken = append(w.broken, w.Now().UTC().Format(time.TimeOnly)+" "+promise+": "+why)
}

// ours are the targets that this round may count as ours.
func (r *record) ours(policy mooring.Policy, targets []mooring.Target, port uint16) []mooring.Target {
	seen := r.first.o.Addrs()
	var out []mooring.Target
	for _, t := range targets {
		mine := policy.Adopt == mooring.AdoptAll || remembers(r.memory, t.Addr) || slices.Contains(seen, t.Addr)
		if t.Port == port && t.Registered() && mine {
			out = append(out, t)
		}
	}
	return out
}

// registrable counts the addresses that were seen and that the group takes. Above the most that may be registered only
// those count that are, and so many more; those that are set aside count among the most.
func (r *record) registrable(a *act) int {
	seen, aside := r.first.o.Addrs(), 0
	for _, addr := range seen {
		if r.sets(addr) {
			aside++
		}
	}
	return min(len(seen), max(a.policy.MaxTargets, r.registeredSeen(a.binding.Port))) - aside
}

// sets tells whether an address is set aside, as far as the round knew when it decided.
func (r *record) sets(a netip.Addr) bool {
	return r.refused[a] || slices.ContainsFunc(r.memory.Refused, func(f mooring.Refusal) bool { return f.Addr == a })
}

// unregistered tells whether somebody who was seen, and may be, was not in the group when the round began.
func (r *record) unregistered(a *act) bool {
	return r.registeredSeen(a.binding.Port) < r.registrable(a)
}

// registeredSeen counts those that were seen, and are in the group.
func (r *record) registeredSeen(port uint16) (n int) {
	for _, a := range r.first.o.Addrs() {
		if !r.sets(a) && slices.ContainsFunc(r.view, func(t mooring.Target) bool { return t.Addr == a && t.Port == port && t.Registered() }) {
			n++
		}
	}
	return n
}

func remembers(m mooring.Memory, a netip.Addr) bool {
	_, ok := slices.BinarySearchFunc(m.Addresses, a, func(e mooring.Entry, a netip.Addr) int { return e.Addr.Compare(a) })
	return ok
}

func isHealthy(t mooring.Target) bool { return t.Health == mooring.HealthHealthy }

func healthyOf(targets []mooring.Target) (n int) {
	for _, t := range targets {
		if isHealthy(t) {
			n++
		}
	}
	return n
}

func addrsOf(targets []mooring.Target) []netip.Addr {
	var out []netip.Addr
	for _, t := range targets {
		out = append(out, t.Addr)
	}
	return out
}
