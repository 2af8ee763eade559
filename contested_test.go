package mooring_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
)

// fight is a name of four addresses beside somebody who takes one of them out right after each round that registers it.
// It returns the round in which another program is told of; 0 where it never is.
func fight(t *testing.T, rounds int, drains bool) int {
	t.Helper()
	const names = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"
	victim := addrs("10.0.0.4")[0]
	m, now := mooring.Memory{Version: 1}, noon
	targets := healthy(names)
	for n := range rounds {
		plan := mooring.Decide(mooring.DefaultPolicy(), m, answers(8, names), mooring.Holding{Port: 443, Targets: targets}, now)
		if plan.Another != "" {
			return n
		}
		m, now, targets = plan.Memory, now.Add(time.Minute), healthy("10.0.0.1 10.0.0.2 10.0.0.3")
		if drains {
			targets = append(targets, mooring.Target{Addr: victim, Port: 443, Health: mooring.HealthDraining})
		}
	}
	return 0
}

func TestWhoTakesAnAddressOutAgainAndAgainIsNoticed(t *testing.T) {
	if n := fight(t, 10, true); n == 0 || n > 3 {
		t.Errorf("where it drains it is told of in round %d", n)
	}
	if n := fight(t, 10, false); n == 0 || n > 6 {
		t.Errorf("where it is gone at once it is told of in round %d", n)
	}
}

func TestWhatAnOperatorMadeOursIsNotTakenForAnothersStep(t *testing.T) {
	m := knowing("10.0.0.1")
	m.Left = mooring.Left{At: noon.Add(-time.Hour), Addrs: addrs("10.0.0.1")}
	m, err := m.Adopt("ann", noon, netip.MustParseAddr("10.0.0.50"))
	if err != nil {
		t.Fatal(err)
	}
	plan := mooring.Decide(mooring.DefaultPolicy(), m, answers(8, "10.0.0.1"), mooring.Holding{Port: 443, Targets: healthy("10.0.0.1 10.0.0.50")}, noon)
	if len(plan.Steps) != 1 || !strings.Contains(plan.Steps[0].Why, "operator") {
		t.Errorf("%+v", plan.Steps)
	}
}

func TestATargetThatIsListedTwiceIsOne(t *testing.T) {
	h := mooring.Holding{Port: 443, Targets: healthy("10.0.0.1 10.0.0.2 10.0.0.2")}
	plan := mooring.Decide(mooring.DefaultPolicy(), mooring.Memory{Version: 1}, answers(8, "10.0.0.1 10.0.0.2"), h, noon)
	if _, err := plan.Memory.Encode(); err != nil || plan.Ours != 2 || len(plan.Memory.Left.Addrs) != 2 {
		t.Errorf("%d are ours, the group is left as %v: %v", plan.Ours, plan.Memory.Left.Addrs, err)
	}
}

// An observing binding keeps since when its steps are open, and must not write anew each round that they still are.
func TestManyOpenStepsAreRememberedOnce(t *testing.T) {
	p := mooring.DefaultPolicy()
	p.Mode, p.MaxTargets = mooring.ModeObserve, 1000
	var list []string
	for i := range 256 {
		list = append(list, netip.AddrFrom4([4]byte{10, 1, byte(i / 200), byte(1 + i%200)}).String())
	}
	o, m, now, writes := answers(400, strings.Join(list, " ")), mooring.Memory{Version: 1}, noon, 0
	var plan mooring.Plan
	for range 10 {
		plan = mooring.Decide(p, m, o, mooring.Holding{Port: 443}, now)
		if plan.Changed {
			writes++
		}
		m, now = plan.Memory, now.Add(time.Minute)
	}
	if writes != 1 || len(plan.Overdue) < 50 {
		t.Errorf("%d of 10 rounds write, and %d steps are overdue", writes, len(plan.Overdue))
	}
}
