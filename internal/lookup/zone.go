package lookup

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

const (
	maxAncestors = 16 // names above a hostname that are tried as its zone
	maxNS        = 13 // servers of a zone that are looked up; the root has as many
	maxServers   = 16 // addresses of a zone's servers that are used
	dnsPort      = 53
)

// A zone is a part of the name space, and the addresses of its own servers.
type zone struct {
	apex    string
	servers []netip.AddrPort
	failure *Failure // why there are none
}

// zoneOf finds the zone of a name: the nearest of its ancestors, itself first, that has name servers.
func (r *round) zoneOf(ctx context.Context, name string) zone {
	z, ok := r.zones.get(ctx, r, name, func(ctx context.Context) zone { return r.walk(ctx, name) })
	if !ok {
		return zone{failure: &Failure{Class: Timeout, Detail: "no name servers before the round's end", walk: true}}
	}
	return z
}

// walk asks about all ancestors at once, and takes the nearest as soon as those below it are known to be none.
func (r *round) walk(ctx context.Context, name string) zone {
	names := ancestors(name)
	for _, n := range names {
		r.lookup(question{n, dns.TypeNS})
	}
	var failure *Failure
	for _, n := range names {
		s := r.await(ctx, question{n, dns.TypeNS})
		if failure == nil {
			failure = s.failure
		}
		if s.msg == nil {
			continue
		}
		if ns := nameServers(s.msg, n); len(ns) > 0 {
			return r.serversOf(ctx, n, ns)
		}
	}
	if failure == nil {
		failure = &Failure{Class: Empty, Detail: "no name servers found"}
	}
	return zone{failure: failure.ofWalk("NS of " + name)}
}

// serversOf resolves the names of a zone's servers: to IPv4 addresses, and to IPv6 ones where a name has no other.
func (r *round) serversOf(ctx context.Context, apex string, names []string) zone {
	for _, n := range names {
		r.lookup(question{n, dns.TypeA})
	}
	z := zone{apex: apex}
	var bare []string
	for _, n := range names {
		if f := r.addServer(ctx, &z, question{n, dns.TypeA}); f != nil {
			z.failure = f
			bare = append(bare, n)
			r.lookup(question{n, dns.TypeAAAA})
		}
	}
	for _, n := range bare {
		r.addServer(ctx, &z, question{n, dns.TypeAAAA})
	}
	if len(z.servers) == 0 {
		z.failure = z.failure.ofWalk("addresses of the servers of " + apex)
		return z
	}
	z.failure = nil
	slices.SortFunc(z.servers, netip.AddrPort.Compare)
	z.servers = slices.Compact(z.servers)
	z.servers = z.servers[:min(len(z.servers), maxServers)]
	return z
}

func (r *round) addServer(ctx context.Context, z *zone, q question) *Failure {
	s := r.await(ctx, q)
	if s.failure != nil {
		return s.failure
	}
	rep, f := readReply(s.msg, q, "")
	if f != nil {
		f.Server = s.server.String()
		return f
	}
	for _, addr := range rep.addrs {
		z.servers = append(z.servers, netip.AddrPortFrom(addr, dnsPort))
	}
	return nil
}

// ofWalk says that a failure was met on the way to the zone's servers.
func (f *Failure) ofWalk(what string) *Failure {
	return &Failure{Class: f.Class, Server: f.Server, Detail: fmt.Sprintf("%s (%s)", f.Detail, what), walk: true}
}

// ancestors lists the names that may be a zone's apex, nearest first. A top-level domain is only tried for
// names directly under it: nobody is moored to one.
func ancestors(name string) []string {
	starts := dns.Split(name)
	keep := len(starts)
	if keep > 2 {
		keep--
	}
	var names []string
	for _, start := range starts[:min(keep, maxAncestors)] {
		names = append(names, name[start:])
	}
	return names
}

// nameServers are the servers that a message names for exactly this apex.
func nameServers(m *dns.Msg, apex string) []string {
	var names []string
	for _, rr := range m.Answer {
		if ns, ok := rr.(*dns.NS); ok && dns.CanonicalName(ns.Hdr.Name) == apex {
			names = append(names, dns.CanonicalName(ns.Ns))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxNS)]
}
