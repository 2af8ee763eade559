package lookup

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mooring"
)

// A round is one Find: what its searches share.
type round struct {
	*Finder
	ctx  context.Context // ends with the round
	work mooring.Tasks   // everything that runs in the background

	zones   memo[string, zone]
	lookups memo[question, said]
}

// lookup begins to ask the resolvers.
func (r *round) lookup(q question) {
	r.lookups.start(r, q, func(ctx context.Context) said { return r.stub.lookup(ctx, q) })
}

// await waits for what the resolvers say.
func (r *round) await(ctx context.Context, q question) said {
	s, ok := r.lookups.get(ctx, r, q, func(ctx context.Context) said { return r.stub.lookup(ctx, q) })
	if !ok {
		return said{failure: &Failure{Class: Timeout, Detail: "no answer from the resolvers before the round's end"}}
	}
	return s
}

// search looks all hostnames up at the same time.
func (r *round) search(scope Scope) []*search {
	qtype := dns.TypeA
	if scope.IPv6 {
		qtype = dns.TypeAAAA
	}
	searches := make([]*search, len(r.c.Hostnames))
	var all mooring.Tasks
	for i, host := range r.c.Hostnames {
		s := &search{round: r, host: host, qtype: qtype, admits: scope.Admits, spreads: map[string]*spread{}}
		searches[i] = s
		all.Go(func() { s.find(r.ctx) })
	}
	all.Wait()
	return searches
}

// announce tells what was resolved, beside the rest of the round.
func (r *round) announce(reporting *mooring.Tasks, searches []*search) {
	addrs := seenBy(searches)
	if r.c.Resolved == nil || !conclusive(searches) || len(addrs) == 0 {
		return
	}
	ctx := r.ctx
	reporting.Go(func() { r.c.Resolved(ctx, addrs) })
}

// outgrown tells whether an IPv6 address was seen that the scope does not admit: its subnet may be a new one.
func (r *round) outgrown(scope Scope, searches []*search) bool {
	return r.c.Scope != nil && scope.IPv6 && slices.ContainsFunc(sightedBy(searches), func(a netip.Addr) bool {
		return a.Is6() && !scope.Admits(a)
	})
}

// rescope asks what the group takes, and searches again where that changes what was found.
func (r *round) rescope(before Scope, searches []*search) []*search {
	scope, err := r.c.Scope(r.ctx)
	if err != nil {
		r.unscoped(searches, err)
		return searches
	}
	if scope.Admits == nil {
		scope.Admits = r.c.Admits
	}
	r.keepScope(scope)
	differs := scope.IPv6 != before.IPv6 || slices.ContainsFunc(sightedBy(searches), func(a netip.Addr) bool {
		return scope.Admits(a) != before.Admits(a)
	})
	if !differs {
		return searches
	}
	return r.search(scope)
}

// unscoped makes searches inconclusive while the family is not known: what was searched may be the wrong one, and
// the targets of the other one would all seem to be missing.
func (r *round) unscoped(searches []*search, err error) {
	if _, known := r.knownScope(); known {
		return
	}
	for _, s := range searches {
		if s.failure == nil {
			s.failure = &Failure{Class: Timeout, Host: s.host, Detail: fmt.Sprintf("the family of the target group is not known: %v", err)}
		}
	}
}

// sightedBy returns every address that was seen, also those that are not admitted.
func sightedBy(searches []*search) (out []netip.Addr) {
	for _, s := range searches {
		out = append(out, s.sighted...)
	}
	return out
}

// conclusive tells whether every search brought a clean view.
func conclusive(searches []*search) bool {
	return !slices.ContainsFunc(searches, func(s *search) bool { return s.failure != nil })
}

// seenBy returns the addresses of all searches, sorted.
func seenBy(searches []*search) []netip.Addr {
	var all []netip.Addr
	for _, s := range searches {
		for _, a := range s.observed() {
			all = append(all, a.Addrs...)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// inconclusive says why the round may not count, "" when it may. When one of several hostnames failed, the round is
// partial: what the others showed is true, but an address may have moved to the one that failed.
func inconclusive(searches []*search) string {
	var failed []string
	for _, s := range searches {
		if s.failure != nil {
			failed = append(failed, s.failure.String())
		}
	}
	switch len(failed) {
	case 0:
		if len(searches) == 0 {
			return Failure{Class: Empty, Detail: "no hostname"}.String()
		}
		return ""
	case len(searches):
		return strings.Join(failed, "; ")
	default:
		return fmt.Sprintf("%s: %s", Partial, strings.Join(failed, "; "))
	}
}
