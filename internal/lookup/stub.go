package lookup

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	maxKept    = time.Hour   // what a resolver said is kept for its TTL, but not longer
	keptDenial = time.Minute // that there is no such record is kept so long (RFC 2308 allows up to three hours)
	maxCache   = 1024        // questions whose answers are kept
	lameFor    = time.Minute // a resolver that was silent is asked last for so long
	maxTries   = 3           // a stub question goes to at most so many resolvers
)

// A stub asks the recursive resolvers, in their order, and keeps what they say for its TTL.
type stub struct {
	client *client
	fixed  []netip.AddrPort // as configured; empty: the system's
	now    func() time.Time

	mu    sync.Mutex
	cache map[question]kept
	lame  map[netip.AddrPort]time.Time
}

type kept struct {
	said
	until time.Time
}

// said is what a resolver said about a question.
type said struct {
	msg     *dns.Msg
	server  netip.AddrPort
	failure *Failure // nil when msg is an answer; a denial is both
}

// servers returns the resolvers to ask, those that were silent lately last.
func (s *stub) servers() []netip.AddrPort {
	servers := slices.Clone(s.fixed)
	if len(servers) == 0 {
		servers = systemResolvers("/etc/resolv.conf")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(servers, func(a, b netip.AddrPort) int {
		return order(s.isLame(a), s.isLame(b))
	})
	return servers
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func (s *stub) isLame(server netip.AddrPort) bool { return s.now().Before(s.lame[server]) }

// lively returns the resolvers without those that were silent lately; all of them when none is left.
func (s *stub) lively() []netip.AddrPort {
	servers := s.servers()
	s.mu.Lock()
	defer s.mu.Unlock()
	live := slices.DeleteFunc(slices.Clone(servers), s.isLame)
	if len(live) == 0 {
		return servers
	}
	return live
}

// note remembers whether a resolver answered.
func (s *stub) note(server netip.AddrPort, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lame, server)
	if silent {
		s.lame[server] = s.now().Add(lameFor)
	}
}

// systemResolvers reads resolv.conf(5). Without one, the resolver is on this machine, as the C library has it.
func systemResolvers(path string) []netip.AddrPort {
	var servers []netip.AddrPort
	if conf, err := dns.ClientConfigFromFile(path); err == nil {
		port, err := strconv.ParseUint(conf.Port, 10, 16)
		if err != nil {
			port = 53
		}
		for _, server := range conf.Servers {
			if addr, err := netip.ParseAddr(server); err == nil && len(servers) < maxTries {
				servers = append(servers, netip.AddrPortFrom(addr, uint16(port)))
			}
		}
	}
	if len(servers) == 0 {
		servers = append(servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53))
	}
	return servers
}

// lookup asks one resolver after the other until one answers, or denies.
func (s *stub) lookup(ctx context.Context, q question) said {
	if k, ok := s.recall(q); ok {
		return k
	}
	last := said{failure: &Failure{Class: Timeout, Detail: "no resolver to ask"}}
	servers := s.servers()
	for try := range max(2, min(len(servers), maxTries)) {
		server := servers[try%len(servers)]
		last = s.ask(ctx, server, q)
		if ctx.Err() != nil {
			return last
		}
		s.note(server, last.msg == nil)
		if f := last.failure; f == nil || f.Class == NXDomain {
			s.remember(q, last)
			return last
		}
	}
	return last
}

// ask asks one resolver once.
func (s *stub) ask(ctx context.Context, server netip.AddrPort, q question) said {
	msg, err := s.client.ask(ctx, server, q, true)
	if err != nil {
		return said{server: server, failure: &Failure{Class: Timeout, Server: server.String(), Detail: err.Error()}}
	}
	out := said{msg: msg, server: server, failure: rcodeFailure(msg, false)}
	if out.failure != nil {
		out.failure.Server = server.String()
	}
	return out
}

func (s *stub) recall(q question) (said, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.cache[q]
	return k.said, ok && s.now().Before(k.until)
}

func (s *stub) remember(q question, what said) {
	ttl := maxKept
	for _, rr := range what.msg.Answer {
		ttl = min(ttl, ttlOf(rr.Header()))
	}
	if what.failure != nil || len(what.msg.Answer) == 0 {
		ttl = keptDenial
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cache) >= maxCache {
		clear(s.cache)
	}
	s.cache[q] = kept{what, s.now().Add(ttl)}
}

// forget drops everything that is kept: servers that it led to did not answer, so they may have changed.
func (s *stub) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cache)
}
