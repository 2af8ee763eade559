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
	Steps      []Step    // what somebody else did to the group
	Overdue    []Overdue // what nobody has done, and an observing binding would have
	Another    string    // why another program is thought to manage the same targets; "" where it is not
	Paused     Pause     // why nothing is to be done of all this
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

	plan.Paused = m.Paused
	var open []netip.Addr
	plan.Steps, open = r.steps()
	plan.Overdue = r.overdue(plan)
	r.record(plan)
	r.noteOthers(plan, open)
	plan.Another = r.next.Others.Another(r.now)
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

func (r *round) sees(addr netip.Addr) bool {
	_, ok := slices.BinarySearchFunc(r.shown, addr, netip.Addr.Compare)
	return ok
}

// conclusive tells whether the round may count against anyone. Nothing observed never may.
func (o Observation) conclusive() bool {
	return o.Inconclusive == "" && slices.ContainsFunc(o.Answers, func(a Answer) bool { return len(a.Addrs) > 0 })
}

// candidates are the targets that would leave if no guard held them, in the order in which they would:
// unhealthy first, then longest missing, then by address. Whoever was never missed in a conclusive round is not one.
func (r *round) candidates() []Target {
	var out []Target
	for _, t := range r.ours {
		if !r.sees(t.Addr) && r.entry(t.Addr).Missed > 0 {
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
	if since := r.entry(addr).MissingSince; !since.IsZero() {
		return since
	}
	return r.now
}

// entry is what will be remembered of an address.
func (r *round) entry(addr netip.Addr) Entry {
	if e := r.next.entry(addr); e != nil {
		return *e
	}
	return Entry{Addr: addr}
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
			add = append(add, Target{Addr: a, Port: r.h.Port, Zone: r.entry(a).Zone})
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
		return cmp.Or(r.entry(a).Since.Compare(r.entry(b).Since), a.Compare(b))
	})
	return order[r.p.MaxTargets:]
}

// unmanaged are the targets that are not ours. Without memory there is no telling.
func (r *round) unmanaged() []Target {
	if r.m.Unusable != "" {
		return nil
	}
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
		e := r.entry(a)
		if e.Missed == 0 {
			continue // it was not seen in a round that counts against nobody
		}
		out = append(out, Missing{Addr: a, Missed: e.Missed, Since: e.MissingSince, For: r.now.Sub(r.missingSince(a)), Evidence: e.Evidence})
	}
	return out
}

// String says how an absence was proved.
func (m Missing) String() string {
	rounds := "rounds"
	if m.Missed == 1 {
		rounds = "round"
	}
	return fmt.Sprintf("absent for %s, in %d %s, with %.1f nats of evidence", m.For.Round(time.Second), m.Missed, rounds, m.Evidence)
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
