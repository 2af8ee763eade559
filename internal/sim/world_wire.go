package sim

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"mooring"
)

// A wire carries the DNS messages of one look of a process that looks up by itself, and keeps what was truly said.
// What is asked first is decided by goroutines, so a seed repeats what befalls a look, and not each answer.
type wire struct {
	p     *Process
	plan  WirePlan
	zone  Zone
	rng   *rand.Rand
	given map[string]source // clean answers about a hostname, by who gave them and what they held
	asked int               // questions about a hostname's addresses
	first map[int]bool      // servers that have met the fault that comes once
}

// wireIdle is how long a server keeps a connection over which nothing comes.
const wireIdle = 15 * time.Second

// wired looks names up over the world's wire, as the process would over a network's.
type wired struct {
	p    *Process
	real mooring.Finder
}

// finder is the world's own, or the one that a test brought.
func (p *Process) finder() mooring.Finder {
	if p.w.NewFinder == nil {
		return finder{p}
	}
	return wired{p, p.w.NewFinder(p)}
}

// Find lets the real finder look, and checks what it says by what the wire carried.
func (f wired) Find(ctx context.Context, tracked func(context.Context) []netip.Addr) mooring.Observation {
	p, at := f.p, PointFound
	if p.looked() {
		at = PointLooked
		if err := p.reach(PointLook); err != nil {
			return mooring.Observation{Inconclusive: "timeout: " + err.Error()}
		}
	}
	p.frozen()
	began := p.w.Now()
	wire := p.rewire(p.w.fault(p, CallFind))
	var asked []netip.Addr
	o := f.real.Find(ctx, func(ctx context.Context) []netip.Addr { asked = tracked(ctx); return asked })
	sources := p.checkLook(wire, o, asked, ctx.Err() != nil)
	p.sawName(o, began, wire.zone, sources)
	if err := p.reach(at); err != nil {
		return mooring.Observation{Hostnames: o.Hostnames, Inconclusive: "timeout: " + err.Error()}
	}
	p.tellsName()
	return o
}

// rewire gives the process a wire for its next look.
func (p *Process) rewire(f Fault) *wire {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	plan := planOf(f, p.w.Binding.Hostnames)
	if plan.Fault == "" && p.w.Wire != nil {
		plan = p.w.Wire(p)
	}
	p.looks++
	p.wire = &wire{
		p: p, plan: plan, zone: p.w.Zone.under(f), given: map[string]source{}, first: map[int]bool{},
		rng: p.w.chance(fmt.Sprintf("%s wire %d", p.Name, p.looks)),
	}
	if plan.Fault != "" {
		p.w.meet("wire " + string(plan.Fault) + " " + string(plan.Place))
		p.w.note("%s: the wire has %s %s", p.Name, plan.Fault, plan.Place)
	}
	return p.wire
}

// Resolvers are where the world's recursive resolvers are reached.
func (w *World) Resolvers() []netip.AddrPort {
	zone := w.zone()
	out := make([]netip.AddrPort, zone.resolvers())
	for i := range out {
		out[i] = netip.AddrPortFrom(resolverAddr(i), 53)
	}
	return out
}

// Dial connects to a name server of the world, within a testing/synctest bubble.
func (p *Process) Dial(_ context.Context, network, addr string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	h := host{server: -1}
	zone := p.w.zone()
	for i := range zone.servers() {
		if to.Addr() == serverAddr(i) {
			h = host{i, false}
		}
	}
	for i := range zone.resolvers() {
		if to.Addr() == resolverAddr(i) {
			h = host{i, true}
		}
	}
	if h.server < 0 || network == "tcp" && p.deafTo(h) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	go p.serveWire(far, network == "tcp", h)
	return near, nil
}

// A host is a server of the zone, or a resolver.
type host struct {
	server   int
	resolver bool
}

func (p *Process) deafTo(h host) bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.wire != nil && p.wire.plan.Fault == WireNoTCP && p.wire.meets(h, "")
}

// serveWire answers what comes over a connection until it is closed or nothing comes any more.
func (p *Process) serveWire(conn net.Conn, tcp bool, h host) {
	defer func() { _ = conn.Close() }()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(wireIdle))
		req, err := readWire(conn, tcp)
		if err != nil {
			return
		}
		replies, after := p.replies(req, tcp, h)
		sleep(context.Background(), after)
		for _, r := range replies {
			if r == nil {
				return // it closes the connection in the middle of an answer
			}
			go func() { _, _ = conn.Write(r) }() // the asker may have gone
			sleep(context.Background(), time.Microsecond)
		}
	}
}

func readWire(conn net.Conn, tcp bool) (*dns.Msg, error) {
	buf := make([]byte, dns.MinMsgSize*8)
	n, err := 0, error(nil)
	if tcp {
		var size [2]byte
		if _, err = io.ReadFull(conn, size[:]); err == nil {
			n, err = io.ReadFull(conn, buf[:min(len(buf), int(binary.BigEndian.Uint16(size[:])))])
		}
	} else {
		n, err = conn.Read(buf)
	}
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, m.Unpack(buf[:n])
}

// replies are the packets that answer a question, and how long they take. A nil one ends the connection.
func (p *Process) replies(req *dns.Msg, tcp bool, h host) ([][]byte, time.Duration) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	wire := p.wire
	if len(req.Question) != 1 || wire == nil {
		return nil, 0
	}
	after := time.Millisecond + time.Duration(wire.rng.Int64N(int64(20*time.Millisecond)))
	messages, fault := wire.answer(req, tcp, h)
	var out [][]byte
	for _, m := range messages {
		if m == nil {
			out = append(out, nil)
			continue
		}
		packed, err := m.Pack()
		if err != nil {
			continue
		}
		if tcp {
			packed = append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)
		}
		out = append(out, packed)
	}
	if fault == WireDelay {
		after += 350 * time.Millisecond
	}
	if fault == WireClosed && tcp && len(out) > 0 {
		out = [][]byte{out[0][:len(out[0])/2], nil}
	}
	return out, after
}

// otherZone is where aliases lead that leave the zone; its servers are the same.
const otherZone = "other.test."

// hostOf is the hostname that a name was asked for: itself, one that it is an alias of, or none.
func (wi *wire) hostOf(name string) string {
	name = dns.CanonicalName(name)
	for _, h := range wi.p.w.Binding.Hostnames {
		fqdn := dns.Fqdn(h)
		if name == fqdn || dns.IsSubDomain("alias."+fqdn, name) || name == otherName(h) {
			return h
		}
	}
	return ""
}

func otherName(host string) string { return strings.ReplaceAll(host, ".", "-") + "." + otherZone }

// zoneOf is the apex of the zone that a name is in; "" where it is in none.
func (wi *wire) zoneOf(name string) string {
	if dns.IsSubDomain(otherZone, name) {
		return otherZone
	}
	for _, h := range wi.p.w.Binding.Hostnames {
		_, apex, _ := strings.Cut(dns.Fqdn(h), ".")
		if dns.IsSubDomain(apex, name) {
			return apex
		}
	}
	return ""
}

// answer is what a host says to a question, and the fault that it meets; the caller holds the world's lock.
func (wi *wire) answer(req *dns.Msg, tcp bool, h host) ([]*dns.Msg, WireFault) {
	q := req.Question[0]
	name := dns.CanonicalName(q.Name)
	m := new(dns.Msg).SetRcode(req, dns.RcodeSuccess)
	m.Authoritative, m.RecursionAvailable = !h.resolver, h.resolver
	hostname := wi.hostOf(name)
	if hostname == "" {
		wi.infrastructure(m, name, q.Qtype, h)
		return []*dns.Msg{m}, ""
	}
	if q.Qtype != dns.TypeA {
		return []*dns.Msg{m}, "" // there is no such record
	}
	wi.asked++
	if !h.resolver {
		if f, ok := failed[wi.zone.failing(h.server)]; ok {
			return wi.spoil(req, m, f, tcp, h, hostname), f
		}
	}
	s := source{name: hostname, server: h.server, at: wi.p.w.Now(), zone: &wi.zone}
	var addrs []netip.Addr
	ttl := cmp.Or(wi.zone.TTL, time.Minute)
	if h.resolver {
		z := wi.zone
		z.Cache = cmp.Or(z.Cache, ttl)
		c, left, ok := wi.p.w.recursive(&z, wi.rng, hostname, h.server)
		if !ok {
			return wi.spoil(req, m, WireServfail, tcp, h, hostname), WireServfail
		}
		addrs, s, ttl = c.addrs, c.source, left
	} else {
		addrs, s = wi.p.w.answer(&wi.zone, wi.rng, hostname, h.server)
	}
	s.cached = h.resolver
	m.Answer = addressRecords(name, addrs, dns.TypeA, ttl)
	fault := WireFault("")
	if wi.meets(h, hostname) {
		fault = wi.plan.Fault
	}
	messages := wi.spoil(req, m, fault, tcp, h, hostname)
	if fault.clean(tcp) && len(addrs) > 0 && !slices.Contains(addrs, notAdmitted) {
		wi.given[givenKey(hostname, h, addrs)] = s
	}
	return messages, fault
}

// failed are the wire's faults that a failing server has.
var failed = map[Fault]WireFault{
	FailTimeout: WireDrop, FailServfail: WireServfail, FailRefused: WireRefused, Lame: WireLame,
}

func givenKey(hostname string, h host, addrs []netip.Addr) string {
	at := serverAddr(h.server)
	if h.resolver {
		at = resolverAddr(h.server)
	}
	addrs = slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
	return fmt.Sprint(hostname, " ", netip.AddrPortFrom(at, 53), " ", words(addrs))
}

// infrastructure answers about what is no hostname: the servers of the zones, and the record all.NAME.
func (wi *wire) infrastructure(m *dns.Msg, name string, qtype uint16, h host) {
	apex := wi.zoneOf(name)
	label, parent, _ := strings.Cut(name, ".")
	switch {
	case label == "all" && !h.resolver && wi.zone.All && wi.hostOf(parent) != "" && qtype == dns.TypeA:
		addrs := pick(wi.rng, wi.p.w.shows(&wi.zone, wi.hostOf(parent), h.server, wi.p.w.Now()), allAnswer)
		if wi.plan.Fault == WireShortAll && len(addrs) > 1 {
			addrs = addrs[1:]
		}
		m.Answer = addressRecords(name, addrs, dns.TypeA, time.Minute)
	case apex == "" && dns.CountLabel(name) > 1:
		m.Rcode = dns.RcodeNameError
	case name == apex && qtype == dns.TypeNS:
		for i := range wi.zone.servers() {
			m.Answer = append(m.Answer, &dns.NS{Hdr: header(name, qtype, infrastructureTTL), Ns: fmt.Sprintf("ns%d.%s", i, apex)})
		}
	case strings.HasPrefix(label, "ns") && parent == apex && apex != "":
		for i := range wi.zone.servers() {
			if label != fmt.Sprintf("ns%d", i) || qtype != dns.TypeA {
				continue
			}
			if wi.plan.Fault == WireNoServer && wi.plan.at(i) {
				m.Rcode = dns.RcodeServerFailure
				return
			}
			m.Answer = addressRecords(name, []netip.Addr{serverAddr(i)}, qtype, infrastructureTTL)
		}
	case label == "all":
		m.Rcode = dns.RcodeNameError
	}
}
