package lookup

import (
	"net/netip"
	"time"
)

// SetNow replaces the clock by which what is kept runs out.
func (f *Finder) SetNow(now func() time.Time) { f.now = now }

// SetPatience replaces the second that a question may take.
func (f *Finder) SetPatience(d time.Duration) { f.client.patience = d }

// A Sampler is the search rule by itself.
type Sampler struct{ sampler }

func (s *Sampler) Add(addrs []netip.Addr) { s.add(addrs) }
func (s *Sampler) Wants() int             { return s.wants() }
func (s *Sampler) Seen() int              { return len(s.seen) }

// IsELB tells load balancers' names.
func IsELB(name string) bool { return isELB(name) }

// SystemResolvers reads a resolv.conf(5).
func SystemResolvers(path string) []netip.AddrPort { return systemResolvers(path) }
