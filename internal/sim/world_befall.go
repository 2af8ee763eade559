package sim

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mooring"
)

// lifeCommands are what only a fate can say, for it is about runs: the run of its round is r.
var lifeCommands map[string]func(*Life, args) error

func init() { // the table names functions that parse fates, which look into the table
	lifeCommands = map[string]func(*Life, args) error{
		"world": (*Life).world,

		"once":      (*Life).once,
		"aside":     (*Life).aside,
		"clock":     (*Life).clock,
		"crash":     (*Life).disturbed,
		"pause":     (*Life).disturbed,
		"duplicate": (*Life).disturbed,
		"step":      (*Life).disturbed,
		"return":    (*Life).disturbed,

		"idle":   (*Life).idle,
		"hand":   (*Life).hand,
		"edit":   (*Life).edit,
		"repair": func(l *Life, _ args) error { l.repair(); return nil },
		"settle": (*Life).settled,
	}
}

// world interval=DURATION deadline=DURATION rounds=N faulty=SHARE values=yes skewed=yes: what all rounds are like.
func (l *Life) world(a args) error {
	return a.each(map[string]func(string) error{
		"interval": duration(&l.Interval), "deadline": duration(&l.Deadline), "rounds": number(&l.Rounds),
		"faulty": func(v string) (err error) { l.faulty, err = strconv.ParseFloat(v, 64); return err },
		"values": func(v string) error { l.asValue = v == "yes"; return nil },
		"skewed": func(v string) error { l.Skewed = v == "yes"; return nil },
	})
}

// once MOMENT=FAULT...: in this round this call fails.
func (l *Life) once(a args) error {
	p := l.current.Process
	if a.get("run", "") == "rival" {
		p = l.rival()
	}
	for _, pair := range a.pairs {
		m, f := moment(pair[0]), Fault(pair[1])
		if pair[0] == "run" {
			continue
		}
		if !slices.Contains(moments(), m) || !slices.Contains(FaultsOf(m.call()), f) {
			return fmt.Errorf("no such fault: %s=%s", m, f)
		}
		if p.meets == nil {
			p.meets = map[moment]Fault{}
		}
		p.meets[m] = f
	}
	return nil
}

// aside: nobody waits for this round, and the next may overtake it.
func (l *Life) aside(args) error { l.current.aside = true; return nil }

// clock by=DURATION [run=rival]: the clock of this round's machine is ahead by so much.
func (l *Life) clock(a args) error {
	by, err := time.ParseDuration(a.get("by", ""))
	if err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	if a.get("run", "") == "rival" {
		l.rival().Step(by)
	} else {
		l.current.Step(by)
	}
	return nil
}

// rival is the second run of this round, if there comes to be one.
func (l *Life) rival() *Process {
	if l.current.rival == nil {
		l.current.rival = l.process("rival of run", l.current.number)
	}
	return l.current.rival
}

// disturbed at=POINT [for=DURATION] [by=DURATION]: something happens to the round's process when it comes to that
// point: it crashes, it pauses, its clock is stepped, another run begins and overtakes it, or everybody who was
// missing comes back. The word itself says which.
func (l *Life) disturbed(a args) error {
	where, what := Point(a.get("at", "")), a.word
	if !slices.Contains(Points(), where) {
		return fmt.Errorf("want one of the points %v", Points())
	}
	long, err := time.ParseDuration(a.get("for", "0s"))
	if err != nil {
		return fmt.Errorf("read how long: %w", err)
	}
	by, err := time.ParseDuration(a.get("by", "0s"))
	if err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	r, met, do := l.current, new(atomic.Bool), l.disturbance(what, long, by)
	r.At = both(r.At, func(at Point) {
		if at != where || !met.CompareAndSwap(false, true) {
			return
		}
		l.mu.Lock()
		l.meet(what + " at " + string(at))
		l.note("%s: %s at %s (%s)", r.Name, what, at, long)
		l.mu.Unlock()
		do()
	})
	return nil
}

func both(first, second func(Point)) func(Point) {
	if first == nil {
		return second
	}
	return func(at Point) { first(at); second(at) }
}

func (l *Life) disturbance(what string, long, by time.Duration) func() {
	r := l.current
	switch what {
	case "crash":
		return r.Crash
	case "pause":
		return func() { sleep(context.Background(), long) }
	case "step":
		return func() { l.step(r.Process, by); sleep(context.Background(), long) }
	case "return":
		return l.comeBack
	default: // a duplicate
		other := l.rival()
		return func() {
			l.runs.Go(func() { l.round(context.Background(), other) })
			sleep(context.Background(), long)
		}
	}
}

// step moves a process's clock in the middle of its round: back, so that what follows seems to take no time,
// or forward, as after a sleep that the monotonic clock did not notice.
func (l *Life) step(p *Process, by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Skewed = true
	p.Step(by)
}

// comeBack lets everybody who is registered and once was behind the name be live again.
func (l *Life) comeBack() {
	l.mu.Lock()
	name := l.Binding.Hostnames[0]
	back := slices.Clone(l.at(name, l.Now()))
	once := map[netip.Addr]bool{}
	for _, changes := range l.truth {
		for _, c := range changes {
			for _, a := range c.addrs {
				once[a] = true
			}
		}
	}
	l.mu.Unlock()
	for _, t := range l.Targets() {
		if once[t.Addr] && t.Registered() {
			back = append(back, t.Addr)
		}
	}
	l.SetTruth(name, back)
}

// idle DURATION: nobody runs. A daemon would.
func (l *Life) idle(a args) error {
	long, err := time.ParseDuration(strings.Join(a.plain, ""))
	if err != nil {
		return fmt.Errorf("read how long: %w", err)
	}
	if l.daemons == nil {
		l.Sleep(context.Background(), long)
	}
	return nil
}

// hand deregister=N: an operator takes one of the targets out, the N-th as they stand.
func (l *Life) hand(a args) error {
	n, err := strconv.ParseUint(a.get("deregister", ""), 10, 32)
	if err != nil {
		return fmt.Errorf("read which: %w", err)
	}
	if targets := l.Targets(); len(targets) > 0 && !l.NoHands {
		t := targets[int(n)%len(targets)] //nolint:gosec // 32 bits
		_ = l.ByHand(false, t.Addr, t.Port)
	}
	return nil
}

// edit WHAT=N: an operator's command about the memory: mooring pause, resume, adopt, forget or release. Those that are
// about an address take that of the N-th target.
func (l *Life) edit(a args) error {
	for _, pair := range a.pairs {
		n, err := strconv.ParseUint(pair[1], 10, 32)
		if err != nil {
			return fmt.Errorf("read which: %w", err)
		}
		addr := netip.MustParseAddr("10.0.0.10")
		if targets := l.Targets(); len(targets) > 0 {
			addr = targets[int(n)%len(targets)].Addr //nolint:gosec // 32 bits
		}
		l.operate(pair[0], addr)
	}
	return nil
}

// operate is what an operator does with the memory, by hand.
func (l *Life) operate(what string, addr netip.Addr) {
	err := l.Edit(context.Background(), func(m mooring.Memory) mooring.Memory { return operated(m, what, addr, l.Now()) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note("an operator's %s %s: %v", what, addr, err)
	if err == nil {
		l.meet("operator " + what)
		if what == "adopt" {
			l.stored().shown[addr] = true // it is ours by the operator's word
		}
	}
}

// settled: all trouble ends for a while, everything must come right, and then it begins anew.
func (l *Life) settled(args) error {
	if l.daemons != nil {
		return nil
	}
	l.runs.Wait()
	l.settle(context.Background())
	l.calm.Store(false)
	return nil
}
