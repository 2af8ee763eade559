package sim

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"strconv"

	"mooring"
)

// Rebind lets an operator change the configuration in mid-flight. Processes that have begun keep theirs. Another target
// group is another group, with its own targets, and as it was if it had been bound before; and another group or another
// port has another memory.
func (w *World) Rebind(change func(*mooring.Binding, *mooring.Policy)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, begun := w.Binding, len(w.stores) > 0
	change(&w.Binding, &w.Policy)
	if now := w.Binding.TargetGroup; now != old.TargetGroup {
		w.groups[old.TargetGroup] = w.Group
		if w.groups[now] == nil {
			w.groups[now] = w.Group.sibling(now)
		}
		w.Group = w.groups[now]
		w.meet("rebind group")
	}
	switch {
	case !begun:
	case w.Binding.Port != old.Port:
		w.meet("rebind port")
	case fmt.Sprint(w.Binding.Hostnames) != fmt.Sprint(old.Hostnames):
		w.meet("rebind hostname")
	case w.Binding.TargetGroup == old.TargetGroup:
		w.meet("rebind policy")
	}
	w.note("bound: %v port %d to %s", w.Binding.Hostnames, w.Binding.Port, w.Binding.TargetGroup)
}

// sibling is an empty group of the same kind.
func (g *TargetGroup) sibling(arn string) *TargetGroup {
	g.mu.Lock()
	defer g.mu.Unlock()
	return &TargetGroup{
		ARN: arn, Type: g.Type, Protocol: g.Protocol, VPC: g.VPC, Port: g.Port, IPv6: g.IPv6, Subnets: g.Subnets,
		CrossZone: g.CrossZone, HealthyAfter: g.HealthyAfter, DrainFor: g.DrainFor, Quota: g.Quota, AllNeedsAZ: g.AllNeedsAZ,
		Sick: maps.Clone(g.Sick), Refuse: maps.Clone(g.Refuse),
	}
}

// mend ends whatever keeps the group from taking calls.
func (g *TargetGroup) mend() { g.Deleted, g.Busy, g.Quota = false, false, 0 }

// outdated tells whether a daemon goes by another configuration than the present one.
func (d *Daemon) outdated() bool {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return !reflect.DeepEqual(d.binding, d.w.Binding) || !reflect.DeepEqual(d.policy, d.w.Policy)
}

// rebind [port=N] [group=ARN]: an operator changes what is bound, in mid-flight.
func (w *World) rebind(a args) (string, error) {
	b := w.Binding
	port := int(b.Port)
	err := a.each(map[string]func(string) error{
		"port":  number(&port),
		"group": func(v string) error { b.TargetGroup = v; return nil },
	})
	if err != nil {
		return "", err
	}
	if port < 1 || port > 65535 {
		return "", fmt.Errorf("port %d", port)
	}
	b.Port = uint16(port)
	w.Rebind(func(now *mooring.Binding, _ *mooring.Policy) { *now = b })
	return "bound to port " + strconv.Itoa(port) + " of " + b.TargetGroup + "\n", nil
}

// Take gives addresses to other hosts: whatever health they had, they answer now, and the name does not show them.
func (w *World) Take(addrs ...netip.Addr) {
	w.Adjust(func(g *TargetGroup) {
		for _, a := range addrs {
			delete(g.Sick, a)
			w.take(a)
		}
	})
}

func (w *World) take(a netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, live := w.liveSince(a, w.Binding.Hostnames); live {
		return // it is not released
	}
	w.taken[a] = w.Now()
	w.meet("group taken")
	w.note("another host has %s", a)
}

// takes, deletes and throttles are the states of a group that a script sets; the group is locked.
func (w *World) takes(g *TargetGroup) func(string) error {
	return func(v string) error {
		return every(v, func(a netip.Addr) { delete(g.Sick, a); w.take(a) })
	}
}

func (w *World) deletes(g *TargetGroup) func(string) error {
	return func(v string) error {
		if g.Deleted = v == "yes"; g.Deleted {
			clear(g.entries)
		}
		return w.state("deleted", v)
	}
}

func (w *World) throttles(g *TargetGroup) func(string) error {
	return func(v string) error { g.Busy = v == "yes"; return w.state("throttled", v) }
}

func (w *World) state(what, v string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v != "yes" && v != "no" {
		return fmt.Errorf("want yes or no")
	}
	w.note("the group is %s: %s", what, v)
	return nil
}

// The codes of errors that are about no target.
const (
	codeNotFound  = "TargetGroupNotFound"
	codeThrottled = "Throttling"
)

// unavailable is why the group takes no call at all.
func (g *TargetGroup) unavailable() *APIError {
	switch {
	case g.Deleted:
		return invalid(codeNotFound, "Target groups '%s' not found", g.ARN)
	case g.Busy:
		return invalid(codeThrottled, "Rate exceeded")
	default:
		return nil
	}
}

// unavailable is why the process's group takes no call.
func (p *Process) unavailable() error {
	var err *APIError
	p.target.Adjust(func(g *TargetGroup) { err = g.unavailable() })
	if err == nil {
		return nil
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.meet("group " + map[string]string{codeNotFound: "deleted", codeThrottled: "throttled"}[err.Code])
	return err
}
