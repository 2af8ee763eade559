package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"mooring/internal/sim"
)

// The sections of the study.
const (
	steady   = "healthy DNS"
	cached   = "one cache"
	replaced = "full replacement"
	lingers  = "hosts that linger"
	scaleIn  = "scale in"
	scaleOut = "scale out"
	trouble  = "trouble"
)

const (
	day  = 24 * 60
	year = sim.MinutesAYear
)

// answerSize is how many addresses an answer holds, where there are as many.
const answerSize = 8

// addresses are so many, from one of them on.
func addresses(from, n int) (out []netip.Addr) {
	for i := range n {
		i += from
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(1 + i%250)}))
	}
	return out
}

// still is a name that never changes, for so many days, as many times as the study is to be longer. The lowest capacity is
// that of the first so many days, which are the same for all contenders.
func (s *study) still(n, days, within int, cache time.Duration) []sim.Contest {
	return []sim.Contest{{
		Seed: uint64(n), Minutes: s.times * days * day, Within: s.times * within * day, Cache: cache,
		Course: []sim.Shift{{Addrs: addresses(0, n)}},
	}}
}

// How many days the names of so many addresses are lived with healthy DNS: as long as it takes to see what the formula
// foresees, and for mooring what a few minutes of computing allow.
var steadyDays = []struct{ n, v3, others, mooring int }{
	{1, 90, 90, 30},
	{4, 90, 90, 30},
	{8, 90, 90, 60},
	{16, 90, 60, 30},
	{20, 365, 60, 30},
	{24, 365, 60, 30},
	{32, 60, 30, 14},
	{48, 30, 30, 14},
	{64, 14, 30, 7},
	{100, 7, 30, 4},
	{200, 3, 7, 2},
}

// monitorDays is how long the monitor lives at the most, for it is wrong each day.
const monitorDays = 14

func (s *study) steady() {
	for _, d := range steadyDays {
		row, monitor := strconv.Itoa(d.n), min(monitorDays, d.v3)
		within := min(d.v3, d.others, d.mooring, monitor)
		s.plan(steady, row, s.still(d.n, d.others, within, 0), "v1", "v2")
		s.plan(steady, row, s.still(d.n, d.v3, within, 0), "v3", "v3 each minute")
		s.plan(steady, row, s.still(d.n, monitor, within, 0), "monitor")
		s.plan(steady, row, s.still(d.n, d.mooring, within, 0), mooringName)
	}
}

var cachedSizes = []int{8, 9, 12, 16, 24, 48}

const cachedDays, cachedMooringDays = 7, 14

func (s *study) cached() {
	for _, n := range cachedSizes {
		row := strconv.Itoa(n)
		s.plan(cached, row, s.still(n, cachedDays, cachedDays, time.Minute), "v1", "v2", "v3", "v3 each minute", "monitor")
		s.plan(cached, row, s.still(n, cachedMooringDays, cachedDays, time.Minute), mooringName)
	}
}

// eventAt is the first minute in which a single event happens, half a minute after the runs; it is one of v3's as well.
const eventAt = 100

// phases is how often an event is lived, each time a minute later: v3's schedule is met at each of its phases.
const (
	replacedPhases = 5
	scaledPhases   = 10 // and chance twice at each
)

// How long a life with one event is, in minutes.
const (
	replacedMinutes = 240
	scaledInMinutes = 300
	grownMinutes    = 180
)

// An event is one change of a name.
type event struct {
	from, to []netip.Addr
	linger   int
	cache    time.Duration
	minutes  int
}

// lives are contests with the same event, at so many phases.
func (e event) lives(seed uint64, phases int) (out []sim.Contest) {
	for i := range phases {
		out = append(out, sim.Contest{
			Seed: seed + uint64(i), Minutes: e.minutes, Linger: e.linger, Cache: e.cache, Record: true,
			Course: []sim.Shift{{Addrs: e.from}, {Minute: eventAt + i, Addrs: e.to}},
		})
	}
	return out
}

var (
	replacedSizes = []int{1, 4, 16, 48, 100}
	lingerMinutes = []int{3, 5, 8, 10, 12, 15, 60}
)

// lingerLong is for how many minutes replaced hosts answer, where nothing else is said.
const lingerLong = 60

func (s *study) replacements() {
	for _, n := range replacedSizes {
		e := event{from: addresses(0, n), to: addresses(n, n), linger: lingerLong, minutes: replacedMinutes}
		s.plan(replaced, strconv.Itoa(n), e.lives(uint64(n), replacedPhases), contenders()...)
	}
	for _, m := range lingerMinutes {
		e := event{from: addresses(0, 16), to: addresses(16, 16), linger: m, minutes: replacedMinutes}
		s.plan(lingers, strconv.Itoa(m), e.lives(16, replacedPhases), contenders()...)
	}
}

var scaledIn = []struct {
	from, to int
	cache    time.Duration
}{{8, 4, 0}, {48, 8, 0}, {100, 8, 0}, {200, 100, 0}, {16, 8, time.Minute}, {24, 16, time.Minute}}

var scaledOut = []struct{ from, to int }{{1, 2}, {4, 8}, {8, 16}, {24, 48}, {48, 100}}

func scaleName(from, to int, cache time.Duration) string {
	if cache > 0 {
		return fmt.Sprintf("%d to %d, one cache", from, to)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

func (s *study) scaling() {
	for _, c := range scaledIn {
		e := event{from: addresses(0, c.from), to: addresses(0, c.to), cache: c.cache, minutes: scaledInMinutes}
		s.plan(scaleIn, scaleName(c.from, c.to, c.cache), e.lives(0, scaledPhases), contenders()...)
	}
	for _, c := range scaledOut {
		e := event{from: addresses(0, c.from), to: addresses(0, c.to), linger: 3, minutes: grownMinutes}
		s.plan(scaleOut, scaleName(c.from, c.to, 0), e.lives(0, scaledPhases), contenders()...)
	}
}

// troubleDays is how long a life among troubles is.
const troubleDays = 30

// restless is a name of four to eight addresses, which every answer holds whole, so that nobody is removed by chance. It
// changes each three hours or so: it scales out or in, an address is replaced, or one comes back that left a moment ago.
func restless(seed uint64) (course []sim.Shift) {
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the study is to be repeatable
	pool, now := addresses(0, 40), addresses(0, 6)
	course = []sim.Shift{{Addrs: now}}
	var gone netip.Addr
	for minute := 60 + rng.IntN(180); minute < troubleDays*day; minute += 60 + rng.IntN(240) {
		now = slices.Clone(now)
		fresh := pool[rng.IntN(len(pool))]
		for slices.Contains(now, fresh) {
			fresh = pool[rng.IntN(len(pool))]
		}
		i := rng.IntN(len(now))
		switch what := rng.IntN(4); {
		case what == 0 && len(now) < 8:
			now = append(now, fresh)
		case what == 1 && len(now) > 4:
			gone = now[i]
			now = slices.Delete(now, i, i+1)
			if rng.IntN(2) == 0 { // and is back after some minutes
				course = append(course, shift(minute, now))
				minute += 2 + rng.IntN(8)
				now = append(slices.Clone(now), gone)
			}
		default:
			now[i] = fresh
		}
		course = append(course, shift(minute, now))
	}
	return course
}

func shift(minute int, addrs []netip.Addr) sim.Shift {
	sorted := slices.Clone(addrs)
	slices.SortFunc(sorted, netip.Addr.Compare)
	return sim.Shift{Minute: minute, Addrs: sorted}
}

// A class of troubles: outages of one to ten minutes, one each four hours or so and others right when the name changes.
type class struct {
	name    string
	trouble sim.Trouble
	twice   bool
	single  bool // of one minute each
	always  bool // all the time
}

// behindBy is how far a stale server is behind.
const behindBy = 10 * time.Minute

func asked(f sim.Fault, server sim.Server) sim.Trouble {
	return sim.Trouble{Call: sim.CallFind, Fault: f, Server: server}
}

var classes = []class{
	{name: "none"},
	{name: "one server fails", trouble: asked(sim.FailTimeout, sim.FirstServer)},
	{name: "the resolver fails", trouble: asked(sim.FailServfail, sim.EveryServer)},
	{name: "NXDOMAIN", trouble: asked(sim.FailNXDomain, sim.EveryServer)},
	{name: "an empty answer", trouble: asked(sim.FailEmpty, sim.EveryServer)},
	{name: "one server 10 min behind: v1's and v2's", trouble: asked(sim.FailStale, sim.FirstServer), always: true},
	{name: "one server 10 min behind: the other", trouble: asked(sim.FailStale, sim.OtherServer), always: true},
	{name: "all servers 10 min behind", trouble: asked(sim.FailStale, sim.EveryServer), always: true},
	{name: "the group cannot be listed", trouble: sim.Trouble{Call: sim.CallDescribe, Fault: sim.FailError}},
	{name: "registrations are throttled", trouble: sim.Trouble{Call: sim.CallRegister, Fault: sim.FailError}},
	{name: "deregistrations are throttled", trouble: sim.Trouble{Call: sim.CallDeregister, Fault: sim.FailError}},
	{name: "the memory cannot be read", trouble: sim.Trouble{Call: sim.CallLoad, Fault: sim.FailError}},
	{name: "the memory is deleted", trouble: sim.Trouble{Lost: true}, single: true},
	{name: "each run is invoked twice", twice: true},
}

// troubles are lived by the same course, and come in the same minutes, so that their rows can be compared.
func (s *study) troubles() {
	course := restless(1)
	for _, c := range classes {
		contest := sim.Contest{
			Seed: 1, Minutes: troubleDays * day, Course: course, Linger: 10, Lag: behindBy, Twice: c.twice,
			Trouble: c.outages(1, course),
		}
		s.plan(trouble, c.name, []sim.Contest{contest}, contenders()...)
	}
}

// outages are when the trouble is: at any time, and half of them right when the name changes.
func (c class) outages(seed uint64, course []sim.Shift) func(int) sim.Trouble {
	if c.trouble == (sim.Trouble{}) {
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // the study is to be repeatable
	out := make([]bool, troubleDays*day)
	begin := func(at int) {
		long := 1 + rng.IntN(10)
		if c.single {
			long = 1
		}
		for m := at; m < min(at+long, len(out)); m++ {
			out[m] = true
		}
	}
	for at := rng.IntN(240); at < len(out); at += 1 + rng.IntN(480) {
		begin(at)
	}
	for _, t := range course[1:] {
		if rng.IntN(2) == 0 {
			begin(t.Minute + rng.IntN(3))
		}
	}
	return func(minute int) sim.Trouble {
		if c.always || out[minute] {
			return c.trouble
		}
		return sim.Trouble{}
	}
}

// yearly is what the formula says of a contender, in wrong removals a year; of mooring it says nothing.
func yearly(section string, n int, who string) (float64, bool) {
	a, err := ancestor(who)
	if err != nil {
		return 0, false
	}
	if section == cached {
		a.Lookups = 1 // a minute's answers are one
	}
	return sim.WrongRemovalsAway(n, answerSize, a.Lookups, a.Misses, year/float64(a.Every), a.Away()), true
}
