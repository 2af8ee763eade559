package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// A DNSConfig says which zones there are and how their servers behave. Its zero value is usable.
type DNSConfig struct {
	Zones     []string      // apexes; none: eu-west-1.elb.amazonaws.com
	Servers   int           // of each zone; 0: 4
	Port      uint16        // 0: free ports, reached by [DNS.Dial]; else this port of each server's own loopback address
	Seed      uint64        // for the choice of addresses
	Latency   time.Duration // of each answer
	PerAnswer int           // addresses in one answer; 0: 8
	TTL       time.Duration // of addresses and aliases; 0: 60s, as of load balancers' names
	All       bool          // every name has a record all.NAME beside it, which holds all of its addresses
	NoTCP     bool          // zones' servers listen on UDP only
	Now       func() time.Time
}

// A DNSFault is how servers misbehave about a name.
type DNSFault string

// The faults. Those of truncation, identity and authority are the zone servers' only.
const (
	DNSNone             DNSFault = ""
	DNSServFail         DNSFault = "servfail"
	DNSRefused          DNSFault = "refused"
	DNSNXDomain         DNSFault = "nxdomain"
	DNSEmpty            DNSFault = "empty"          // NOERROR without a record
	DNSSilent           DNSFault = "silent"         // no answer at all
	DNSTruncated        DNSFault = "truncated"      // over UDP only: the answer is to be had over TCP
	DNSTruncatedTCP     DNSFault = "truncated-tcp"  // over TCP too
	DNSWrongID          DNSFault = "wrong-id"       // the answer is to another question of somebody
	DNSWrongQuestion    DNSFault = "wrong-question" // the answer is about another name
	DNSForged           DNSFault = "forged"         // an answer with a wrong id and a false address comes before the true one
	DNSNotAuthoritative DNSFault = "lame"           // the answer is without authority
)

// ForgedAddr is the address in forged answers.
var ForgedAddr = netip.MustParseAddr("10.66.66.66")

// A DNSQuestion is one question that was asked.
type DNSQuestion struct {
	Name     string // lower case, without the trailing dot
	Type     string // A, AAAA, NS, …
	Server   netip.Addr
	TCP      bool
	Resolver bool // asked of the recursive resolver, not of a zone's server
}

// DNS is a loopback world of name servers: some zones with several servers each, and one recursive resolver with a
// cache. The zones' servers answer as those of load balancers do: with a random few of the name's addresses, chosen
// anew for every question. Everything can be changed while it serves. Names are given without the trailing dot.
type DNS struct {
	c       DNSConfig
	zones   []*dnsZone
	root    *dnsServer // the recursive resolver
	closed  chan struct{}
	closers []func()

	mu     sync.Mutex
	rand   *rand.Rand
	names  map[string]*dnsName
	faults map[dnsPlace]DNSFault
	cache  map[dns.Question]dnsCached
	asked  []DNSQuestion
	slow   time.Duration
}

type dnsZone struct {
	apex    string
	servers []*dnsServer
}

// A dnsServer is one server: the address it goes by, and where it listens.
type dnsServer struct {
	name   string
	addr   netip.Addr
	listen netip.AddrPort
}

// A dnsName is what is known of a name.
type dnsName struct {
	addrs   []netip.Addr
	views   map[int][]netip.Addr // what single servers show instead
	private []netip.Addr         // what the resolver shows instead
	alias   []string             // one of them is chosen anew for every question
	ttl     time.Duration
	whole   bool // all addresses in every answer
}

// A dnsPlace is a name at a server; server -1 is all of them, and resolver the recursive one.
type dnsPlace struct {
	name   string
	server int
}

const (
	everyServer = -1
	theResolver = -2
	maxAsked    = 100_000
)

// NewDNS starts the servers. Close stops them.
func NewDNS(c DNSConfig) (*DNS, error) {
	if len(c.Zones) == 0 {
		c.Zones = []string{"eu-west-1.elb.amazonaws.com"}
	}
	if c.Servers == 0 {
		c.Servers = 4
	}
	if c.PerAnswer == 0 {
		c.PerAnswer = 8
	}
	if c.TTL == 0 {
		c.TTL = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	d := &DNS{
		c: c, closed: make(chan struct{}), rand: rand.New(rand.NewPCG(c.Seed, 8)), slow: c.Latency,
		names: map[string]*dnsName{}, faults: map[dnsPlace]DNSFault{}, cache: map[dns.Question]dnsCached{},
	}
	if err := d.open(); err != nil {
		d.Close()
		return nil, fmt.Errorf("start name servers: %w", err)
	}
	return d, nil
}

// networks are the loopback networks 127.83.0.0/16 to 127.182.0.0/16: with a fixed port each world takes the first that
// no other world has, which may be another process's.
const (
	firstNetwork = 83
	networks     = 100
)

// open starts the servers, in the first network that is free.
func (d *DNS) open() (err error) {
	for n := range networks {
		d.address(byte(firstNetwork + n))
		if err = d.listen(); err == nil || d.c.Port == 0 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		d.stop()
	}
	return err
}

// address gives the servers their addresses in a network.
func (d *DNS) address(network byte) {
	d.root = &dnsServer{addr: netip.AddrFrom4([4]byte{127, network, 0, 1})}
	d.zones = nil
	for z, apex := range d.c.Zones {
		zone := &dnsZone{apex: dns.CanonicalName(apex)}
		for i := range d.c.Servers {
			zone.servers = append(zone.servers, &dnsServer{
				name: fmt.Sprintf("ns%d.%s", i+1, zone.apex),
				addr: netip.AddrFrom4([4]byte{127, network, byte(z + 1), byte(i + 1)}),
			})
		}
		d.zones = append(d.zones, zone)
	}
}

// Resolver is where the recursive resolver is reached: by its address, or by [DNS.Dial] where ports are free.
func (d *DNS) Resolver() netip.AddrPort { return d.named(d.root) }

// Servers are the zone's servers, by the addresses they go by.
func (d *DNS) Servers(apex string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, z := range d.zones {
		if z.apex == dns.CanonicalName(apex) {
			for _, s := range z.servers {
				out = append(out, d.named(s))
			}
		}
	}
	return out
}

// named is the address that a server goes by. A name server's port is 53, whatever it really listens on.
func (d *DNS) named(s *dnsServer) netip.AddrPort {
	return netip.AddrPortFrom(s.addr, 53)
}

// Set makes these the name's addresses, IPv4 and IPv6. A name without any answers NOERROR without a record.
func (d *DNS) Set(name string, addrs ...netip.Addr) {
	d.change(name, func(n *dnsName) { n.addrs = slices.Clone(addrs) })
}

// SetAt makes one server of each zone, counted from 0, show these addresses instead: a stale one.
func (d *DNS) SetAt(server int, name string, addrs ...netip.Addr) {
	d.change(name, func(n *dnsName) {
		if n.views == nil {
			n.views = map[int][]netip.Addr{}
		}
		n.views[server] = slices.Clone(addrs)
	})
}

// SetAll makes these the addresses of all.NAME, whatever the name itself holds.
func (d *DNS) SetAll(name string, addrs ...netip.Addr) {
	d.change("all."+name, func(n *dnsName) { n.addrs, n.whole = slices.Clone(addrs), true })
}

// SetPrivate makes the resolver show these addresses, as it does for a private zone, and forget its cache.
// The zone's servers do not.
func (d *DNS) SetPrivate(name string, addrs ...netip.Addr) {
	d.change(name, func(n *dnsName) {
		n.private = slices.Clone(addrs)
		clear(d.cache)
	})
}

// SetTTL sets how long answers about the name may be kept.
func (d *DNS) SetTTL(name string, ttl time.Duration) {
	d.change(name, func(n *dnsName) { n.ttl = ttl })
}

// Alias makes the name an alias. Of several targets one is chosen for every question, as of weighted records.
func (d *DNS) Alias(name string, targets ...string) {
	d.change(name, func(n *dnsName) {
		n.alias = nil
		for _, t := range targets {
			n.alias = append(n.alias, dns.CanonicalName(t))
		}
	})
}

// Remove forgets the name: it does not exist.
func (d *DNS) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, dns.CanonicalName(name))
}

func (d *DNS) change(name string, f func(*dnsName)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := dns.CanonicalName(name)
	if d.names[key] == nil {
		d.names[key] = &dnsName{ttl: d.c.TTL}
	}
	f(d.names[key])
}

// Fault makes all zones' servers misbehave about the name; "*" stands for every name.
func (d *DNS) Fault(name string, f DNSFault) { d.fault(name, everyServer, f) }

// FaultAt makes one server of each zone, counted from 0, misbehave about the name.
func (d *DNS) FaultAt(server int, name string, f DNSFault) { d.fault(name, server, f) }

// FaultResolver makes the resolver misbehave about the name.
func (d *DNS) FaultResolver(name string, f DNSFault) { d.fault(name, theResolver, f) }

func (d *DNS) fault(name string, server int, f DNSFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name != "*" {
		name = dns.CanonicalName(name)
	}
	d.faults[dnsPlace{name, server}] = f
}

// Latency sets how long each answer takes.
func (d *DNS) Latency(l time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = l
}

// Questions returns what was asked so far, oldest first, and at most the first 100,000.
func (d *DNS) Questions() []DNSQuestion {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// Asked counts the questions about a name's addresses at the zones' servers.
func (d *DNS) Asked(name string) int { return d.count(name, false) }

// AskedResolver counts the questions about a name's addresses at the resolver.
func (d *DNS) AskedResolver(name string) int { return d.count(name, true) }

func (d *DNS) count(name string, resolver bool) (n int) {
	for _, q := range d.Questions() {
		if q.Name == strings.ToLower(name) && q.Resolver == resolver && (q.Type == "A" || q.Type == "AAAA") {
			n++
		}
	}
	return n
}

// Forget clears the questions counted so far.
func (d *DNS) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = nil
}
