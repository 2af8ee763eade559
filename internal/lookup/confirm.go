package lookup

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"mooring"
)

// maxConfirm bounds the questions that confirm an absence, for each hostname, on top of its search.
const maxConfirm = 600

// confirm goes on with the plain names while a tracked address is missing, until this round holds its share of the
// evidence against it. What all.NAME said does not count here. A resolver is not asked again: its cache would only
// repeat itself.
func (r *round) confirm(searches []*search, tracked func(context.Context) []netip.Addr) {
	if tracked == nil {
		return
	}
	m := &missing{addrs: slices.Clone(tracked(r.ctx))}
	m.count(seenBy(searches))
	if len(m.addrs) == 0 {
		return
	}
	var all mooring.Tasks
	for _, s := range searches {
		if !s.resolved {
			all.Go(func() { s.confirm(r.ctx, m) })
		}
	}
	all.Wait()
}

// confirm asks about one hostname. The time or the questions running out is no failure: then the evidence is short,
// and the judgement says so.
func (s *search) confirm(ctx context.Context, m *missing) {
	believed := s.all.state == allHeld // so the name was not sampled in full yet
	s.run(ctx, confirmTime, newBudget(maxConfirm), func() int {
		n := s.wantsAgainst(m.count(seenBy([]*search{s})))
		if believed && s.all.state == allGone {
			n = max(n, s.sampler.wants())
		}
		return n
	})
	s.judge(ctx, false)
}

// A missing is the set of tracked addresses that nobody has seen yet. Hostnames share it.
type missing struct {
	mu    sync.Mutex
	addrs []netip.Addr
}

// count takes out who was seen, and returns how many are left.
func (m *missing) count(seen []netip.Addr) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addrs = slices.DeleteFunc(m.addrs, func(a netip.Addr) bool { return slices.Contains(seen, a) })
	return len(m.addrs)
}
