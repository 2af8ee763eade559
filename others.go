package mooring

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Step is a change of the group that was not ours, and what this round says of it.
type Step struct {
	Addr    netip.Addr
	Action  string // registered or deregistered
	Verdict string // right, or one of the words below
	Why     string
}

// The verdicts on somebody else's step.
const (
	StepRight = "right"
	StepWrong = "wrong" // the name shows who was deregistered, or does not show who was registered
	StepEarly = "early" // deregistered without proof of its absence
	StepLate  = "late"  // right, but long after this binding would have done it
)

// An Overdue is a step that this binding would have done long ago, and that nobody has done yet.
type Overdue struct {
	Addr   netip.Addr
	Action string // register or deregister
	Since  time.Time
}

const (
	// settleTime is how long after our own change a difference may still be its effect, or its failure.
	settleTime = 30 * time.Second
	// lateAfter is how long somebody else may take for a step before it is late: two rounds of a minute.
	lateAfter = 2 * time.Minute
	// othersFor is how long somebody else's changes are remembered as signs of another program.
	othersFor = 24 * time.Hour
)

// Another tells whether a program other than this one manages targets of the group, and why that is thought:
// its changes came in two rounds and more, or an older function's state goes on being written.
func (o Others) Another(now time.Time) string {
	switch {
	case !o.Last.IsZero() && now.Sub(o.Last) > othersFor:
		return ""
	case o.Writes > 0:
		return fmt.Sprintf("an older function goes on writing its state, the last time at %s", o.State.UTC().Format(time.RFC3339))
	case o.Rounds > 1:
		return fmt.Sprintf("targets on our port were changed by somebody else in %d rounds, the last time before %s",
			o.Rounds, o.Last.UTC().Format(time.RFC3339))
	default:
		return ""
	}
}

// steps are the differences between the group as the last saved round left it and as it is, our own doings aside.
func (r *round) steps() []Step {
	if r.m.Unusable != "" || r.m.Left.At.IsZero() {
		return nil
	}
	var out []Step
	is := func(a netip.Addr) bool {
		return slices.ContainsFunc(r.registered, func(t Target) bool { return t.Addr == a })
	}
	was := func(a netip.Addr) bool {
		_, ok := slices.BinarySearchFunc(r.m.Left.Addrs, a, netip.Addr.Compare)
		return ok
	}
	for _, t := range r.registered {
		if !was(t.Addr) && !r.settling(t.Addr) && !r.stayed(t.Addr) {
			out = append(out, r.registeredByOther(t.Addr))
		}
	}
	for _, a := range r.m.Left.Addrs {
		if !is(a) && !r.settling(a) {
			out = append(out, r.deregisteredByOther(a))
		}
	}
	slices.SortFunc(out, func(a, b Step) int { return a.Addr.Compare(b.Addr) })
	return out
}

// settling tells whether we changed an address a moment ago.
func (r *round) settling(addr netip.Addr) bool {
	d, ok := r.m.last(addr, DidRegister, DidDeregister)
	return ok && r.now.Sub(r.past(d.At)) < settleTime
}

// stayed tells whether an address is most likely there because our own removal was not done after all.
func (r *round) stayed(addr netip.Addr) bool {
	d, ok := r.m.last(addr, DidRegister, DidDeregister, OtherRegistered, OtherDeregistered)
	return ok && d.Action == DidDeregister
}

// last returns the latest decision about an address that is one of the actions.
func (m Memory) last(addr netip.Addr, actions ...string) (Decision, bool) {
	for _, d := range slices.Backward(m.Decisions) {
		if d.Addr == addr && slices.Contains(actions, d.Action) {
			return d, true
		}
	}
	return Decision{}, false
}

func (r *round) registeredByOther(addr netip.Addr) Step {
	s := Step{Addr: addr, Action: "registered", Verdict: StepRight, Why: "the name shows it"}
	if !r.sees(addr) {
		s.Verdict, s.Why = StepWrong, "the name does not show it"
		if !r.o.conclusive() {
			s.Verdict, s.Why = StepRight, "there is no telling in this round"
		}
		return s
	}
	return r.orLate(s, WouldRegister)
}

func (r *round) deregisteredByOther(addr netip.Addr) Step {
	s := Step{Addr: addr, Action: "deregistered", Verdict: StepRight, Why: "proved absent"}
	if r.sees(addr) {
		s.Verdict, s.Why = StepWrong, "the name shows it"
		return s
	}
	if _, decided := r.would(addr, WouldDeregister); decided {
		return r.orLate(s, WouldDeregister)
	}
	e := r.m.entry(addr)
	switch {
	case e == nil:
		s.Why = "it was not ours"
	case e.Missed >= r.p.Misses && reaches(e.Evidence, r.p.Threshold()):
		s.Verdict, s.Why = StepEarly, "a guard would have kept it"
	default:
		s.Verdict = StepEarly
		s.Why = fmt.Sprintf("missed in %d of %d rounds, with %.1f of %.1f nats against it", e.Missed, r.p.Misses, e.Evidence, r.p.Threshold())
	}
	return s
}

// would returns when this binding would have taken a step that is still open.
func (r *round) would(addr netip.Addr, action string) (time.Time, bool) {
	d, ok := r.m.last(addr, WouldRegister, WouldDeregister, DidReturn, DidMiss, OtherRegistered, OtherDeregistered)
	if !ok || d.Action != action {
		return time.Time{}, false
	}
	return r.past(d.At), true
}

func (r *round) orLate(s Step, action string) Step {
	if at, ok := r.would(s.Addr, action); ok && r.now.Sub(at) > lateAfter {
		s.Verdict = StepLate
		s.Why += fmt.Sprintf(", and this binding would have done it %s ago", r.now.Sub(at).Round(time.Second))
	}
	return s
}

// overdue are the steps of an observing binding that are open for long.
func (r *round) overdue(plan Plan) []Overdue {
	if r.p.Mode != ModeObserve {
		return nil
	}
	var out []Overdue
	for action, targets := range map[string][]Target{WouldRegister: plan.Register, WouldDeregister: plan.Deregister} {
		for _, t := range targets {
			if at, ok := r.would(t.Addr, action); ok && r.now.Sub(at) > lateAfter {
				out = append(out, Overdue{Addr: t.Addr, Action: action[len("would "):], Since: at})
			}
		}
	}
	slices.SortFunc(out, func(a, b Overdue) int { return a.Addr.Compare(b.Addr) })
	return out
}

// noteOthers keeps what the group looks like after this round, and who else was at work.
func (r *round) noteOthers(plan Plan) {
	o := &r.next.Others
	if o.Last = r.past(o.Last); !o.Last.IsZero() && r.now.Sub(o.Last) > othersFor {
		o.Rounds, o.Last, o.Writes = 0, time.Time{}, 0
	}
	if len(plan.Steps) > 0 {
		o.Rounds, o.Last = o.Rounds+1, r.now
	}
	if written := r.m.Older; !written.IsZero() && !written.Equal(o.State) {
		if !o.State.IsZero() && written.After(o.State) {
			o.Writes, o.Last = o.Writes+1, r.now
		}
		o.State = written.UTC().Round(0)
	}
	left := r.expected(plan)
	if !slices.Equal(left, r.next.Left.Addrs) || r.next.Left.At.IsZero() {
		r.next.Left = Left{At: r.now, Addrs: left}
	}
}

// expected are the addresses that will be registered when the plan was acted on.
func (r *round) expected(plan Plan) []netip.Addr {
	var out []netip.Addr
	for _, t := range r.registered {
		out = append(out, t.Addr)
	}
	if r.p.Mode != ModeObserve {
		out = append(out, addrsOf(plan.Register)...)
		out = slices.DeleteFunc(out, func(a netip.Addr) bool {
			return slices.ContainsFunc(plan.Deregister, func(t Target) bool { return t.Addr == a })
		})
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)[:min(len(out), maxEntries)]
}

// unregistered returns the memory without those who were to be registered and were not confirmed to be.
func (m Memory) unregistered(planned, registered []Target) Memory {
	in := func(targets []Target, addr netip.Addr) bool {
		return slices.ContainsFunc(targets, func(t Target) bool { return t.Addr == addr })
	}
	m.Left.Addrs = slices.DeleteFunc(slices.Clone(m.Left.Addrs), func(a netip.Addr) bool {
		return in(planned, a) && !in(registered, a)
	})
	return m
}
