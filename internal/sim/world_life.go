package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Life is a world with a fate. It is lived in virtual time, so only inside a testing/synctest bubble is it quick.
type Life struct {
	*World
	Interval time.Duration
	Deadline time.Duration // of a round; 0: none
	Rounds   int           // of the troubled part
	NoHands  bool          // no operator changes the group

	born    time.Time
	died    time.Time
	ran     atomic.Int64
	turns   map[int][]string
	current *run // whose turns are being carried out
	calm    atomic.Bool
	runs    sync.WaitGroup
	calmly  int // rounds in calm

	faulty  float64    // chance that a call fails
	rng     *rand.Rand // of daemons
	daemons []*Daemon  // that live in place of single rounds
	hired   int        // of them, so far
}

// A run is a round to be, with what will befall it.
type run struct {
	*Process
	number int
	aside  bool // nobody waits for it
	rival  *Process
}

// NewLife draws the fate of a seed, over an hour or two.
func NewLife(seed uint64) *Life { return DrawFate(seed, 90*time.Minute).Life() }

// Life makes the world. Turns that cannot be carried out break the life.
func (f Fate) Life() *Life {
	l := &Life{World: NewWorld(f.Seed, time.Now), Interval: time.Minute, turns: map[int][]string{}, born: time.Now()}
	l.rng, l.most = l.chance("life"), f.most
	l.Sleep, l.Fault = sleep, l.draw
	for _, t := range f.Turns {
		l.turns[t.Round] = append(l.turns[t.Round], t.Command)
		l.Rounds = max(l.Rounds, t.Round)
	}
	l.current = &run{Process: l.process("nobody", 0)}
	l.obeyAll(0)
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

// Live runs the troubled part, then the calm one, and returns the promises that were broken.
func (l *Life) Live(ctx context.Context) []string {
	for n := 1; n <= l.Rounds && !l.over(); n++ {
		l.pass(n, l.Interval)
		r := &run{Process: l.process("run", n), number: n}
		l.current = r
		l.obeyAll(n)
		if r.aside {
			l.runs.Go(func() { l.round(ctx, r.Process) })
			continue
		}
		l.round(ctx, r.Process)
	}
	l.runs.Wait()
	if !l.over() {
		l.settle(ctx)
	}
	l.died = l.Now()
	return l.Broken()
}

// over tells whether a promise was broken: what comes after that says nothing more.
func (l *Life) over() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.broken) > 0 }

// obeyAll carries out the turns of a round.
func (l *Life) obeyAll(round int) {
	for _, command := range l.turns[round] {
		if err := cmp.Or(l.obey(parseArgs(strings.Fields(command))), l.affordable()); err != nil {
			l.broke(fmt.Sprintf("the fate: %s: %v", command, err))
		}
	}
}

func (l *Life) obey(a args) error {
	if do, ok := lifeCommands[a.word]; ok {
		return do(l, a)
	}
	if l.NoHands && (a.word == "operator" || a.get("deleted", "") != "") {
		return nil
	}
	_, err := worldCommands[a.word](l.World, a)
	if errors.As(err, new(*APIError)) {
		return nil // the group refuses it, as it would
	}
	return err
}

// pass lets an interval go by, and up to a second more.
func (l *Life) pass(round int, d time.Duration) {
	more := l.chance(fmt.Sprint("pass ", round)).Int64N(int64(time.Second))
	l.Sleep(context.Background(), d+time.Duration(more))
}

func (l *Life) process(what string, number int) *Process {
	return l.NewProcess(fmt.Sprintf("%s %d", what, number))
}

func (l *Life) round(ctx context.Context, p *Process) {
	if l.daemons != nil {
		return // they run by themselves
	}
	if !l.affords() {
		l.broke("the fate: " + errFate.Error())
		return
	}
	l.ran.Add(1)
	if l.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Deadline)
		defer cancel()
	}
	p.Round(ctx)
}

// draw is the fate of one call: what its run was told to meet, and for daemons whatever chance brings.
func (l *Life) draw(p *Process, c Call) Fault {
	switch {
	case l.calm.Load():
		return ""
	case l.daemons == nil:
		return p.meets[p.moment(c)]
	}
	rng := p.group
	switch c {
	case CallFind:
		rng = p.find
	case CallLoad, CallSave:
		rng = p.store
	case CallInspect: // runs beside the group's other calls, so it must not share their luck
		rng = l.chance(p.Name + " inspect")
	}
	if rng.Float64() >= l.faulty {
		return ""
	}
	faults := FaultsOf(c)
	return faults[rng.IntN(len(faults))]
}

// A moment is a call in the course of a round.
type moment string

// The moments beside those that are named as their calls.
const (
	momentLook  moment = "look"  // the second look at the name
	momentLearn moment = "learn" // the save of what applying taught
)

func moments() []moment {
	return []moment{
		moment(CallFind), momentLook, moment(CallDescribe), moment(CallInspect), moment(CallRegister), moment(CallDeregister),
		moment(CallLoad), moment(CallSave), momentLearn,
	}
}

// call is which call a moment is.
func (m moment) call() Call {
	switch m {
	case momentLook:
		return CallFind
	case momentLearn:
		return CallSave
	default:
		return Call(m)
	}
}

// moment tells where in its round a process is with a call.
func (p *Process) moment(c Call) moment {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	switch {
	case c == CallFind && p.rec.decided:
		return momentLook
	case c == CallSave && p.rec.saveTried:
		return momentLearn
	default:
		return moment(c)
	}
}

// Faulty is the chance that a call fails.
func (l *Life) Faulty() float64 { return l.faulty }

// Lived is how long it lasted.
func (l *Life) Lived() time.Duration { return l.died.Sub(l.born) }

// Ran is how many rounds were run.
func (l *Life) Ran() int { return int(l.ran.Load()) }
