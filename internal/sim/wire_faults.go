package sim

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// A WireFault is one way in which DNS messages go wrong.
type WireFault string

// The faults of the wire.
const (
	WireDrop          WireFault = "drop"      // no answer
	WireDelay         WireFault = "delay"     // it takes a third of a second more
	WireDuplicate     WireFault = "duplicate" // it comes twice
	WireServfail      WireFault = "servfail"
	WireFormerr       WireFault = "formerr"
	WireRefused       WireFault = "refused"
	WireNXDomain      WireFault = "nxdomain"
	WireNoData        WireFault = "nodata"         // NOERROR without a record
	WireTruncatedUDP  WireFault = "truncated-udp"  // the answer is to be had over TCP
	WireTruncated     WireFault = "truncated"      // and not even there
	WireNoTCP         WireFault = "no-tcp"         // there is only UDP
	WireWrongID       WireFault = "wrong-id"       // the answer is to another question of somebody
	WireWrongQuestion WireFault = "wrong-question" // or about another name
	WireForged        WireFault = "forged"         // a false answer with a wrong id comes before the true one
	WireLame          WireFault = "lame"           // an answer without authority, and a false one
	WireReferral      WireFault = "referral"       // an answer that only names servers
	WireTTLZero       WireFault = "ttl-zero"
	WireTTLAbsurd     WireFault = "ttl-absurd"  // with the top bit set
	WireJumbled       WireFault = "jumbled"     // records twice, in no order, and one about another name
	WireChain         WireFault = "cname-chain" // five aliases lead to the addresses
	WireLongChain     WireFault = "cname-long"  // nine do
	WireLoop          WireFault = "cname-loop"
	WireCross         WireFault = "cname-cross"    // an alias leads into another zone
	WirePingPong      WireFault = "cname-pingpong" // and back, and so on
	WireChange        WireFault = "cname-change"   // the alias is another one each time
	WireForbidden     WireFault = "forbidden"      // one of the addresses is not admitted
	WireClosed        WireFault = "closed"         // the connection is closed in the middle of the answer
	WireNoServer      WireFault = "no-server"      // the name of the server cannot be resolved
	WireSplit         WireFault = "split-horizon"  // the zone's servers deny what the resolvers know
	WireShortAll      WireFault = "short-all"      // the record all.NAME lacks an address
)

// A WirePlace is where a fault is met.
type WirePlace string

// The places.
const (
	Everywhere WirePlace = "everywhere" // at the zone's servers, and where it may be one of theirs at the resolvers
	AtOne      WirePlace = "at one"     // server of the zone
	AtOthers   WirePlace = "at all but one"
	Once       WirePlace = "once" // at the first question that one server is asked
)

// A WirePlan is what one look meets.
type WirePlan struct {
	Fault  WireFault
	Place  WirePlace
	Server int    // which one it is
	Name   string // only about this hostname; "": about all
}

// Wants is what a look under a plan must come to.
type Wants int

// What a look may come to.
const (
	Either       Wants = iota
	Conclusive         // the fault is one that must be borne
	Inconclusive       // nothing may count against anyone
)

// WireFaults returns all faults of the wire.
func WireFaults() []WireFault {
	return []WireFault{
		WireDrop, WireDelay, WireDuplicate, WireServfail, WireFormerr, WireRefused, WireNXDomain, WireNoData, WireTruncatedUDP,
		WireTruncated, WireNoTCP, WireWrongID, WireWrongQuestion, WireForged, WireLame, WireReferral, WireTTLZero, WireTTLAbsurd,
		WireJumbled, WireChain, WireLongChain, WireLoop, WireCross, WirePingPong, WireChange, WireForbidden, WireClosed,
		WireNoServer, WireSplit, WireShortAll,
	}
}

// Wants tells what a look must come to where the zone has n servers and nothing else is wrong.
func (p WirePlan) Wants(n int) Wants {
	switch p.Fault {
	case "", WireDuplicate, WireTruncatedUDP, WireNoTCP, WireForged, WireTTLZero, WireTTLAbsurd, WireJumbled, WireChain, WireCross,
		WireChange, WireClosed, WireShortAll:
		return Conclusive
	case WireForbidden, WireLongChain, WireLoop, WirePingPong:
		if p.Place == Everywhere || p.Fault == WireForbidden && p.Place == AtOne {
			return Inconclusive
		}
	case WireDelay:
		return Either
	}
	if p.Fault == WirePingPong { // each server that leads on has answered
		return Either
	}
	switch {
	case p.Place == Once:
		if p.Fault == WireForbidden || p.Fault == WireNoServer {
			return Either
		}
		return Conclusive
	case p.Fault == WireNoServer && (p.Place == Everywhere || n == 1): // then the resolvers are asked
		return Conclusive
	case p.Fault == WireSplit || p.Fault == WireLame || p.Fault == WireReferral:
		if p.Place == Everywhere || n == 1 {
			return Conclusive
		}
	}
	switch {
	case p.Fault == WireNoServer:
		return Either
	case p.Place == Everywhere:
		return Inconclusive
	case p.Place == AtOne && n > 2:
		return Conclusive
	case p.Place == AtOne && n == 2, p.Place == AtOthers && n > 1:
		return Inconclusive
	default:
		return Either
	}
}

// at tells whether a server of the zone is one of those that the plan is about.
func (p WirePlan) at(server int) bool {
	switch p.Place {
	case AtOne, Once:
		return server == p.Server
	case AtOthers:
		return server != p.Server
	default:
		return true
	}
}

// meets tells whether a host meets the fault in its answer about a hostname.
func (wi *wire) meets(h host, hostname string) bool {
	switch p := wi.plan; {
	case p.Fault == "" || p.Name != "" && p.Name != hostname:
		return false
	case h.resolver:
		return p.Place == Everywhere && !p.Fault.zonesOnly()
	case !p.at(h.server):
		return false
	case p.Place == Once && hostname != "" && p.Fault != WireNoTCP:
		before := wi.first[h.server]
		wi.first[h.server] = true
		return !before
	default:
		return true
	}
}

// zonesOnly tells whether resolvers never have a fault.
func (f WireFault) zonesOnly() bool {
	switch f {
	case WireLame, WireReferral, WireSplit, WireNoServer, WireShortAll, WireNoTCP, WireClosed:
		return true
	default:
		return false
	}
}

// clean tells whether an answer under a fault is an answer that may count.
func (f WireFault) clean(tcp bool) bool {
	switch f {
	case "", WireDelay, WireDuplicate, WireNoTCP, WireForged, WireTTLZero, WireTTLAbsurd, WireJumbled, WireChain, WireCross,
		WireChange, WireNoServer, WireShortAll:
		return true
	case WireTruncatedUDP:
		return tcp
	case WireClosed:
		return !tcp
	default:
		return false
	}
}

// planOf is the plan by which a look meets a fault of the world.
func planOf(f Fault, hostnames []string) WirePlan {
	of := map[Fault]WireFault{
		FailTimeout: WireDrop, FailServfail: WireServfail, FailRefused: WireRefused, FailNXDomain: WireNXDomain, FailEmpty: WireNoData,
		FailTruncated: WireTruncated, FailTainted: WireForbidden, FailCNAMELoop: WireLoop, FailFewServers: WireDrop,
		FailPartial: WireServfail, FailShortAll: WireShortAll,
	}
	p := WirePlan{Fault: of[f], Place: Everywhere}
	switch f {
	case FailFewServers:
		p.Place = AtOthers
	case FailPartial:
		p.Name = hostnames[len(hostnames)-1]
	}
	return p
}

// falseAddr is in answers that nobody may believe. It would be admitted.
var falseAddr = netip.MustParseAddr("10.0.2.250")

// spoil turns an honest message into what the fault makes of it.
func (wi *wire) spoil(req, m *dns.Msg, f WireFault, tcp bool, h host, hostname string) []*dns.Msg {
	bare := func(rcode int) []*dns.Msg {
		m.Rcode, m.Answer, m.Ns = rcode, nil, nil
		return []*dns.Msg{m}
	}
	lie := func() []dns.RR {
		return addressRecords(req.Question[0].Name, []netip.Addr{falseAddr}, dns.TypeA, time.Minute)
	}
	switch f {
	case WireDrop:
		return nil
	case WireDuplicate:
		return []*dns.Msg{m, m}
	case WireServfail:
		return bare(dns.RcodeServerFailure)
	case WireFormerr:
		return bare(dns.RcodeFormatError)
	case WireRefused:
		return bare(dns.RcodeRefused)
	case WireNXDomain, WireSplit:
		return bare(dns.RcodeNameError)
	case WireNoData:
		return bare(dns.RcodeSuccess)
	case WireTruncatedUDP, WireTruncated:
		if !tcp || f == WireTruncated {
			m.Truncated = true
			m.Answer = m.Answer[:len(m.Answer)/2]
		}
	case WireWrongID, WireWrongQuestion:
		m.Answer = lie()
		if m.Id++; f == WireWrongQuestion {
			m.Id--
			m.Question = []dns.Question{{Name: "stranger.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
		}
	case WireForged:
		forged := m.Copy()
		forged.Id++
		forged.Answer = lie()
		return []*dns.Msg{forged, m}
	case WireLame:
		m.Authoritative, m.Answer = false, lie()
	case WireReferral:
		m.Authoritative, m.Answer = false, nil
		m.Ns = []dns.RR{&dns.NS{Hdr: header(wi.zoneOf(dns.Fqdn(hostname)), dns.TypeNS, time.Hour), Ns: "ns0.elsewhere.test."}}
	default:
		wi.record(m, f, h, hostname)
	}
	return []*dns.Msg{m}
}

// record is what faults make of the records of an answer.
func (wi *wire) record(m *dns.Msg, f WireFault, h host, hostname string) {
	name, fqdn := dns.CanonicalName(m.Question[0].Name), dns.Fqdn(hostname)
	switch f {
	case WireTTLZero, WireTTLAbsurd:
		for _, rr := range m.Answer {
			rr.Header().Ttl = 0
			if f == WireTTLAbsurd {
				rr.Header().Ttl = math.MaxUint32
			}
		}
	case WireJumbled:
		m.Answer = append(m.Answer, m.Answer...)
		wi.rng.Shuffle(len(m.Answer), func(i, j int) { m.Answer[i], m.Answer[j] = m.Answer[j], m.Answer[i] })
		m.Answer = append(addressRecords("stranger."+fqdn, []netip.Addr{falseAddr}, dns.TypeA, time.Minute), m.Answer...)
	case WireForbidden:
		m.Answer = append(m.Answer, addressRecords(name, []netip.Addr{notAdmitted}, dns.TypeA, time.Minute)...)
	case WireChain:
		wi.chain(m, name, 5)
	case WireLongChain:
		wi.chain(m, name, 9)
	case WireChange:
		wi.chain(m, name, 1+wi.rng.IntN(2))
	case WireLoop:
		to := "a.alias." + fqdn
		m.Answer = []dns.RR{cname(name, to), cname(to, name)}
	case WireCross, WirePingPong:
		switch other := otherName(hostname); {
		case name == fqdn && !h.resolver:
			m.Answer = []dns.RR{cname(name, other)}
		case f == WirePingPong:
			m.Answer = []dns.RR{cname(name, other), cname(other, name)}
			if name == other && !h.resolver {
				m.Answer = []dns.RR{cname(name, fqdn)}
			}
		}
	}
}

// chain puts links before the addresses.
func (wi *wire) chain(m *dns.Msg, name string, links int) {
	var out []dns.RR
	at := name
	for i := range links {
		to := fmt.Sprintf("%d-%d.alias.%s", links, i, name)
		out = append(out, cname(at, to))
		at = to
	}
	for _, rr := range m.Answer {
		rr.Header().Name = at
	}
	m.Answer = append(out, m.Answer...)
}

func cname(from, to string) dns.RR {
	return &dns.CNAME{Hdr: header(from, dns.TypeCNAME, time.Minute), Target: to}
}
