package demo

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
)

const maxDecisions = 32 // that a snapshot has

// Snapshot is the demo now.
func (d *Demo) Snapshot() Snapshot {
	d.mu.Lock()
	out := d.snapshot
	out.Decisions = slices.Clone(out.Decisions)
	out.Elapsed = d.elapsedLocked()
	out.Clock = d.storyTime(out.Elapsed)
	now := time.Now()
	out.LongestMissing, out.LongestStale = d.missing.until(now), d.stale.until(now)
	s, notes := d.stage, maps.Clone(d.notes)
	d.mu.Unlock()
	out.Front, _ = d.front.get()
	out.Pinned, _ = d.pinned.get()
	if s != nil {
		out.Addresses = s.addresses(notes)
	}
	return out
}

// keep keeps the last addresses of a stage that is about to be cleared.
func (d *Demo) keep(s *stage) {
	d.mu.Lock()
	notes := maps.Clone(d.notes)
	d.mu.Unlock()
	addresses := s.addresses(notes)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.snapshot.Addresses, d.stage = addresses, nil
	now := time.Now()
	d.missing.end(now)
	d.stale.end(now)
}

// addresses are all that are in DNS, serve, warm up, or are registered.
func (s *stage) addresses(notes map[netip.Addr]string) []Address {
	shown, targets, flows := s.shown(), s.targets(), s.front.Flows()
	all := slices.Concat(shown, s.nodes.addrs(serving), s.nodes.addrs(warming), s.demo.story.pinned, slices.Collect(maps.Keys(targets)))
	slices.SortFunc(all, netip.Addr.Compare)
	var out []Address
	for _, a := range slices.Compact(all) {
		out = append(out, Address{
			Addr: a, InDNS: slices.Contains(shown, a), Serving: s.nodes.state(a) == serving,
			Pinned: slices.Contains(s.demo.story.pinned, a), Health: targets[a].Health,
			Flows: flows[netip.AddrPortFrom(a, port)], Note: notes[a],
		})
	}
	return out
}

// reached is told of a step before it is carried out.
func (d *Demo) reached(one step) {
	if one.chapter == 0 {
		return
	}
	d.mu.Lock()
	d.snapshot.Step, d.snapshot.Chapter = one.chapter, one.text
	d.mu.Unlock()
	d.tell(Event{Chapter: true, Text: one.text})
}

// changed is told that the name shows others than before. The first ones are no change.
func (d *Demo) changed(addrs []netip.Addr, first bool) {
	if !first {
		d.mu.Lock()
		d.snapshot.Changes++
		d.mu.Unlock()
	}
	d.say("DNS shows %d: %s", len(addrs), list(addrs))
}

// measured is told who is missing in the front, and who is stale.
func (d *Demo) measured(missing, stale []netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.missing.note(missing, now)
	d.stale.note(stale, now)
}

// round is told what a round did. Of what it held back it tells only what is new.
func (d *Demo) round(r mooring.Report) {
	at := d.now()
	decisions := d.decisions(r)
	held := map[string]bool{}
	d.mu.Lock()
	d.snapshot.Rounds++
	doubt := strings.ReplaceAll(r.Inconclusive, hostname+": ", "")
	news := classOf(doubt) != classOf(d.snapshot.Doubt)
	d.snapshot.Doubt = doubt
	d.notes = notesOf(decisions)
	var fresh []Decision
	for _, one := range decisions {
		if one.Action == actionHeld {
			held[one.String()] = true
			if d.held[one.String()] {
				continue
			}
		}
		one.At = at
		fresh = append(fresh, one)
	}
	d.held = held
	d.snapshot.Decisions = append(d.snapshot.Decisions, fresh...)
	d.snapshot.Decisions = slices.Clone(d.snapshot.Decisions[max(0, len(d.snapshot.Decisions)-maxDecisions):])
	d.mu.Unlock()
	switch {
	case news && doubt != "":
		d.say("inconclusive, so this round counts against nobody: %s", doubt)
	case news:
		d.say("DNS is conclusive again")
	}
	for _, one := range fresh {
		d.say("%s", one)
	}
	if r.Error != "" {
		d.say("the round failed: %s", r.Error)
	}
}

// The actions of a [Decision].
const (
	actionRegistered   = "registered"
	actionDeregistered = "deregistered"
	actionHeld         = "held"
)

// String is the decision on one line.
func (d Decision) String() string {
	switch d.Action {
	case actionRegistered:
		return "+ " + list(d.Addrs) + " registered"
	case actionDeregistered:
		return "- " + list(d.Addrs) + " deregistered: " + d.Why
	default:
		return "~ " + list(d.Addrs) + " held by " + d.Why
	}
}

// decisions are what a round did and held back, those alike together.
func (d *Demo) decisions(r mooring.Report) (out []Decision) {
	if len(r.Registered) > 0 {
		out = append(out, Decision{Addrs: r.Registered, Action: actionRegistered, Why: "seen in DNS"})
	}
	for _, why := range grouped(r.Deregistered, func(a netip.Addr) string { return d.absence(r, a) }) {
		out = append(out, Decision{Addrs: why.addrs, Action: actionDeregistered, Why: why.text})
	}
	var held []netip.Addr
	reasons := map[netip.Addr]string{}
	for _, h := range r.Plan.Held {
		if h.Guard == "inconclusive" {
			h.Reason = "inconclusive: " + classOf(r.Inconclusive)
		}
		held = append(held, h.Addr)
		reasons[h.Addr] = d.guarded(r, h)
	}
	for _, why := range grouped(held, func(a netip.Addr) string { return reasons[a] }) {
		out = append(out, Decision{Addrs: why.addrs, Action: actionHeld, Why: why.text})
	}
	return out
}

// classOf is the first word of why a round is inconclusive.
func classOf(doubt string) string {
	class, _, _ := strings.Cut(doubt, ":")
	return class
}

func missingOf(r mooring.Report, a netip.Addr) mooring.Missing {
	i := slices.IndexFunc(r.Plan.Missing, func(m mooring.Missing) bool { return m.Addr == a })
	if i < 0 {
		return mooring.Missing{Addr: a}
	}
	return r.Plan.Missing[i]
}

// absence says how it was proved, in the story's time.
func (d *Demo) absence(r mooring.Report, a netip.Addr) string {
	m := missingOf(r, a)
	m.For = d.storyTime(m.For).Round(time.Second)
	return m.String()
}

// guarded is why a guard holds somebody. The guard of time has the story's.
func (d *Demo) guarded(r mooring.Report, h mooring.Held) string {
	if h.Guard != "hold" {
		return h.Reason
	}
	return fmt.Sprintf("hold: absent for %s of %s", words(d.storyTime(missingOf(r, h.Addr).For).Truncate(time.Second)), words(usualPolicy().Hold))
}

// A reason is shared by some addresses.
type shared struct {
	text  string
	addrs []netip.Addr
}

// grouped puts the addresses together that have the same text, in the order of the first of each.
func grouped(addrs []netip.Addr, text func(netip.Addr) string) (out []shared) {
	for _, a := range addrs {
		why := text(a)
		i := slices.IndexFunc(out, func(s shared) bool { return s.text == why })
		if i < 0 {
			out = append(out, shared{text: why})
			i = len(out) - 1
		}
		out[i].addrs = append(out[i].addrs, a)
	}
	return out
}

// notesOf are the reasons why addresses are held.
func notesOf(decisions []Decision) map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, one := range decisions {
		for _, a := range one.Addrs {
			if one.Action == actionHeld {
				out[a] = one.Why
			}
		}
	}
	return out
}

// words is a duration without what nobody reads: 4m, 1m30s.
func words(d time.Duration) string {
	text := d.Round(time.Second).String()
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return cmp.Or(text, "0s")
}

// clock is a time since the beginning: 0:02:30.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
