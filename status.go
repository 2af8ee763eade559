package mooring

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// StatusVersion is the version of the JSON form of [Statuses] and of [Explanations].
const StatusVersion = 1

// Statuses are the statuses of the chosen bindings, as `status --output json` prints them.
type Statuses struct {
	SchemaVersion int      `json:"schema_version"` // of this form: 1
	OK            bool     `json:"ok"`             // group and memory of every binding were read
	Bindings      []Status `json:"bindings"`
}

// A Status is what a binding's memory and group say between two rounds. The name is not looked at, and nothing is
// changed. Slices are sorted by address, and never nil.
type Status struct {
	Binding     string          `json:"binding"`      // its name
	Hostnames   []string        `json:"hostnames"`    // that are looked up, sorted
	Port        uint16          `json:"port"`         // of its targets; 0: the group's own, which could not be read
	TargetGroup string          `json:"target_group"` // the group's ARN, or tcp://ADDR:PORT
	At          time.Time       `json:"at"`           // when it was looked at
	Mode        Mode            `json:"mode"`
	Addresses   []AddressStatus `json:"addresses"`         // ours
	Unmanaged   []AddressStatus `json:"unmanaged"`         // in the group on our port, and not ours
	Paused      string          `json:"paused,omitempty"`  // since when, by whom and why nothing is done
	Another     string          `json:"another,omitempty"` // why another program is thought to manage the same targets
	Counts      []Count         `json:"counts"`            // how many addresses the name showed, oldest first
	Last        *Decision       `json:"last_decision,omitempty"`
	Memory      MemoryStatus    `json:"memory"`
	Error       string          `json:"error"` // what could not be read, and why

	Err       error `json:"-"` // what Error says:
	MemoryErr error `json:"-"` // why the memory was not read,
	GroupErr  error `json:"-"` // and why the group was not
}

// A MemoryStatus is where a binding's memory stands.
type MemoryStatus struct {
	Revision uint64    `json:"revision"`          // 0: nothing was saved yet
	Saved    time.Time `json:"saved,omitzero"`    // when it was saved
	Program  string    `json:"program,omitempty"` // the version that saved it
	Note     string    `json:"note,omitempty"`    // why there is none, or what the first round will take over
}

// An AddressStatus is what is known of one address.
type AddressStatus struct {
	Addr         netip.Addr `json:"addr"`                    // the address
	Ours         bool       `json:"ours"`                    // it is ours: registered by us, or seen behind the name
	Since        time.Time  `json:"since,omitzero"`          // ours since then
	Health       Health     `json:"health"`                  // "" where it is not in the group, or the group was not read
	HealthReason string     `json:"health_reason,omitempty"` // why it is not healthy, in the group's words
	Zone         string     `json:"zone,omitempty"`          // availability zone, all, or "" where it is not known
	Absence      *Absence   `json:"absence,omitempty"`
	GoneSince    time.Time  `json:"gone_since,omitzero"`    // neither observed nor in the group since
	Refused      string     `json:"refused,omitempty"`      // why the group does not take it,
	RefusedUntil time.Time  `json:"refused_until,omitzero"` // not tried again before
}

// An Absence is an address of ours that the name does not show, and what it takes until it leaves.
type Absence struct {
	Since           time.Time `json:"missing_since"`     // its first recorded miss
	Missed          int       `json:"missed"`            // conclusive rounds in a row without it
	Nats            float64   `json:"evidence_nats"`     // the evidence against it
	MissProbability float64   `json:"miss_probability"`  // that a live address had stayed unseen all the while
	RoundsLeft      int       `json:"rounds_left"`       // conclusive rounds until it can leave, at the least
	HoldLeftMS      int64     `json:"hold_left_ms"`      // and the time
	Held            string    `json:"held_by,omitempty"` // the guard that kept it last
	Stays           string    `json:"stays,omitempty"`   // why it does not leave whatever is seen
}

// Status reads memory and group at the same time. It works with one of them where the other cannot be read.
func (k *Keeper) Status(ctx context.Context) Status { return k.lookUp(ctx).status() }

// StatusUnread is the status of a binding that could not be asked, because its keeper could not be made, and why.
func StatusUnread(b Binding, p Policy, now time.Time, why error) Status {
	return unread(b, p, now, why).status()
}

func unread(b Binding, p Policy, now time.Time, why error) *glimpse {
	return &glimpse{b: b, p: p, now: instant(now), m: Memory{Unusable: "not read"}, memoryErr: why, groupErr: why, err: why}
}

// A glimpse is what memory and group say.
type glimpse struct {
	b       Binding
	p       Policy
	now     time.Time
	m       Memory
	targets []Target

	memoryErr, groupErr, err error // err joins the two
}

func (k *Keeper) lookUp(ctx context.Context) *glimpse {
	g := &glimpse{b: k.Binding, p: k.Policy, now: instant(k.Now())}
	memory := background(func() { g.m, _, g.memoryErr = k.Store.Load(ctx) })
	group := background(func() { g.targets, g.groupErr = k.Group.Targets(ctx) })
	memory.join()
	group.join()
	if g.memoryErr != nil {
		g.m = Memory{Unusable: "not read"}
		g.memoryErr = fmt.Errorf("memory of %s: %w", k.Binding.Name, g.memoryErr)
	}
	if g.groupErr != nil {
		g.targets, g.groupErr = nil, fmt.Errorf("list targets of %s: %w", k.Binding.Name, g.groupErr)
	}
	g.err = errors.Join(g.memoryErr, g.groupErr)
	return g
}

func (g *glimpse) status() Status {
	s := Status{
		Binding: g.b.Name, Hostnames: slices.Sorted(slices.Values(g.b.Hostnames)), Port: g.b.Port, TargetGroup: g.b.TargetGroup,
		At: g.now, Mode: g.p.Mode, Addresses: []AddressStatus{}, Unmanaged: []AddressStatus{}, Counts: append([]Count{}, g.m.Counts...),
		Paused: g.m.Paused.String(), Another: g.m.Others.Another(g.now), Err: g.err, MemoryErr: g.memoryErr, GroupErr: g.groupErr,
		Memory: MemoryStatus{Revision: g.m.Revision, Saved: g.m.Saved, Program: g.m.Program, Note: g.note()},
	}
	if g.err != nil {
		s.Error = strings.Join(strings.Fields(g.err.Error()), " ")
	}
	if n := len(g.m.Decisions); n > 0 {
		s.Last = &g.m.Decisions[n-1]
	}
	for _, a := range g.known() {
		switch one := g.address(a); {
		case one.Ours || one.Refused != "":
			s.Addresses = append(s.Addresses, one)
		case one.Health != "":
			s.Unmanaged = append(s.Unmanaged, one)
		}
	}
	return s
}

func (g *glimpse) note() string {
	switch {
	case g.m.Unusable != "":
		return g.m.Unusable
	case g.m.Import != nil:
		return fmt.Sprintf("none yet: the first round takes over %d addresses from %s", len(g.m.Import.Addrs), g.m.Import.Source)
	case g.m.Revision == 0:
		return "none yet: no round has saved it"
	default:
		return ""
	}
}

// known are the addresses that are ours, set aside, or in the group on our port, sorted.
func (g *glimpse) known() []netip.Addr {
	var out []netip.Addr
	for _, e := range g.m.Addresses {
		out = append(out, e.Addr)
	}
	for _, r := range g.m.Refused {
		out = append(out, r.Addr)
	}
	for _, t := range g.targets {
		if t.Port == g.b.Port {
			out = append(out, t.Addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// address is what is known of one address.
func (g *glimpse) address(addr netip.Addr) AddressStatus {
	s := AddressStatus{Addr: addr}
	if t, ok := g.target(addr); ok {
		s.Health, s.HealthReason, s.Zone = t.Health, t.Reason, t.Zone
		s.Ours = g.p.Adopt == AdoptAll && t.Registered() && g.m.Unusable == "" && !g.m.Paused.Released
	}
	if r := g.m.refusal(addr); r != nil && g.now.Before(r.Until) {
		s.Refused, s.RefusedUntil = r.Reason, r.Until
	}
	if e := g.m.entry(addr); e != nil {
		s.Ours, s.Since, s.GoneSince = true, e.Since, e.GoneSince
		if s.Zone == "" {
			s.Zone = e.Zone
		}
		if g.groupErr != nil || s.Health != "" && (Target{Health: s.Health}).Registered() {
			s.Absence = g.absence(*e)
		}
	}
	return s
}

func (g *glimpse) target(addr netip.Addr) (Target, bool) {
	i := slices.IndexFunc(g.targets, func(t Target) bool { return t.Addr == addr && t.Port == g.b.Port })
	if i < 0 {
		return Target{}, false
	}
	return g.targets[i], true
}

// absence tells what it takes at the least until a missing address leaves: rounds as good as those before.
func (g *glimpse) absence(e Entry) *Absence {
	if e.Missed == 0 {
		return nil
	}
	a := &Absence{
		Since: e.MissingSince, Missed: e.Missed, Nats: e.Evidence, MissProbability: math.Exp(-e.Evidence), Held: e.Held, Stays: g.stays(),
	}
	if g.now.Sub(e.LastMiss) > staleMiss { // the next miss is the first of a new count
		a.RoundsLeft, a.HoldLeftMS = g.p.Misses, g.p.Hold.Milliseconds()
		return a
	}
	a.RoundsLeft = max(1, g.p.Misses-e.Missed)
	if left := g.p.Threshold() - e.Evidence; left > 1e-9 && e.Evidence > 0 {
		a.RoundsLeft = max(a.RoundsLeft, int(min(math.Ceil(left/e.Evidence*float64(e.Missed)-1e-9), maxMisses)))
	}
	a.HoldLeftMS = max(0, g.p.Hold-max(0, g.now.Sub(e.MissingSince))).Milliseconds()
	return a
}

// stays tells why nobody leaves, whatever is seen.
func (g *glimpse) stays() string {
	switch {
	case g.m.Paused != Pause{}:
		return "rounds are paused"
	case g.p.Mode == ModeAddOnly:
		return "the mode never deregisters"
	case g.p.Mode == ModeObserve:
		return "the mode only observes"
	default:
		return ""
	}
}
