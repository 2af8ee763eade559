package demo

import (
	"net/netip"
	"testing"
	"time"
)

func TestASpanIsAsLongAsItLastedForOneAddressWithoutABreak(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	want := func(s *span, now, seconds int) {
		t.Helper()
		if got := s.until(at(now)); got != time.Duration(seconds)*time.Second {
			t.Errorf("at %d s: %s, want %d s", now, got, seconds)
		}
	}
	var s span
	want(&s, 0, 0)
	s.note([]netip.Addr{a}, at(0))
	want(&s, 3, 3) // it lasts
	s.note([]netip.Addr{a, b}, at(4))
	s.note([]netip.Addr{b}, at(5)) // a's ended after 5
	s.note([]netip.Addr{a, b}, at(6))
	want(&s, 8, 5) // b's lasts for 4, and a's began again
	s.end(at(12))
	want(&s, 100, 8) // b's, from 4 to 12
}
