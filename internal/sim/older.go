package sim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// An Older is AWS's function of 2021 in its minutes beside us: it manages the same group by the same name, knows
// nothing of us, and keeps its own state. A run takes no time, for its races with itself are not ours to show.
// https://aws.amazon.com/blogs/networking-and-content-delivery/using-static-ip-addresses-for-application-load-balancers/
type Older struct {
	Lookups int           // MAX_LOOKUP_PER_INVOCATION
	Misses  int           // INVOCATIONS_BEFORE_DEREGISTRATION
	Fault   func() Fault  // of its lookups; nil: they never fail
	Written time.Time     // when it last wrote its state
	Steps   []ForeignStep // what it changed, oldest first

	w     *World
	rng   *rand.Rand
	state OlderState
}

// A ForeignStep is a change of the group that was not mooring's: one address, at one moment.
type ForeignStep struct {
	At       time.Time
	Addr     netip.Addr
	Register bool
}

// fullAnswer is the number of records by which the function knows that there may be more: a load balancer's name
// shows at most eight.
const fullAnswer = 8

// NewOlder returns the function before its first run. Where reads is true, mooring's store knows where the function
// keeps its state, as it does in the function's own environment.
func (w *World) NewOlder(lookups int, reads bool) *Older {
	o := &Older{Lookups: lookups, Misses: 3, w: w, rng: w.chance("older")}
	if reads {
		w.elder = o
	}
	return o
}

// Run is one invocation.
func (o *Older) Run() {
	resolved := o.resolve()
	if len(resolved) == 0 {
		return // it exits, or fails with a TypeError where no server answers
	}
	var listed []netip.Addr
	for _, t := range o.w.Targets() {
		listed = append(listed, t.Addr) // whatever its port and its state
	}
	register, deregister := o.state.Run(resolved, listed, o.Misses)
	o.change(true, register)
	o.change(false, deregister)
	o.Written = o.w.Now()
}

// resolve asks until an answer is not full.
func (o *Older) resolve() (seen []netip.Addr) {
	when := o.w.Now()
	if o.Fault != nil {
		switch f := o.Fault(); {
		case f.inconclusive():
			return nil
		case f == FailStale:
			when = when.Add(-o.w.Zone.lag())
		}
	}
	o.w.mu.Lock()
	truth := o.w.at(o.w.Binding.Hostnames[0], when)
	o.w.mu.Unlock()
	for range o.Lookups {
		answer := pick(o.rng, truth, o.w.Zone.Answer)
		seen = union(seen, answer)
		if len(answer) < fullAnswer {
			break
		}
	}
	return seen
}

// change does what was decided and notes what had an effect.
func (o *Older) change(register bool, addrs []netip.Addr) {
	if len(addrs) == 0 {
		return
	}
	before := registeredOn(o.w.Targets(), o.w.Binding.Port)
	do := o.w.present().Deregister
	if register {
		do = o.w.present().Register
	}
	var targets []TargetDescription
	for _, a := range addrs {
		targets = append(targets, TargetDescription{Addr: a, Port: o.w.Binding.Port})
	}
	if do(o.w.Now(), targets) != nil {
		return // it prints the error and counts as a success
	}
	for _, a := range addrs {
		if slices.Contains(before, a) != register {
			o.Steps = append(o.Steps, ForeignStep{At: o.w.Now(), Addr: a, Register: register})
			o.w.noteStep(a, register)
		}
	}
}

func (w *World) noteStep(addr netip.Addr, register bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("the older function changes %s (register: %t)", addr, register)
}

// registeredOn are the addresses that take new flows on a port.
func registeredOn(targets []mooring.Target, port uint16) (out []netip.Addr) {
	for _, t := range targets {
		if t.Port == port && t.Registered() {
			out = append(out, t.Addr)
		}
	}
	return out
}

// OlderState is what the function keeps in its bucket. Its zero value is that of a first run.
type OlderState struct {
	Active  []netip.Addr
	Pending map[netip.Addr]int
}

// Run is the function's judgement: it registers what is resolved and not listed, counts who is in its active list or in
// the group and is not resolved, whoever put it there, and deregisters at the last count and in each run after it. The
// list is written anew only when something was registered, so until then whoever has gone stays pending, and is
// deregistered each minute.
func (s *OlderState) Run(resolved, listed []netip.Addr, misses int) (register, deregister []netip.Addr) {
	register = without(resolved, listed)
	pending := map[netip.Addr]int{}
	for _, a := range union(without(listed, resolved), without(s.Active, resolved)) {
		if pending[a] = s.Pending[a] + 1; pending[a] >= misses {
			deregister = append(deregister, a)
		}
	}
	s.Pending = pending
	if len(register) > 0 {
		s.Active = slices.Clone(resolved)
	}
	return register, deregister
}

func without(from, drop []netip.Addr) (out []netip.Addr) {
	for _, a := range from {
		if !slices.Contains(drop, a) {
			out = append(out, a)
		}
	}
	return out
}

// Was tells whether an address was behind the bound names at some moment from one time to another, and whether it was
// there all the while.
func (w *World) Was(addr netip.Addr, from, to time.Time) (ever, always bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	moments := []time.Time{from}
	for _, name := range w.Binding.Hostnames {
		for _, c := range slices.Backward(w.truth[name]) {
			if !c.at.After(from) {
				break
			}
			if !c.at.After(to) {
				moments = append(moments, c.at)
			}
		}
	}
	always = true
	for _, m := range moments {
		has := slices.ContainsFunc(w.Binding.Hostnames, func(name string) bool { return slices.Contains(w.at(name, m), addr) })
		ever, always = ever || has, always && has
	}
	return ever, always
}
