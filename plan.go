package mooring

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Plan is what one round means to do, what it holds back and why, and what it will remember.
// It is a value; making one changes nothing. Every slice is sorted by address.
type Plan struct {
	Register   []Target // observed, and not registered
	Deregister []Target // ours, registered, proved absent, and let go by every guard
	Missing    []Missing
	Held       []Held
	Refused    []Refusal // observed, and set aside
	Unmanaged  []Target  // in the group, not draining, and not ours
	Ours       int       // targets of ours that were registered before the round,
	Healthy    int       // and how many of them were healthy
	Warnings   []string

	Memory  Memory // the next memory
	Changed bool   // whether it differs from the last one
}

// A Missing is an address of ours that is in the group and was not observed.
type Missing struct {
	Addr     netip.Addr
	Missed   int
	Since    time.Time
	For      time.Duration // since then
	Evidence float64       // nats; the chance that a live address had stayed unseen is e^-Evidence
}

// A Held is a target that would leave, and the guard that keeps it.
type Held struct {
	Addr   netip.Addr
	Guard  string
	Reason string        // for people; it begins with the guard's name
	Rounds int           // conclusive rounds that must pass before it can leave; 0 where that is not known
	Wait   time.Duration // and the time that must
}

// Decide judges one round. It is pure, total and deterministic: the same inputs make the same plan.
//
// Additions need only eyes: whatever was observed, and is not registered, is to be registered.
// Removals need memory and proof: a target leaves only when no guard of [Guards] holds it.
func Decide(p Policy, m Memory, o Observation, h Holding, now time.Time) Plan {
	return decide(Guards(), p, m, o, h, now)
}

// DecideWith returns [Decide] under other guards, for the tests that leave one out.
func DecideWith(guards []Guard) func(Policy, Memory, Observation, Holding, time.Time) Plan {
	return func(p Policy, m Memory, o Observation, h Holding, now time.Time) Plan {
		return decide(guards, p, m, o, h, now)
	}
}

func decide(guards []Guard, p Policy, m Memory, o Observation, h Holding, now time.Time) Plan {
	r := newRound(p, m, o, h, now.UTC().Round(0))
	r.remember()

	r.add, r.refused = r.additions()
	plan := Plan{
		Register: r.add, Refused: r.refused,
		Missing: r.missingNow(), Unmanaged: r.unmanaged(), Ours: len(r.ours), Healthy: healthy(r.ours), Warnings: slices.Clone(o.Warnings),
	}
	for _, t := range r.candidates() {
		if held, ok := r.heldBy(guards, t); ok {
			plan.Held = append(plan.Held, held)
			continue
		}
		r.leaving = append(r.leaving, t)
	}
	plan.Deregister = slices.Clone(r.leaving)
	slices.SortFunc(plan.Deregister, byAddr)
	slices.SortFunc(plan.Held, func(a, b Held) int { return a.Addr.Compare(b.Addr) })
	if blind := r.blind(); blind != "" {
		plan.Warnings = append(plan.Warnings, blind)
	}

	if p.Mode != ModeObserve {
		r.record(plan)
	}
	plan.Memory = r.next
	plan.Changed = !plan.Memory.Same(m)
	return plan
}

// A round is what one decision works on: its inputs, and what follows from them.
type round struct {
	p   Policy
	m   Memory // as loaded
	o   Observation
	h   Holding
	now time.Time

	next       Memory       // as it will be saved
	shown      []netip.Addr // every address that some answer held, sorted
	observed   []netip.Addr // those of them that are admitted
	registered []Target     // on our port, not draining, sorted
	ours       []Target     // those of them that are ours
	missing    []netip.Addr // those of them that were not observed
	evidence   evidence     // what this round says against each of those
	add        []Target     // observed, and to be registered
	refused    []Refusal    // observed, and set aside
	leaving    []Target     // let go so far
}

func newRound(p Policy, m Memory, o Observation, h Holding, now time.Time) *round {
	r := &round{p: p, m: m, o: o, h: h, now: now, registered: h.registered(), shown: o.Addrs()}
	for _, a := range r.shown {
		if p.Admits(a) {
			r.observed = append(r.observed, a)
		}
	}
	r.next = r.starting()
	for _, t := range r.registered {
		if p.Adopt == AdoptAll || r.next.entry(t.Addr) != nil || r.sees(t.Addr) {
			r.ours = append(r.ours, t)
			if !r.sees(t.Addr) {
				r.missing = append(r.missing, t.Addr)
			}
		}
	}
	return r
}

// starting is the memory as this round finds it: what an older function left is taken over, times in the
// future are clamped to now, and counts begin again when they are about other hostnames.
func (r *round) starting() Memory {
	m := r.m.clone()
	m.Unusable, m.Import = "", nil
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
	return m
}

// adopt makes an older function's addresses ours. A young count of misses is worth its share of the
// evidence, and its hold as served; at least one round of ours must still miss the address.
func (r *round) adopt(m *Memory, i Import) {
	for _, a := range i.Addrs {
		m.own(a, r.now)
	}
	at := r.past(i.At)
	for a, missed := range i.Missed {
		e := m.own(a, r.now)
		missed = min(missed, r.p.Misses-1)
		if missed < 1 || r.now.Sub(at) >= staleMiss {
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

func (r *round) sees(addr netip.Addr) bool {
	_, ok := slices.BinarySearchFunc(r.shown, addr, netip.Addr.Compare)
	return ok
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
		r.next.Answers = seen
		r.evidence = r.o.weigh(len(r.missing), r.p.Threshold(), counts)
		for _, a := range r.missing {
			r.next.entry(a).miss(r.now, r.evidence.total)
		}
		r.forget()
	}
	r.dropRefusals()
}

// conclusive tells whether the round may count against anyone. Nothing observed never may.
func (o Observation) conclusive() bool { return o.Inconclusive == "" && len(o.Addrs()) > 0 }

// seen clears what counts against an address.
func (e *Entry) seen() {
	e.Missed, e.Evidence = 0, 0
	e.MissingSince, e.LastMiss, e.GoneSince = time.Time{}, time.Time{}, time.Time{}
}

// miss counts one conclusive round without the address. A count that lay idle too long starts again.
func (e *Entry) miss(now time.Time, nats float64) {
	if e.Missed > 0 && now.Sub(e.LastMiss) > staleMiss {
		e.seen()
	}
	if e.Missed == 0 {
		e.MissingSince = now
	}
	e.Missed++
	e.LastMiss = now
	e.Evidence = min(e.Evidence+nats, maxEvidence)
	e.GoneSince = time.Time{}
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
	r.trim()
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

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// dropRefusals forgets refusals of who was taken after all, and of who is no longer asked for.
func (r *round) dropRefusals() {
	r.next.Refused = slices.DeleteFunc(r.next.Refused, func(f Refusal) bool {
		taken := slices.ContainsFunc(r.registered, func(t Target) bool { return t.Addr == f.Addr })
		return taken || !r.sees(f.Addr) && !r.now.Before(f.Until)
	})
}

// candidates are the targets that would leave if no guard held them, in the order in which they would:
// unhealthy first, then longest missing, then by address.
func (r *round) candidates() []Target {
	var out []Target
	for _, t := range r.ours {
		if !r.sees(t.Addr) {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b Target) int {
		return cmp.Or(
			compareBool(a.Health == HealthHealthy, b.Health == HealthHealthy),
			r.missingSince(a.Addr).Compare(r.missingSince(b.Addr)),
			a.Addr.Compare(b.Addr))
	})
	return out
}

func (r *round) missingSince(addr netip.Addr) time.Time {
	if e := r.next.entry(addr); e != nil && !e.MissingSince.IsZero() {
		return e.MissingSince
	}
	return r.now
}

// additions are the observed addresses that are not registered, without those set aside.
func (r *round) additions() (add []Target, refused []Refusal) {
	over := r.overflow()
	for _, a := range r.observed {
		if slices.ContainsFunc(r.registered, func(t Target) bool { return t.Addr == a }) {
			continue
		}
		switch f := r.next.refusal(a); {
		case f != nil && r.now.Before(f.Until):
			refused = append(refused, *f)
		case slices.Contains(over, a):
			refused = append(refused, Refusal{Addr: a, Reason: fmt.Sprintf(
				"max-targets: %d addresses observed, at most %d are registered", len(r.observed), r.p.MaxTargets)})
		default:
			add = append(add, Target{Addr: a, Port: r.h.Port, Zone: r.next.entry(a).Zone})
		}
	}
	return add, refused
}

// overflow are the observed addresses beyond max-targets: all but the longest known.
func (r *round) overflow() []netip.Addr {
	if len(r.observed) <= r.p.MaxTargets {
		return nil
	}
	order := slices.Clone(r.observed)
	slices.SortStableFunc(order, func(a, b netip.Addr) int {
		return cmp.Or(r.next.entry(a).Since.Compare(r.next.entry(b).Since), a.Compare(b))
	})
	return order[r.p.MaxTargets:]
}

func (r *round) unmanaged() []Target {
	var out []Target
	for _, t := range r.h.Targets {
		mine := t.Port == r.h.Port && slices.ContainsFunc(r.ours, func(o Target) bool { return o.Addr == t.Addr })
		if t.Registered() && !mine {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, byAddr)
	return out
}

func (r *round) missingNow() []Missing {
	var out []Missing
	for _, a := range r.missing {
		e := r.next.entry(a)
		out = append(out, Missing{Addr: a, Missed: e.Missed, Since: e.MissingSince, For: r.now.Sub(r.missingSince(a)), Evidence: e.Evidence})
	}
	return out
}

// record adds what was decided to the next memory.
func (r *round) record(plan Plan) {
	note := func(t Target, action, why string) {
		r.next.Decisions = append(r.next.Decisions, Decision{At: r.now, Addr: t.Addr, Action: action, Why: why})
	}
	for _, t := range plan.Register {
		note(t, "register", "observed")
	}
	for _, t := range plan.Deregister {
		i := slices.IndexFunc(plan.Missing, func(m Missing) bool { return m.Addr == t.Addr })
		note(t, "deregister", plan.Missing[i].String())
	}
	r.next.Decisions = r.next.Decisions[max(0, len(r.next.Decisions)-maxDecisions):]
}

// String says how an absence was proved.
func (m Missing) String() string {
	rounds := "rounds"
	if m.Missed == 1 {
		rounds = "round"
	}
	return fmt.Sprintf("absent for %s, in %d %s, with %.1f nats of evidence", m.For.Round(time.Second), m.Missed, rounds, m.Evidence)
}

func byAddr(a, b Target) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port)) }

// keep holds back those who would leave and for whom holds is true.
func (p Plan) keep(guard, reason string, holds func(Target) bool) Plan {
	var leave []Target
	p.Held = slices.Clone(p.Held)
	for _, t := range p.Deregister {
		if !holds(t) {
			leave = append(leave, t)
			continue
		}
		p.Held = append(p.Held, Held{Addr: t.Addr, Guard: guard, Reason: guard + ": " + reason})
	}
	p.Deregister = leave
	slices.SortFunc(p.Held, func(a, b Held) int { return a.Addr.Compare(b.Addr) })
	return p
}

// keepAll holds everyone back.
func (p Plan) keepAll(guard, reason string) Plan {
	return p.keep(guard, reason, func(Target) bool { return true })
}
