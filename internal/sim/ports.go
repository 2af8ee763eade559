package sim

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"mooring"
)

// A Point is an arrow of the flow, where a process may crash, pause, or be overtaken.
type Point string

// The points, in the order in which a round passes them.
const (
	PointFound        Point = "found"        // the name was looked up
	PointDescribed    Point = "described"    // the group was read
	PointLoaded       Point = "loaded"       // the memory was read
	PointDecide       Point = "decide"       // all three were
	PointSave         Point = "save"         // about to remember
	PointSaved        Point = "saved"        // remembered
	PointRegister     Point = "register"     // about to register
	PointRegistered   Point = "registered"   // registered
	PointLook         Point = "look"         // about to look a second time
	PointLooked       Point = "looked"       // looked a second time
	PointDeregister   Point = "deregister"   // about to deregister
	PointDeregistered Point = "deregistered" // deregistered
)

// Points returns all of them.
func Points() []Point {
	return []Point{
		PointFound, PointDescribed, PointLoaded, PointDecide, PointSave, PointSaved, PointRegister, PointRegistered,
		PointLook, PointLooked, PointDeregister, PointDeregistered,
	}
}

var errCrashed = errors.New("the process is gone")

// A Process runs one round in a world, through the ports of package mooring.
type Process struct {
	Name string
	At   func(Point) // called at every point, by three goroutines during the reads; nil: nothing happens there

	w       *World
	binding mooring.Binding // as it was when the process began,
	policy  mooring.Policy
	target  *TargetGroup // and its group

	meets map[moment]Fault // what befalls its calls
	dead  atomic.Bool
	skew  atomic.Int64 // nanoseconds by which its wall clock is ahead
	thaws atomic.Int64 // when it goes on, in nanoseconds of Unix time
	rec   record       // guarded by the world's lock

	wire  *wire // of its look; nil: it has not looked. Guarded by the world's lock,
	looks int   // as is how often it did

	find, group, store *rand.Rand // one each, for the three reads run at the same time
}

// NewProcess returns a process that has not begun. Its name decides its luck.
func (w *World) NewProcess(name string) *Process {
	return &Process{
		Name: name, w: w,
		find: w.chance(name + " find"), group: w.chance(name + " group"), store: w.chance(name + " store"),
	}
}

// Crash ends the process where it is: nothing that it does from now on reaches the world.
func (p *Process) Crash() { p.dead.Store(true) }

// Wall is the time by the process's own clock.
func (p *Process) Wall() time.Time { return p.w.Now().Add(time.Duration(p.skew.Load())) }

// Step moves the process's own clock.
func (p *Process) Step(by time.Duration) { p.skew.Add(int64(by)) }

// Round runs the round.
func (p *Process) Round(ctx context.Context) mooring.Report {
	p.configure()
	p.begin()
	p.endsBy(ctx)
	k := p.keeper()
	k.Decide = p.decide()
	report := k.Round(ctx)
	if !p.dead.Load() {
		p.ended(report)
	}
	return report
}

// configure reads the configuration, which a process keeps for as long as it lives.
func (p *Process) configure() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.binding, p.policy, p.target = p.w.Binding, p.w.Policy, p.w.Group
}

// endsBy notes the deadline of the round that begins.
func (p *Process) endsBy(ctx context.Context) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.rec.deadline, _ = ctx.Deadline()
}

// keeper is a keeper over the world's ports.
func (p *Process) keeper() *mooring.Keeper {
	k := &mooring.Keeper{
		Binding: p.binding, Policy: p.policy, Finder: p.finder(), Group: group{p}, Store: store{p}, Program: "sim",
		Log: slog.New(slog.DiscardHandler), Now: p.Wall, Decide: p.w.Decide, Mirror: p.w.Mirror,
	}
	if p.w.elder != nil {
		k.Store = elder{store{p}}
	}
	return k
}

// decide is the world's judgement, with a point before it.
func (p *Process) decide() func(mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) mooring.Plan {
	return func(pol mooring.Policy, m mooring.Memory, o mooring.Observation, h mooring.Holding, _ time.Time) mooring.Plan {
		if p.decides() {
			_ = p.reach(PointDecide)
			p.judges()
		}
		return p.w.Decide(pol, m, o, h, p.Wall())
	}
}

// reach passes a point. An error means that the process is gone.
func (p *Process) reach(at Point) error {
	if p.dead.Load() {
		return errCrashed
	}
	if p.At != nil {
		p.At(at)
	}
	p.frozen()
	if p.dead.Load() {
		return errCrashed
	}
	return nil
}

// spend lets a call take its time.
func (p *Process) spend(ctx context.Context, rng *rand.Rand) {
	if p.w.Sleep != nil {
		p.w.Sleep(ctx, time.Millisecond+time.Duration(rng.Int64N(int64(40*time.Millisecond))))
	}
}

// ended checks what can be said only of a whole round.
func (p *Process) ended(r mooring.Report) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.learned()
	for _, h := range r.Plan.Held {
		p.w.meet("held " + h.Guard)
	}
	if o := r.Others; o != nil {
		for _, step := range o.Steps {
			p.w.meet("step of another")
			p.w.note("%s: another %s %s: %s, %s", p.Name, step.Action, step.Addr, step.Verdict, step.Why)
		}
		if o.Another != "" {
			p.w.meet("another program")
		}
	}
	p.judge(r)
	if len(r.Registered)+len(r.Deregistered)+len(r.Held) > 0 || r.Error != "" || r.Inconclusive != "" {
		p.w.note("%s: round ends: %d registered, deregistered %s, %d held, inconclusive %q, error %q",
			p.Name, len(r.Registered), words(r.Deregistered), len(r.Held), r.Inconclusive, r.Error)
	}
}
