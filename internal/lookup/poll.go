package lookup

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"mooring"
)

const (
	maxRepeats  = 2  // answers in a row that only repeat earlier ones end the asking of a resolver
	maxPolls    = 32 // questions to one resolver
	resolverMax = 3  // resolvers asked, as many as resolv.conf(5) may name
)

// poll asks the resolvers, all at the same time, until each only repeats itself.
//
// A resolver answers from its cache: the same addresses with a TTL that does not rise are the same answer, and are not
// an answer more. One clean resolver is enough, for the others hold no zone's view of their own.
func (s *search) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	s.resolved = true
	b := newBudget(s.c.MaxLookups)
	servers := s.stub.lively()
	var all mooring.Tasks
	for _, server := range servers[:min(len(servers), resolverMax)] {
		all.Go(func() { s.pollOne(ctx, b, server) })
	}
	all.Wait()
	switch {
	case s.tainted != nil:
		s.failure = s.tainted.copied()
	case s.tally.clean == 0:
		worst := s.tally.worst()
		s.failure = &worst
		s.failure.Host = s.host
	}
}

// pollOne asks one resolver, one question after the other.
func (s *search) pollOne(ctx context.Context, b *budget, server netip.AddrPort) {
	ttls := map[string]time.Duration{} // of the latest answer, by its addresses
	repeats := 0
	for range maxPolls {
		if repeats >= maxRepeats || s.sated() || !b.take() {
			return
		}
		o, ok := s.pollOnce(ctx, b, server)
		if !ok {
			return
		}
		set := fmt.Sprint(o.addrs)
		last, again := ttls[set]
		ttls[set] = o.ttl
		if again && o.ttl <= last {
			repeats++
			continue
		}
		repeats = 0
		if !s.takeLocked(o) || s.c.Whole {
			return
		}
	}
}

// pollOnce asks one question, twice if need be. It is false when that failed.
func (s *search) pollOnce(ctx context.Context, b *budget, server netip.AddrPort) (outcome, bool) {
	q := question{dns.Fqdn(s.host), s.qtype}
	rep, f := s.askServer(ctx, server, q, "")
	if f != nil && ctx.Err() == nil && b.take() {
		rep, f = s.askServer(ctx, server, q, "")
	}
	if ctx.Err() == nil {
		s.stub.note(server, f != nil && f.Class == Timeout)
	}
	o := outcome{addrs: rep.addrs, ttl: rep.ttl, server: server.String(), failure: f}
	if f != nil {
		s.takeLocked(o)
	}
	return o, f == nil
}

// takeLocked counts an answer, and tells whether it was clean.
func (s *search) takeLocked(o outcome) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	clean := s.tally.clean
	s.take(o)
	return s.tally.clean > clean
}

// sated tells whether the answers so far are all there are likely to be.
func (s *search) sated() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sampler.answers > 0 && s.sampler.wants() == 0
}

var _ mooring.Finder = (*Finder)(nil)
