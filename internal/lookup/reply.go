package lookup

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	maxLinks = 8 // aliases followed; a loop is over that soon
	maxZones = 3 // zones that a chain of aliases may cross

	// maxAddrs is the most that an answer may hold: a target group takes no more (its quota is 1,000).
	maxAddrs = 1000
	maxTTL   = 7 * 24 * time.Hour // RFC 8767 section 4 caps a TTL at seven days
)

// A question is about the addresses of a name. Names are in canonical form: lower case, with the trailing dot.
type question struct {
	name  string
	qtype uint16
}

// A reply is what a message says about the question's name.
type reply struct {
	addrs   []netip.Addr // unmapped, sorted, no two equal
	ttl     time.Duration
	aliases []string // the names that the chain of aliases led over
	next    string   // the name to ask about next, where the chain goes on beyond this reply; "" where it does not
}

// readReply reads a message that is known to answer q. The servers of a zone must be authoritative, and are
// believed only about names within it; zone "" stands for a recursive resolver.
//
// Only records that the question's name leads to, over aliases, are used: whatever else is in the message is ignored.
func readReply(m *dns.Msg, q question, zone string) (reply, *Failure) {
	if f := rcodeFailure(m, zone != ""); f != nil {
		return reply{}, f
	}
	records := collect(m.Answer, q.qtype)
	r := reply{ttl: maxTTL}
	name := q.name
	for len(records[name].addrs) == 0 && records[name].alias != "" {
		record := records[name]
		name = record.alias
		r.ttl = min(r.ttl, record.ttl)
		r.aliases = append(r.aliases, name)
		if len(r.aliases) > maxLinks {
			return reply{}, &Failure{Class: CNAMELoop, Detail: fmt.Sprintf("%s after %d aliases", name, len(r.aliases))}
		}
		if zone != "" && !dns.IsSubDomain(zone, name) {
			r.next = name
			return r, nil
		}
	}
	return r.end(records[name], name, zone)
}

// end takes the addresses at the end of the chain.
func (r reply) end(last record, name, zone string) (reply, *Failure) {
	switch {
	case len(last.addrs) > maxAddrs:
		return reply{}, &Failure{Class: Tainted, Detail: fmt.Sprintf("NOERROR with %d addresses, over the limit of %d", len(last.addrs), maxAddrs)}
	case len(last.addrs) > 0:
		r.addrs = last.addrs
		slices.SortFunc(r.addrs, netip.Addr.Compare)
		r.addrs = slices.Compact(r.addrs)
		r.ttl = min(r.ttl, last.ttl)
		return r, nil
	case len(r.aliases) > 0 && zone != "":
		r.next = name
		return r, nil
	default:
		return reply{}, &Failure{Class: Empty, Detail: "NOERROR without an address"}
	}
}

// rcodeFailure tells what a message's header says against it.
func rcodeFailure(m *dns.Msg, zoneServer bool) *Failure {
	code := dns.RcodeToString[m.Rcode]
	if code == "" {
		code = fmt.Sprintf("RCODE%d", m.Rcode)
	}
	switch {
	case m.Truncated:
		return &Failure{Class: Truncated, Detail: code + ", truncated"}
	case m.Rcode == dns.RcodeRefused:
		return &Failure{Class: Refused, Detail: code}
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return &Failure{Class: ServFail, Detail: code}
	case zoneServer && !m.Authoritative:
		return &Failure{Class: Refused, Detail: code + " without authority"}
	case m.Rcode == dns.RcodeNameError:
		return &Failure{Class: NXDomain, Detail: code}
	default:
		return nil
	}
}

// A record is what a message holds about one name.
type record struct {
	alias string
	addrs []netip.Addr
	ttl   time.Duration
}

func collect(answer []dns.RR, qtype uint16) map[string]record {
	records := map[string]record{}
	for _, rr := range answer {
		h := rr.Header()
		if h.Class != dns.ClassINET {
			continue
		}
		owner := dns.CanonicalName(h.Name)
		rec, ok := records[owner]
		if ttl := ttlOf(h); !ok || ttl < rec.ttl {
			rec.ttl = ttl
		}
		switch rr := rr.(type) {
		case *dns.CNAME:
			if rec.alias == "" {
				rec.alias = dns.CanonicalName(rr.Target)
			}
		case *dns.A:
			if addr, ok := netip.AddrFromSlice(rr.A); ok && qtype == dns.TypeA {
				rec.addrs = append(rec.addrs, addr.Unmap())
			}
		case *dns.AAAA:
			if addr, ok := netip.AddrFromSlice(rr.AAAA); ok && qtype == dns.TypeAAAA {
				rec.addrs = append(rec.addrs, addr.Unmap())
			}
		}
		records[owner] = rec
	}
	return records
}

// ttlOf reads a TTL; one with the top bit set is none (RFC 2181 section 8).
func ttlOf(h *dns.RR_Header) time.Duration {
	if h.Ttl > 1<<31-1 {
		return 0
	}
	return min(time.Duration(h.Ttl)*time.Second, maxTTL)
}

// answers tells whether a message is a reply to the question that was sent under id. What is not is somebody
// else's, or forged, and is ignored (RFC 5452 section 9.1).
func answers(m *dns.Msg, id uint16, q question) bool {
	return m.Id == id && m.Response && m.Opcode == dns.OpcodeQuery && len(m.Question) == 1 &&
		m.Question[0].Qtype == q.qtype && m.Question[0].Qclass == dns.ClassINET && dns.CanonicalName(m.Question[0].Name) == q.name
}
