package config

import (
	"errors"
	"fmt"
	"net/netip"
)

// Unique refuses two bindings for one group and port, and two at one front: each would take the other's targets for
// strangers at best.
func Unique(configs ...Config) error {
	var faults []error
	taken := claims{}
	for i, c := range configs {
		if first, ok := taken.claim(i, c); ok {
			faults = append(faults, fmt.Errorf("bindings %s and %s: both moored to %s", configs[first].Binding.Name, c.Binding.Name, mooredTo(c)))
		}
	}
	return errors.Join(faults...)
}

// moored is what two bindings may not share.
type moored struct {
	group string
	port  uint16
	front netip.AddrPort // and then nothing else
}

func mooredTo(c Config) moored {
	if c.Embedded() {
		return moored{front: c.Front.Listen}
	}
	return moored{group: c.Binding.TargetGroup, port: c.Binding.Port}
}

func (m moored) String() string {
	switch {
	case m.front.IsValid() && m.front.Addr().IsUnspecified():
		return fmt.Sprintf("port %d of this machine", m.front.Port())
	case m.front.IsValid():
		return fmt.Sprintf("port %d of %s of this machine", m.front.Port(), m.front.Addr())
	case m.port == 0:
		return "the own port of " + m.group
	default:
		return fmt.Sprintf("port %d of %s", m.port, m.group)
	}
}

// overlaps tells whether no two may have both: one alone may listen at an address, and whoever listens at all of them
// leaves none. :: is all addresses of both families.
func (m moored) overlaps(other moored) bool {
	if !m.front.IsValid() || !other.front.IsValid() || m.front.Port() != other.front.Port() {
		return m == other
	}
	a, b := m.front.Addr(), other.front.Addr()
	covers := func(a, b netip.Addr) bool { return a.IsUnspecified() && (a.Is6() || b.Is4()) }
	return a == b || covers(a, b) || covers(b, a)
}

// claims are what bindings are moored to, by the port of a front, or of the targets.
type claims map[uint16][]claim

type claim struct {
	at    moored
	index int
}

// claim notes what the binding of that index is moored to, or returns the index of the one that has it already.
func (c claims) claim(index int, of Config) (first int, taken bool) {
	at := mooredTo(of)
	port := at.port + at.front.Port() // one of them is 0
	for _, other := range c[port] {
		if at.overlaps(other.at) {
			return other.index, true
		}
	}
	c[port] = append(c[port], claim{at, index})
	return 0, false
}
