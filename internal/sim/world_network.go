package sim

import (
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A request is a signed call that the network holds, and that will take effect unasked. AWS takes a signature for five
// minutes: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv4.html
type request struct {
	at      time.Time
	process string
	call    Call
	group   *TargetGroup
	targets []TargetDescription
}

// transitTime is how long the network holds a request.
const transitTime = time.Minute

// hold lets the network hold a request.
func (w *World) hold(r request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.at = w.Now().Add(transitTime)
	w.transit = append(w.transit, r)
}

// arrive lets the requests that are due take effect. Nobody can tell a minute later whether that was a minute ago, so it
// is enough to be called whenever somebody looks.
func (w *World) arrive(by time.Time) {
	for r, ok := w.next(by); ok; r, ok = w.next(by) {
		r.at = earlier(r.at, w.Now())
		w.deliver(r)
	}
}

// next takes the request from the network that is due next.
func (w *World) next(by time.Time) (r request, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.transit) == 0 || w.transit[0].at.After(by) {
		return request{}, false
	}
	r, w.transit = w.transit[0], w.transit[1:]
	w.note("%s: %s %s arrives late", r.process, r.call, words(describedAddrs(r.targets)))
	return r, true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// deliver carries out a request, and notes whom it takes from the group that the name has.
func (w *World) deliver(r request) {
	if r.call == CallRegister {
		_ = r.group.Register(r.at, r.targets)
		return
	}
	before := registeredOn(targetsOf(r.group.Describe(r.at)), r.targets[0].Port)
	if r.group.Deregister(r.at, r.targets) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range r.targets {
		if slices.Contains(before, t.Addr) {
			w.robbed[t.Addr] = r.at
			w.meet("removed late")
		}
	}
}

func describedAddrs(targets []TargetDescription) (out []netip.Addr) {
	for _, t := range targets {
		out = append(out, t.Addr)
	}
	return out
}

// Flush lets everything arrive that the network still holds: its trouble is over.
func (w *World) Flush() { w.arrive(w.Now().Add(transitTime)) }

// judge checks what can be said only of a whole round; the caller holds the lock.
func (p *Process) judge(r mooring.Report) {
	if !p.sound(r) {
		return
	}
	p.judgeRobbed(r)
	p.judgeTaken(r)
}

// sound tells whether nothing kept the round from doing all that it should.
func (p *Process) sound(r mooring.Report) bool {
	return p.rec.loadErr == nil && p.rec.memory.Paused == (mooring.Pause{}) && p.rec.viewTrue && !p.rec.halted &&
		r.Error == "" && r.Inconclusive == "" && (p.rec.saved || !p.rec.saveTried) && p.policy.Mode != mooring.ModeObserve
}

// judgeRobbed: whoever a late request took from the group is registered again by the next round that sees him.
func (p *Process) judgeRobbed(r mooring.Report) {
	for _, a := range p.rec.first.o.Addrs() {
		at, robbed := p.w.robbed[a]
		if !robbed || !at.Before(p.rec.began) {
			continue
		}
		delete(p.w.robbed, a)
		is := slices.ContainsFunc(p.rec.view, func(t mooring.Target) bool {
			return t.Addr == a && t.Port == p.binding.Port && t.Registered()
		})
		over := len(p.rec.first.o.Addrs()) > p.policy.MaxTargets // then it may be another one's turn
		if !is && !over && !p.rec.sets(a) && p.policy.Admits(a) && !slices.Contains(r.Registered, a) {
			p.w.breaks(p, "P18 additions", a.String()+" was taken by a late request and is not registered again")
		}
	}
}

// judgeTaken: a healthy target behind an address that somebody else has by now is not kept for its health any longer than
// hold-max, but as the last one.
func (p *Process) judgeTaken(r mooring.Report) {
	if p.w.Skewed || p.policy.Mode != mooring.ModeSync || !p.rec.counted {
		return
	}
	last := healthyOf(p.rec.view)-healthyOf(r.Plan.Deregister) <= 1
	for _, t := range p.rec.ours(p.policy, p.rec.view, p.binding.Port) {
		absent := p.rec.absent[t.Addr]
		_, taken := p.w.taken[t.Addr]
		old := absent.missed >= p.policy.Misses && p.rec.judged.Sub(absent.judged) >= max(p.policy.Hold, p.policy.HoldMax)
		if !taken || !old || absent.forged || last && isHealthy(t) {
			continue
		}
		p.w.meet("taken for long")
		if guard := heldBy(r, t.Addr); guard == "make-before-break" || guard == "make-before-break (zone)" {
			p.w.breaks(p, "P30 a taken address leaves", t.Addr.String()+" is still held by "+guard)
		}
	}
}

func heldBy(r mooring.Report, a netip.Addr) string {
	for _, h := range r.Plan.Held {
		if h.Addr == a {
			return h.Guard
		}
	}
	return ""
}
