package sim

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A Promise is one sentence of docs/promises.md, and the check of it. The checks know the truth; the code
// that is judged does not.
type Promise struct {
	Name   string
	Broken func(*act) string // why it is broken by this call; "" where it is kept
}

// An act is one call that changed the group, at the moment after.
type act struct {
	w          *World
	rec        *record
	policy     mooring.Policy // that the process had,
	binding    mooring.Binding
	store      *storage  // and where it remembers
	now, wall  time.Time // wall: by the clock of the process
	register   []mooring.Target
	deregister []mooring.Target
	after      []mooring.Target // what the group truly holds
}

// Promises returns those that are checked after every call that changes the group.
func Promises() []Promise {
	return []Promise{
		{"P1 a live address stays", liveStays},
		{"P2 a returned address stays", returnedStays},
		{"P3 never empty", neverEmpty},
		{"P4 only what is ours", onlyOurs},
		{"P5 only conclusive rounds", onlyConclusive},
		{"P6 enough misses", enoughMisses},
		{"P7 long enough", longEnough},
		{"P8 few at a time", fewAtATime},
		{"P9 make before break", makeBeforeBreak},
		{"P10 last of a zone", lastOfZone},
		{"P11 register first", registerFirst},
		{"P12 remember first", rememberFirst},
		{"P13 no plan is old", freshPlan},
		{"P14 memory is needed", memoryIsNeeded},
		{"P15 only what was seen and is admitted", onlyAdmitted},
		{"P16 modes are obeyed", modesObeyed},
		{"P17 a group that is halted or was not read is not written", haltedStays},
		{"P21 paused does nothing", pausedRests},
	}
}

// liveStays: two looks of this round and at least two rounds before it must all have overlooked the address, by a
// chance below the policy's. That holds for an address which every server that was asked has shown since before the
// round began: one that lags is believed for as long as it lags, and one that hides an address for as long as it does.
// A resolver's answers say nothing about now, so there it must have been so since the oldest copy of its first miss
// was made.
//
// The chance counts on answers that are random and independent. So whoever is shown seldom is not promised to stay, nor
// is anybody where servers keep to what they chose, and all of them to the same few, or to choices that weigh a round's
// share of the proof together.
func liveStays(a *act) string {
	for _, t := range a.deregister {
		looks, from := []look{a.rec.first, a.rec.second}, a.rec.began
		if a.rec.first.cached() || a.rec.second.cached() {
			absent := a.absence(t.Addr)
			if absent.forged || absent.blind {
				continue // nothing but the memory tells how often a cache was asked, and how long its copies once lived
			}
			looks, from = []look{absent.first}, absent.first.oldest()
		}
		if a.seldom(looks, t.Addr) {
			continue
		}
		since, live := a.w.liveSince(t.Addr, a.binding.Hostnames)
		for _, l := range looks {
			since = latest(since, a.w.shownSince(l.sources, t.Addr))
		}
		if live && !since.After(from) {
			return fmt.Sprintf("%s has been shown since %s and was deregistered", t.Addr, since.Format(time.TimeOnly))
		}
	}
	return ""
}

// seldom tells whether an address may be overlooked more often than the judgement can know.
func (a *act) seldom(looks []look, addr netip.Addr) bool {
	return slices.ContainsFunc(looks, func(l look) bool {
		if !slices.ContainsFunc(l.sources, func(s source) bool { return !s.whole }) {
			return false // each answer held everybody
		}
		if slices.Contains(l.zone.Light, addr) {
			return true
		}
		if l.zone.Sticky == 0 {
			return false
		}
		if l.oneChoice() {
			return true
		}
		turns := 2 * l.zone.servers() * l.zone.hosts() // a look may see two choices of each
		return float64(turns)*mooring.Silence(l.zone.Answer, len(a.w.all(a.binding.Hostnames))) >= a.policy.RoundShare()
	})
}

// oneChoice tells whether of some name one choice was all that was shown, or those of the hosts behind one server, as if
// there were no more.
func (l look) oneChoice() bool {
	shown, by := map[string][]netip.Addr{}, map[[2]string][]netip.Addr{}
	for _, a := range l.o.Answers {
		at := [2]string{a.Hostname, a.Server}
		shown[a.Hostname] = union(slices.Clone(shown[a.Hostname]), a.Addrs)
		by[at] = union(slices.Clone(by[at]), a.Addrs)
	}
	for at, addrs := range by {
		all := len(shown[at[0]])
		if all <= l.zone.Answer || l.zone.hosts() > 1 && len(addrs) == all {
			return true
		}
	}
	return false
}

// cached tells whether some answer was a resolver's copy.
func (l look) cached() bool {
	return l.zone.Cache > 0 || slices.ContainsFunc(l.sources, func(s source) bool { return s.cached })
}

// oldest is when the oldest of a look's answers was made.
func (l look) oldest() time.Time {
	at := l.began
	for _, s := range l.sources {
		if s.at.Before(at) {
			at = s.at
		}
	}
	return at
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// returnedStays: where one answer holds everything, the second look misses nobody whom one of those who were asked
// showed by then, or a resolver's copy, when it was made.
func returnedStays(a *act) string {
	l := a.rec.second
	for _, s := range l.sources {
		for _, t := range a.deregister {
			if _, live := a.w.liveSince(t.Addr, a.binding.Hostnames); !live || !s.whole {
				continue
			}
			if since := a.w.shownSince([]source{s}, t.Addr); since.Before(s.at) {
				return fmt.Sprintf("%s was shown again since %s, before the second look", t.Addr, since.Format(time.TimeOnly))
			}
		}
	}
	return ""
}

// neverEmpty: an older description may mislead about how many there are.
func neverEmpty(a *act) string {
	if len(a.deregister) == 0 || a.rec.viewStale {
		return ""
	}
	stay := a.rec.ours(a.policy, a.after, a.binding.Port)
	if least := max(1, a.policy.MinTargets); len(stay) < least {
		return fmt.Sprintf("%d of ours stay, the least is %d", len(stay), least)
	}
	return ""
}

func onlyOurs(a *act) string {
	for _, t := range a.deregister {
		if t.Port != a.binding.Port || a.policy.Adopt != mooring.AdoptAll && !a.store.shown[t.Addr] {
			return fmt.Sprintf("%s port %d was never shown by the name", t.Addr, t.Port)
		}
	}
	return ""
}

func onlyConclusive(a *act) string {
	if len(a.deregister) == 0 {
		return ""
	}
	for i, l := range []look{a.rec.first, a.rec.second} {
		if l.o.Inconclusive != "" || len(l.o.Addrs()) == 0 {
			return fmt.Sprintf("look %d was inconclusive: %q", i+1, l.o.Inconclusive)
		}
	}
	return ""
}

func enoughMisses(a *act) string {
	for _, t := range a.deregister {
		if absent := a.absence(t.Addr); !absent.forged && absent.missed < a.policy.Misses {
			return fmt.Sprintf("%s was missed in %d rounds", t.Addr, absent.missed)
		}
	}
	return ""
}

// longEnough is by the clocks of the processes, and cannot be told where they disagree.
func longEnough(a *act) string {
	for _, t := range a.deregister {
		absent := a.absence(t.Addr)
		if !a.w.Skewed && !absent.forged && a.now.Sub(absent.since) < a.policy.Hold {
			return fmt.Sprintf("%s was first missed %s ago", t.Addr, a.now.Sub(absent.since))
		}
	}
	return ""
}

func fewAtATime(a *act) string {
	ours := len(a.rec.ours(a.policy, a.rec.view, a.binding.Port))
	most := max(1, int(math.Floor(a.policy.MaxLeave*float64(ours)+1e-9)))
	if n := len(a.rec.deregistered); n > most {
		return fmt.Sprintf("%d of %d left, the most is %d", n, ours, most)
	}
	return ""
}

// makeBeforeBreak is judged by what the group said in this round, for health may change in between.
func makeBeforeBreak(a *act) string {
	ours := a.rec.ours(a.policy, a.rec.view, a.binding.Port)
	before, leaving, young := healthyOf(ours), 0, 0
	for _, t := range a.rec.deregistered {
		if i := slices.IndexFunc(ours, func(o mooring.Target) bool { return o.Addr == t.Addr }); i >= 0 && isHealthy(ours[i]) {
			leaving++
			if !a.heldLong(t.Addr) {
				young++
			}
		}
	}
	needed := min(before, a.rec.registrable(a))
	if a.policy.Answers == mooring.AnswersWhole {
		needed = 0
		if young > 0 && a.rec.unregistered(a) {
			return "the new one was not registered yet"
		}
	}
	switch {
	case young > 0 && before-leaving < needed:
		return fmt.Sprintf("%d healthy stay, %d are needed", before-leaving, needed)
	case leaving > 0 && a.policy.Answers != mooring.AnswersWhole && healthyOf(a.rec.view)-leaving < 1 && a.rec.registrable(a) > 0:
		return "the last healthy target left"
	default:
		return ""
	}
}

func lastOfZone(a *act) string {
	if a.w.CrossZone != mooring.CrossZoneOff || a.policy.Answers == mooring.AnswersWhole {
		return ""
	}
	for _, t := range a.deregister {
		in := func(ts []mooring.Target) (n int) {
			for _, o := range ts {
				if i := slices.IndexFunc(a.rec.view, func(v mooring.Target) bool { return v.Addr == o.Addr && v.Port == o.Port }); i >= 0 &&
					isHealthy(a.rec.view[i]) && a.rec.view[i].Zone == t.Zone {
					n++
				}
			}
			return n
		}
		if all := in(a.rec.view); all > 0 && in([]mooring.Target{t}) > 0 && all == in(a.rec.deregistered) && !a.heldLong(t.Addr) {
			return fmt.Sprintf("%s was the last healthy target in zone %s", t.Addr, t.Zone)
		}
	}
	return ""
}

func registerFirst(a *act) string {
	switch {
	case len(a.register) > 0 && len(a.rec.deregistered) > 0:
		return "a registration came after a removal"
	case len(a.deregister) > 0 && a.rec.unconfirmed:
		return "targets left although a registration was not confirmed"
	default:
		return ""
	}
}

// rememberFirst: what is registered is in memory, unless the process knows that it could not save it.
func rememberFirst(a *act) string {
	if a.rec.loadErr != nil || a.rec.saveTried && !a.rec.saved {
		return ""
	}
	memory := a.rec.memory
	if a.rec.saved {
		memory = a.rec.stored
	}
	for _, t := range a.register {
		if !remembers(memory, t.Addr) {
			return fmt.Sprintf("%s was registered and is not remembered", t.Addr)
		}
	}
	return ""
}

const (
	planLife    = 30 * time.Second
	roundLife   = 45 * time.Second
	lookTime    = 10 * time.Second
	lookLife    = 5 * time.Second
	callReserve = 3 * time.Second // of the round's time
)

func freshPlan(a *act) string {
	if old := a.rec.first.age(a.now, a.wall); old > planLife {
		return fmt.Sprintf("the plan was %s old", old)
	}
	if old := max(a.now.Sub(a.rec.asked), a.wall.Sub(a.rec.askedWall)); old > roundLife {
		return fmt.Sprintf("the group was asked %s ago", old)
	}
	if old := a.rec.second.age(a.now, a.wall); len(a.deregister) > 0 && old > lookLife {
		return fmt.Sprintf("the second look was %s old", old)
	}
	if took := a.rec.second.told.Sub(a.rec.second.began); len(a.deregister) > 0 && took > lookTime {
		return fmt.Sprintf("the second look took %s", took)
	}
	if left := a.rec.deadline.Sub(a.now); !a.rec.deadline.IsZero() && left < callReserve {
		return fmt.Sprintf("%s were left of the round's time", left)
	}
	return ""
}

func memoryIsNeeded(a *act) string {
	if len(a.deregister) > 0 && (a.rec.loadErr != nil || !a.rec.saved) {
		return fmt.Sprintf("targets left without a confirmed save (load: %v)", a.rec.loadErr)
	}
	return ""
}

func onlyAdmitted(a *act) string {
	seen := a.rec.first.o.Addrs()
	for _, t := range a.register {
		if !slices.Contains(seen, t.Addr) || !a.policy.Admits(t.Addr) || t.Port != a.binding.Port {
			return fmt.Sprintf("%s port %d was registered", t.Addr, t.Port)
		}
	}
	if len(a.register) > a.policy.MaxTargets {
		return fmt.Sprintf("%d were registered, the most is %d", len(a.register), a.policy.MaxTargets)
	}
	return ""
}

func modesObeyed(a *act) string {
	if a.policy.Mode == mooring.ModeObserve || a.policy.Mode == mooring.ModeAddOnly && len(a.deregister) > 0 {
		return "mode " + string(a.policy.Mode)
	}
	return ""
}

func haltedStays(a *act) string {
	if a.rec.halted || !a.rec.viewed {
		return "the group was written"
	}
	return ""
}

// pausedRests: a round that could not read its memory does not know of a pause.
func pausedRests(a *act) string {
	if a.rec.loadErr == nil && a.rec.memory.Paused != (mooring.Pause{}) {
		return "the binding is " + a.rec.memory.Paused.String()
	}
	return ""
}

// heldLong tells whether make-before-break no longer keeps an address. Forged and skewed times are believed.
func (a *act) heldLong(addr netip.Addr) bool {
	absent := a.absence(addr)
	return a.w.Skewed || absent.forged || a.now.Sub(absent.since) >= a.policy.HoldMax
}

// absence is the checker's count when the round saved its own. Another run may have seen the address since.
func (a *act) absence(addr netip.Addr) absence {
	if a.rec.counted {
		return a.rec.absent[addr]
	}
	return a.store.ledger[addr]
}
