package lookup

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mooring"
)

// confirmations are the plain answers that must agree with all.NAME before it ends a search.
const confirmations = 2

// An allRecord is the state of all.NAME, a record beside the name of a load balancer that shows every node at once.
// AWS's own monitoring relies on it, but does not document it, so it may end a search, and proves nothing alone.
type allRecord struct {
	state  allState
	name   string // the load balancer's name that it stands beside
	answer *mooring.Answer
}

type allState int

const (
	allNone   allState = iota // the name is not known to have one
	allWanted                 // it is to be asked
	allAsked
	allHeld // it answered, and no plain answer showed more
	allGone // it failed, or lacks an address: the name is sampled in full
)

// elbSuffixes are where load balancers' names end.
var elbSuffixes = []string{".elb.amazonaws.com.", ".elb.amazonaws.com.cn."}

// isELB tells names like NAME.REGION.elb.amazonaws.com and NAME.elb.REGION.amazonaws.com: application and network load
// balancers have their labels in different orders.
func isELB(name string) bool {
	for _, suffix := range elbSuffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	labels := dns.SplitDomainName(name)
	n := len(labels)
	if n > 0 && labels[n-1] == "cn" {
		n--
	}
	return n >= 5 && labels[n-1] == "com" && labels[n-2] == "amazonaws" && labels[n-4] == "elb"
}

// knows is told where the name leads: only a load balancer's name has all.NAME beside it.
func (s *search) knows(final string) {
	if s.all.state != allNone || s.c.Whole || s.resolved || !isELB(final) || s.c.MaxLookups <= confirmations {
		return
	}
	s.all = allRecord{state: allWanted, name: final}
}

// askAll asks about all.NAME, at the servers of the name itself.
func (s *search) askAll(ctx context.Context, b *budget, name string) outcome {
	o := outcome{all: true}
	p, f := s.spreadOf(ctx, name)
	if f != nil {
		o.failure = f
		return o
	}
	rep, server, f := s.ask(ctx, b, p, question{"all." + strings.TrimPrefix(name, "dualstack."), s.qtype}, true)
	if f == nil && rep.next != "" {
		f = &Failure{Class: Empty}
	}
	o.addrs, o.ttl, o.server, o.failure = rep.addrs, rep.ttl, server, f
	return o
}

// takeAll keeps what all.NAME says. Its failures are none of the name's.
func (s *search) takeAll(o outcome) {
	i := slices.IndexFunc(o.addrs, s.forbids)
	if o.failure != nil || i >= 0 {
		if i >= 0 {
			s.warn("all.%s was ignored: it holds %s, which is not admitted", s.host, o.addrs[i])
		}
		s.all.state = allGone
		return
	}
	s.all.state = allHeld // and if it is late: what is right ends the search now
	s.all.answer = &mooring.Answer{Hostname: s.host, Addrs: o.addrs, Server: o.server, TTL: o.ttl, Authoritative: true}
	for _, a := range s.answers {
		s.contradict(a.Addrs)
	}
}

// contradict drops all.NAME as a whole answer when it lacks what the name itself showed.
func (s *search) contradict(shown []netip.Addr) {
	if s.all.state != allHeld {
		return
	}
	for _, a := range shown {
		if !slices.Contains(s.all.answer.Addrs, a) {
			s.all.state = allGone
			s.warn("all.%s lacks %s, which %s shows: the name was sampled in full", strings.TrimSuffix(s.all.name, "."), a, s.host)
			return
		}
	}
}
