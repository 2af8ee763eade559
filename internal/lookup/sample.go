package lookup

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// tries is how often a question is asked, each time of another server.
const tries = 2

// sample asks for the addresses of the hostname once, and follows its aliases, each at the servers of its own zone.
// Every sample begins at the hostname itself, for an alias may be chosen anew for every question, as weighted ones are.
func (s *search) sample(ctx context.Context, b *budget) outcome {
	name := dns.Fqdn(s.host)
	c := chain{zones: map[string]bool{}}
	ttl := maxTTL
	for {
		p, f := s.spreadOf(ctx, name)
		if f != nil {
			return outcome{failure: f}
		}
		if f := c.enter(p.zone.apex); f != nil {
			return outcome{failure: f}
		}
		rep, server, f := s.ask(ctx, b, p, question{name, s.qtype}, false)
		if f == nil {
			f = c.follow(rep)
		}
		if f != nil {
			return outcome{failure: f}
		}
		ttl = min(ttl, rep.ttl)
		if rep.next == "" {
			final := name
			if n := len(rep.aliases); n > 0 {
				final = rep.aliases[n-1]
			}
			return outcome{addrs: rep.addrs, ttl: ttl, server: server, final: final}
		}
		name = rep.next
	}
}

// A chain is the way that the aliases of one sample went.
type chain struct {
	zones map[string]bool
	links int
}

func (c *chain) enter(apex string) *Failure {
	c.zones[apex] = true
	if len(c.zones) > maxZones {
		return &Failure{Class: CNAMELoop, Detail: fmt.Sprintf("aliases over more than %d zones", maxZones)}
	}
	return nil
}

func (c *chain) follow(rep reply) *Failure {
	c.links += len(rep.aliases)
	if c.links > maxLinks {
		return &Failure{Class: CNAMELoop, Detail: fmt.Sprintf("%s after %d aliases", rep.aliases[len(rep.aliases)-1], c.links)}
	}
	return nil
}

// spreadOf returns the zone of a name, with the marks of its servers in this search.
func (s *search) spreadOf(ctx context.Context, name string) (*spread, *Failure) {
	z := s.zoneOf(ctx, name)
	if z.failure != nil {
		f := *z.failure
		return nil, &f
	}
	if s.c.Mode == Auto && s.isBlocked(z.apex) {
		return nil, &Failure{Class: Timeout, Detail: "the servers of " + z.apex + " were silent lately", walk: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spreads[z.apex] == nil {
		s.spreads[z.apex] = newSpread(z)
	}
	return s.spreads[z.apex], nil
}

// ask asks one question of a zone's servers, until one of them answers cleanly or the tries are used up. A record that
// may be missing is missing at the first denial.
func (s *search) ask(ctx context.Context, b *budget, p *spread, q question, mayMiss bool) (reply, string, *Failure) {
	failure := &Failure{Class: Timeout, Detail: "no answer before the round's end"}
	var server netip.AddrPort
	for try := range tries {
		if try > 0 && !b.take() {
			break
		}
		next, ok := p.pick(server, mayMiss)
		if !ok {
			if f := p.failure(); f != nil {
				return reply{}, "", f.copied()
			}
			break
		}
		server = next
		rep, f := s.askServer(ctx, server, q, p.zone.apex)
		p.release(server)
		if ctx.Err() != nil {
			break // whatever came of it, it is not the server's doing
		}
		missing := f != nil && mayMiss && (f.Class == NXDomain || f.Class == Empty)
		if missing {
			p.note(server, nil, true) // the server is there, and it answered
			return reply{}, "", f
		}
		p.note(server, f, mayMiss)
		if f == nil {
			s.hear(p.zone.apex)
			return rep, server.String(), nil
		}
		failure = f
	}
	return reply{}, "", failure.copied()
}

// askServer asks one server once.
func (s *search) askServer(ctx context.Context, server netip.AddrPort, q question, apex string) (reply, *Failure) {
	m, err := s.client.ask(ctx, server, q, apex == "")
	if err != nil {
		return reply{}, &Failure{Class: Timeout, Server: server.String(), Detail: err.Error()}
	}
	rep, f := readReply(m, q, apex)
	if f != nil {
		f.Server = server.String()
	}
	return rep, f
}

// copied returns a failure of one's own, to be given a hostname.
func (f *Failure) copied() *Failure {
	c := *f
	return &c
}
