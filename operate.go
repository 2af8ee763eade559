package mooring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// editTries is how often an operator's change is tried anew when a round saved first.
const editTries = 5

// Edit changes the memory by hand, as an operator's command does, and returns what was saved. change gets the memory
// as a round would find it, with what an older function left taken over, and returns the next one.
// Where a round saves at the same time, the change is made again on what it saved. What changes nothing is not saved.
func (k *Keeper) Edit(ctx context.Context, change func(Memory) (Memory, error)) (Memory, error) {
	var err error
	for range editTries {
		var m Memory
		if m, err = k.edit(ctx, change); !errors.Is(err, ErrConflict) {
			return m, err
		}
	}
	return Memory{}, err
}

func (k *Keeper) edit(ctx context.Context, change func(Memory) (Memory, error)) (Memory, error) {
	m, tag, err := k.Store.Load(ctx)
	switch {
	case err != nil:
		return Memory{}, fmt.Errorf("memory of %s: %w", k.Binding.Name, err)
	case m.Unusable != "":
		return Memory{}, fmt.Errorf("memory of %s: %s", k.Binding.Name, m.Unusable)
	}
	r := round{p: k.Policy, m: m, now: k.Now().UTC().Round(0)}
	found := r.starting()
	next, err := change(found)
	if err != nil {
		return Memory{}, fmt.Errorf("memory of %s: %w", k.Binding.Name, err)
	}
	if tag != "" && next.Same(found) {
		return m, nil
	}
	next = k.stamp(m, next)
	if _, err := k.Store.Save(ctx, next, tag); err != nil {
		return Memory{}, fmt.Errorf("memory of %s: %w", k.Binding.Name, err)
	}
	return next, nil
}

// Pause returns the memory by which rounds do nothing until they are resumed. Who paused first is kept.
func (m Memory) Pause(by, why string, now time.Time) (Memory, error) {
	if err := checkWords(by, why); err != nil || m.Paused != (Pause{}) {
		return m, err
	}
	m = m.clone()
	m.Paused = Pause{At: instant(now), By: by, Why: why}
	m.Left = Left{} // whoever changes the group meanwhile is expected to
	m.noteBy(netip.Addr{}, DidPause, by, why, now)
	return m, nil
}

// Resume returns the memory by which rounds act again. Nobody looked meanwhile, so what was counted against missing
// addresses is counted anew.
func (m Memory) Resume(by string, now time.Time) (Memory, error) {
	if err := checkWords(by, ""); err != nil || m.Paused == (Pause{}) {
		return m, err
	}
	m = m.clone()
	m.Paused, m.Left, m.Answers = Pause{}, Left{}, nil
	for i := range m.Addresses {
		if e := &m.Addresses[i]; e.Missed > 0 {
			e.seen()
		}
	}
	m.noteBy(netip.Addr{}, DidResume, by, "", now)
	return m, nil
}

// Adopt returns the memory in which addresses are ours, as if the name had shown them. That they are in the group is
// for the caller to know.
func (m Memory) Adopt(by string, now time.Time, addrs ...netip.Addr) (Memory, error) {
	if err := checkWords(by, ""); err != nil {
		return m, err
	}
	m = m.clone()
	for _, a := range addrs {
		switch {
		case !plain(a):
			return m, fmt.Errorf("adopt %q: not an address that can be a target", a)
		case m.entry(a) != nil:
			continue
		case len(m.Addresses) >= maxEntries:
			return m, fmt.Errorf("adopt %s: %d addresses are ours, which is the most", a, maxEntries)
		}
		m.own(a, instant(now))
		m.noteBy(a, DidAdopt, by, "", now)
	}
	return m, nil
}

// Forget returns the memory in which addresses are not ours, nor set aside. One that is neither is an error.
func (m Memory) Forget(by string, now time.Time, addrs ...netip.Addr) (Memory, error) {
	if err := checkWords(by, ""); err != nil {
		return m, err
	}
	var faults []error
	next := m.clone()
	for _, a := range addrs {
		if next.entry(a) == nil && next.refusal(a) == nil {
			faults = append(faults, fmt.Errorf("forget %s: it is not ours", a))
			continue
		}
		next.Addresses = slices.DeleteFunc(next.Addresses, func(e Entry) bool { return e.Addr == a })
		next.Refused = slices.DeleteFunc(next.Refused, func(r Refusal) bool { return r.Addr == a })
		next.noteBy(a, DidForget, by, "", now)
	}
	if err := errors.Join(faults...); err != nil {
		return m, err
	}
	return next, nil
}

// Release returns the memory of a binding that is given up: nothing is ours, and rounds do nothing until they are
// resumed. What was decided is kept.
func (m Memory) Release(by, why string, now time.Time) (Memory, error) {
	if err := checkWords(by, why); err != nil || m.Paused.Released && len(m.Addresses) == 0 {
		return m, err
	}
	m = m.clone()
	text := fmt.Sprintf("%d addresses are no longer ours", len(m.Addresses))
	if why != "" {
		text += ": " + why
	}
	m.Paused = Pause{At: instant(now), By: by, Why: why, Released: true}
	m.Addresses, m.Refused, m.Answers, m.Left = nil, nil, nil, Left{}
	m.noteBy(netip.Addr{}, DidRelease, by, text, now)
	return m, nil
}

// LetGo deregisters targets at an operator's word, without a look at the name. It returns those whose removal was
// confirmed, also beside an error. Unless the memory was saved before in which they are not ours, the next round
// may register them again.
func (k *Keeper) LetGo(ctx context.Context, targets []Target) ([]Target, error) {
	gone, err := k.Group.Deregister(ctx, targets, func() error {
		if ctx.Err() != nil {
			return forbidden{context.Cause(ctx)}
		}
		return nil
	})
	if err != nil {
		err = k.unconfirmed("deregister", err)
	}
	return gone, err
}

// noteBy notes what an operator did; to the binding, where addr is not one.
func (m *Memory) noteBy(addr netip.Addr, action, by, why string, now time.Time) {
	text := "by " + cmp.Or(by, "an operator")
	if why != "" {
		text += ": " + why
	}
	m.Decisions = append(m.Decisions, Decision{At: instant(now), Addr: addr, Action: action, Why: text})
	m.Decisions = m.Decisions[max(0, len(m.Decisions)-maxDecisions):]
}

func instant(t time.Time) time.Time { return t.UTC().Round(0) }

// checkWords refuses what the stored form would not take, or change.
func checkWords(by, why string) error {
	for _, w := range []struct{ what, text string }{{"by", by}, {"why", why}} {
		switch {
		case len(w.text) > maxText:
			return fmt.Errorf("%s: %d bytes, over the limit of %d", w.what, len(w.text), maxText)
		case !utf8.ValidString(w.text) || strings.ContainsFunc(w.text, unicode.IsControl):
			return fmt.Errorf("%s %q: want one line of text", w.what, w.text)
		}
	}
	return nil
}
