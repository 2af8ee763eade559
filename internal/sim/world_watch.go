package sim

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"mooring"
)

// LiveWatched lives the same life with daemons in place of single rounds: they are killed, frozen for ten minutes and
// stopped short at any point, and begun again.
func (l *Life) LiveWatched(ctx context.Context, daemons int) []string {
	l.daemons = make([]*Daemon, daemons)
	for n := 1; n <= l.Rounds; n++ {
		for i, d := range l.daemons {
			if d == nil || d.dead.Load() {
				l.daemons[i] = l.daemon(ctx)
			} else if d.outdated() { // the operator starts it anew
				l.runs.Go(d.Stop)
				l.daemons[i] = l.daemon(ctx)
			}
		}
		l.pass(n, l.Interval)
		l.current = &run{Process: l.process("nobody", n), number: n}
		l.obeyAll(n)
		l.upset(l.daemons[l.rng.IntN(daemons)])
	}
	for i, d := range l.daemons {
		d.upset.Store(nil)
		if d.dead.Load() || d.outdated() {
			l.runs.Go(d.Stop)
			l.daemons[i] = l.daemon(ctx)
		}
	}
	l.pass(0, frozenFor) // whoever is frozen goes on
	l.settle(ctx)
	for _, d := range l.daemons {
		d.Stop()
	}
	l.runs.Wait()
	return l.Broken()
}

// frozenFor is how long SIGSTOP lasts.
const frozenFor = 10 * time.Minute

func (l *Life) daemon(ctx context.Context) *Daemon {
	l.hired++
	d := l.NewDaemon(fmt.Sprintf("daemon %d", l.hired), l.Interval)
	d.At = func(at Point) {
		if upset := d.upset.Load(); upset != nil && upset.at == at && d.upset.CompareAndSwap(upset, nil) {
			l.mu.Lock()
			l.meet("daemon " + upset.what + " at " + string(at))
			l.note("%s: %s at %s", d.Name, upset.what, at)
			l.mu.Unlock()
			upset.do()
		}
	}
	d.Start(ctx)
	return d
}

// An upset waits for a daemon at a point.
type upset struct {
	at   Point
	what string
	do   func()
}

// upset lets something happen to a daemon when it comes to a point.
func (l *Life) upset(d *Daemon) {
	if l.faulty == 0 || l.rng.IntN(3) > 0 {
		return
	}
	u := &upset{at: Points()[l.rng.IntN(len(Points()))]}
	long := time.Duration(1+l.rng.IntN(40)) * time.Second
	switch l.rng.IntN(4) {
	case 0:
		u.what, u.do = "killed", func() {
			d.Crash()
			l.runs.Go(d.Stop)
		}
	case 1:
		u.what, u.do = "frozen", func() { d.Freeze(frozenFor) }
	case 2:
		u.what, u.do = "slow", func() { sleep(context.Background(), long) }
	case 3:
		u.what, u.do = "frozen while all come back", func() {
			d.Freeze(frozenFor)
			l.comeBack()
		}
	}
	d.upset.Store(u)
}

// operated is the memory after an operator's command. What cannot be done changes nothing.
func operated(m mooring.Memory, what string, addr netip.Addr, now time.Time) mooring.Memory {
	const who, why = "an operator", "maintenance"
	next, err := m, error(nil)
	switch what {
	case "pause":
		next, err = m.Pause(who, why, now)
	case "resume":
		next, err = m.Resume(who, now)
	case "adopt":
		next, err = m.Adopt(who, now, addr)
	case "forget":
		next, err = m.Forget(who, now, addr)
	case "release":
		next, err = m.Release(who, why, now)
	}
	if err != nil {
		return m
	}
	return next
}

// resume ends a pause, as an operator does who is asked why nothing happens.
func (l *Life) resume() {
	if m, err := l.Memory(); err != nil || m.Paused == (mooring.Pause{}) {
		return
	}
	err := l.Edit(context.Background(), func(m mooring.Memory) mooring.Memory { return operated(m, "resume", netip.Addr{}, l.Now()) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note("an operator resumes: %v", err)
}

// Edit lets an operator change the memory, as mooring's commands do.
func (w *World) Edit(ctx context.Context, change func(mooring.Memory) mooring.Memory) error {
	w.mu.Lock()
	w.edits++
	clear(w.stored().aside)
	operator := fmt.Sprintf("operator %d", w.edits)
	w.mu.Unlock()
	p := w.NewProcess(operator)
	p.configure()
	p.begin()
	_, err := p.keeper().Edit(ctx, func(m mooring.Memory) (mooring.Memory, error) { return change(m), nil })
	return err
}
