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
	// settleTime is how long after our own change a difference may still be its effect, or its failure: a run that died
	// before it did what it had saved is made good by the next one, a minute or two later.
	settleTime = 2 * time.Minute
	// contestTimes registrations of one address within contestTime are no accidents of our own.
	contestTimes = 3
	contestTime  = time.Hour
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
// Those on which there is no telling in this round are left for the next one, as open.
func (r *round) steps() (steps []Step, open []netip.Addr) {
	if r.m.Unusable != "" || r.m.Left.At.IsZero() {
		return nil, nil
	}
	judge := func(addr netip.Addr, verdict func(netip.Addr) (Step, bool)) {
		if s, ok := verdict(addr); ok {
			steps = append(steps, s)
		} else {
			open = append(open, addr)
		}
	}
	was, is := r.m.Left.Addrs, addrsOf(r.registered)
	for _, a := range is {
		if _, ok := slices.BinarySearchFunc(was, a, netip.Addr.Compare); !ok && !r.settling(a) && !r.stayed(a) {
			judge(a, r.registeredByOther)
		}
	}
	for _, a := range was {
		if _, ok := slices.BinarySearchFunc(is, a, netip.Addr.Compare); !ok && (!r.settling(a) || r.contested(a)) {
			judge(a, r.deregisteredByOther)
		}
	}
	slices.SortFunc(steps, func(a, b Step) int { return a.Addr.Compare(b.Addr) })
	return steps, open
}

// settling tells whether we changed an address a moment ago.
func (r *round) settling(addr netip.Addr) bool {
	d, ok := r.m.last(addr, DidRegister, DidDeregister)
	return ok && r.now.Sub(r.past(d.At)) < settleTime
}

// contested tells whether an address that we registered a moment ago was taken out again: it drains, which only a
// removal makes it do, or we have registered it again and again.
func (r *round) contested(addr netip.Addr) bool {
	if d, ok := r.m.last(addr, DidRegister, DidDeregister); !ok || d.Action != DidRegister {
		return false
	}
	if r.h.holds(addr) { // and it is not registered
		return true
	}
	times := 0
	for _, d := range r.m.Decisions {
		if d.Addr == addr && d.Action == DidRegister && r.now.Sub(r.past(d.At)) < contestTime {
			times++
		}
	}
	return times >= contestTimes
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

// registeredByOther judges a registration. It is wrong only if this round would have seen a live address, and if the
// round before did not show it either: who looks now and then must not call wrong what was right in between.
func (r *round) registeredByOther(addr netip.Addr) (Step, bool) {
	s := Step{Addr: addr, Action: "registered", Verdict: StepRight, Why: "the name shows it"}
	e := r.m.entry(addr)
	by, told := r.m.last(addr, DidAdopt, DidForget)
	switch {
	case r.sees(addr):
		return r.orLate(s, WouldRegister), true
	case told && by.Action == DidAdopt:
		s.Why = "an operator has made it ours"
	case !r.o.conclusive():
		return s, false
	case e != nil && e.Missed == 0 && e.GoneSince.IsZero():
		s.Why = "the name showed it in the round before"
	case !reaches(r.evidence.total, r.p.RoundShare()):
		s.Why = "there is no telling by so few answers"
	default:
		s.Verdict, s.Why = StepWrong, "the name does not show it"
	}
	return s, true
}

// deregisteredByOther judges a removal. It is wrong only if the name shows the address, and did so in the round before.
func (r *round) deregisteredByOther(addr netip.Addr) (Step, bool) {
	s := Step{Addr: addr, Action: "deregistered", Verdict: StepRight, Why: "proved absent"}
	e := r.m.entry(addr)
	away := e != nil && (e.Missed > 0 || !e.GoneSince.IsZero())
	switch {
	case len(r.h.Targets) == 0: // most likely a description that is empty by mistake, for who is removed is draining first
		return s, false
	case r.sees(addr) && !away:
		s.Verdict, s.Why = StepWrong, "the name shows it"
		return s, true
	case !r.sees(addr) && !r.o.conclusive():
		return s, false
	}
	_, decided := r.would(addr, WouldDeregister)
	missed, nats := 0, 0.0
	if e != nil {
		missed, nats = e.Missed, e.Evidence
	}
	if !r.sees(addr) { // this round misses it as well
		missed, nats = missed+1, nats+r.evidence.total
	}
	switch {
	case decided:
		s = r.orLate(s, WouldDeregister)
	case e == nil:
		s.Why = "it was not ours"
	case missed < r.p.Misses || !reaches(nats, r.p.Threshold()):
		s.Verdict = StepEarly
		s.Why = fmt.Sprintf("missed in %d of %d rounds, with %.1f of %.1f nats against it", missed, r.p.Misses, nats, r.p.Threshold())
	}
	if r.sees(addr) {
		s.Why += "; it has come back since"
	}
	return s, true
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
	for action, targets := range map[string][]Target{WouldRegister: plan.Register, WouldDeregister: r.leavers(plan)} {
		for _, t := range targets {
			if at, ok := r.would(t.Addr, action); ok && r.now.Sub(at) > lateAfter {
				out = append(out, Overdue{Addr: t.Addr, Action: action[len("would "):], Since: at})
			}
		}
	}
	slices.SortFunc(out, func(a, b Overdue) int { return a.Addr.Compare(b.Addr) })
	return out
}

// leavers are those who would have left by now. A binding that only observes says so of those too whom nothing but
// max-leave holds: had it acted, they would have followed in the next rounds, and here they would wait for ever.
func (r *round) leavers(plan Plan) []Target {
	out := plan.Deregister
	if r.p.Mode != ModeObserve {
		return out
	}
	for _, t := range r.ours {
		waits := slices.ContainsFunc(plan.Held, func(h Held) bool { return h.Addr == t.Addr && h.Guard == "max-leave" })
		if !waits {
			continue
		}
		_, healthy := r.makeBeforeBreak(t)
		if _, zone := r.lastOfZone(t); !healthy && !zone {
			out = append(slices.Clip(out), t)
		}
	}
	return out
}

// noteOthers keeps what the group looks like after this round, and who else was at work.
func (r *round) noteOthers(plan Plan, open []netip.Addr) {
	o := &r.next.Others
	if o.Last = r.past(o.Last); !o.Last.IsZero() && r.now.Sub(o.Last) > othersFor {
		o.Rounds, o.Last, o.Writes = 0, time.Time{}, 0
	}
	if len(plan.Steps) > 0 {
		o.Rounds, o.Last = min(o.Rounds+1, maxCounted), r.now
	}
	r.noteState(o)
	left := r.stillOpen(r.expected(plan), open)
	if !slices.Equal(left, r.next.Left.Addrs) || r.next.Left.At.IsZero() {
		r.next.Left = Left{At: r.now, Addrs: left}
	}
}

// noteState counts the writes of an older function's state. It may be written in each of its runs, so once it is known
// that it is, only one write an hour is noted.
func (r *round) noteState(o *Others) {
	written := r.m.Older.UTC().Round(0)
	switch {
	case written.IsZero() || !written.After(o.State):
	case o.State.IsZero():
		o.State = written
	case o.Writes == 0 || written.Sub(o.State) >= refreshMiss:
		o.Writes, o.Last, o.State = min(o.Writes+1, maxCounted), r.now, written
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
	out = slices.Compact(out)
	return out[:min(len(out), maxEntries)]
}

// stillOpen puts those on whom there was no telling back to where they were, so that the next round finds them changed.
func (r *round) stillOpen(left, open []netip.Addr) []netip.Addr {
	for _, a := range open {
		if _, was := slices.BinarySearchFunc(r.m.Left.Addrs, a, netip.Addr.Compare); !was {
			left = slices.DeleteFunc(left, func(l netip.Addr) bool { return l == a })
		} else if i, ok := slices.BinarySearchFunc(left, a, netip.Addr.Compare); !ok {
			left = slices.Insert(left, i, a)
		}
	}
	return left[:min(len(left), maxEntries)]
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
