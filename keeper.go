package mooring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Keeper keeps one binding: it runs rounds. All fields but Tell and Mirror are required.
type Keeper struct {
	Binding Binding
	Policy  Policy
	Finder  Finder
	Group   Group
	Store   Store
	Program string // the version of mooring, noted in what it saves
	Log     *slog.Logger

	// Now is the wall clock, and Decide the judgement: [time.Now] and [Decide]. Simulated worlds skew the one
	// and replace the other.
	Now    func() time.Time
	Decide func(Policy, Memory, Observation, Holding, time.Time) Plan

	// Tell, if there is one, is told of each round that changed the group. Its error is a warning.
	Tell func(context.Context, Report) error

	// Mirror, if there is one, is given what is remembered at the end of each round that may change the group, so that
	// it can be kept in another form too; who was not registered after all is not in what the round left. A memory that was
	// not saved, or may not have been, is not given. Its error is a warning, and it has 5 seconds.
	Mirror func(context.Context, Memory) error

	settings atomic.Pointer[Settings] // as inspected last
	paused   atomic.Pointer[Pause]    // as remembered last
}

const (
	// planLife is how long a plan may be acted on. An older one is dropped: the world has moved on.
	planLife = 30 * time.Second
	// roundLife is how long after its beginning a round may act: what it was told of the group is as old as that.
	roundLife = 45 * time.Second
	// lookTime is how long the second look may take, and lookLife how long after it somebody may leave.
	lookTime = 10 * time.Second
	lookLife = 5 * time.Second
	// callReserve is what must be left of the deadline when a call that changes the group begins.
	callReserve = 3 * time.Second
)

// Round runs one round: observe, decide, remember, apply. What went wrong is in the report.
func (k *Keeper) Round(ctx context.Context) Report { return k.round(ctx, true) }

// Plan is the round stopped after its decision. It changes nothing.
func (k *Keeper) Plan(ctx context.Context) Report { return k.round(ctx, false) }

func (k *Keeper) round(ctx context.Context, apply bool) Report {
	began := time.Now()
	r := &report{Report: newReport(k.Binding)}
	s := k.observe(ctx)
	r.saw(s)
	if i := s.memory.Import; i != nil {
		r.warn("this is a first run: %s", i.taken())
	}
	if s.groupErr != nil {
		r.fail(fmt.Errorf("list targets of %s: %w", k.Binding.Name, s.groupErr))
		return r.done(ctx, k.Log, time.Since(began))
	}
	plan, err := k.decide(ctx, s)
	r.planned(plan)
	if err != nil {
		r.fail(fmt.Errorf("inspect the target group of %s: %w", k.Binding.Name, err))
		return r.done(ctx, k.Log, time.Since(began))
	}
	apply = apply && plan.Paused == Pause{}
	acts := apply && k.Policy.Mode != ModeObserve
	if !acts {
		r.Planned = &PlannedReport{Register: addrsOf(plan.Register), Deregister: addrsOf(plan.Deregister)}
	}
	switch {
	case apply && ctx.Err() == nil:
		ctx, cancel := shield(ctx)
		defer cancel()
		plan, tag := k.remember(ctx, r, s, plan)
		if acts {
			memory := k.apply(ctx, r, plan, tag, func() error { return k.permit(ctx, s) })
			k.tell(ctx, r, plan)
			k.mirror(ctx, r, memory, tag)
		}
	case apply && plan.Changed && errors.Is(ctx.Err(), context.DeadlineExceeded): // it was frozen, for one
		r.fail(fmt.Errorf("not done: the time of the round of %s was over before it could act: %w", k.Binding.Name, context.Cause(ctx)))
	}
	k.warnOfEmptyZones(ctx, r, s, plan)
	return r.done(ctx, k.Log, time.Since(began))
}

// shield keeps what was begun from being cut short when the process is told to end. The deadline stays.
func shield(ctx context.Context) (context.Context, context.CancelFunc) {
	whole := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(whole, deadline)
	}
	return context.WithCancel(whole)
}

// A sight is what the three reads of a round saw.
type sight struct {
	began       age // before the first read
	observation Observation
	age         age // of the observation, and so of every plan made from it
	holding     Holding
	groupErr    error
	memory      Memory
	tag         string
	memoryErr   error
	inspect     func() (Settings, error) // nil where the group has no settings
}

// observe reads name, group and memory at the same time.
func (k *Keeper) observe(ctx context.Context) sight {
	s := sight{began: k.startAge(), holding: Holding{Port: k.Binding.Port}}
	memory := background(func() { k.recall(ctx, &s) })
	group := background(func() { s.holding.Targets, s.groupErr = k.Group.Targets(ctx) })
	s.observation = k.Finder.Find(ctx, func(ctx context.Context) []netip.Addr {
		if !wait(ctx, group, memory) || s.groupErr != nil || s.memoryErr != nil {
			return nil
		}
		return tracked(k.Policy, s.memory, s.holding)
	})
	s.age = k.startAge()
	group.join()
	if g, ok := k.Group.(Inspector); ok && s.groupErr == nil {
		s.inspect = sync.OnceValues(func() (Settings, error) { return g.Inspect(ctx) })
		if k.adds(s.observation, s.holding) {
			background(func() { _, _ = s.inspect() }) // needed in any case, so not after the memory has come; whoever asks meets its panic
		}
	}
	memory.join()
	if s.memoryErr == nil {
		remembered := s.memory.Paused
		k.paused.Store(&remembered)
		return s
	}
	s.memory, s.tag = Memory{Unusable: s.memoryErr.Error()}, ""
	if paused := k.paused.Load(); paused != nil { // an operator's word outlives a memory that cannot be read for a while
		s.memory.Paused = *paused
	}
	return s
}

// An Elder is a [Store] that knows where an older function keeps its state.
type Elder interface {
	// Older returns what the older function remembers now; nil where there is nothing.
	Older(ctx context.Context) (*Import, error)
}

// recall reads the memory and, where another program may be at work, beside it what an older function remembers.
func (k *Keeper) recall(ctx context.Context, s *sight) {
	var older *Import
	elder, ok := k.Store.(Elder)
	var reading *task
	look := func() { older, _ = elder.Older(ctx) } // of use only where it can be had
	if ok && k.Policy.Mode == ModeObserve {
		reading = background(look)
	}
	s.memory, s.tag, s.memoryErr = k.Store.Load(ctx)
	switch {
	case reading != nil:
		reading.join()
	case ok && s.memory.Others.Rounds > 0:
		look()
	}
	if older != nil {
		s.memory.Older = older.Written
	}
}

// tracked are the addresses of ours in the group, about whose absence the round must know.
func tracked(p Policy, m Memory, h Holding) []netip.Addr {
	if p.Mode == ModeAddOnly || m.Unusable != "" {
		return nil
	}
	var out []netip.Addr
	for _, t := range newRound(p, m, Observation{}, h, time.Time{}).ours {
		out = append(out, t.Addr)
	}
	return out
}

// adds tells whether something was observed that is not registered.
func (k *Keeper) adds(o Observation, h Holding) bool {
	registered := h.registered()
	return slices.ContainsFunc(o.Addrs(), func(a netip.Addr) bool {
		return k.Policy.Admits(a) && !slices.ContainsFunc(registered, func(t Target) bool { return t.Addr == a })
	})
}

// decide makes the plan. The group is inspected only before a write, and its cross-zone attribute is waited
// for only where the plan depends on it.
func (k *Keeper) decide(ctx context.Context, s sight) (Plan, error) {
	now := k.Now()
	with := func(c CrossZone) Plan {
		h := s.holding
		h.CrossZone = c
		return k.Decide(k.Policy, s.memory, s.observation, h, now)
	}
	if s.inspect == nil {
		return with(CrossZoneOn), nil // a group without settings has no zones
	}
	plan := with(CrossZoneOff)
	if len(plan.Register) == 0 && len(with(CrossZoneOn).Deregister) == 0 {
		return plan, nil
	}
	settings, err := s.inspect()
	if err != nil {
		return plan, err
	}
	k.settings.Store(&settings)
	if len(with(CrossZoneOn).Deregister) != len(plan.Deregister) {
		plan = with(settings.CrossZone(ctx))
	}
	plan.Warnings = append(plan.Warnings, settings.Warnings()...)
	return plan, nil
}

// remember saves the next memory before anything is done by it. Without that save nobody leaves.
func (k *Keeper) remember(ctx context.Context, r *report, s sight, plan Plan) (Plan, string) {
	if s.memory.Unusable != "" {
		r.memoryFailed(k.Binding.Name, s.memoryErr)
		r.Unremembered = s.memoryErr != nil // and not where there is none by configuration
		return plan, ""
	}
	if !plan.Changed && (len(plan.Deregister) == 0 || k.Policy.Mode == ModeObserve) {
		return plan, s.tag
	}
	plan.Memory = k.stamp(s.memory, plan.Memory)
	tag, err := k.Store.Save(ctx, plan.Memory, s.tag)
	if err == nil {
		return plan, tag
	}
	r.memoryFailed(k.Binding.Name, err)
	r.Unremembered = !errors.Is(err, ErrConflict)
	return plan.keepAll("memory", fmt.Sprintf("could not confirm that it was saved: %v", err)), ""
}

func (k *Keeper) stamp(last, next Memory) Memory {
	next.Version, next.Revision, next.Program, next.Saved = MemoryVersion, last.Revision+1, k.Program, k.Now().UTC().Round(0)
	for i := range next.Decisions {
		if next.Decisions[i].Program == "" {
			next.Decisions[i].Program = k.Program
		}
	}
	return next
}

// apply registers, then deregisters. A registration that could not be confirmed keeps everyone. It returns the memory, which
// knows who was registered.
func (k *Keeper) apply(ctx context.Context, r *report, plan Plan, tag string, permit Permit) Memory {
	var outcome Outcome
	if len(plan.Register) > 0 {
		var err error
		outcome, err = k.Group.Register(ctx, plan.Register, permit)
		r.registered(outcome)
		if err != nil {
			r.fail(k.unconfirmed("register", err))
			plan = plan.keepAll("registration", "not everyone who is new could be registered")
		}
		if len(outcome.Registered) == 0 && len(outcome.Refused) == len(plan.Register) && plan.Ours == 0 {
			r.fail(fmt.Errorf("register targets of %s: the group refuses all %d, the first because of: %s",
				k.Binding.Name, len(outcome.Refused), outcome.Refused[0].Reason))
		}
	}
	if len(plan.Deregister) > 0 {
		plan = k.lookAgain(ctx, plan)
	}
	if len(plan.Deregister) > 0 {
		looked := k.startAge()
		gone, err := k.Group.Deregister(ctx, plan.Deregister, func() error {
			return cmp.Or(permit(), k.younger(looked, lookLife, "the second look"))
		})
		r.deregistered(gone)
		if err != nil {
			r.fail(k.unconfirmed("deregister", err))
		}
	}
	if plan.Ours == 0 && len(plan.Register) == 0 && len(plan.Refused) > 0 {
		r.fail(fmt.Errorf("register targets of %s: all %d are set aside, the first because of: %s",
			k.Binding.Name, len(plan.Refused), plan.Refused[0].Reason))
	}
	r.kept(plan.Held)
	corrected := plan.Memory.unregistered(plan.Register, outcome.Registered)
	next := corrected
	if permit() != nil { // it is too late in this round to correct what it meant to do
		next = plan.Memory
	}
	k.learn(ctx, r, plan.Memory, next, outcome, tag)
	return corrected
}

// lookAgain resolves the name once more right before somebody leaves. A round may have been slow, and an address
// may have come back since it looked, which a run that overlaps this one may have seen without our knowing.
func (k *Keeper) lookAgain(ctx context.Context, plan Plan) Plan {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	again := k.Finder.Find(ctx, func(context.Context) []netip.Addr { return addrsOf(plan.Deregister) })
	if !again.conclusive() {
		return plan.keepAll("inconclusive", cmp.Or(again.Inconclusive, "nothing was observed")+" (on the second look)")
	}
	if ctx.Err() != nil { // whatever it saw, that may be long ago: the process may have been frozen in it
		return plan.keepAll("inconclusive", fmt.Sprintf("timeout: the second look took over %s", lookTime))
	}
	seen := again.Addrs()
	return plan.keep("seen again", "on the second look", func(t Target) bool { return slices.Contains(seen, t.Addr) })
}

// learn saves what applying taught: who was not registered after all, who was refused, and which zone was accepted.
func (k *Keeper) learn(ctx context.Context, r *report, saved, next Memory, outcome Outcome, tag string) {
	if tag == "" {
		return
	}
	next = next.learned(k.Policy, outcome, k.Now().UTC().Round(0))
	r.refused(next)
	if next.Same(saved) {
		return
	}
	if _, err := k.Store.Save(ctx, k.stamp(saved, next), tag); err != nil {
		r.warn("what this round learned was not saved, and will be learned again: %v", err)
	}
}

// An age tells how old an observation is, by the larger of wall and monotonic time: a frozen machine stops the one,
// a stepped clock the other.
type age struct{ mono, wall time.Time }

func (k *Keeper) startAge() age { return age{mono: time.Now(), wall: k.Now().Round(0)} }

func (k *Keeper) permit(ctx context.Context, s sight) error {
	if ctx.Err() != nil {
		return forbidden{context.Cause(ctx)}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < callReserve {
		return forbidden{errors.New("too little time is left in this round")}
	}
	return cmp.Or(k.younger(s.age, planLife, "the plan"), k.younger(s.began, roundLife, "the round"))
}

func (k *Keeper) younger(a age, limit time.Duration, what string) error {
	if old := max(time.Since(a.mono), k.Now().Round(0).Sub(a.wall)); old > limit {
		return forbidden{fmt.Errorf("%s is %s old, over the limit of %s", what, old.Round(time.Second), limit)}
	}
	return nil
}

// A forbidden error is a call that was not made.
type forbidden struct{ error }

func (f forbidden) Unwrap() error { return f.error }

// unconfirmed says of a failed change whether it may have happened.
func (k *Keeper) unconfirmed(action string, err error) error {
	doubt := "could not confirm"
	if errors.As(err, new(forbidden)) || errors.Is(err, ErrDenied) {
		doubt = "not done"
	}
	return fmt.Errorf("%s: %s targets of %s: %w", doubt, action, k.Binding.Name, err)
}

func addrsOf(targets []Target) []netip.Addr {
	out := make([]netip.Addr, 0, len(targets))
	for _, t := range targets {
		out = append(out, t.Addr)
	}
	return out
}
