//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"mooring"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
)

// fronted are the bindings of a configuration file.
func fronted(t *testing.T, bindings ...string) []config.Config {
	t.Helper()
	text := "defaults: {memory: none, hostname: app.example.com}\nbindings:\n- " + strings.Join(bindings, "\n- ")
	configs, err := config.Load(t.Context(), func(string) ([]string, bool) { return nil, false },
		func(name string) (string, bool) { return text, name == "MOORING_CONFIG" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return configs
}

func openFronts(t *testing.T, reach func(context.Context, string, string) (net.Conn, error)) *fronts {
	t.Helper()
	f := &fronts{log: slog.New(slog.DiscardHandler), reach: reach}
	t.Cleanup(f.cut)
	return f
}

func permitted() error { return nil }

// A stage is a front of one binding, whose targets are all there, but on port 445.
type stage struct {
	t      *testing.T
	fronts *fronts
	at     string        // where it listens
	dialed chan struct{} // by each health check
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, at: "127.0.0.1:" + freePort(t), dialed: make(chan struct{}, 1000)}
	s.fronts = openFronts(t, func(_ context.Context, _, addr string) (net.Conn, error) {
		defer func() { s.dialed <- struct{}{} }()
		if strings.HasSuffix(addr, ":445") {
			return nil, errors.New("nobody listens there")
		}
		near, far := net.Pipe()
		_ = far.Close()
		return near, nil
	})
	return s
}

// bind has the binding's targets on this port, and waits until its target has this health.
func (s *stage) bind(port uint16, want mooring.Health) mooring.Group {
	s.t.Helper()
	configs := fronted(s.t, fmt.Sprintf("{target_group: 'tcp://%s', port: %d, front_health_interval: 1s}", s.at, port))
	if err := s.fronts.follow(configs); err != nil {
		s.t.Fatal(err)
	}
	g, err := s.fronts.group(s.t.Context(), configs[0])
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := g.Register(s.t.Context(), []mooring.Target{{Addr: rigtest.Addrs(1, 1)[0], Port: port}}, permitted); err != nil {
		s.t.Fatal(err)
	}
	for s.health(port) != want {
		<-s.dialed
	}
	return g
}

// health is that of the target on a port, as the front itself has it.
func (s *stage) health(port uint16) mooring.Health {
	s.t.Helper()
	targets, err := s.fronts.open[netip.MustParseAddrPort(s.at)].Targets(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range targets {
		if one.Port == port {
			return one.Health
		}
	}
	return "none"
}

// The round of a binding that a reload has changed may still be under way, and it sees targets that are not its own.
func TestTheLastRoundOfABindingRemovesNothingOfTheNextOnes(t *testing.T) {
	s := newStage(t)
	old := s.bind(443, mooring.HealthHealthy)
	next := s.bind(444, mooring.HealthHealthy)
	if _, err := old.Targets(t.Context()); err != nil || s.health(443) != mooring.HealthHealthy || s.health(444) != mooring.HealthHealthy {
		t.Errorf("after the old binding's round: %s and %s, %v", s.health(443), s.health(444), err)
	}
	all, err := next.Targets(t.Context())
	if err != nil || s.health(443) != "none" || s.health(444) != mooring.HealthHealthy || len(all) != 1 {
		t.Errorf("after the new binding's round: %s and %s, told as %v, %v", s.health(443), s.health(444), all, err)
	}
}

func TestTargetsOnAnotherPortStayUntilTheirsOnTheNewPortIsHealthy(t *testing.T) {
	s := newStage(t)
	s.bind(444, mooring.HealthHealthy)
	next := s.bind(445, mooring.HealthUnhealthy)
	if all, err := next.Targets(t.Context()); err != nil || len(all) != 2 || s.health(444) != mooring.HealthHealthy {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAFrontThatIsInTheWayOfAnotherIsNamed(t *testing.T) {
	port := freePort(t)
	f := openFronts(t, nil)
	if err := f.follow(fronted(t, "{port: 443, target_group: 'tcp://127.0.0.1:"+port+"'}")); err != nil {
		t.Fatal(err)
	}
	err := f.follow(fronted(t, "{name: all, port: 443, target_group: 'tcp://:"+port+"'}"))
	if err == nil || !strings.HasPrefix(err.Error(), "front of all: ") || !strings.HasSuffix(err.Error(), "(beside the front at 127.0.0.1:"+port+", which it cannot replace without a restart)") {
		t.Errorf("%v", err)
	}
	if c, err := net.Dial("tcp", "127.0.0.1:"+port); err != nil {
		t.Errorf("the one that was open: %v", err)
	} else {
		_ = c.Close()
	}
}

func TestNoFrontIsOpenedWhenTheProcessEnds(t *testing.T) {
	port := freePort(t)
	f := openFronts(t, nil)
	configs := fronted(t, "{port: 443, target_group: 'tcp://127.0.0.1:"+port+"'}")
	f.drain()
	if err := f.follow(configs); !errors.Is(err, errEnding) {
		t.Errorf("%v", err)
	}
	if _, err := f.group(t.Context(), configs[0]); err == nil {
		t.Error("there is a group")
	}
}

// On a new port only one host listens: whoever does not must not go for that.
func TestATargetIsReplacedByItsOwnAddressOnly(t *testing.T) {
	a, b, c := rigtest.Addrs(1, 1)[0], rigtest.Addrs(2, 2)[0], rigtest.Addrs(3, 3)[0]
	on := func(addr netip.Addr, port uint16, h mooring.Health) mooring.Target {
		return mooring.Target{Addr: addr, Port: port, Health: h}
	}
	all := []mooring.Target{
		on(a, 443, mooring.HealthHealthy), on(b, 443, mooring.HealthHealthy), on(c, 443, mooring.HealthUnhealthy),
		on(a, 444, mooring.HealthHealthy), on(b, 444, mooring.HealthUnhealthy), on(c, 444, mooring.HealthInitial),
	}
	if got := replaced(all, 444); len(got) != 2 || got[0] != all[0] || got[1] != all[2] {
		t.Errorf("%v", got)
	}
	if got := replaced(all[:3], 444); len(got) != 0 {
		t.Errorf("with nobody on the new port: %v", got)
	}
}

func TestABindingThatOnlyAddsReplacesNobody(t *testing.T) {
	s := newStage(t)
	s.bind(443, mooring.HealthHealthy)
	next := s.bind(444, mooring.HealthHealthy).(*frontGroup)
	next.adds = true
	if all, err := next.Targets(t.Context()); err != nil || len(all) != 2 || s.health(443) != mooring.HealthHealthy {
		t.Errorf("%v, %v", all, err)
	}
}

// A stuck log is one that nobody reads.
type stuck struct{ written, read chan bool }

func (s stuck) Write(p []byte) (int, error) {
	s.written <- true
	<-s.read
	return len(p), nil
}

func TestALogThatNobodyReadsKeepsNoFrontFromEnding(t *testing.T) {
	log := stuck{make(chan bool, 100), make(chan bool)}
	defer close(log.read)
	f := &fronts{log: slog.New(slog.NewTextHandler(log, nil))}
	configs := fronted(t, "{port: 443, target_group: 'tcp://127.0.0.1:"+freePort(t)+"'}")
	go func() { _ = f.follow(configs) }()
	<-log.written
	if stats := f.stats(); len(stats) != 1 {
		t.Errorf("%+v", stats)
	}
	f.cut()
}
