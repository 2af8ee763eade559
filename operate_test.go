package mooring_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/store"
)

// stored tells whether a memory survives being saved and loaded.
func stored(t *testing.T, m mooring.Memory) mooring.Memory {
	t.Helper()
	body, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := mooring.DecodeMemory(body)
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	if !again.Same(m) {
		t.Errorf("it changed on the way:\n%+v\n%+v", m, again)
	}
	return again
}

func lastOf(m mooring.Memory) mooring.Decision { return m.Decisions[len(m.Decisions)-1] }

// edited is what one of an operator's edits makes.
func edited(t *testing.T) func(mooring.Memory, error) mooring.Memory {
	return func(m mooring.Memory, err error) mooring.Memory {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return stored(t, m)
	}
}

func TestAPauseIsKeptAsItWasGivenFirst(t *testing.T) {
	must := edited(t)
	before := leaving().memory
	paused := must(before.Pause("alice", "moving house", noon))
	if got := paused.Paused.String(); got != "paused since 2026-11-01T12:00:00Z by alice: moving house" {
		t.Error(got)
	}
	if before.Paused != (mooring.Pause{}) || len(before.Decisions) == len(paused.Decisions) {
		t.Error("the memory that was paused has changed, or nothing was noted")
	}
	if d := lastOf(paused); d.Action != mooring.DidPause || d.Addr.IsValid() || d.Why != "by alice: moving house" {
		t.Errorf("%+v", d)
	}
	if again := must(paused.Pause("bob", "", noon.Add(time.Hour))); !again.Same(paused) {
		t.Errorf("%+v", again.Paused)
	}
}

func TestAfterAPauseCountsBeginAnew(t *testing.T) {
	must := edited(t)
	d := spare(leaving())
	d.memory = must(must(d.memory.Pause("alice", "", noon.Add(-time.Second))).Resume("bob", noon))
	if r := d.keeper().Round(t.Context()); len(r.Deregistered) != 0 || len(r.Missing) != 1 || r.Missing[0].Missed != 1 {
		t.Errorf("deregistered %v, missing %+v", r.Deregistered, r.Missing)
	}
	if idle := must(d.memory.Resume("bob", noon)); !idle.Same(d.memory) {
		t.Error("resuming what is not paused changed something")
	}
}

func TestAPausedBindingDoesNothingAndSaysSo(t *testing.T) {
	for _, release := range []bool{false, true} {
		d := leaving()
		edit := d.memory.Pause
		if release {
			edit = d.memory.Release
		}
		d.memory = edited(t)(edit("alice", "", noon))
		r := d.keeper().Round(t.Context())
		d.expect(t, "look")
		var text strings.Builder
		if err := r.WriteText(&text, false); err != nil || strings.Count(text.String(), r.Paused) != 1 || r.Paused == "" {
			t.Errorf("%v %q\n%s", err, r.Paused, &text)
		}
		if !strings.HasSuffix(text.String(), "Paused: nothing of it is done until mooring resume.\n") {
			t.Error(text.String())
		}
		if r.Others != nil {
			t.Errorf("%+v", r.Others)
		}
	}
}

func TestWhatIsAdoptedCanLeaveAndWhatIsForgottenStays(t *testing.T) {
	must := edited(t)
	m := must(knowing("10.0.0.1 10.0.0.2").Adopt("alice", noon, addrs("10.0.0.9 10.0.0.1")...))
	if len(m.Addresses) != 3 || lastOf(m).Addr != addrs("10.0.0.9")[0] || lastOf(m).Action != mooring.DidAdopt {
		t.Fatalf("%+v", m.Addresses)
	}
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.9")
	without := answers(40, "10.0.0.1 10.0.0.2")
	plans := play(mooring.DefaultPolicy(), m, group, without, without, without)
	if got := gone(plans[2]); got != "10.0.0.9" {
		t.Errorf("adopted, and %q leaves", got)
	}
	m = must(plans[1].Memory.Forget("alice", noon, addrs("10.0.0.9")...))
	if plan := play(mooring.DefaultPolicy(), m, group, without)[0]; gone(plan) != "" || len(plan.Unmanaged) != 1 {
		t.Errorf("forgotten, and %q leaves", gone(plan))
	}
	if _, err := m.Forget("alice", noon, addrs("10.0.0.1 10.0.0.9")...); err == nil || !strings.Contains(err.Error(), "10.0.0.9: it is not ours") {
		t.Error(err)
	}
	m.Refused = []mooring.Refusal{{Addr: addrs("10.0.0.8")[0], Reason: "reserved", Times: 1, Until: noon}}
	if m = must(m.Forget("alice", noon, addrs("10.0.0.8")...)); len(m.Refused) != 0 {
		t.Error("a refusal is not forgotten")
	}
}

func TestWhatIsReleasedIsNobodys(t *testing.T) {
	must := edited(t)
	before := leaving().memory
	m := must(before.Release("alice", "moved away", noon))
	if len(m.Addresses)+len(m.Refused)+len(m.Left.Addrs) != 0 || !m.Paused.Released {
		t.Errorf("%+v", m)
	}
	if len(m.Decisions) != len(before.Decisions)+1 || lastOf(m).Action != mooring.DidRelease {
		t.Errorf("%+v", m.Decisions)
	}
	if again := must(m.Release("bob", "", noon)); !again.Same(m) {
		t.Error("releasing twice changed something")
	}
	resumed := must(m.Resume("alice", noon))
	plan := play(mooring.DefaultPolicy(), resumed, healthy("10.0.0.1 10.0.0.9"), answers(40, "10.0.0.1"))[0]
	if plan.Ours != 1 || len(plan.Unmanaged) != 1 || len(plan.Steps) != 0 {
		t.Errorf("%d ours, %d not, steps %+v", plan.Ours, len(plan.Unmanaged), plan.Steps)
	}
}

func TestWordsThatCannotBeKeptAreRefused(t *testing.T) {
	m := knowing("10.0.0.1")
	long := strings.Repeat("x", 513)
	for name, err := range map[string]error{
		"who is too long": second(m.Pause(long, "", noon)), "why is too long": second(m.Release("a", long, noon)),
		"two lines": second(m.Pause("a", "b\nc", noon)), "not UTF-8": second(m.Resume("\xff", noon)),
		"mapped":  second(m.Adopt("a", noon, netip.MustParseAddr("::ffff:10.0.0.1"))),
		"a zone":  second(m.Adopt("a", noon, netip.MustParseAddr("fe80::1%eth0"))),
		"no name": second(m.Adopt("a", noon, netip.Addr{})), "not ours": second(m.Forget(long, noon)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for i := range 2000 {
		m, _ = m.Adopt("a", noon, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	if _, err := m.Adopt("a", noon, addrs("10.9.9.9")...); err == nil || len(stored(t, m).Addresses) != 2000 {
		t.Errorf("2,001 addresses are ours: %v", err)
	}
}

func second(_ mooring.Memory, err error) error { return err }

// racing is a store where a round saves just before each of the first saves.
type racing struct {
	mooring.Store
	rounds int
	round  func()
}

func (s *racing) Save(ctx context.Context, m mooring.Memory, tag string) (string, error) {
	if s.rounds > 0 {
		s.rounds--
		s.round()
	}
	return s.Store.Save(ctx, m, tag)
}

func TestAnOperatorsWordIsNotLostToARoundThatSavesMeanwhile(t *testing.T) {
	for rounds, lost := range map[int]bool{1: false, 4: false, 5: true} {
		d := leaving()
		shared := &store.Memory{}
		k := d.keeper()
		k.Store = shared
		shows := addrs("10.0.0.20")[0]
		edit := d.keeper()
		edit.Store = &racing{Store: shared, rounds: rounds, round: func() {
			shows = shows.Next()
			d.names = []mooring.Observation{answers(40, shows.String())}
			k.Round(t.Context())
		}}
		saved, err := edit.Edit(t.Context(), func(m mooring.Memory) (mooring.Memory, error) { return m.Pause("alice", "", noon) })
		if lost != errors.Is(err, mooring.ErrConflict) {
			t.Fatalf("%d rounds: %v", rounds, err)
		}
		m, _, err := shared.Load(t.Context())
		if err != nil || !lost && (!m.Same(saved) || m.Paused.By != "alice") || len(m.Addresses) < rounds {
			t.Errorf("%d rounds: %v, paused %q, %d addresses", rounds, err, m.Paused, len(m.Addresses))
		}
	}
}

func TestAnEditThatChangesNothingIsNotSaved(t *testing.T) {
	d := leaving()
	for range 2 {
		if _, err := d.keeper().Edit(t.Context(), func(m mooring.Memory) (mooring.Memory, error) { return m.Resume("alice", noon) }); err != nil {
			t.Fatal(err)
		}
	}
	d.expect(t)
	d.memory, d.tag = mooring.Memory{Unusable: "there is none, by configuration"}, ""
	if _, err := d.keeper().Edit(t.Context(), func(m mooring.Memory) (mooring.Memory, error) { return m, nil }); err == nil ||
		!strings.Contains(err.Error(), "memory of web-443: there is none") {
		t.Error(err)
	}
}

func TestLettingGoAtAnOperatorsWordEndsWithTheContext(t *testing.T) {
	d := leaving()
	if gone, err := d.keeper().LetGo(t.Context(), d.targets[:2]); err != nil || len(gone) != 2 {
		t.Error(gone, err)
	}
	d.expect(t, "deregister 10.0.0.1 10.0.0.2")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if gone, err := d.keeper().LetGo(ended, d.targets[:2]); err == nil || len(gone) != 0 || !strings.Contains(err.Error(), "not done") {
		t.Error(gone, err)
	}
}
