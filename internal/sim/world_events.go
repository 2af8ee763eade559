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

// step moves a process's clock in the middle of its round: back, so that what follows seems to take no time,
// or forward, as after a sleep that the monotonic clock did not notice.
func (l *Life) step(p *Process, by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Skewed = true
	p.Step(by)
}

// happen lets the world change: its truth, its group, its memory.
func (l *Life) happen() {
	if l.rng.IntN(6) == 0 {
		l.move()
	}
	if l.faulty == 0 {
		return
	}
	switch event := l.rng.IntN(40); event {
	case 0, 1:
		if !l.NoHands {
			l.hand(event == 0)
		}
	case 2, 3, 4:
		sick := l.some(l.rng.IntN(30))
		l.Adjust(func(g *TargetGroup) {
			clear(g.Sick)
			for _, a := range sick {
				g.Sick[a] = true
			}
		})
	case 5:
		refused := l.some(1)[0]
		l.Adjust(func(g *TargetGroup) { g.Refuse[refused] = "in use by a load balancer" })
	case 6:
		_ = l.Befall(Accidents()[l.rng.IntN(len(Accidents()))])
	case 7:
		if idle := time.Duration(l.rng.IntN(6)) * time.Hour; l.daemons == nil { // nobody runs; a daemon would
			l.pass(idle)
		}
	case 8, 9, 10, 11:
		l.repair()
	case 12:
		l.operate()
	}
}

// hand lets an operator register a stranger, or deregister whomever.
func (l *Life) hand(register bool) {
	if register {
		stranger := netip.AddrFrom4([4]byte{10, 0, 1, byte(200 + l.rng.IntN(20))})
		_ = l.ByHand(true, stranger, l.Binding.Port)
	} else if targets := l.Targets(); len(targets) > 0 {
		t := targets[l.rng.IntN(len(targets))]
		_ = l.ByHand(false, t.Addr, t.Port)
	}
}

// move changes what a name holds.
func (l *Life) move() {
	name := l.Binding.Hostnames[l.rng.IntN(len(l.Binding.Hostnames))]
	l.mu.Lock()
	now := slices.Clone(l.at(name, l.Now()))
	old := l.truth[name][l.rng.IntN(len(l.truth[name]))].addrs
	l.mu.Unlock()
	l.rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
	switch l.rng.IntN(5) {
	case 0: // scale out
		now = append(now, l.some(1+l.rng.IntN(5))...)
	case 1: // scale in
		now = now[:max(1, len(now)-1-l.rng.IntN(5))]
	case 2: // one is replaced
		now = append(now[1:], l.some(1)...)
	case 3: // all of it is
		now = l.some(1 + l.rng.IntN(12))
	case 4: // those of some time ago return
		now = slices.Clone(old)
	}
	l.SetTruth(name, now[:min(len(now), 30)])
}

// comeBack lets everybody who is registered be live again.
func (l *Life) comeBack() {
	name := l.Binding.Hostnames[0]
	l.mu.Lock()
	back := slices.Clone(l.at(name, l.Now()))
	l.mu.Unlock()
	for _, t := range l.Targets() {
		if slices.Contains(l.pool, t.Addr) && t.Registered() {
			back = append(back, t.Addr)
		}
	}
	l.SetTruth(name, back)
}

// repair is what an operator does about a memory that cannot be read, and about a group that is ill.
func (l *Life) repair() {
	if !l.Usable() {
		_ = l.Befall(MemoryLost)
	}
	l.resume()
	l.Adjust(func(g *TargetGroup) { clear(g.Sick); clear(g.Refuse) })
}

// settle ends all trouble and holds the truth still: now everything must come right within the bound of the
// promise, and then stay so.
func (l *Life) settle(ctx context.Context) {
	l.calm.Store(true)
	l.repair()
	if l.Policy.Mode == mooring.ModeObserve {
		return
	}
	bound, rounds := l.bound(), 0
	prompt := l.refusedFor() <= 0 && l.Zone.Cache == 0 && l.Zone.MaxLookups > len(l.Truth())
	for begun := l.Now(); !l.converged(); l.round(ctx, l.process()) {
		if rounds++; rounds > 3 && prompt && !l.complete() {
			l.broke("P18 additions: three calm rounds did not register all of " + words(l.Truth()))
			return
		}
		if took := l.Now().Sub(begun); took > bound {
			l.broke(fmt.Sprintf("P19 convergence: not after %s: the name holds %s, the group %s", took, words(l.Truth()), words(addrsOf(l.Targets()))))
			return
		}
		l.pass(l.Interval)
	}
	l.rest(ctx)
}

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
	for idle < 5 && l.Now().Before(until) {
		saves := l.Saves()
		l.pass(l.Interval)
		l.round(ctx, l.process())
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
	return !part && !slices.ContainsFunc(l.ours(), func(a netip.Addr) bool { return !slices.Contains(truth, a) })
}

// converged tells whether the group holds all of the name, and of ours nothing else but what the floor keeps.
func (l *Life) converged() bool {
	floor := max(l.Policy.MinTargets, len(l.Truth()))
	return l.complete() && (l.Policy.Mode == mooring.ModeAddOnly || len(l.ours()) <= floor)
}

// complete tells whether the group holds all of the name.
func (l *Life) complete() bool {
	ours := l.ours()
	return !slices.ContainsFunc(l.Truth(), func(a netip.Addr) bool { return !slices.Contains(ours, a) })
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
			answer = min(answer, len(l.truth[name][len(l.truth[name])-1].addrs)) // the name that says least
		}
		answers := l.Policy.Threshold()/mooring.Silence(answer, held) + 10*float64(held)
		bound += time.Duration(answers) * max(l.Zone.Cache, l.Interval)
	}
	if !l.Group.CrossZone {
		bound += l.Policy.HoldMax
	}
	return bound
}
