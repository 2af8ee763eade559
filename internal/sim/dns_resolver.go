package sim

import (
	"time"

	"github.com/miekg/dns"
)

// A dnsCached is an answer in the resolver's cache.
type dnsCached struct {
	answer []dns.RR
	rcode  int
	at     time.Time
	until  time.Time
}

// recurse answers as a recursive resolver does: from its cache while a copy lasts, its TTL counting down, else by
// asking one of the zone's servers, whose faults then show through as its own.
func (d *DNS) recurse(q dns.Question) (answer []dns.RR, rcode int) {
	q.Name = dns.CanonicalName(q.Name)
	now := d.c.Now()
	if c, ok := d.cache[q]; ok && now.Before(c.until) {
		return aged(c.answer, now.Sub(c.at)), c.rcode
	}
	answer, rcode = d.resolve(q)
	if len(answer) > 0 && rcode == dns.RcodeSuccess {
		d.cache[q] = dnsCached{answer: answer, rcode: rcode, at: now, until: now.Add(leastTTL(answer))}
	}
	return answer, rcode
}

func leastTTL(answer []dns.RR) time.Duration {
	least := infrastructureTTL
	for _, rr := range answer {
		least = min(least, time.Duration(rr.Header().Ttl)*time.Second)
	}
	return least
}

func aged(answer []dns.RR, by time.Duration) []dns.RR {
	var out []dns.RR
	for _, rr := range answer {
		rr = dns.Copy(rr)
		rr.Header().Ttl -= min(rr.Header().Ttl, uint32(by/time.Second))
		out = append(out, rr)
	}
	return out
}

// resolve follows a name from zone to zone.
func (d *DNS) resolve(q dns.Question) (answer []dns.RR, rcode int) {
	for range 16 {
		if n := d.names[q.Name]; n != nil && len(n.private) > 0 {
			return append(answer, addressRecords(q.Name, ofFamily(n.private, q.Qtype), q.Qtype, n.ttl)...), dns.RcodeSuccess
		}
		part, rcode := d.askZone(q)
		answer = append(answer, part...)
		if rcode != dns.RcodeSuccess || len(part) == 0 {
			return answer, rcode
		}
		last, ok := part[len(part)-1].(*dns.CNAME)
		if !ok || q.Qtype == dns.TypeCNAME {
			return answer, dns.RcodeSuccess
		}
		q.Name = last.Target
	}
	return nil, dns.RcodeServerFailure
}

// askZone asks the servers of the name's zone, in an order chosen at random, until one gives an answer that can be used.
// Who the servers are it knows already.
func (d *DNS) askZone(q dns.Question) ([]dns.RR, int) {
	z := d.zoneOf(q.Name)
	if z == nil {
		return nil, d.outside(q.Name)
	}
	if answer := z.infrastructure(q.Name, q.Qtype); len(answer) > 0 {
		return answer, dns.RcodeSuccess
	}
	for _, server := range d.rand.Perm(len(z.servers)) {
		switch d.faultAt(q.Name, server) {
		case DNSServFail, DNSRefused, DNSSilent, DNSTruncatedTCP, DNSWrongID, DNSWrongQuestion, DNSNotAuthoritative:
			continue
		case DNSNXDomain:
			return nil, dns.RcodeNameError
		case DNSEmpty:
			return nil, dns.RcodeSuccess
		default:
			answer, _, rcode := d.authority(z, server, q)
			return answer, rcode
		}
	}
	return nil, dns.RcodeServerFailure
}

// outside is the answer about names of no zone: those above a zone exist, others do not, unless they are private.
func (d *DNS) outside(name string) int {
	for _, z := range d.zones {
		if dns.IsSubDomain(name, z.apex) {
			return dns.RcodeSuccess
		}
	}
	return dns.RcodeNameError
}

// faultAt is the fault of a name at a server: its own before that of all servers, the name's before that of all names.
func (d *DNS) faultAt(name string, server int) DNSFault {
	places := []dnsPlace{{name, server}, {"*", server}}
	if server != theResolver {
		places = append(places, dnsPlace{name, everyServer}, dnsPlace{"*", everyServer})
	}
	for _, p := range places {
		if f := d.faults[p]; f != DNSNone {
			return f
		}
	}
	return DNSNone
}
