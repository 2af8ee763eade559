package mooring_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
)

// A desk is a world small enough to be read at a glance: it implements the three ports, does what it is told,
// and notes in which order.
type desk struct {
	names   []mooring.Observation // one a look; the last one stays
	targets []mooring.Target
	memory  mooring.Memory
	tag     string

	loadErr, saveErr, targetsErr, registerErr, inspectErr error
	refuse                                                netip.Addr
	reason                                                string // why it is refused
	crossZone                                             mooring.CrossZone
	zones                                                 []string // of the load balancer
	asked                                                 int      // how often the cross-zone attribute was asked for
	shy                                                   string   // who is seen by a second look that asks on after them, and by no other
	before                                                func()   // called before a change of the group is permitted
	loading                                               func()   // called before the memory comes, which the name does not wait for then

	events []string
	saved  []mooring.Memory
}

func (d *desk) note(format string, args ...any) {
	d.events = append(d.events, fmt.Sprintf(format, args...))
}

func (d *desk) Find(ctx context.Context, tracked func(context.Context) []netip.Addr) mooring.Observation {
	o := d.names[0]
	if len(d.names) > 1 {
		d.names = d.names[1:]
	}
	if d.loading == nil {
		asked, again := tracked(ctx), slices.Contains(d.events, "look")
		if shy := addrs(d.shy); again && slices.ContainsFunc(shy, func(a netip.Addr) bool { return slices.Contains(asked, a) }) {
			o.Answers = append(slices.Clone(o.Answers), answers(1, d.shy).Answers...)
		}
	}
	d.note("look")
	return o
}

func (d *desk) Targets(context.Context) ([]mooring.Target, error) { return d.targets, d.targetsErr }

func (d *desk) permitted(permit mooring.Permit) error {
	if d.before != nil {
		d.before()
	}
	return permit()
}

func (d *desk) Register(_ context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	var out mooring.Outcome
	if err := d.permitted(permit); err != nil {
		return out, err
	}
	d.note("register %s", names(targets))
	for _, t := range targets {
		if t.Addr == d.refuse {
			out.Refused = append(out.Refused, mooring.Refused{Target: t, Reason: cmp.Or(d.reason, "not supported")})
			continue
		}
		out.Registered = append(out.Registered, t)
	}
	return out, d.registerErr
}

func (d *desk) Deregister(_ context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := d.permitted(permit); err != nil {
		return nil, err
	}
	d.note("deregister %s", names(targets))
	return targets, nil
}

func (d *desk) Inspect(context.Context) (mooring.Settings, error) {
	return mooring.Settings{
		CrossZone: func(context.Context) mooring.CrossZone { d.asked++; return d.crossZone },
		Zones:     func(context.Context) []string { return d.zones },
		Warnings:  func() []string { return nil },
	}, d.inspectErr
}

func (d *desk) Load(context.Context) (mooring.Memory, string, error) {
	if d.loading != nil {
		d.loading()
	}
	return d.memory, d.tag, d.loadErr
}

func (d *desk) Save(_ context.Context, m mooring.Memory, tag string) (string, error) {
	if d.saveErr != nil {
		d.note("save fails")
		return "", d.saveErr
	}
	d.note("save")
	d.saved = append(d.saved, m)
	return tag + "+", nil
}

func names(targets []mooring.Target) string {
	var out []string
	for _, t := range targets {
		out = append(out, t.Addr.String())
	}
	return strings.Join(out, " ")
}

func (d *desk) keeper() *mooring.Keeper {
	return &mooring.Keeper{
		Binding: mooring.Binding{Name: "web-443", Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:web"},
		Policy:  mooring.DefaultPolicy(),
		Finder:  d, Group: d, Store: d,
		Program: "test", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return noon }, Decide: mooring.Decide,
	}
}

// leaving is a desk where 10.0.0.3 has been missed twice, 10.0.0.4 is new, and a round is about to tell.
func leaving() *desk {
	m := knowing("10.0.0.1 10.0.0.2 10.0.0.3")
	e := &m.Addresses[2]
	e.Missed, e.Evidence, e.MissingSince, e.LastMiss = 2, 17, noon.Add(-2*time.Minute), noon.Add(-time.Minute)
	m.Revision = 7
	return &desk{
		names:   []mooring.Observation{answers(40, "10.0.0.1 10.0.0.2 10.0.0.4")},
		targets: append(healthy("10.0.0.1 10.0.0.2 10.0.0.3"), healthy("10.0.0.9")...),
		memory:  m, tag: "seven", crossZone: mooring.CrossZoneOn,
	}
}

// spare leaves nobody new, so that make-before-break has enough healthy targets without 10.0.0.3.
func spare(d *desk) *desk {
	d.names = []mooring.Observation{answers(40, "10.0.0.1 10.0.0.2")}
	return d
}

func (d *desk) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(d.events, want) {
		t.Errorf("it did\n  %s\nwant\n  %s", strings.Join(d.events, "\n  "), strings.Join(want, "\n  "))
	}
}

func heldBy(r mooring.Report, word string) bool {
	return slices.ContainsFunc(r.Held, func(h mooring.HeldReport) bool { return strings.HasPrefix(h.Reason, word+": ") })
}

func TestARoundRemembersThenLooksAgainThenDeregisters(t *testing.T) {
	d := spare(leaving())
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save", "look", "deregister 10.0.0.3")
	if r.Err != nil || len(r.Deregistered) != 1 || !slices.Equal(r.Unmanaged, []string{"10.0.0.9"}) {
		t.Errorf("%+v", r)
	}
	if m := d.saved[0]; m.Revision != 8 || m.Program != "test" || m.Decisions[len(m.Decisions)-1].Program != "test" {
		t.Errorf("saved revision %d by %q", m.Revision, m.Program)
	}
}

func TestARoundRegistersBeforeAnybodyLeaves(t *testing.T) {
	d := leaving()
	d.names = []mooring.Observation{answers(40, "10.0.0.1 10.0.0.4")}
	d.memory.Addresses[1].Missed, d.memory.Addresses[1].MissingSince = 0, time.Time{}
	for i := range d.targets {
		d.targets[i].Health = mooring.HealthUnused // health says nothing, so make-before-break does not hold
	}
	d.keeper().Round(t.Context())
	d.expect(t, "look", "save", "register 10.0.0.4", "look", "deregister 10.0.0.3")
}

func TestALostSaveRegistersAndRemovesNobody(t *testing.T) {
	d := leaving()
	d.saveErr = mooring.ErrConflict
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save fails", "register 10.0.0.4")
	if !r.OK() || len(r.Warnings) == 0 {
		t.Errorf("an overlapping run is harmless, and worth a warning: %+v", r)
	}

	d = spare(leaving())
	d.saveErr = mooring.ErrConflict
	if r = d.keeper().Round(t.Context()); !heldBy(r, "memory") {
		t.Errorf("held: %+v", r.Held)
	}
	d.expect(t, "look", "save fails")
}

func TestAnUnconfirmedSaveRemovesNobodyAndIsAnError(t *testing.T) {
	d := spare(leaving())
	d.saveErr = errors.New("503 slow down")
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save fails")
	if r.OK() || !heldBy(r, "memory") {
		t.Errorf("%+v", r)
	}
}

func TestUnusableMemoryIsNeverOverwrittenAndRemovesNobody(t *testing.T) {
	for _, err := range []error{fmt.Errorf("%w: newer", mooring.ErrMemory), mooring.ErrDenied, errors.New("timeout")} {
		d := leaving()
		d.loadErr = err
		r := d.keeper().Round(t.Context())
		d.expect(t, "look", "register 10.0.0.4")
		if done := errors.Is(err, mooring.ErrDenied); r.OK() != done {
			t.Errorf("%v: ok is %t; what is denied is done without, everything else somebody must look at", err, r.OK())
		}
	}
}

func TestAFailedRegistrationKeepsEveryone(t *testing.T) {
	d := leaving()
	for i := range d.targets {
		d.targets[i].Health = mooring.HealthUnused
	}
	d.registerErr = errors.New("rate exceeded")
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save", "register 10.0.0.4")
	if !strings.HasPrefix(r.Error, "could not confirm: ") || !heldBy(r, "registration") {
		t.Errorf("%+v", r)
	}
}

func TestARefusedTargetIsNoFailedRegistrationAndIsRemembered(t *testing.T) {
	d := leaving()
	for i := range d.targets {
		d.targets[i].Health = mooring.HealthUnused
	}
	d.refuse = netip.MustParseAddr("10.0.0.4")
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save", "register 10.0.0.4", "look", "deregister 10.0.0.3", "save")
	if !r.OK() || len(r.Refused) != 1 || !r.Refused[0].Until.Equal(noon.Add(10*time.Minute)) {
		t.Errorf("%+v", r)
	}
	if last := d.saved[1]; last.Revision != 9 || len(last.Refused) != 1 {
		t.Errorf("saved %+v", last)
	}
}

func TestAGroupThatRefusesEverybodyIsAnError(t *testing.T) {
	d := &desk{names: []mooring.Observation{answers(9, "10.0.0.4")}, refuse: netip.MustParseAddr("10.0.0.4")}
	k := d.keeper()
	if r := k.Round(t.Context()); r.OK() || !strings.Contains(r.Error, "refuses all 1") {
		t.Errorf("%+v", r)
	}
	d.memory = d.saved[len(d.saved)-1]
	if r := k.Round(t.Context()); r.OK() || !strings.Contains(r.Error, "all 1 are set aside") {
		t.Errorf("the round after: %+v", r)
	}
}

func TestRefusalsDouble(t *testing.T) {
	d := leaving()
	d.refuse = netip.MustParseAddr("10.0.0.4")
	k, now := d.keeper(), noon
	k.Now = func() time.Time { return now }
	for _, want := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute, 160 * time.Minute, 320 * time.Minute, 6 * time.Hour, 6 * time.Hour} {
		r := k.Round(t.Context())
		if got := r.Refused[0].Until.Sub(now); got != want {
			t.Errorf("set aside for %s, want %s", got, want)
		}
		d.memory = d.saved[len(d.saved)-1]
		if quiet := k.Plan(t.Context()); len(quiet.Planned.Register) > 0 {
			t.Error("tried again while it is set aside")
		}
		now = now.Add(want)
	}
}

// A round may be slow, and an address may come back meanwhile.
func TestWhoComesBackBeforeItLeavesStays(t *testing.T) {
	d := spare(leaving())
	d.names = append(d.names, answers(40, "10.0.0.1 10.0.0.2 10.0.0.3"))
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save", "look")
	if !heldBy(r, "seen again") || len(r.Deregistered) > 0 {
		t.Errorf("%+v", r)
	}
}

// Where all.NAME ends a search after two answers, or few questions are allowed, an address that came back is most likely seen
// by who asks on for it.
func TestTheSecondLookAsksOnAfterThoseWhoAreAboutToLeave(t *testing.T) {
	d := spare(leaving())
	d.shy = "10.0.0.3"
	r := d.keeper().Round(t.Context())
	d.expect(t, "look", "save", "look")
	if !heldBy(r, "seen again") || len(r.Deregistered) > 0 {
		t.Errorf("%+v", r)
	}
}

func TestADoubtfulSecondLookKeepsEveryone(t *testing.T) {
	d := spare(leaving())
	d.names = append(d.names, mooring.Observation{Hostnames: []string{"app.example"}, Inconclusive: "timeout: nobody answered"})
	if r := d.keeper().Round(t.Context()); !heldBy(r, "inconclusive") {
		t.Errorf("%+v", r)
	}
	d.expect(t, "look", "save", "look")
}

// A process may be frozen between its plan and its call, with its monotonic clock.
func TestAnOldPlanIsDropped(t *testing.T) {
	d := leaving()
	k, now := d.keeper(), noon
	k.Now = func() time.Time { return now }
	d.before = func() { now = now.Add(31 * time.Second) }
	r := k.Round(t.Context())
	d.expect(t, "look", "save")
	if r.OK() || len(r.Registered) > 0 {
		t.Errorf("%+v", r)
	}
}

// What the second look saw is soon old too.
func TestNobodyLeavesLongAfterTheSecondLook(t *testing.T) {
	d := spare(leaving())
	k, now := d.keeper(), noon
	k.Now = func() time.Time { return now }
	d.before = func() { now = now.Add(6 * time.Second) }
	r := k.Round(t.Context())
	d.expect(t, "look", "save", "look")
	if !strings.HasPrefix(r.Error, "not done: ") {
		t.Errorf("error %q: nothing was sent, so there is nothing to confirm", r.Error)
	}
}

// A wall clock may be set back while the time goes on.
func TestAnOldPlanIsDroppedWhateverTheWallClockSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := leaving()
		d.before = func() { pause(31 * time.Second) }
		d.keeper().Round(t.Context())
		d.expect(t, "look", "save")
	})
}

// A read that hangs ages the plan: what the name showed is as old as its answers.
func TestAPlanIsAsOldAsItsObservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := leaving()
		d.loading = func() { pause(31 * time.Second) }
		d.keeper().Round(t.Context())
		d.expect(t, "look", "save")
	})
}

// pause lets the bubble's time pass.
func pause(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	<-ctx.Done()
}

func TestNoCallBeginsRightBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		d := leaving()
		d.keeper().Round(ctx)
		d.expect(t, "look", "save")
	})
}

func TestObserveRemembersAndTouchesNothing(t *testing.T) {
	d := leaving()
	k := d.keeper()
	k.Policy.Mode = mooring.ModeObserve
	r := k.Round(t.Context())
	d.expect(t, "look", "save")
	if r.Planned == nil || len(r.Planned.Register) != 1 {
		t.Errorf("%+v", r.Planned)
	}
	for _, decided := range d.saved[0].Decisions[len(d.memory.Decisions):] {
		if decided.Action == mooring.DidRegister || decided.Action == mooring.DidDeregister {
			t.Errorf("remembered: %+v", decided)
		}
	}
}

func TestPlanChangesNothing(t *testing.T) {
	d := leaving()
	r := d.keeper().Plan(t.Context())
	d.expect(t, "look")
	if len(r.Planned.Register) != 1 || len(r.Registered) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAnIdleRoundWritesNothing(t *testing.T) {
	d := &desk{names: []mooring.Observation{answers(9, "10.0.0.1")}, targets: healthy("10.0.0.1"), memory: knowing("10.0.0.1"), tag: "one"}
	d.keeper().Round(t.Context())
	d.expect(t, "look")
}

func TestAnUnreadableGroupEndsTheRound(t *testing.T) {
	d := leaving()
	d.targetsErr = errors.New("target group not found")
	r := d.keeper().Round(t.Context())
	d.expect(t, "look")
	if r.OK() || len(r.Resolved) == 0 {
		t.Errorf("%+v", r)
	}
}

func TestAWrongGroupHaltsBeforeAnythingIsWritten(t *testing.T) {
	d := leaving()
	d.inspectErr = errors.New("the group's targets are instances")
	r := d.keeper().Round(t.Context())
	d.expect(t, "look")
	if !strings.Contains(r.Error, "instances") {
		t.Errorf("%+v", r)
	}
}

func TestTheCrossZoneAttributeIsAskedForOnlyWhereThePlanDependsOnIt(t *testing.T) {
	for _, c := range []struct {
		zone      string
		crossZone mooring.CrossZone
		asked     int
		leaves    bool
	}{
		{"eu-west-1a", mooring.CrossZoneOff, 0, true}, // others serve its zone
		{"eu-west-1c", mooring.CrossZoneOn, 1, true},
		{"eu-west-1c", mooring.CrossZoneOff, 1, false},
		{"eu-west-1c", mooring.CrossZoneUnknown, 1, true}, // and the report says that this part is blind
	} {
		d := spare(leaving())
		for i := range d.targets {
			d.targets[i].Zone = "eu-west-1a"
		}
		d.targets[2].Zone, d.crossZone = c.zone, c.crossZone
		r := d.keeper().Round(t.Context())
		if d.asked != c.asked || (len(r.Deregistered) == 1) != c.leaves {
			t.Errorf("%+v: asked %d times, deregistered %v, held %v", c, d.asked, r.Deregistered, r.Held)
		}
		blind := slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "blind") })
		if blind != (c.crossZone == mooring.CrossZoneUnknown) {
			t.Errorf("%+v: warnings %q", c, r.Warnings)
		}
	}
}

func TestAPauseOutlivesAMemoryThatCannotBeRead(t *testing.T) {
	d := leaving()
	d.memory.Paused = mooring.Pause{At: time.Date(2026, 11, 1, 11, 0, 0, 0, time.UTC), By: "ann", Why: "maintenance"}
	k := d.keeper()
	for range 2 {
		r := k.Round(t.Context())
		if !strings.Contains(r.Paused, "ann: maintenance") || len(r.Registered) > 0 || len(r.Planned.Register) != 1 {
			t.Errorf("%+v", r)
		}
		d.loadErr = errors.New("no bucket today")
	}
	d.expect(t, "look", "look")
	if r := d.keeper().Round(t.Context()); len(r.Registered) != 1 {
		t.Errorf("a process that never read the memory knows of no pause, and registers: %+v", r)
	}
}

func TestWhatWasConfirmedIsToldAndThatNobodyHeardIsAWarning(t *testing.T) {
	d := leaving()
	k := d.keeper()
	var told []mooring.Report
	k.Tell = func(_ context.Context, r mooring.Report) error {
		told = append(told, r)
		return errors.New("no such topic")
	}
	r := k.Round(t.Context())
	if len(told) != 1 || len(told[0].Registered) != 1 || !strings.Contains(strings.Join(r.Warnings, " "), "no such topic") || r.Err != nil {
		t.Errorf("told %+v; %+v", told, r)
	}
	k.Plan(t.Context())
	if len(told) != 1 {
		t.Error("a plan was told")
	}
}

func TestOnlyWhatIsRememberedForSureIsMirrored(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*desk, *mooring.Keeper)
		times  int
	}{
		"a round that saves":      {func(*desk, *mooring.Keeper) {}, 1},
		"one with nothing to do":  {func(d *desk, _ *mooring.Keeper) { d.names = d.names[:0] }, 1},
		"whose save is lost":      {func(d *desk, _ *mooring.Keeper) { d.saveErr = mooring.ErrConflict }, 0},
		"without memory":          {func(d *desk, _ *mooring.Keeper) { d.loadErr = errors.New("no bucket today") }, 0},
		"that only observes":      {func(_ *desk, k *mooring.Keeper) { k.Policy.Mode = mooring.ModeObserve }, 0},
		"of a binding on hold":    {func(d *desk, _ *mooring.Keeper) { d.memory.Paused = mooring.Pause{At: noon} }, 0},
		"that cannot see a group": {func(d *desk, _ *mooring.Keeper) { d.targetsErr = errors.New("throttled") }, 0},
	} {
		d := leaving()
		k := d.keeper()
		c.change(d, k)
		if len(d.names) == 0 {
			d.memory.Addresses[2] = mooring.Entry{Addr: d.memory.Addresses[2].Addr}
			d.names = []mooring.Observation{answers(40, "10.0.0.1 10.0.0.2 10.0.0.3")}
		}
		var given []mooring.Memory
		k.Mirror = func(_ context.Context, m mooring.Memory) error {
			given = append(given, m)
			return errors.New("no such bucket")
		}
		r := k.Round(t.Context())
		k.Plan(t.Context())
		if len(given) != c.times || (c.times > 0) != strings.Contains(strings.Join(r.Warnings, " "), "no such bucket") {
			t.Errorf("%s: given %d times, with warnings %q", name, len(given), r.Warnings)
		}
		if c.times > 0 && (r.Err != nil || given[0].Revision < 7 || len(given[0].Addresses) == 0) {
			t.Errorf("%s: given %+v, error %v", name, given[0], r.Err)
		}
	}
}

// An older function goes on from what it is told, so it must not be told that somebody is registered who is not.
func TestWhoWasNotRegisteredIsNotMirroredAsLeftInTheGroup(t *testing.T) {
	for name, c := range map[string]func(*desk){
		"refused":     func(d *desk) { d.refuse = netip.MustParseAddr("10.0.0.4") },
		"unconfirmed": func(d *desk) { d.refuse, d.registerErr = netip.MustParseAddr("10.0.0.4"), errors.New("throttled") },
		"too late":    func(d *desk) { d.before = nil },
	} {
		d := leaving()
		c(d)
		k := d.keeper()
		if name == "too late" {
			late := noon
			k.Now = func() time.Time { return late }
			d.before = func() { late = late.Add(time.Hour) }
		}
		var given mooring.Memory
		k.Mirror = func(_ context.Context, m mooring.Memory) error { given = m; return nil }
		k.Round(t.Context())
		if got := fmt.Sprint(given.Left.Addrs); got != "[10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.9]" {
			t.Errorf("%s: the group is left with %s", name, got)
		}
	}
}

func TestASlowMirrorDelaysARoundByItsTimeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := leaving()
		k := d.keeper()
		k.Mirror = func(ctx context.Context, _ mooring.Memory) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		r := k.Round(t.Context())
		if took := time.Since(began); took != 5*time.Second || r.Err != nil || !strings.Contains(strings.Join(r.Warnings, " "), "deadline exceeded") {
			t.Errorf("it took %s, error %v, warnings %q", took, r.Err, r.Warnings)
		}
		d.expect(t, "look", "save", "register 10.0.0.4")
	})
}

// The first round adds somebody, and so reads the group's settings; the second one knows in which zone everybody is.
func TestAZoneThatNobodyServesIsToldOfWhileCrossZoneIsOff(t *testing.T) {
	for name, c := range map[string]struct {
		crossZone mooring.CrossZone
		zone      string // of the targets
		told      bool
	}{
		"off":                          {mooring.CrossZoneOff, "a", true},
		"on":                           {mooring.CrossZoneOn, "a", false},
		"off, where nobody's is known": {mooring.CrossZoneOff, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			placed := func(list string) []mooring.Target {
				targets := healthy(list)
				for i := range targets {
					targets[i].Zone = c.zone
				}
				return targets
			}
			d := &desk{
				names: []mooring.Observation{answers(8, "10.0.0.1 10.0.0.2")}, targets: placed("10.0.0.1"),
				memory: knowing("10.0.0.1"), tag: "t", crossZone: c.crossZone, zones: []string{"b", "a"},
			}
			k := d.keeper()
			first := k.Round(t.Context())
			d.targets, d.memory = placed("10.0.0.1 10.0.0.2"), d.saved[0]
			second := k.Round(t.Context())
			about := func(r mooring.Report) string { return strings.Join(r.Warnings, "; ") }
			if strings.Contains(about(first), "serves nobody") || strings.Contains(about(second), "no target is in b:") != c.told {
				t.Errorf("first %q, then %q", about(first), about(second))
			}
		})
	}
}

func TestARoundThatIsEndedBeforeItActsLeavesNoTrace(t *testing.T) {
	d := leaving()
	ctx, cancel := context.WithCancel(t.Context())
	d.loading = cancel
	d.keeper().Round(ctx)
	d.expect(t, "look")
}

func TestARoundThatActsIsNotCutShort(t *testing.T) {
	d := leaving()
	for i := range d.targets { // so that nobody is kept for the others' health
		d.targets[i].Health = mooring.HealthUnused
	}
	ctx, cancel := context.WithCancel(t.Context())
	d.before = cancel
	r := d.keeper().Round(ctx)
	if len(r.Registered) != 1 || len(r.Deregistered) != 1 || r.Err != nil {
		t.Errorf("registered %v, deregistered %v, error %v", r.Registered, r.Deregistered, r.Err)
	}
}
