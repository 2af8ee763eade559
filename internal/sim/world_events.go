package sim

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// repair is what an operator does about a memory that cannot be read, and about a group that is ill.
func (l *Life) repair() {
	if !l.Usable() {
		_ = l.Befall(MemoryLost)
	}
	l.resume()
	l.Adjust(func(g *TargetGroup) { clear(g.Sick); clear(g.Refuse); g.mend() })
}

// settle ends all trouble and holds the truth still: now everything must come right within the bound of the
// promise, and then stay so.
func (l *Life) settle(ctx context.Context) {
	l.calm.Store(true)
	l.Flush()
	l.repair()
	l.AdjustZone((*Zone).Calm)
	if l.Policy.Mode == mooring.ModeObserve {
		return
	}
	bound, rounds := l.bound(), 0
	prompt := l.refusedFor() <= 0 && l.Zone.Cache == 0 && l.Zone.MaxLookups > len(l.Truth())
	for begun := l.Now(); !l.converged(); l.round(ctx, l.process("calm run", l.tick())) {
		if l.over() {
			return
		}
		if rounds++; rounds > 3 && prompt && !l.complete() {
			l.broke("P18 additions: three calm rounds did not register all of " + words(l.Truth()))
			return
		}
		if took := l.Now().Sub(begun); took > bound {
			l.broke(fmt.Sprintf("P19 convergence: not after %s: the name holds %s, the group %s", took, words(l.Truth()), words(addrsOf(l.Targets()))))
			return
		}
		l.pass(-l.calmly, l.Interval)
	}
	l.rest(ctx)
}

// tick counts the rounds in calm.
func (l *Life) tick() int { l.calmly++; return l.calmly }

func (l *Life) broke(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note("BROKEN %s", why)
	l.broken = append(l.broken, why)
}

// rest checks that a converged world is left alone: no call ever, and no write once the draining is over.
func (l *Life) rest(ctx context.Context) {
	if !l.restful() {
		return
	}
	calls, idle := l.Calls(), 0
	until := l.Now().Add(l.Group.DrainFor + 20*l.Interval + 2*l.refusedFor())
	for idle < 5 && l.Now().Before(until) && !l.over() {
		saves := l.Saves()
		l.pass(-l.calmly, l.Interval)
		l.round(ctx, l.process("calm run", l.tick()))
		if idle++; l.Saves() != saves {
			idle = 0
		}
	}
	if l.Calls() != calls {
		l.broke("P20 quiescence: the group was changed after it had come right")
	}
	if idle < 5 {
		l.broke("P20 quiescence: memory is written by idle rounds")
	}
}

// restful tells whether this world comes to rest at all. Where one answer shows a part of the addresses, a cache
// always leaves somebody unseen, and so may a search of few questions, and one that nobody confirms in a mode
// that never deregisters; and so do a floor or a mode that keep the absent.
func (l *Life) restful() bool {
	truth := l.Truth()
	shallow := l.Zone.Cache > 0 || l.Zone.MaxLookups < len(truth) || l.Policy.Mode == mooring.ModeAddOnly
	part := shallow && len(truth) > l.Zone.Answer
	over := len(truth) > l.Policy.MaxTargets // then who is registered also depends on who is known for long
	return !part && !over && !slices.ContainsFunc(l.ours(), func(a netip.Addr) bool { return !slices.Contains(truth, a) })
}

// converged tells whether the group holds all of the name, and of ours nothing else but what the floor keeps.
func (l *Life) converged() bool {
	floor := max(l.Policy.MinTargets, len(l.Truth()))
	return l.complete() && (l.Policy.Mode == mooring.ModeAddOnly || len(l.ours()) <= floor)
}

// complete tells whether the group holds all of the name, or as much of it as it may.
func (l *Life) complete() bool {
	ours, truth, held := l.ours(), l.Truth(), 0
	for _, a := range truth {
		if slices.Contains(ours, a) {
			held++
		}
	}
	return held >= min(len(truth), l.Policy.MaxTargets)
}

// ours are the registered targets that are remembered as ours.
func (l *Life) ours() []netip.Addr {
	m, err := l.Memory()
	var out []netip.Addr
	for _, t := range l.Targets() {
		mine := l.Policy.Adopt == mooring.AdoptAll || remembers(m, t.Addr)
		if err == nil && t.Port == l.Binding.Port && t.Registered() && mine {
			out = append(out, t.Addr)
		}
	}
	return out
}

// refusedFor is how long somebody is still set aside.
func (l *Life) refusedFor() (left time.Duration) {
	m, _ := l.Memory()
	for _, r := range m.Refused {
		left = max(left, r.Until.Sub(l.Now()))
	}
	return left
}

// bound is how long it may take to come right: misses and hold, the rounds in which at most max-leave go,
// the time that the group needs for the new ones, and what each special world adds.
func (l *Life) bound() time.Duration {
	truth, held := max(1, len(l.Truth())), len(l.Targets())+len(l.Truth())
	rounds := l.Policy.Misses + 4
	for n := held; n > truth; rounds++ {
		n -= max(1, int(math.Floor(l.Policy.MaxLeave*float64(n)+1e-9)))
	}
	bound := time.Duration(rounds)*(l.Interval+2*time.Second) + l.Policy.Hold + l.Group.HealthyAfter + l.refusedFor()
	if l.Zone.Cache > 0 { // one answer a minute must do
		answer := l.Zone.Answer
		for _, name := range l.Binding.Hostnames {
			answer = min(answer, len(l.at(name, l.Now()))) // the name that says least
		}
		answers := l.Policy.Threshold()/mooring.Silence(answer, held) + 10*float64(held)
		rounds := (l.Zone.Cache+time.Second)/l.Interval + 1 // until the copy has run out
		bound += time.Duration(answers) * rounds * (l.Interval + time.Second)
	}
	if !l.Group.CrossZone {
		bound += l.Policy.HoldMax
	}
	if shown := float64(l.Zone.Answer*l.Zone.MaxLookups) / float64(truth); shown < 1 { // each round shows a part only
		bound += time.Duration(math.Log(1e-6/float64(truth))/math.Log1p(-shown)) * l.Interval
	}
	return bound
}
