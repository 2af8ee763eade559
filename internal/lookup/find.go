package lookup

import (
	"context"
	"fmt"

	"github.com/miekg/dns"

	"mooring"
)

// probes are the questions asked before it is known where the name leads.
const probes = 2

// find searches in the configured mode.
func (s *search) find(ctx context.Context) {
	switch {
	case !validName(s.host):
		s.failure = &Failure{Class: NXDomain, Host: s.host, Detail: "not a domain name"}
	case s.c.Mode == Resolver:
		s.poll(ctx)
	default:
		s.askZone(ctx)
		if s.c.Mode == Auto && s.fallsBack() {
			s.fallBack(ctx)
		}
	}
}

func validName(host string) bool {
	_, ok := dns.IsDomainName(host)
	return ok && host != ""
}

// askZone searches at the servers of the name's zone.
func (s *search) askZone(ctx context.Context) {
	name := dns.Fqdn(s.host)
	if isELB(name) {
		s.knows(name)
	}
	s.run(ctx, searchTime, newBudget(s.c.MaxLookups), s.wants)
	s.judge(ctx, s.cut)
}

// wants is how many more plain answers the search takes.
func (s *search) wants() int {
	switch {
	case s.c.Whole:
		return max(0, probes-s.sampler.answers, s.lonely())
	case s.all.state == allAsked || s.all.state == allWanted || s.all.state == allHeld:
		return max(0, confirmations-s.sampler.answers, s.lonely())
	case s.sampler.answers == 0 && len(s.tally.failures) == 0:
		return probes
	default:
		return max(s.sampler.wants(), s.lonely())
	}
}

// lonely is 1 while only one server has answered and another could. An alias that led elsewhere for a moment may leave a
// zone so, which is not asked again: that is given up.
func (s *search) lonely() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.spreads {
		asked, answered, more := p.lonely()
		if left := asked < 2 && s.sampler.answers >= 2*minAnswers; left {
			continue
		}
		if answered == 1 && more {
			return 1
		}
	}
	return 0
}

// judge says whether what was seen may count: enough of the questions were answered cleanly, by enough servers, and
// nothing was tainted.
func (s *search) judge(ctx context.Context, cut bool) {
	s.failure = nil
	switch {
	case s.tainted != nil:
		s.failure = s.tainted.copied()
	case s.gaveUp || !s.tally.sound():
		worst := s.tally.worst()
		s.failure = &worst
	case cut || ctx.Err() != nil:
		s.failure = &Failure{Class: Timeout, Detail: fmt.Sprintf("the search was not over after %d answers", s.sampler.answers)}
	default:
		s.failure = s.fewServers()
	}
	if s.failure != nil {
		s.failure.Host = s.host
	}
}

// fewServers fails where one server's view would stand for all of them: it may be stale, or cut off from the others.
func (s *search) fewServers() *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	for apex, p := range s.spreads {
		asked, answered, _ := p.lonely()
		if asked > 1 && answered < 2 {
			f := &Failure{Class: TooFewServers, Detail: fmt.Sprintf("%d of the %d servers of %s answered", answered, len(p.zone.servers), apex)}
			if last := p.failure(); last != nil {
				f.Server, f.Detail = last.Server, f.Detail+" ("+last.Detail+")"
			}
			return f
		}
	}
	return nil
}

// fallsBack tells whether the resolvers are to be asked instead: the zone's servers could not be found, are silent,
// refuse, deny, or show only what may not be registered, as is usual for private zones.
func (s *search) fallsBack() bool {
	if s.failure == nil || s.tally.clean > 0 {
		return false
	}
	switch s.failure.Class {
	case Timeout, Refused, NXDomain, Tainted:
		return true
	default:
		return s.failure.walk
	}
}

// fallBack takes what the resolvers say in place of the zone's servers. When they fail too, the zone's failure stands,
// except that a resolver's plain word is worth more than a silence.
func (s *search) fallBack(ctx context.Context) {
	s.blockSilent()
	again := &search{round: s.round, host: s.host, qtype: s.qtype, admits: s.admits, spreads: map[string]*spread{}}
	again.poll(ctx)
	s.sighted = append(s.sighted, again.sighted...)
	first := s.failure
	if again.failure == nil {
		again.sighted = s.sighted
		again.replace(s, first)
		return
	}
	unclear := again.failure.Class == Timeout || again.failure.Class == ServFail
	if first.Class == Timeout && !unclear {
		s.failure = again.failure
	}
}

// replace makes s what this search found.
func (s *search) replace(old *search, first *Failure) {
	old.sampler, old.answers, old.tally, old.all = s.sampler, s.answers, s.tally, allRecord{}
	old.sighted, old.tainted, old.failure, old.resolved, old.cut = s.sighted, nil, nil, true, false
	old.warn("%s: the resolver's answers are used, for those of the zone's servers cannot be: %s", old.host, first)
}

// blockSilent remembers zones whose servers all kept silent, and forgets who they were. No server was marked as silent by a
// question that the round's end cut short.
func (s *search) blockSilent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for apex, p := range s.spreads {
		if p.silent() {
			s.block(apex)
			s.stub.forget()
		}
	}
}

// Servers only repeat themselves when so many answers did, and so many times as many as did not.
const (
	minRepeated    = 16
	mostlyRepeated = 3
)

// wantsAgainst is how many more plain answers it takes to hold the round's share of evidence against missing addresses.
// It weighs as the judgement does: a missing address may be any of those known, or missing, and what a server only
// repeats is not weighed. Servers that do little else are not asked on.
func (s *search) wantsAgainst(missing int) int {
	if missing == 0 || s.c.Whole {
		return 0
	}
	d := len(seenBy([]*search{s})) + missing
	have, repeated := 0.0, 0
	for i, again := range mooring.Repeats(s.observed()) {
		switch {
		case i >= len(s.answers): // what all.NAME said
		case again:
			repeated++
		default:
			have += mooring.Silence(len(s.answers[i].Addrs), d)
		}
	}
	if repeated >= minRepeated && repeated >= mostlyRepeated*(len(s.answers)-repeated) {
		return 0
	}
	return answersFor(s.c.RoundShare-have, s.sampler.size, d)
}
