package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mooring"
)

// A Life is a world with a fate: what it is like, and what befalls it, follow from its seed alone.
// It is lived in virtual time, so only inside a testing/synctest bubble is it quick.
type Life struct {
	*World
	Interval time.Duration
	Deadline time.Duration // of a round; 0: none
	Rounds   int           // of the troubled part
	NoHands  bool          // no operator changes the group

	rng    *rand.Rand
	faulty float64 // chance that a call fails
	calm   atomic.Bool
	runs   sync.WaitGroup
	pool   []netip.Addr // addresses that the names may hold
	number int

	daemons []*Daemon // that live in place of single rounds
}

// NewLife draws the world of a seed.
func NewLife(seed uint64) *Life {
	l := &Life{World: NewWorld(seed, time.Now)}
	l.rng = l.chance("life")
	l.store.asValue = seed%4 > 0
	l.Sleep = sleep
	l.Fault = l.draw
	for i := range 60 {
		l.pool = append(l.pool, netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(10 + i/3)}))
	}
	l.faulty = []float64{0, 0.01, 0.03, 0.08}[l.rng.IntN(4)]
	l.Interval = time.Duration(20+l.rng.IntN(100)) * time.Second
	l.Rounds = 40 + l.rng.IntN(60)
	l.Skewed = l.rng.IntN(5) == 0
	if l.rng.IntN(2) == 0 {
		l.Deadline = 45 * time.Second
	}
	l.drawName()
	l.drawPolicy()
	l.drawGroup()
	return l
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (l *Life) drawName() {
	if l.rng.IntN(6) == 0 {
		l.Binding.Hostnames = append(l.Binding.Hostnames, "old.example.com")
	}
	if l.rng.IntN(3) > 0 {
		l.Zone.Answer = 1 + l.rng.IntN(13)
	}
	switch l.rng.IntN(8) {
	case 0:
		l.Zone.Cache, l.pool = time.Minute, l.pool[:15] // few, for a cache proves an absence slowly
	case 1:
		admit := l.Policy.Admit
		l.Policy = mooring.WholePolicy()
		l.Policy.Admit = admit
		l.Zone.Answer = 60
	case 2:
		l.Zone.MaxLookups = 3
	case 3, 4:
		l.Zone.All = true
	}
	for _, name := range l.Binding.Hostnames {
		l.SetTruth(name, l.some(1+l.rng.IntN(30)))
	}
}

func (l *Life) drawPolicy() {
	p := &l.Policy
	switch l.rng.IntN(12) {
	case 0:
		p.Mode = mooring.ModeAddOnly
	case 1:
		p.Adopt = mooring.AdoptAll
	case 2:
		p.Mode = mooring.ModeObserve
	}
	if l.rng.IntN(2) == 0 {
		return
	}
	p.Misses = 1 + l.rng.IntN(6)
	p.Hold = time.Duration(l.rng.IntN(4)) * time.Minute
	p.MaxLeave = []float64{0.1, 0.34, 1}[l.rng.IntN(3)]
	p.MinTargets = 1 + l.rng.IntN(4)
}

func (l *Life) drawGroup() {
	g := l.Group
	g.HealthyAfter = time.Duration(l.rng.IntN(4)) * 90 * time.Second
	g.DrainFor = time.Duration(l.rng.IntN(3)) * 150 * time.Second
	switch l.rng.IntN(4) {
	case 0:
		g.CrossZone, l.CrossZone = false, mooring.CrossZoneOff
	case 1:
		g.CrossZone, l.CrossZone = false, mooring.CrossZoneUnknown
	}
}

// some draws n different addresses.
func (l *Life) some(n int) []netip.Addr {
	out := slices.Clone(l.pool)
	l.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// draw is the fate of one call.
func (l *Life) draw(p *Process, c Call) Fault {
	rng := p.group
	switch c {
	case CallFind:
		rng = p.find
	case CallLoad, CallSave:
		rng = p.store
	case CallInspect: // runs beside the group's other calls, so it must not share their luck
		rng = l.chance(p.Name + " inspect")
	}
	if l.calm.Load() || rng.Float64() >= l.faulty {
		return ""
	}
	faults := FaultsOf(c)
	return faults[rng.IntN(len(faults))]
}

// Faulty is the chance that a call fails.
func (l *Life) Faulty() float64 { return l.faulty }

// Live runs the troubled part, then the calm one, and returns the promises that were broken.
func (l *Life) Live(ctx context.Context) []string {
	for range l.Rounds {
		l.pass(l.Interval)
		l.happen()
		p := l.process()
		l.disturb(ctx, p)
		if l.rng.IntN(4) == 0 {
			l.runs.Go(func() { l.round(ctx, p) })
			continue
		}
		l.round(ctx, p)
	}
	l.runs.Wait()
	l.settle(ctx)
	return l.Broken()
}

func (l *Life) pass(d time.Duration) {
	l.Sleep(context.Background(), d+time.Duration(l.rng.Int64N(int64(time.Second))))
}

func (l *Life) process() *Process {
	l.number++
	p := l.NewProcess(fmt.Sprintf("run %d", l.number))
	l.mu.Lock()
	skewed := l.Skewed && !l.calm.Load()
	l.mu.Unlock()
	if skewed {
		p.Step(time.Duration(l.rng.Int64N(int64(4*time.Hour))) - 2*time.Hour)
	}
	return p
}

func (l *Life) round(ctx context.Context, p *Process) {
	if l.daemons != nil {
		return // they run by themselves
	}
	if l.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Deadline)
		defer cancel()
	}
	p.Round(ctx)
}

// disturb lets something happen to a process at one of its points: it crashes, it pauses, its clock is
// stepped, another run begins and overtakes it, or everybody who was missing comes back.
func (l *Life) disturb(ctx context.Context, p *Process) {
	if l.faulty == 0 || l.rng.IntN(3) > 0 {
		return
	}
	where := Points()[l.rng.IntN(len(Points()))]
	what := []string{"crash", "pause", "duplicate", "step", "return"}[l.rng.IntN(5)]
	long := time.Duration(1+l.rng.IntN(20)) * time.Second
	if l.rng.IntN(3) == 0 {
		long = time.Duration(1+l.rng.IntN(120)) * time.Minute
	}
	other, step := l.process(), long
	if l.rng.IntN(2) == 0 {
		step = -long
	}
	var met atomic.Bool
	p.At = func(at Point) {
		if at != where || !met.CompareAndSwap(false, true) {
			return
		}
		l.mu.Lock()
		l.meet(what + " at " + string(at))
		l.note("%s: %s at %s (%s)", p.Name, what, at, long)
		l.mu.Unlock()
		switch what {
		case "crash":
			p.Crash()
		case "pause":
			sleep(context.Background(), long)
		case "duplicate":
			l.runs.Go(func() { l.round(ctx, other) })
			sleep(context.Background(), long)
		case "step":
			l.step(p, step)
			sleep(context.Background(), long)
		case "return":
			l.comeBack()
		}
	}
}
