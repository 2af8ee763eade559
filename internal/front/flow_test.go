package front_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
)

func TestAnEndIsPassedOnWhileTheOtherDirectionGoesOn(t *testing.T) {
	s := open(t, quick())
	s.register(serve(t, func(c *net.TCPConn) {
		all, _ := io.ReadAll(c) // until the client has ended
		_, _ = c.Write(bytes.ToUpper(all))
	}))
	c := s.dial()
	_, _ = io.WriteString(c, strings.Repeat("hello ", 100_000))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != strings.Repeat("HELLO ", 100_000) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	until(t, "the flow is over", func() bool { return s.Stats().Flows == 0 })
	if st := s.Stats(); st.In != 600_000 || st.Out != 600_000 || st.Accepted != 1 {
		t.Errorf("counted %+v", st)
	}
}

func TestATargetsEndIsPassedOnWhileTheClientStillSends(t *testing.T) {
	s := open(t, quick())
	heard := make(chan string, 1)
	s.register(serve(t, func(c *net.TCPConn) {
		_ = c.CloseWrite()
		all, err := io.ReadAll(c)
		if err == nil { // and not a health check's end
			heard <- string(all)
		}
	}))
	c := s.dial()
	if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	_, _ = io.WriteString(c, "still here")
	_ = c.Close()
	until(t, "the target hears what the client sent", func() bool { return <-heard == "still here" })
}

func TestAResetIsPassedOnAndNoEnd(t *testing.T) {
	s := open(t, quick())
	s.register(serve(t, func(c *net.TCPConn) {
		if _, err := io.WriteString(c, "half an ans"); err == nil {
			_, _ = c.Read(make([]byte, 1))
			_ = c.SetLinger(0)
		}
	}))
	c := s.dial()
	read(t, c)
	_, _ = io.WriteString(c, "x")
	isReset(t, c)
}

func TestAClientsResetReachesTheTarget(t *testing.T) {
	s := open(t, quick())
	heard := make(chan error, 100)
	s.register(serve(t, func(c *net.TCPConn) {
		_, err := c.Read(make([]byte, 1))
		if err != nil {
			return // a health check
		}
		_, err = io.Copy(io.Discard, c)
		heard <- err
	}))
	c := s.dial()
	_, _ = io.WriteString(c, "x")
	until(t, "the byte came to the target", func() bool { return s.Stats().Flows == 1 && s.Stats().Accepted == 1 })
	_ = c.SetLinger(0)
	_ = c.Close()
	if err := <-heard; !wasReset(err) {
		t.Fatalf("the target saw %v", err)
	}
}

func TestAnotherTargetIsTriedWhenOneTakesNoConnection(t *testing.T) {
	slow := quick()
	s := open(t, slow)
	a, b := serve(t, names("a")), serve(t, names("b"))
	s.register(a, b)
	s.becomes(a, mooring.HealthHealthy)
	s.becomes(b, mooring.HealthHealthy)
	slow.HealthInterval = slow.DrainDelay
	s.Set(slow) // and no check will find out
	s.road.set(a, true)
	for range 6 {
		if got := read(t, s.dial()); got != "b" {
			t.Fatalf("a flow came to %q", got)
		}
	}
}

func TestClientsAreRefusedWithAReset(t *testing.T) {
	few := quick()
	few.MaxFlows = 2
	s := open(t, few)
	a := serve(t, names("a"))
	s.register(a)
	one, two := s.dial(), s.dial()
	read(t, one)
	read(t, two)
	s.refuses()
	if got := s.Stats().Refused[front.RefusedLimit]; got != 1 {
		t.Errorf("%d refused for the limit", got)
	}
	_ = one.Close()
	until(t, "a flow is over", func() bool { return s.Stats().Flows < 2 })
	read(t, s.dial())

	_ = two.Close()
	until(t, "another flow is over", func() bool { return s.Stats().Flows < 2 })
	s.road.set(a, true)
	s.refuses()
	s.road.set(a, false)
	s.deregister(a)
	until(t, "the target is gone", func() bool { return s.state(a) == "" || s.Stats().Flows > 0 })
	s.refuses()
	if r := s.Stats().Refused; r[front.RefusedUnreachable] != 1 || r[front.RefusedNoTarget] != 1 {
		t.Errorf("refused: %v", r)
	}
}

func TestFlowsGoWhereTheFewestAre(t *testing.T) {
	s := open(t, quick())
	targets := []mooring.Target{serve(t, names("a")), serve(t, names("b")), serve(t, names("c"))}
	s.register(targets...)
	for _, target := range targets {
		s.becomes(target, mooring.HealthHealthy)
	}
	byName := map[string][]net.Conn{}
	for range 30 {
		c := s.dial()
		name := read(t, c)
		byName[name] = append(byName[name], c)
	}
	for name, conns := range byName {
		if len(conns) != 10 {
			t.Errorf("%s has %d flows of 30", name, len(conns))
		}
	}
	for _, c := range byName["b"][:6] {
		_ = c.Close()
	}
	until(t, "six flows are over", func() bool { return s.flows(targets[1]) == 4 })
	for range 6 {
		if got := read(t, s.dial()); got != "b" {
			t.Errorf("a flow came to %s, which has more", got)
		}
	}
}

func TestEqualTargetsTakeTurns(t *testing.T) {
	s := open(t, quick())
	targets := []mooring.Target{serve(t, names("a")), serve(t, names("b")), serve(t, names("c"))}
	s.register(targets...)
	for _, target := range targets {
		s.becomes(target, mooring.HealthHealthy)
	}
	met := map[string]int{}
	for range 9 {
		c := s.dial()
		met[read(t, c)]++
		_ = c.Close()
		until(t, "the flow is over", func() bool { return s.Stats().Flows == 0 })
	}
	if met["a"] != 3 || met["b"] != 3 || met["c"] != 3 {
		t.Errorf("of nine flows came: %v", met)
	}
}

func TestMoreTargetsThanItTakesAreRefused(t *testing.T) {
	s := open(t, front.DefaultSettings())
	s.road.beforeEach(func(string) { <-t.Context().Done() })
	var many []mooring.Target
	for i := range 1001 {
		many = append(many, mooring.Target{Addr: netip.MustParseAddr("192.0.2.1"), Port: uint16(i + 1)})
	}
	out, err := s.Register(t.Context(), many, permit)
	if err != nil || len(out.Registered) != 1000 || len(out.Refused) != 1 {
		t.Errorf("%d registered, %d refused, %v", len(out.Registered), len(out.Refused), err)
	}
}

func TestClientsWaitForTheFirstTarget(t *testing.T) {
	s := open(t, quick())
	early := s.dial()
	s.register(serve(t, names("a")))
	if got := read(t, early); got != "a" {
		t.Fatalf("the flow came to %q", got)
	}
}

// A front that has itself as a target would send every flow round and round.
func TestAFrontIsNoTargetOfItsOwn(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0"} {
		f, err := front.Listen(front.Config{
			Listen: netip.MustParseAddrPort(listen), Settings: quick(), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil && listen == "[::]:0" {
			t.Skipf("this machine has no IPv6: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Shutdown(t.Context())
		self := mooring.Target{Addr: netip.MustParseAddr("127.0.0.1"), Port: f.Addr().Port()}
		out, err := f.Register(t.Context(), []mooring.Target{self}, permit)
		if err != nil || len(out.Registered) > 0 || len(out.Refused) != 1 {
			t.Errorf("%s: %+v, %v", listen, out, err)
		}
		if f.Addr().Addr().IsUnspecified() {
			refusesHost(t, f)
		}
	}
}

func refusesHost(t *testing.T, f *front.Front) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		own := mooring.Target{Addr: netip.MustParsePrefix(a.String()).Addr(), Port: f.Addr().Port()}
		if f.Addr().Addr().Is4() && !own.Addr.Is4() {
			continue // it does not listen there
		}
		if out, err := f.Register(t.Context(), []mooring.Target{own}, permit); err != nil || len(out.Refused) != 1 {
			t.Errorf("%s: %+v, %v", a, out, err)
		}
	}
}

func TestFrontsOfOneProcessDoNotLeadToEachOther(t *testing.T) {
	a, b := open(t, quick()), open(t, quick())
	to := mooring.Target{Addr: b.Addr().Addr(), Port: b.Addr().Port()}
	if out, err := a.Register(t.Context(), []mooring.Target{to}, permit); err != nil || len(out.Refused) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	b.Shutdown(t.Context())
	if out, err := a.Register(t.Context(), []mooring.Target{to}, permit); err != nil || len(out.Registered) != 1 {
		t.Errorf("when the other is closed: %+v, %v", out, err)
	}
}

// Whoever takes connections and ends them at once always has the fewest flows.
func TestATargetThatOnlyDropsFlowsDoesNotDrawThem(t *testing.T) {
	settings := quick()
	s := open(t, settings)
	hole, a, b := serve(t, func(*net.TCPConn) {}), serve(t, names("a")), serve(t, names("b"))
	s.register(hole, a, b)
	for _, target := range []mooring.Target{hole, a, b} {
		s.becomes(target, mooring.HealthHealthy)
	}
	settings.HealthInterval = time.Hour
	s.Set(settings)
	dropped := 0
	for range 60 {
		c := s.dial()
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			dropped++
			_ = c.Close()
			before := s.Stats().Flows
			until(t, "it is over", func() bool { return s.Stats().Flows < before || s.flows(hole) == 0 })
		}
	}
	if dropped > 10 {
		t.Errorf("%d of 60 flows were dropped", dropped)
	}
}
