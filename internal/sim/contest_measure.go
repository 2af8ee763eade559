package sim

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Result is what a contest did to one contender's group.
type Result struct {
	Tally
	Removed  int           // targets deregistered, of them
	Wrong    int           // those that were behind the name
	Lowest   float64       // serving capacity at the worst, in the minutes that it is asked of: targets that take new flows and answer, by the addresses that the name had for 10 minutes; at most 1
	Gone     int           // hosts that ceased to answer
	Dead     int           // minutes for which targets stayed registered whose hosts did, all together
	New      int           // addresses that came
	Waited   time.Duration // until they were registered, all together
	Longest  time.Duration // the longest of these
	Waiting  int           // that never were
	Settled  int           // minutes from the last turn until the group was what the name holds, for good; -1: never
	Capacity []float64     // of each minute
	Broken   []string      // promises of mooring
}

// A lane is one contender's world, and what is measured there.
type lane struct {
	Result
	c    *Contest
	w    *World
	now  time.Time
	live []netip.Addr // what the name holds, sorted

	came   map[netip.Addr]time.Time // who waits to be registered
	left   map[netip.Addr]int       // the minute of leaving the name
	dead   map[netip.Addr]bool      // hosts that do not answer any more
	turned int                      // the last turn
	unlike int                      // the last minute in which the group was not what the name holds

	states  []TargetState
	at      time.Time                // when they were so
	called  bool                     // the group has been changed since
	sizes   []int                    // of the name, in the last minutes
	serves  map[netip.Addr]time.Time // deregistered while healthy: until when they take new flows
	mu      sync.Mutex               // of the tally
	broken  []string
	capable []float64
}

// bury ends the hosts that have answered for long enough, and wakes those that are back.
func (l *lane) bury(minute int) {
	dead, changed := map[netip.Addr]bool{}, false
	for a, since := range l.left {
		if minute-since > l.c.Linger {
			dead[a] = true
			if !l.dead[a] {
				changed = true
				l.Gone++
			}
		}
	}
	if changed || len(dead) != len(l.dead) {
		l.dead = dead
		l.w.Adjust(func(g *TargetGroup) { g.Sick = dead })
		l.called = true
	}
}

// describe looks at the group anew, unless nothing can have changed there: nobody called, and no target is on its way.
func (l *lane) describe() bool {
	if !l.called && l.at.Equal(l.now) {
		return false
	}
	onItsWay := func(s TargetState) bool { return s.State == "initial" || s.State == "draining" }
	if !l.called && !slices.ContainsFunc(l.states, onItsWay) {
		return false
	}
	l.states, l.called, l.at = l.w.Group.Describe(l.now), false, l.now
	return true
}

// watch compares the group with what it was.
func (l *lane) watch() {
	before := l.states
	if !l.describe() {
		return
	}
	i := 0
	for _, was := range before {
		for i < len(l.states) && l.states[i].Addr.Less(was.Addr) {
			i++
		}
		stays := i < len(l.states) && l.states[i].Addr == was.Addr && l.states[i].State != "draining"
		if was.State == "draining" || stays {
			continue
		}
		l.Removed++
		if _, ok := slices.BinarySearchFunc(l.live, was.Addr, netip.Addr.Compare); ok {
			l.Wrong++
		}
		if was.State == "healthy" {
			if l.serves == nil {
				l.serves = map[netip.Addr]time.Time{}
			}
			l.serves[was.Addr] = l.now.Add(StillServes)
		}
	}
	for _, s := range l.states {
		if since, waiting := l.came[s.Addr]; waiting && s.State != "draining" {
			l.Waited += l.now.Sub(since)
			l.Longest = max(l.Longest, l.now.Sub(since))
			delete(l.came, s.Addr)
		}
	}
}

// measure counts what this minute is like.
func (l *lane) measure(minute int) {
	serving, registered := 0, 0
	for _, s := range l.states {
		if s.State != "draining" {
			registered++
			if l.dead[s.Addr] {
				l.Dead++
			}
		}
		if s.State == "healthy" {
			serving++
			delete(l.serves, s.Addr)
		}
	}
	for a, until := range l.serves {
		if !l.now.Before(until) {
			delete(l.serves, a)
		} else if !l.dead[a] {
			serving++
		}
	}
	capacity := min(1, float64(serving)/float64(max(1, l.needed())))
	if l.c.Within == 0 || minute < l.c.Within {
		l.Lowest = min(l.Lowest, capacity)
	}
	if l.c.Record && minute >= 0 {
		l.capable = append(l.capable, capacity)
	}
	if registered != len(l.live) || l.lacks() {
		l.unlike = minute
	}
}

// needed is how many addresses the name had at the least in the last ten minutes: of those that came since, nobody can
// expect that they take flows already.
func (l *lane) needed() int {
	l.sizes = append(l.sizes, len(l.live))
	if len(l.sizes) > NeededFor {
		l.sizes = l.sizes[1:]
	}
	return slices.Min(l.sizes)
}

// NeededFor is for how many minutes an address has been behind the name before its target is needed.
const NeededFor = 10

// lacks tells whether an address of the name is not registered.
func (l *lane) lacks() bool {
	i := 0
	for _, s := range l.states {
		if i < len(l.live) && s.Addr == l.live[i] && s.State != "draining" {
			i++
		}
	}
	return i < len(l.live)
}

func (l *lane) result() Result {
	r := l.Result
	r.Waiting, r.Capacity, r.Broken = len(l.came), l.capable, l.broken
	if r.Settled = max(0, l.unlike+1-l.turned); l.unlike == l.c.Minutes-1 {
		r.Settled = -1
	}
	return r
}
