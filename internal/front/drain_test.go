package front_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"mooring"
)

func TestADrainingTargetKeepsItsFlowsAndGetsNoNewOnes(t *testing.T) {
	s := open(t, quick())
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a)
	old := s.dial()
	read(t, old)
	s.register(b)
	s.becomes(b, mooring.HealthHealthy)

	s.deregister(a)
	if got := s.state(a); got != mooring.HealthDraining {
		t.Fatalf("it is %q", got)
	}
	for range 5 {
		if got := read(t, s.dial()); got != "b" {
			t.Fatalf("a new flow came to %s", got)
		}
	}
	_, _ = io.WriteString(old, "!")
	if got := read(t, old); got != "!" {
		t.Fatalf("the old flow says %q", got)
	}
	_ = old.Close()
	until(t, "the target is gone with its last flow", func() bool { return s.state(a) == "" })
}

// Even fail open and without any other target: who left has no claim to new flows.
func TestADrainingTargetGetsNothingEvenWhenItIsTheOnlyOne(t *testing.T) {
	s := open(t, quick())
	a := serve(t, names("a"))
	s.register(a)
	old := s.dial()
	read(t, old)
	s.deregister(a)
	s.refuses()
}

// A flow whose target leaves while it is being connected goes elsewhere.
func TestATargetThatLeavesWhileItIsDialedGetsNoFlow(t *testing.T) {
	slow := quick()
	slow.HealthInterval = slow.DrainDelay
	s := open(t, slow)
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a)
	s.becomes(a, mooring.HealthHealthy)
	dialed, goOn := make(chan string), make(chan bool)
	s.road.beforeEach(func(addr string) {
		dialed <- addr
		<-goOn
	})
	c := s.dial()
	<-dialed
	s.road.beforeEach(nil)
	s.register(b)
	s.becomes(b, mooring.HealthHealthy)
	s.deregister(a)
	goOn <- true
	if got := read(t, c); got != "b" {
		t.Fatalf("the flow came to %s", got)
	}
	if got := s.state(a); got != "" {
		t.Errorf("without flows it still is %s", got)
	}
}

func TestFlowsAreResetWhenTheDrainIsOver(t *testing.T) {
	short := quick()
	short.DrainDelay = 10 * time.Millisecond
	s := open(t, short)
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a)
	old := s.dial()
	read(t, old)
	s.register(b)
	s.becomes(b, mooring.HealthHealthy)
	s.deregister(a)
	isReset(t, old)
	until(t, "the target is gone", func() bool { return s.state(a) == "" })
}

func TestATargetThatComesBackWhileItDrainsKeepsItsFlows(t *testing.T) {
	settings := quick()
	settings.DrainDelay = 20 * time.Millisecond
	s := open(t, settings)
	a := serve(t, names("a"))
	s.register(a)
	old := s.dial()
	read(t, old)
	s.deregister(a)
	s.register(a)
	s.becomes(a, mooring.HealthHealthy)
	read(t, s.dial())

	settings.DrainDelay = time.Hour
	s.Set(settings)
	s.deregister(a)
	<-time.After(80 * time.Millisecond) // the first drain would have ended
	_, _ = io.WriteString(old, "!")
	if got := read(t, old); got != "!" {
		t.Fatalf("the old flow says %q", got)
	}
}

func TestShutdownLetsFlowsEnd(t *testing.T) {
	s := open(t, quick())
	s.register(serve(t, names("a")))
	c := s.dial()
	read(t, c)
	done := make(chan int, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	until(t, "nobody new is let in", func() bool {
		late, err := net.Dial("tcp", s.Addr().String())
		if err == nil {
			_ = late.Close()
		}
		return err != nil
	})
	_, _ = io.WriteString(c, "!")
	if got := read(t, c); got != "!" {
		t.Fatalf("the flow says %q", got)
	}
	_ = c.Close()
	if reset := <-done; reset != 0 {
		t.Errorf("%d flows were reset", reset)
	}
	if _, err := s.Register(t.Context(), []mooring.Target{{Addr: s.Addr().Addr(), Port: 1}}, permit); err == nil {
		t.Error("a front that is closed takes targets")
	}
}

func TestShutdownResetsWhatDoesNotEnd(t *testing.T) {
	s := open(t, quick())
	s.register(serve(t, names("a")))
	c := s.dial()
	read(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if reset := s.Shutdown(ctx); reset != 1 {
		t.Errorf("%d flows were reset", reset)
	}
	isReset(t, c)
}

// Who drains is checked no more, so that no check can make it healthy again.
func TestADrainingTargetIsCheckedNoMore(t *testing.T) {
	s := open(t, quick())
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a)
	s.becomes(a, mooring.HealthHealthy)
	read(t, s.dial())
	checking, goOn := make(chan bool), make(chan bool)
	var ofA, ofB atomic.Int32
	s.road.beforeEach(func(addr string) {
		switch addr {
		case netip.AddrPortFrom(a.Addr, a.Port).String():
			if ofA.Add(1) == 1 {
				checking <- true
				<-goOn
			}
		default:
			ofB.Add(1)
		}
	})
	<-checking // one is under way when it leaves
	s.deregister(a)
	goOn <- true
	s.register(b)
	until(t, "another target was checked many times", func() bool { return ofB.Load() > 10 })
	if got := s.state(a); got != mooring.HealthDraining || ofA.Load() != 1 {
		t.Errorf("it is %s after %d checks", got, ofA.Load())
	}
}

func TestShutdownWaitsForFlowsNoLongerThanADrain(t *testing.T) {
	short := quick()
	short.DrainDelay = 10 * time.Millisecond
	s := open(t, short)
	s.register(serve(t, names("a")))
	read(t, s.dial())
	if reset := s.Shutdown(context.Background()); reset != 1 {
		t.Errorf("%d flows were reset", reset)
	}
}
