package mooring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The errors of a [Store].
var (
	// ErrConflict is returned by Save when another run saved first. It is harmless: that run acts.
	ErrConflict = errors.New("another run saved first")
	// ErrDenied is returned when a permission is missing.
	ErrDenied = errors.New("access denied")
	// ErrMemory is returned by Load when what is stored is unreadable or newer than this program.
	// It is never overwritten.
	ErrMemory = errors.New("memory unusable")
)

// MemoryVersion is the version of the stored form that this program reads and writes.
const MemoryVersion = 1

// MaxMemorySize is the largest stored form, in bytes.
const MaxMemorySize = 1 << 20

const (
	maxTargets   = 1000 // the quota of targets in a group
	maxEntries   = 2 * maxTargets
	maxSeen      = 128
	maxSeenAddrs = 4096
	maxDecisions = 200
	maxCounts    = 100
	maxText      = 512
	maxZone      = 64

	staleMiss   = 2 * time.Hour  // a count whose latest miss is older starts again
	refreshMiss = time.Hour      // a count that no longer matters is kept from growing stale
	seenFor     = 24 * time.Hour // a resolver's answer is known again for so long
	forgetAfter = 24 * time.Hour // an address neither observed nor in the group is forgotten
)

// A Memory is what outlives a round. It is a value: a round makes the next one and never changes the last.
type Memory struct {
	Version   int        `json:"version"`             // of this form: 1
	Revision  uint64     `json:"revision"`            // raised by every save, so that no two saved bodies are equal
	Program   string     `json:"program"`             // the version of mooring that saved it
	Saved     time.Time  `json:"saved"`               // when that was
	Hostnames []string   `json:"hostnames"`           // that the counts are about, sorted
	Addresses []Entry    `json:"addresses"`           // ours, sorted by address
	Refused   []Refusal  `json:"refused,omitempty"`   // set aside, sorted by address
	Answers   []Seen     `json:"answers,omitempty"`   // resolvers' answers that counted, while somebody is missing
	Decisions []Decision `json:"decisions,omitempty"` // the last ones, oldest first
	Counts    []Count    `json:"counts,omitempty"`    // how many addresses the name showed, oldest first
	Left      Left       `json:"left,omitzero"`       // the group as the last saved round left it
	Others    Others     `json:"others,omitzero"`     // who else changes it
	Paused    Pause      `json:"paused,omitzero"`     // an operator's word that nothing is to be done

	Unusable string    `json:"-"` // why nobody may be removed by this memory; "" when it is sound
	Import   *Import   `json:"-"` // what an older function left, on a first run
	Older    time.Time `json:"-"` // when an older function last wrote its own state; zero where that was not read
}

// An Entry is one address that is ours.
type Entry struct {
	Addr         netip.Addr `json:"addr"`                    // that is ours
	Since        time.Time  `json:"since"`                   // first observed
	Missed       int        `json:"missed,omitempty"`        // conclusive rounds in a row without it
	MissingSince time.Time  `json:"missing_since,omitzero"`  // the first of them
	LastMiss     time.Time  `json:"last_miss,omitzero"`      // the latest of them
	Evidence     float64    `json:"evidence_nats,omitempty"` // against it, summed over them
	GoneSince    time.Time  `json:"gone_since,omitzero"`     // neither observed nor in the group since
	Zone         string     `json:"zone,omitempty"`          // learned from the group: all, none, or a zone
	Held         string     `json:"held,omitempty"`          // the guard that was last noted to keep it, while it is missing
}

// A Refusal is a target that the group did not take.
type Refusal struct {
	Addr   netip.Addr `json:"addr"`   // that the group did not take
	Reason string     `json:"reason"` // in the group's words
	Times  int        `json:"times"`  // how often in a row
	Until  time.Time  `json:"until"`  // not tried again before
}

// A Seen is a resolver's answer that was counted. The same answer from its cache counts no more.
type Seen struct {
	Hostname string        `json:"hostname"` // that was looked up
	Addrs    []netip.Addr  `json:"addrs"`    // what the answer held, sorted
	TTL      time.Duration `json:"ttl_ns"`   // for how long it was good then
	At       time.Time     `json:"at"`       // when it counted
}

// A Decision is one thing that was decided about one address.
type Decision struct {
	At      time.Time  `json:"at"`                      // when it was decided
	Addr    netip.Addr `json:"addr,omitzero"`           // about whom; none where it is about the whole binding
	Action  string     `json:"action"`                  // what was decided
	Why     string     `json:"why"`                     // and why
	Nats    float64    `json:"evidence_nats,omitempty"` // the evidence against it by then
	Program string     `json:"program,omitempty"`       // the version that decided
}

// What may be decided about an address.
const (
	DidRegister   = "register"
	DidDeregister = "deregister"
	DidMiss       = "missing"  // its first miss
	DidReturn     = "returned" // it was missing, and was observed again
	DidHold       = "held"     // it would have left, and a guard keeps it

	WouldRegister   = "would register" // in mode observe
	WouldDeregister = "would deregister"

	OtherRegistered   = "registered by another"
	OtherDeregistered = "deregistered by another"

	DidAdopt   = "adopt" // by an operator
	DidForget  = "forget"
	DidPause   = "pause" // these three of the whole binding
	DidResume  = "resume"
	DidRelease = "release"
)

// A Count is how many addresses the name showed from then on.
type Count struct {
	At time.Time `json:"at"` // from when on
	N  int       `json:"n"`  // addresses
}

// A Left is which addresses were registered on our port when a round was done with the group.
type Left struct {
	At    time.Time    `json:"at"`    // when that changed last
	Addrs []netip.Addr `json:"addrs"` // registered, sorted
}

// An Others is what is known of somebody else who changes targets on our port.
type Others struct {
	Rounds int       `json:"rounds,omitempty"` // rounds that met such a change, with less than a day between two of them
	Last   time.Time `json:"last,omitzero"`    // the latest of them
	State  time.Time `json:"state,omitzero"`   // when an older function wrote its own state, as seen last
	Writes int       `json:"writes,omitempty"` // how often it was seen to do so
}

// A Pause keeps a binding's rounds from doing anything until an operator resumes it.
type Pause struct {
	At       time.Time `json:"at,omitzero"`        // since when
	By       string    `json:"by,omitempty"`       // by whom
	Why      string    `json:"why,omitempty"`      // in the operator's words
	Released bool      `json:"released,omitempty"` // the binding was given up, and nothing is ours any more
}

// String says it in a few words; "" where nothing is paused.
func (p Pause) String() string {
	if p.At.IsZero() {
		return ""
	}
	word := "paused"
	if p.Released {
		word = "released"
	}
	text := word + " since " + p.At.UTC().Format(time.RFC3339)
	if p.By != "" {
		text += " by " + p.By
	}
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

// Encode returns the stored form. Beyond [MaxMemorySize] the oldest decisions are left out.
func (m Memory) Encode() ([]byte, error) {
	m.Version = MemoryVersion
	m.Decisions = m.Decisions[max(0, len(m.Decisions)-maxDecisions):]
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode memory: what could not be read again: %w", err)
	}
	for {
		body, err := json.MarshalIndent(m, "", " ")
		if err != nil {
			return nil, fmt.Errorf("encode memory: %w", err)
		}
		if len(body) < MaxMemorySize {
			return append(body, '\n'), nil
		}
		if len(m.Decisions) == 0 {
			return nil, fmt.Errorf("encode memory: %d bytes, over the limit of %d", len(body), MaxMemorySize)
		}
		m.Decisions = m.Decisions[(len(m.Decisions)+1)/2:]
	}
}

// DecodeMemory reads the stored form. It is strict: what it does not know wholly it refuses with [ErrMemory].
func DecodeMemory(body []byte) (Memory, error) {
	if len(body) > MaxMemorySize {
		return Memory{}, fmt.Errorf("%w: %d bytes, over the limit of %d", ErrMemory, len(body), MaxMemorySize)
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return Memory{}, fmt.Errorf("%w: unreadable: %w", ErrMemory, err)
	}
	if head.Version > MemoryVersion {
		return Memory{}, fmt.Errorf("%w: newer: version %d was written by a newer mooring; this one reads version %d",
			ErrMemory, head.Version, MemoryVersion)
	}
	var m Memory
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Memory{}, fmt.Errorf("%w: unreadable: %w", ErrMemory, err)
	}
	if dec.More() {
		return Memory{}, fmt.Errorf("%w: unreadable: more than one JSON value", ErrMemory)
	}
	if err := m.check(); err != nil {
		return Memory{}, fmt.Errorf("%w: unreadable: %w", ErrMemory, err)
	}
	return m, nil
}

// check refuses what Encode cannot have written.
func (m Memory) check() error {
	switch {
	case m.Version != MemoryVersion:
		return fmt.Errorf("version %d", m.Version)
	case len(m.Addresses) > maxEntries || len(m.Refused) > maxEntries:
		return fmt.Errorf("%d addresses and %d refusals, over the limit of %d", len(m.Addresses), len(m.Refused), maxEntries)
	case len(m.Answers) > maxSeen || len(m.Decisions) > maxDecisions:
		return fmt.Errorf("%d answers and %d decisions, over the limits of %d and %d", len(m.Answers), len(m.Decisions), maxSeen, maxDecisions)
	}
	if err := m.checkRest(); err != nil {
		return err
	}
	for i, e := range m.Addresses {
		switch {
		case !plain(e.Addr):
			return fmt.Errorf("address %d: %q is not one", i, e.Addr)
		case i > 0 && m.Addresses[i-1].Addr.Compare(e.Addr) >= 0:
			return fmt.Errorf("address %s is out of order or there twice", e.Addr)
		case e.Missed < 0 || e.Missed > math.MaxInt32:
			return fmt.Errorf("address %s: missed %d", e.Addr, e.Missed)
		case !(e.Evidence >= 0) || math.IsInf(e.Evidence, 0):
			return fmt.Errorf("address %s: evidence %g", e.Addr, e.Evidence)
		case len(e.Zone) > maxZone || len(e.Held) > maxZone:
			return fmt.Errorf("address %s: zone of %d bytes, guard of %d", e.Addr, len(e.Zone), len(e.Held))
		}
	}
	for i, r := range m.Refused {
		if !plain(r.Addr) || r.Times < 0 || r.Times > maxRefusals || len(r.Reason) > maxText || i > 0 && m.Refused[i-1].Addr.Compare(r.Addr) >= 0 {
			return fmt.Errorf("refusal %d (%s): not well formed", i, r.Addr)
		}
	}
	for i, s := range m.Answers {
		if s.TTL < 0 || len(s.Addrs) > maxEntries || !slices.IsSortedFunc(s.Addrs, netip.Addr.Compare) {
			return fmt.Errorf("answer %d: not well formed", i)
		}
	}
	return nil
}

// checkRest refuses what Encode cannot have written beside the addresses.
func (m Memory) checkRest() error {
	counted := func(n int) bool { return n >= 0 && n <= maxCounted }
	switch {
	case len(m.Counts) > maxCounts || slices.ContainsFunc(m.Counts, func(c Count) bool { return !counted(c.N) }):
		return errors.New("counts: not well formed")
	case len(m.Left.Addrs) > maxEntries || !slices.IsSortedFunc(m.Left.Addrs, netip.Addr.Compare) ||
		slices.ContainsFunc(m.Left.Addrs, func(a netip.Addr) bool { return !plain(a) }):
		return errors.New("left: not well formed")
	case !counted(m.Others.Rounds) || !counted(m.Others.Writes):
		return errors.New("others: not well formed")
	case len(m.Paused.By) > maxText || len(m.Paused.Why) > maxText || m.Paused.At.IsZero() && m.Paused != Pause{}:
		return errors.New("paused: not well formed")
	}
	for i, d := range m.Decisions {
		if d.Addr.IsValid() && !plain(d.Addr) || len(d.Action) > maxZone {
			return fmt.Errorf("decision %d: not well formed", i)
		}
	}
	return nil
}

// maxCounted is the most that anything is counted to.
const maxCounted = 1_000_000

// plain tells whether an address is of the only form that is stored: valid, not IPv4-mapped, without a zone.
func plain(a netip.Addr) bool { return a.IsValid() && a.Zone() == "" && !a.Is4In6() }

// Same tells whether two memories hold the same, their revision and save aside.
func (m Memory) Same(other Memory) bool {
	return slices.Equal(m.Hostnames, other.Hostnames) &&
		slices.Equal(m.Addresses, other.Addresses) &&
		slices.Equal(m.Refused, other.Refused) &&
		slices.Equal(m.Decisions, other.Decisions) &&
		slices.Equal(m.Counts, other.Counts) &&
		slices.Equal(m.Left.Addrs, other.Left.Addrs) &&
		m.Others == other.Others && m.Paused == other.Paused &&
		slices.EqualFunc(m.Answers, other.Answers, func(a, b Seen) bool {
			return a.Hostname == b.Hostname && a.TTL == b.TTL && a.At.Equal(b.At) && slices.Equal(a.Addrs, b.Addrs)
		})
}

// clone returns a memory that shares no slice with m.
func (m Memory) clone() Memory {
	m.Hostnames = slices.Clone(m.Hostnames)
	m.Addresses = slices.Clone(m.Addresses)
	m.Refused = slices.Clone(m.Refused)
	m.Answers = slices.Clone(m.Answers)
	m.Decisions = slices.Clone(m.Decisions)
	m.Counts = slices.Clone(m.Counts)
	m.Left.Addrs = slices.Clone(m.Left.Addrs)
	return m
}

// entry returns the entry of addr, to be read or changed in place; nil where there is none.
func (m *Memory) entry(addr netip.Addr) *Entry {
	i, ok := slices.BinarySearchFunc(m.Addresses, addr, func(e Entry, a netip.Addr) int { return e.Addr.Compare(a) })
	if !ok {
		return nil
	}
	return &m.Addresses[i]
}

// own returns the entry of addr and makes one where there is none.
func (m *Memory) own(addr netip.Addr, now time.Time) *Entry {
	i, ok := slices.BinarySearchFunc(m.Addresses, addr, func(e Entry, a netip.Addr) int { return e.Addr.Compare(a) })
	if !ok {
		m.Addresses = slices.Insert(m.Addresses, i, Entry{Addr: addr, Since: now})
	}
	return &m.Addresses[i]
}

// refusal returns the refusal of addr; nil where there is none.
func (m *Memory) refusal(addr netip.Addr) *Refusal {
	i := slices.IndexFunc(m.Refused, func(r Refusal) bool { return r.Addr == addr })
	if i < 0 {
		return nil
	}
	return &m.Refused[i]
}

// learned returns the memory with what a registration taught: who is set aside, for ever longer,
// and which zone was accepted for whom.
func (m Memory) learned(p Policy, o Outcome, now time.Time) Memory {
	m = m.clone()
	for _, t := range o.Registered {
		if e := m.entry(t.Addr); e != nil && t.Zone != "" {
			e.Zone = t.Zone
		}
	}
	for _, f := range o.Refused {
		r := m.refusal(f.Target.Addr)
		if r == nil {
			m.Refused = append(m.Refused, Refusal{Addr: f.Target.Addr})
			r = &m.Refused[len(m.Refused)-1]
		}
		r.Times = min(r.Times+1, maxRefusals)
		r.Reason = strings.ToValidUTF8(f.Reason[:min(len(f.Reason), maxText)], "")
		r.Until = now.Add(min(p.RefuseMax, p.RefuseMin<<(r.Times-1)))
	}
	slices.SortFunc(m.Refused, func(a, b Refusal) int { return a.Addr.Compare(b.Addr) })
	return m
}

const maxRefusals = 16 // doublings; far beyond the longest time that anyone is set aside
