package lookup

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mooring"
)

// A search is the search for the addresses of one hostname in one round.
// Its state is touched by one goroutine, except for what has a lock of its own.
type search struct {
	*round
	host   string // without the trailing dot
	qtype  uint16
	admits func(netip.Addr) bool

	mu      sync.Mutex
	spreads map[string]*spread // by apex

	sampler  sampler
	answers  []mooring.Answer
	sighted  []netip.Addr // every address that an answer held, also those that are not admitted
	tally    tally
	tainted  *Failure
	all      allRecord
	cut      bool // the time was over before the search was
	gaveUp   bool // too many questions failed in a row
	resolved bool // by a resolver, not by the zone's servers
	failure  *Failure
	warnings []string
}

// An outcome is what became of one question, its retries and its aliases included.
type outcome struct {
	all     bool // it was about all.NAME
	addrs   []netip.Addr
	ttl     time.Duration
	server  string
	final   string // the name at the end of the aliases
	failure *Failure
}

// take counts what became of a question.
func (s *search) take(o outcome) {
	if o.all {
		s.takeAll(o)
		return
	}
	s.sighted = append(s.sighted, o.addrs...)
	if o.failure == nil {
		o.failure = s.taint(o)
	}
	if o.failure != nil {
		o.failure.Host = s.host
		s.tally.fail(*o.failure)
		return
	}
	s.tally.succeed()
	s.sampler.add(o.addrs)
	s.answers = append(s.answers, mooring.Answer{
		Hostname: s.host, Addrs: o.addrs, Server: o.server, TTL: o.ttl,
		Plain: true, Whole: s.c.Whole, Authoritative: !s.resolved,
	})
	s.knows(o.final)
	s.contradict(o.addrs)
}

// taint tells whether an answer holds an address that is not admitted. It is then discarded whole: the name may have
// been taken over, or moved to another kind of target.
func (s *search) taint(o outcome) *Failure {
	i := slices.IndexFunc(o.addrs, s.forbids)
	if i < 0 {
		return nil
	}
	s.tainted = &Failure{Class: Tainted, Host: s.host, Server: o.server, Detail: fmt.Sprintf("NOERROR with %s, which is not admitted", o.addrs[i])}
	return s.tainted
}

// forbids tells whether an address must not be registered. An IPv4 address in IPv6's clothes is of the wrong family.
func (s *search) forbids(a netip.Addr) bool { return a.Is4() != (s.qtype == dns.TypeA) || !s.admits(a) }

// observed returns the answers. What all.NAME said counts as whole only if the plain name bears it out.
func (s *search) observed() []mooring.Answer {
	out := slices.Clone(s.answers)
	if s.all.answer != nil {
		a := *s.all.answer
		a.Whole = s.all.state == allHeld && s.sampler.answers >= confirmations
		out = append(out, a)
	}
	return out
}

func (s *search) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}
