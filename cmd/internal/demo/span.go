package demo

import (
	"net/netip"
	"slices"
	"time"
)

// A span measures how long a condition held of one address without a break, at the longest.
type span struct {
	since   map[netip.Addr]time.Time
	longest time.Duration
}

// note takes the addresses of which it holds from now on.
func (s *span) note(addrs []netip.Addr, now time.Time) {
	if s.since == nil {
		s.since = map[netip.Addr]time.Time{}
	}
	for a, since := range s.since {
		s.longest = max(s.longest, now.Sub(since))
		if !slices.Contains(addrs, a) {
			delete(s.since, a)
		}
	}
	for _, a := range addrs {
		if _, ok := s.since[a]; !ok {
			s.since[a] = now
		}
	}
}

// until is the longest so far, what still lasts included.
func (s *span) until(now time.Time) time.Duration {
	longest := s.longest
	for _, since := range s.since {
		longest = max(longest, now.Sub(since))
	}
	return longest
}

// end ends all that lasts.
func (s *span) end(now time.Time) { s.note(nil, now) }
