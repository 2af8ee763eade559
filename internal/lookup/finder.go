// Package lookup resolves hostnames over DNS, and knows when it has seen enough.
//
// It asks the servers of the name's own zone directly, over TCP first, because a cache shows the same few
// addresses until its copy runs out. It stops by evidence, never by a fixed count of questions, and it tells
// every class of failure apart, so that none of them can be mistaken for an address that has gone.
package lookup

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mooring"
)

// The modes of asking.
const (
	Auto          = "auto"          // the zone's servers, and the resolvers where those cannot be used
	Authoritative = "authoritative" // the zone's servers only
	Resolver      = "resolver"      // the resolvers only
)

// A Config says what to look up and how. Hostnames, Mode, MaxLookups and Admits are required.
type Config struct {
	Hostnames []string
	Mode      string // auto, authoritative or resolver

	// Whole declares that every answer to the plain name holds all its addresses.
	Whole bool

	// Resolvers are the recursive resolvers to start from; empty: those of /etc/resolv.conf, read in each round.
	Resolvers []netip.AddrPort

	// MaxLookups bounds the questions of one search of a hostname, tries included. A search that it ends is not
	// inconclusive. A round searches anew, with as many questions, where the zone's servers cannot be used, and
	// where it turns out that the group takes other addresses.
	MaxLookups int

	// RoundShare is the evidence, in nats, that a round gathers against an address that is missing.
	RoundShare float64

	// Admits tells whether an address may be registered. One that may not taints the answer that holds it.
	Admits func(netip.Addr) bool

	// Scope tells what the target group takes; nil: IPv4, and Admits as it is. It is called when the search for
	// IPv4 addresses is over, so it may wait for the group. What it says is kept, unless it is provisional; it is
	// called again when an IPv6 address is not admitted. An error means that nobody knows the family: then the
	// round is inconclusive.
	Scope func(context.Context) (Scope, error)

	// Resolved, if there is one, gets the addresses as soon as a search is over and conclusive. It runs beside the
	// rest of the round, and Find waits for it. It is called once per Find.
	Resolved func(context.Context, []netip.Addr)

	// Dial connects to a name server, network being udp or tcp; nil: a [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Scope is what a target group takes.
type Scope struct {
	IPv6   bool
	Admits func(netip.Addr) bool // nil: as configured

	// Provisional says that more may be known in the next round, which begins with this scope and asks again.
	Provisional bool
}

// How long zone servers that were all silent are not tried again.
const (
	// blockedFor is for those that never answered: most likely a firewall keeps port 53 closed to all but the resolver.
	blockedFor = 10 * time.Minute
	// quietFor is for those that did: the network was down for a while, and the resolver's copy hides a database's
	// failover, and who is gone, for as long as they are not asked.
	quietFor = 15 * time.Second
)

// maxHeard bounds the zones that are remembered to have answered. Aliases may lead through ever new ones.
const maxHeard = 1024

// A Finder is a [mooring.Finder] over DNS. It serves the rounds of one process, and keeps between them what may
// be kept: the zones' servers for their TTL, connections, and who was silent.
type Finder struct {
	c      Config
	client *client
	stub   *stub
	now    func() time.Time

	mu      sync.Mutex
	scope   *Scope               // once it is known
	blocked map[string]time.Time // zones whose servers were silent, and until when they are not asked
	heard   map[string]bool      // zones whose servers ever answered cleanly
}

// New returns a Finder. It asks nothing yet.
func New(c Config) *Finder {
	c.Hostnames = slices.Clone(c.Hostnames)
	for i, h := range c.Hostnames {
		name := dns.CanonicalName(h)
		c.Hostnames[i] = name[:len(name)-1]
	}
	slices.Sort(c.Hostnames)
	c.Hostnames = slices.Compact(c.Hostnames)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	f := &Finder{c: c, now: wallClock, blocked: map[string]time.Time{}, heard: map[string]bool{}}
	now := func() time.Time { return f.now() }
	f.client = &client{dial: c.Dial, now: now, patience: questionTime, idle: map[netip.AddrPort][]idleConn{}, deaf: map[netip.AddrPort]time.Time{}}
	f.stub = &stub{client: f.client, fixed: c.Resolvers, now: now, cache: map[question]kept{}, lame: map[netip.AddrPort]time.Time{}}
	return f
}

// wallClock has no monotonic part: that one stands still while a function is frozen between its rounds.
func wallClock() time.Time { return time.Now().Round(0) }

// Find looks the hostnames up. It calls tracked once at most, when the search is over and conclusive, and goes on
// asking the zone's servers while one of those addresses is missing and not yet proved absent for this round.
func (f *Finder) Find(ctx context.Context, tracked func(context.Context) []netip.Addr) mooring.Observation {
	ctx, cancel := context.WithCancel(ctx)
	r := &round{Finder: f, ctx: ctx}
	defer r.work.Wait()
	defer cancel()
	f.client.prune()

	var reporting mooring.Tasks
	defer reporting.Wait()

	scope, known := f.knownScope()
	searches := r.search(scope)
	r.announce(&reporting, searches)
	if !known || r.outgrown(scope, searches) {
		searches = r.rescope(scope, searches)
	}
	if conclusive(searches) {
		r.confirm(searches, tracked)
	}
	return f.observation(searches)
}

// knownScope returns the scope to begin with, and whether it is final.
func (f *Finder) knownScope() (Scope, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.scope != nil {
		return *f.scope, !f.scope.Provisional
	}
	return Scope{Admits: f.c.Admits}, f.c.Scope == nil
}

func (f *Finder) keepScope(s Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scope = &s
}

func (f *Finder) isBlocked(apex string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now().Before(f.blocked[apex])
}

func (f *Finder) block(apex string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for zone, until := range f.blocked {
		if !f.now().Before(until) {
			delete(f.blocked, zone)
		}
	}
	long := blockedFor
	if f.heard[apex] {
		long = quietFor
	}
	f.blocked[apex] = f.now().Add(long)
}

// hear remembers that a server of the zone answered.
func (f *Finder) hear(apex string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.heard) >= maxHeard && !f.heard[apex] {
		clear(f.heard)
	}
	f.heard[apex] = true
}

// observation puts the searches together, in the hostnames' order.
func (f *Finder) observation(searches []*search) mooring.Observation {
	o := mooring.Observation{Hostnames: slices.Clone(f.c.Hostnames), Inconclusive: inconclusive(searches)}
	for _, s := range searches {
		o.Answers = append(o.Answers, s.observed()...)
		for _, w := range s.warnings {
			if !slices.Contains(o.Warnings, w) {
				o.Warnings = append(o.Warnings, w)
			}
		}
	}
	return o
}
