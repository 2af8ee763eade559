package sim

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mooring"
)

// T is what [CheckGroup] needs of a test.
type T interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// CheckGroup checks what every [mooring.Group] promises. The group that open returns is empty, and takes addrs,
// at least three, on port and on the port above it.
func CheckGroup(t T, open func() mooring.Group, addrs []netip.Addr, port uint16) {
	t.Helper()
	for _, c := range []struct {
		promise string
		check   func(groupCheck) error
	}{
		{"an empty group lists nobody", groupCheck.empty},
		{"who is registered is listed, and confirmed", groupCheck.registers},
		{"registering again changes nothing", groupCheck.registersTwice},
		{"who is deregistered takes no new flows, and the others stay", groupCheck.deregisters},
		{"deregistering the unknown succeeds", groupCheck.deregistersUnknown},
		{"who returns is registered again", groupCheck.returns},
		{"the same address on another port is another target", groupCheck.otherPort},
		{"without a permit nothing changes", groupCheck.forbidden},
		{"nothing to do asks nobody", groupCheck.nothing},
		{"an ended context is an error, and changes nothing", groupCheck.ended},
	} {
		if err := c.check(groupCheck{t: t, g: open(), addrs: addrs, port: port}); err != nil {
			t.Errorf("%s: %v", c.promise, err)
		}
	}
}

// A groupCheck is one group under test, empty at first.
type groupCheck struct {
	t     T
	g     mooring.Group
	addrs []netip.Addr
	port  uint16
}

func allowed() error { return nil }

func (c groupCheck) targets(addrs []netip.Addr, port uint16) []mooring.Target {
	var out []mooring.Target
	for _, a := range addrs {
		out = append(out, mooring.Target{Addr: a, Port: port})
	}
	return out
}

// register registers addresses and wants all of them confirmed.
func (c groupCheck) register(targets []mooring.Target) error {
	out, err := c.g.Register(c.t.Context(), targets, allowed)
	if err != nil {
		return err
	}
	return sameTargets("confirmed", out.Registered, targets)
}

// holds wants exactly these targets registered.
func (c groupCheck) holds(want []mooring.Target) error {
	all, err := c.g.Targets(c.t.Context())
	if err != nil {
		return err
	}
	return sameTargets("registered", slices.DeleteFunc(all, func(t mooring.Target) bool { return !t.Registered() }), want)
}

func sameTargets(what string, got, want []mooring.Target) error {
	names := func(targets []mooring.Target) string {
		out := make([]string, 0, len(targets))
		for _, t := range targets {
			out = append(out, netip.AddrPortFrom(t.Addr, t.Port).String())
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if names(got) != names(want) {
		return fmt.Errorf("%s: [%s], want [%s]", what, names(got), names(want))
	}
	return nil
}

func (c groupCheck) empty() error { return c.holds(nil) }

func (c groupCheck) registers() error {
	all := c.targets(c.addrs, c.port)
	return errors.Join(c.register(all), c.holds(all))
}

func (c groupCheck) registersTwice() error {
	all := c.targets(c.addrs, c.port)
	return errors.Join(c.register(all[:2]), c.register(all), c.holds(all))
}

func (c groupCheck) deregister(targets []mooring.Target) error {
	gone, err := c.g.Deregister(c.t.Context(), targets, allowed)
	if err != nil {
		return err
	}
	return sameTargets("confirmed", gone, targets)
}

func (c groupCheck) deregisters() error {
	all := c.targets(c.addrs, c.port)
	return errors.Join(c.register(all), c.deregister(all[:1]), c.holds(all[1:]))
}

func (c groupCheck) deregistersUnknown() error {
	all := c.targets(c.addrs, c.port)
	return errors.Join(c.register(all[1:]), c.deregister(all[:2]), c.holds(all[2:]))
}

func (c groupCheck) returns() error {
	all := c.targets(c.addrs, c.port)
	return errors.Join(c.register(all), c.deregister(all[:1]), c.register(all[:1]), c.holds(all))
}

func (c groupCheck) otherPort() error {
	ours, theirs := c.targets(c.addrs, c.port), c.targets(c.addrs, c.port+1)
	return errors.Join(c.register(ours), c.register(theirs), c.deregister(ours), c.holds(theirs))
}

func (c groupCheck) forbidden() error {
	all := c.targets(c.addrs, c.port)
	if err := c.register(all[:1]); err != nil {
		return err
	}
	no := errors.New("forbidden")
	never := func() error { return no }
	if _, err := c.g.Register(c.t.Context(), all, never); !errors.Is(err, no) {
		return fmt.Errorf("register: want the permit's error, got %w", orNone(err))
	}
	if _, err := c.g.Deregister(c.t.Context(), all, never); !errors.Is(err, no) {
		return fmt.Errorf("deregister: want the permit's error, got %w", orNone(err))
	}
	return c.holds(all[:1])
}

func (c groupCheck) nothing() error {
	never := func() error { return errors.New("asked for a permit") }
	_, registering := c.g.Register(c.t.Context(), nil, never)
	_, deregistering := c.g.Deregister(c.t.Context(), nil, never)
	return errors.Join(registering, deregistering)
}

func (c groupCheck) ended() error {
	ctx, cancel := context.WithCancel(c.t.Context())
	cancel()
	if out, err := c.g.Register(ctx, c.targets(c.addrs, c.port), allowed); err == nil || len(out.Registered) > 0 {
		return fmt.Errorf("register: %d confirmed, and got %w", len(out.Registered), orNone(err))
	}
	return c.holds(nil)
}

func orNone(err error) error {
	if err == nil {
		return errors.New("none")
	}
	return err
}
