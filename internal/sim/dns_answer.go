package sim

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// authority answers as the server of a zone does: with authority about names in it, and about no others.
func (d *DNS) authority(z *dnsZone, server int, q dns.Question) (answer, authority []dns.RR, rcode int) {
	name := dns.CanonicalName(q.Name)
	if !dns.IsSubDomain(z.apex, name) {
		return nil, nil, dns.RcodeRefused
	}
	if answer := z.infrastructure(name, q.Qtype); len(answer) > 0 {
		return answer, nil, dns.RcodeSuccess
	}
	for range 16 {
		n := d.lookup(name)
		if n == nil {
			if z.holds(name) {
				return answer, []dns.RR{z.soa()}, dns.RcodeSuccess
			}
			return answer, []dns.RR{z.soa()}, dns.RcodeNameError
		}
		if len(n.alias) == 0 {
			answer = append(answer, d.choose(name, n, server, q.Qtype)...)
			break
		}
		target := n.alias[d.rand.IntN(len(n.alias))]
		answer = append(answer, &dns.CNAME{Hdr: header(name, dns.TypeCNAME, n.ttl), Target: target})
		name = target
		if !dns.IsSubDomain(z.apex, name) {
			return answer, nil, dns.RcodeSuccess // the target's own servers know more
		}
	}
	if len(answer) == 0 {
		authority = []dns.RR{z.soa()}
	}
	return answer, authority, dns.RcodeSuccess
}

// lookup finds a name. all.NAME is made up of NAME where the world has such records.
func (d *DNS) lookup(name string) *dnsName {
	if n := d.names[name]; n != nil {
		return n
	}
	if base, ok := strings.CutPrefix(name, "all."); ok && d.c.All {
		for _, of := range []string{base, "dualstack." + base} {
			if n := d.names[of]; n != nil && len(n.alias) == 0 {
				return &dnsName{addrs: n.addrs, ttl: n.ttl, whole: true}
			}
		}
	}
	return nil
}

// choose picks the addresses of one answer at random.
func (d *DNS) choose(name string, n *dnsName, server int, qtype uint16) []dns.RR {
	addrs := n.addrs
	if view, ok := n.views[server]; ok {
		addrs = view
	}
	addrs = ofFamily(addrs, qtype)
	d.rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	if !n.whole {
		addrs = addrs[:min(len(addrs), d.c.PerAnswer)]
	}
	return addressRecords(name, addrs, qtype, n.ttl)
}

func ofFamily(addrs []netip.Addr, qtype uint16) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool {
		return qtype != dns.TypeA && qtype != dns.TypeAAAA || a.Is4() != (qtype == dns.TypeA)
	})
}

func addressRecords(name string, addrs []netip.Addr, qtype uint16, ttl time.Duration) []dns.RR {
	var out []dns.RR
	for _, a := range addrs {
		if qtype == dns.TypeA {
			out = append(out, &dns.A{Hdr: header(name, qtype, ttl), A: net.IP(a.AsSlice())})
		} else {
			out = append(out, &dns.AAAA{Hdr: header(name, qtype, ttl), AAAA: net.IP(a.AsSlice())})
		}
	}
	return out
}

const infrastructureTTL = time.Hour

// infrastructure are the records by which a zone's servers are found.
func (z *dnsZone) infrastructure(name string, qtype uint16) []dns.RR {
	if name == z.apex && qtype == dns.TypeSOA {
		return []dns.RR{z.soa()}
	}
	var out []dns.RR
	for _, s := range z.servers {
		switch {
		case name == z.apex && qtype == dns.TypeNS:
			out = append(out, &dns.NS{Hdr: header(name, qtype, infrastructureTTL), Ns: s.name})
		case name == s.name && qtype == dns.TypeA:
			out = append(out, &dns.A{Hdr: header(name, qtype, infrastructureTTL), A: net.IP(s.addr.AsSlice())})
		}
	}
	return out
}

// holds tells whether a name without records of its own exists in the zone.
func (z *dnsZone) holds(name string) bool {
	return name == z.apex || slices.ContainsFunc(z.servers, func(s *dnsServer) bool { return s.name == name })
}

func (z *dnsZone) soa() dns.RR {
	return &dns.SOA{
		Hdr: header(z.apex, dns.TypeSOA, infrastructureTTL), Ns: z.servers[0].name, Mbox: "hostmaster." + z.apex,
		Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: 60,
	}
}

func header(name string, rrtype uint16, ttl time.Duration) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: uint32(ttl / time.Second)}
}

// zoneOf finds the zone that a name is in; nil where there is none.
func (d *DNS) zoneOf(name string) *dnsZone {
	var best *dnsZone
	for _, z := range d.zones {
		if dns.IsSubDomain(z.apex, name) && (best == nil || len(z.apex) > len(best.apex)) {
			best = z
		}
	}
	return best
}
