package front_test

import (
	"io"
	"net"
	"testing"

	"mooring"
)

func TestATargetIsHealthyAfterOneCheckAndUnhealthyAfterTwo(t *testing.T) {
	s := open(t, quick())
	checks, verdicts := make(chan mooring.Health), make(chan bool)
	target := serve(t, echo)
	s.road.beforeEach(func(string) { // what the check before has made of the target
		select {
		case checks <- s.state(target):
			s.road.set(target, !<-verdicts)
		case <-t.Context().Done():
		}
	})
	s.register(target)
	for i, check := range []struct {
		before mooring.Health
		ok     bool
	}{
		{mooring.HealthInitial, true},
		{mooring.HealthHealthy, false},
		{mooring.HealthHealthy, true},
		{mooring.HealthHealthy, false}, // not the second in a row
		{mooring.HealthHealthy, false},
		{mooring.HealthUnhealthy, true},
		{mooring.HealthUnhealthy, false},
		{mooring.HealthUnhealthy, true},
		{mooring.HealthUnhealthy, true},
		{mooring.HealthUnhealthy, true}, // the third in a row
		{mooring.HealthHealthy, true},
	} {
		if got := <-checks; got != check.before {
			t.Fatalf("before check %d the target is %s, want %s", i+1, got, check.before)
		}
		verdicts <- check.ok
	}
}

func TestNewFlowsGoToHealthyTargetsOnly(t *testing.T) {
	s := open(t, quick())
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.road.set(b, true)
	s.register(a, b)
	s.becomes(a, mooring.HealthHealthy)
	s.becomes(b, mooring.HealthUnhealthy)
	s.road.set(b, false) // it would take connections, but has not proved it yet
	for range 5 {
		if got := read(t, s.dial()); got != "a" && s.state(b) != mooring.HealthHealthy {
			t.Fatalf("a flow came to %s", got)
		}
	}
}

func TestAFlowGoesToAnyTargetWhenNoneIsHealthy(t *testing.T) {
	s := open(t, quick())
	a := serve(t, names("a"))
	s.road.set(a, true)
	s.register(a)
	s.becomes(a, mooring.HealthUnhealthy)
	if !s.Stats().FailOpen {
		t.Error("it does not say that it fails open")
	}
	s.register(a) // as it is: nothing new
	if s.state(a) != mooring.HealthUnhealthy {
		t.Errorf("registered again, it is %s", s.state(a))
	}
	slow := quick()
	slow.HealthInterval = slow.DrainDelay // no further check comes
	s.Set(slow)
	s.road.set(a, false)
	if got := read(t, s.dial()); got != "a" {
		t.Fatalf("the flow came to %q", got)
	}
}

func TestFlowsOfATargetThatTurnsUnhealthyAreResetUnlessAllAre(t *testing.T) {
	s := open(t, quick())
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a, b)
	s.becomes(a, mooring.HealthHealthy)
	s.becomes(b, mooring.HealthHealthy)
	flows := map[string]net.Conn{}
	for len(flows) < 2 {
		c := s.dial()
		flows[read(t, c)] = c
	}
	s.road.set(b, true)
	isReset(t, flows["b"])

	s.road.set(a, true) // now nobody is healthy, and what works may go on
	s.becomes(a, mooring.HealthUnhealthy)
	if _, err := io.WriteString(flows["a"], "!"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, flows["a"]); got != "!" {
		t.Fatalf("read %q", got)
	}
}

// Flows that were let go on, because nobody was healthy, end when somebody is again.
func TestFlowsOfAnUnhealthyTargetAreResetWhenAnotherRecovers(t *testing.T) {
	s := open(t, quick())
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a, b)
	flows := map[string]net.Conn{}
	for len(flows) < 2 {
		c := s.dial()
		flows[read(t, c)] = c
	}
	s.road.set(a, true)
	s.becomes(a, mooring.HealthUnhealthy)
	s.road.set(b, true)
	s.becomes(b, mooring.HealthUnhealthy)
	s.road.set(a, false)
	isReset(t, flows["b"])
}
