package mooring

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// starting is the memory as this round finds it: what an older function left is taken over, times in the
// future are clamped to now, and counts begin again when they are about other hostnames.
func (r *round) starting() Memory {
	m := r.m.clone()
	m.Unusable, m.Import, m.Older = "", nil, time.Time{}
	if r.m.Import != nil {
		r.adopt(&m, *r.m.Import)
	}
	renamed := len(m.Hostnames) > 0 && len(r.o.Hostnames) > 0 && !slices.Equal(m.Hostnames, r.o.Hostnames)
	if len(r.o.Hostnames) > 0 {
		m.Hostnames = slices.Clone(r.o.Hostnames)
	}
	for i := range m.Addresses {
		e := &m.Addresses[i]
		e.MissingSince, e.LastMiss, e.GoneSince = r.past(e.MissingSince), r.past(e.LastMiss), r.past(e.GoneSince)
		if renamed {
			e.seen()
		}
	}
	for i := range m.Answers {
		m.Answers[i].At = r.past(m.Answers[i].At)
	}
	for i := range m.Refused {
		if longest := r.now.Add(r.p.RefuseMax); m.Refused[i].Until.After(longest) {
			m.Refused[i].Until = longest
		}
	}
	return m
}

// adopt makes an older function's addresses ours. A young count of misses is worth its share of the
// evidence, and its hold as served; at least one round of ours must still miss the address.
func (r *round) adopt(m *Memory, i Import) {
	for _, a := range i.Addrs {
		m.own(a, r.now)
	}
	at, counts := r.past(i.At), i.Counts(r.now)
	for a, missed := range i.Missed {
		e := m.own(a, r.now)
		missed = min(missed, r.p.Misses-1)
		if missed < 1 || !counts {
			continue
		}
		e.Missed, e.LastMiss, e.MissingSince = missed, at, r.now.Add(-r.p.Hold)
		e.Evidence = r.p.Threshold() * float64(missed) / float64(r.p.Misses)
	}
}

func (r *round) past(t time.Time) time.Time {
	if t.After(r.now) {
		return r.now
	}
	return t
}

// remember makes the next memory: who is ours, who is missing, since when, and how sure we are.
func (r *round) remember() {
	for _, a := range r.observed {
		r.next.own(a, r.now).seen()
	}
	for _, t := range r.ours {
		r.next.own(t.Addr, r.now)
	}
	if r.o.conclusive() {
		counts, seen := r.freshAnswers()
		r.evidence = r.o.weigh(len(r.missing), r.p.Threshold(), counts)
		if r.evidence.total > 0 || len(r.missing) == 0 {
			r.next.Answers = seen // else a copy that is new for one hostname alone would be spent for nothing
		}
		for _, a := range r.missing {
			if e := r.next.own(a, r.now); r.evidence.total > 0 {
				e.miss(r.p, r.now, r.evidence.total)
			} else { // what was only repeated is no round more
				e.keep(r.now)
			}
		}
		r.forget()
		r.count()
	}
	r.trim()
	r.dropRefusals()
}

// seen clears what counts against an address.
func (e *Entry) seen() {
	e.Missed, e.Evidence, e.Held = 0, 0, ""
	e.MissingSince, e.LastMiss, e.GoneSince = time.Time{}, time.Time{}, time.Time{}
}

// miss counts one conclusive round without the address. A count that lay idle too long starts again. One that proves
// the absence twice over is left as it is, but for its time now and then: who is held for ever costs no write a round.
func (e *Entry) miss(p Policy, now time.Time, nats float64) {
	if e.Missed > 0 && now.Sub(e.LastMiss) > staleMiss {
		e.seen()
	}
	if e.Missed == 0 || e.MissingSince.IsZero() {
		e.MissingSince = now
	}
	e.GoneSince = time.Time{}
	settled := e.Missed >= 2*p.Misses && e.Evidence >= 2*p.Threshold() && now.Sub(e.MissingSince) >= p.HoldMax
	if settled && now.Sub(e.LastMiss) < refreshMiss {
		return
	}
	e.Missed++
	e.LastMiss = now
	e.Evidence = min(e.Evidence+nats, maxEvidence)
}

// keep saves a count from growing stale in rounds that bring nothing new: a copy may be good for a day.
func (e *Entry) keep(now time.Time) {
	if idle := now.Sub(e.LastMiss); e.Missed > 0 && idle >= refreshMiss && idle <= staleMiss {
		e.LastMiss = now
	}
}

const maxEvidence = 1e6 // nats; keeps the sum finite

// forget notes who is neither observed nor in the group, and drops those who have been for a day.
func (r *round) forget() {
	keep := r.next.Addresses[:0]
	for _, e := range r.next.Addresses {
		if !r.sees(e.Addr) && !slices.Contains(r.missing, e.Addr) {
			gone := e.GoneSince
			e.seen()
			e.GoneSince = gone
			if r.h.holds(e.Addr) {
				e.GoneSince = time.Time{}
			} else if gone.IsZero() {
				e.GoneSince = r.now
			}
		}
		if e.GoneSince.IsZero() || r.now.Sub(e.GoneSince) < forgetAfter {
			keep = append(keep, e)
		}
	}
	r.next.Addresses = keep
}

// trim keeps the memory within its limit: who has been gone longest is forgotten first.
func (r *round) trim() {
	over := len(r.next.Addresses) - maxEntries
	if over <= 0 {
		return
	}
	order := slices.Clone(r.next.Addresses)
	slices.SortFunc(order, func(a, b Entry) int {
		return cmp.Or(compareBool(r.h.holds(a.Addr), r.h.holds(b.Addr)), compareBool(r.sees(a.Addr), r.sees(b.Addr)),
			a.GoneSince.Compare(b.GoneSince), b.Since.Compare(a.Since), b.Addr.Compare(a.Addr))
	})
	drop := order[:over]
	r.next.Addresses = slices.DeleteFunc(r.next.Addresses, func(e Entry) bool {
		return slices.ContainsFunc(drop, func(d Entry) bool { return d.Addr == e.Addr })
	})
}

// dropRefusals forgets refusals of who was taken after all, and of who is no longer asked for.
func (r *round) dropRefusals() {
	r.next.Refused = slices.DeleteFunc(r.next.Refused, func(f Refusal) bool {
		taken := slices.ContainsFunc(r.registered, func(t Target) bool { return t.Addr == f.Addr })
		return taken || !r.sees(f.Addr) && !r.now.Before(f.Until)
	})
}

// record adds what was decided, and what others did, to the next memory.
func (r *round) record(plan Plan) {
	for _, s := range plan.Steps {
		action := OtherRegistered
		if s.Action == "deregistered" {
			action = OtherDeregistered
		}
		r.note(s.Addr, action, s.Verdict+": "+s.Why)
	}
	r.recordAbsences(plan)
	register, deregister := DidRegister, DidDeregister
	if r.p.Mode == ModeObserve {
		register, deregister = WouldRegister, WouldDeregister
	}
	leavers, most := r.leavers(plan), maxDecisions
	if r.p.Mode == ModeObserve { // open steps are kept, and must leave room for the others
		most = maxOpen
	}
	for _, t := range plan.Register[:min(len(plan.Register), most)] {
		r.noteOnce(t.Addr, register, "observed")
	}
	for _, t := range leavers[:min(len(leavers), most)] {
		i := slices.IndexFunc(plan.Missing, func(m Missing) bool { return m.Addr == t.Addr })
		r.noteOnce(t.Addr, deregister, plan.Missing[i].String())
	}
	for len(r.next.Decisions) > maxDecisions {
		r.next.dropDecision()
	}
}

// maxOpen is how many open steps of each kind an observing binding keeps the time of.
const maxOpen = 60

// dropDecision forgets the oldest decision, but not one that somebody else has yet to carry out: since when it is open
// is what makes it overdue.
func (m *Memory) dropDecision() {
	i := slices.IndexFunc(m.Decisions, func(d Decision) bool {
		if d.Action != WouldRegister && d.Action != WouldDeregister {
			return true
		}
		last, _ := m.last(d.Addr, WouldRegister, WouldDeregister, DidReturn, DidMiss, OtherRegistered, OtherDeregistered)
		return last != d
	})
	m.Decisions = slices.Delete(m.Decisions, max(0, i), max(0, i)+1)
}

// recordAbsences notes who is missing for the first time, who came back, and, each time that it is another one, which
// of the last guards keeps whom. That the first guards keep somebody is what being missed means.
func (r *round) recordAbsences(plan Plan) {
	for _, was := range r.m.Addresses {
		if was.Missed > 0 && r.sees(was.Addr) {
			r.note(was.Addr, DidReturn, fmt.Sprintf("observed again after %d rounds without it", was.Missed))
		}
	}
	for _, m := range plan.Missing {
		if was := r.m.entry(m.Addr); m.Missed == 1 && (was == nil || was.Missed == 0) {
			r.note(m.Addr, DidMiss, "not observed in a conclusive round")
		}
	}
	for _, h := range plan.Held {
		e := r.next.entry(h.Addr)
		if e == nil || e.Held == h.Guard || !slices.Contains(lastGuards, h.Guard) {
			continue
		}
		e.Held = h.Guard
		r.note(h.Addr, DidHold, h.Reason)
	}
}

// lastGuards are those that keep a target whose absence is proved.
var lastGuards = []string{"min-targets", "max-leave", "make-before-break", "make-before-break (zone)"}

func (r *round) note(addr netip.Addr, action, why string) {
	d := Decision{At: r.now, Addr: addr, Action: action, Why: why}
	if e := r.next.entry(addr); e != nil {
		d.Nats = e.Evidence
	}
	r.next.Decisions = append(r.next.Decisions, d)
}

// noteOnce notes what would be done only once for as long as it is not done.
func (r *round) noteOnce(addr netip.Addr, action, why string) {
	if action == WouldRegister || action == WouldDeregister {
		d, ok := r.next.last(addr, WouldRegister, WouldDeregister, DidReturn, DidMiss, OtherRegistered, OtherDeregistered)
		if ok && d.Action == action {
			return
		}
	}
	r.note(addr, action, why)
}

// count notes how many addresses the name shows, when that is another number than before.
func (r *round) count() {
	n := len(r.observed)
	if k := len(r.next.Counts); k > 0 && r.next.Counts[k-1].N == n {
		return
	}
	r.next.Counts = append(r.next.Counts, Count{At: r.now, N: n})
	r.next.Counts = r.next.Counts[max(0, len(r.next.Counts)-maxCounts):]
}
