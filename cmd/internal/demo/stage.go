package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"mooring"
	"mooring/internal/front"
	"mooring/internal/lookup"
	"mooring/internal/sim"
	"mooring/internal/store"
)

// What the demo is about.
const (
	hostname = "internal-app-1234567890.eu-west-1.elb.amazonaws.com"
	port     = 443

	interval   = 30 * time.Second // between two rounds, in the story's time
	roundLimit = time.Minute      // in wall time
	maxLookups = 200              // the usual number
)

// usualPolicy is the default, with a floor that the story needs.
func usualPolicy() mooring.Policy {
	p := mooring.DefaultPolicy()
	p.MinTargets = 4
	return p
}

// A stage is the world of one play, and mooring in it.
type stage struct {
	demo   *Demo
	dns    *sim.DNS
	asked  *conns
	nodes  *nodes
	front  *front.Front
	load   *load
	pinned *pinned
	dir    string

	mu      sync.Mutex
	addrs   []netip.Addr // of the name
	private []netip.Addr // that the resolver shows instead
	broken  sim.DNSFault
	warm    []*time.Timer

	warming   sync.Mutex
	cold      bool // nobody becomes warm any more
	measuring sync.Mutex
	health    map[netip.Addr]mooring.Target // after the last round
	player    *player
	closers   []func() // in the order in which they were opened
}

// open sets the stage. Close clears it.
func (d *Demo) open() (*stage, error) {
	s := &stage{demo: d, nodes: newNodes(d.c.Work), asked: &conns{open: map[net.Conn]bool{}}}
	s.player = &player{stage: s, steps: d.story.steps, over: make(chan error, 1)}
	s.closers = append(s.closers, s.nodes.close)
	if err := s.build(); err != nil {
		s.close() // as far as it was built
		return nil, fmt.Errorf("set the stage: %w", err)
	}
	d.opened(s)
	return s, nil
}

func (s *stage) build() (err error) {
	d := s.demo
	if s.dns, err = sim.NewDNS(sim.DNSConfig{Seed: d.c.Seed}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.dns.Close, s.asked.close)
	s.asked.dial = s.dns.Dial
	if s.dir, err = os.MkdirTemp("", "mooring-demo-"); err != nil {
		return fmt.Errorf("make a place for the memory: %w", err)
	}
	s.closers = append(s.closers, func() { _ = os.RemoveAll(s.dir) }) // what cannot be removed, the system removes some day
	if err := s.listen(d.fixed()); err != nil {
		return err
	}
	s.closers = append(s.closers, s.shutdown)
	s.load = &load{fixed: s.front.Addr().String(), told: d.front, now: d.now}
	s.pinned = &pinned{dial: s.nodes.Dial, told: d.pinned, now: d.now, stop: make(chan struct{}), last: map[netip.Addr]bool{}}
	s.closers = append(s.closers, s.cool, s.unpin, s.load.close)
	return nil
}

// close clears the stage, the clients first: what they began is finished.
func (s *stage) close() {
	for _, end := range slices.Backward(s.closers) {
		end()
	}
}

// listen opens the front where it was in the last play, if that is to be had.
func (s *stage) listen(at netip.AddrPort) (err error) {
	settings := front.DefaultSettings()
	settings.HealthInterval = s.demo.scaled(settings.HealthInterval)
	settings.DrainDelay = s.demo.scaled(settings.DrainDelay)
	c := front.Config{Listen: at, Settings: settings, Dial: s.nodes.Dial, Log: slog.New(slog.DiscardHandler)}
	if s.front, err = front.Listen(c); err != nil && at.Port() != 0 {
		c.Listen = netip.AddrPortFrom(at.Addr(), 0)
		s.front, err = front.Listen(c)
	}
	return err
}

func (s *stage) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.front.Shutdown(ctx)
}

// unpin ends the client that pinned addresses, and keeps how it fared at the end.
func (s *stage) unpin() {
	s.pinned.close()
	s.demo.mu.Lock()
	defer s.demo.mu.Unlock()
	s.demo.answering, s.demo.asked = s.pinned.answering()
}

// cool stops nodes from warming.
func (s *stage) cool() {
	s.warming.Lock()
	s.cold = true
	s.warming.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.warm {
		t.Stop()
	}
}

// run plays the story until it is over or the context ends.
func (s *stage) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.pinned.start(s.demo.story.pinned)
	s.player.begin()
	member := &mooring.Member{Binding: binding(s.front.Addr()), Interval: s.demo.scaled(interval), Open: s.keeper}
	fleet := mooring.NewFleet([]*mooring.Member{member}, 1, roundLimit, slog.New(slog.DiscardHandler))
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		fleet.Watch(ctx, func(_ *mooring.Member, r mooring.Report) { s.told(r) })
	}()
	var err error
	select {
	case err = <-s.player.over:
	case <-ctx.Done():
	}
	s.player.end()
	s.load.close() // while mooring still looks after its requests
	cancel()
	<-watching
	return err
}

func binding(at netip.AddrPort) mooring.Binding {
	return mooring.Binding{Name: "demo", Hostnames: []string{hostname}, Port: port, TargetGroup: "tcp://" + at.String()}
}

// keeper is the real one. Only its times are scaled.
func (s *stage) keeper(context.Context) (*mooring.Keeper, error) {
	policy := usualPolicy()
	policy.Hold, policy.HoldMax = s.demo.scaled(policy.Hold), s.demo.scaled(policy.HoldMax)
	finder := lookup.New(lookup.Config{
		Hostnames: []string{hostname}, Mode: lookup.Auto, Resolvers: []netip.AddrPort{s.dns.Resolver()},
		// Usually a round gathers a third of the proof, and then who is missed three times is proved absent too. Here it
		// gathers half, so that the story can tell the two guards apart.
		MaxLookups: maxLookups, RoundShare: policy.Threshold() / 2, Admits: policy.Admits, Dial: s.asked.Dial,
	})
	return &mooring.Keeper{
		Binding: binding(s.front.Addr()), Policy: policy, Finder: finder, Group: measured{s.front, s.measure},
		Store: store.NewFile(s.dir, "demo.json"), Program: "demo", Log: slog.New(slog.DiscardHandler),
		Now: time.Now, Decide: s.demo.c.Decide,
	}, nil
}

// told is told of a round. The next one does not begin before it returns, so what the story does now is done in between.
func (s *stage) told(r mooring.Report) {
	s.demo.round(r)
	s.tellHealth()
	s.player.told(r.Deregistered)
}

// tellHealth tells whose health in the front is another than after the last round.
func (s *stage) tellHealth() {
	before := s.health
	s.health = s.targets()
	for _, state := range []mooring.Health{mooring.HealthHealthy, mooring.HealthUnhealthy} {
		var turned []netip.Addr
		for a, t := range s.health {
			if t.Health == state && before[a].Health != state {
				turned = append(turned, a)
			}
		}
		if slices.SortFunc(turned, netip.Addr.Compare); len(turned) > 0 {
			s.demo.say("front: %s %s", list(turned), state)
		}
	}
}

// A measured group has it measured what its changes are worth.
type measured struct {
	mooring.Group
	measure func()
}

func (m measured) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	defer m.measure()
	return m.Group.Register(ctx, targets, permit)
}

func (m measured) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	defer m.measure()
	return m.Group.Deregister(ctx, targets, permit)
}

// targets are what the front holds.
func (s *stage) targets() map[netip.Addr]mooring.Target {
	listed, err := s.front.Targets(context.Background())
	if err != nil {
		return nil // it is closed
	}
	out := map[netip.Addr]mooring.Target{}
	for _, t := range listed {
		out[t.Addr] = t
	}
	return out
}

// measure sees who is missing in the front and who is stale. It is called whenever that may have changed.
func (s *stage) measure() {
	s.measuring.Lock()
	defer s.measuring.Unlock()
	targets := s.targets()
	registered := func(a netip.Addr) bool { return targets[a].Addr.IsValid() && targets[a].Registered() }
	var missing, stale []netip.Addr
	for _, a := range s.shown() {
		if s.nodes.state(a) == serving && !registered(a) {
			missing = append(missing, a)
		}
	}
	for _, a := range s.nodes.addrs(dead) {
		if registered(a) {
			stale = append(stale, a)
		}
	}
	s.demo.measured(missing, stale)
}

// conns are the connections to name servers that are open. The finder keeps some between its rounds.
type conns struct {
	dial dialer

	mu   sync.Mutex
	open map[net.Conn]bool
}

// A conn is one of them.
type conn struct {
	net.Conn
	of *conns
}

func (c *conns) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	opened, err := c.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[opened] = true
	return conn{opened, c}, nil
}

func (c conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for opened := range c.open {
		_ = opened.Close() // nothing is left to be flushed
	}
	clear(c.open)
}
