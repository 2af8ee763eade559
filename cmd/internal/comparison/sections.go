package main

import (
	"fmt"
	"math"
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

// addresses are so many, from one of them on.
func addresses(from, n int) (out []netip.Addr) {
	for i := range n {
		i += from
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(1 + i%250)}))
	}
	return out
}

// still is a name that never changes, for so many days, as many times as the study is to be longer.
func (s *study) still(n, days int, cache time.Duration) []sim.Contest {
	return []sim.Contest{{Seed: uint64(n), Minutes: s.times * days * day, Cache: cache, Course: []sim.Shift{{Addrs: addresses(0, n)}}}}
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

func (s *study) steady() {
	for _, d := range steadyDays {
		row := strconv.Itoa(d.n)
		s.plan(steady, row, s.still(d.n, d.others, 0), "v1", "v2")
		s.plan(steady, row, s.still(d.n, d.v3, 0), "v3", "v3 each minute")
		s.plan(steady, row, s.still(d.n, min(14, d.v3), 0), "monitor")
		s.plan(steady, row, s.still(d.n, d.mooring, 0), mooringName)
	}
}

var cachedSizes = []int{8, 9, 12, 16, 24, 48}

func (s *study) cached() {
	for _, n := range cachedSizes {
		s.plan(cached, strconv.Itoa(n), s.still(n, 7, time.Minute), "v1", "v2", "v3", "v3 each minute", "monitor")
		s.plan(cached, strconv.Itoa(n), s.still(n, 14, time.Minute), mooringName)
	}
}

// the minute in which a single event happens, half a minute after the runs and two and a half before v3's next.
const eventAt = 102

// event is one change of a name.
func event(seed uint64, from, to []netip.Addr, linger int, cache time.Duration, minutes int) sim.Contest {
	return sim.Contest{
		Seed: seed, Minutes: minutes, Linger: linger, Cache: cache, Record: true,
		Course: []sim.Shift{{Addrs: from}, {Minute: eventAt, Addrs: to}},
	}
}

var (
	replacedSizes = []int{1, 4, 16, 48, 100}
	lingerMinutes = []int{3, 5, 8, 10, 15, 60}
)

func (s *study) replacements() {
	for _, n := range replacedSizes {
		c := event(uint64(n), addresses(0, n), addresses(n, n), 60, 0, 240)
		s.plan(replaced, strconv.Itoa(n), []sim.Contest{c}, contenders()...)
	}
	for _, m := range lingerMinutes {
		c := event(16, addresses(0, 16), addresses(16, 16), m, 0, 240)
		s.plan(lingers, strconv.Itoa(m), []sim.Contest{c}, contenders()...)
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

// scaling begins at ten minutes, so that v3's schedule is met at each of its phases.
func (s *study) scaling() {
	for _, c := range scaledIn {
		var lives []sim.Contest
		for i := range 10 {
			e := event(uint64(i), addresses(0, c.from), addresses(0, c.to), 0, c.cache, 300)
			e.Course[1].Minute += i
			lives = append(lives, e)
		}
		s.plan(scaleIn, scaleName(c.from, c.to, c.cache), lives, contenders()...)
	}
	for _, c := range scaledOut {
		var lives []sim.Contest
		for i := range 10 {
			e := event(uint64(i), addresses(0, c.from), addresses(0, c.to), 3, 0, 180)
			e.Course[1].Minute += i
			lives = append(lives, e)
		}
		s.plan(scaleOut, scaleName(c.from, c.to, 0), lives, contenders()...)
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

// A class of troubles: outages of one to ten minutes, one each two hours or so.
type class struct {
	name    string
	trouble sim.Trouble
	lag     time.Duration
	twice   bool
	single  bool // of one minute each
	always  bool // all the time
}

var classes = []class{
	{name: "none"},
	{name: "a server times out", trouble: sim.Trouble{Call: sim.CallFind, Fault: sim.FailTimeout}},
	{name: "a server says SERVFAIL", trouble: sim.Trouble{Call: sim.CallFind, Fault: sim.FailServfail}},
	{name: "NXDOMAIN", trouble: sim.Trouble{Call: sim.CallFind, Fault: sim.FailNXDomain}},
	{name: "an empty answer", trouble: sim.Trouble{Call: sim.CallFind, Fault: sim.FailEmpty}},
	{name: "one server 10 min behind", trouble: sim.Trouble{Call: sim.CallFind, Fault: sim.FailStaleServer}, lag: 10 * time.Minute, always: true},
	{name: "all servers 10 min behind", trouble: sim.Trouble{Call: sim.CallFind, Fault: sim.FailStale}, lag: 10 * time.Minute, always: true},
	{name: "the group cannot be listed", trouble: sim.Trouble{Call: sim.CallDescribe, Fault: sim.FailError}},
	{name: "registrations are throttled", trouble: sim.Trouble{Call: sim.CallRegister, Fault: sim.FailError}},
	{name: "deregistrations are throttled", trouble: sim.Trouble{Call: sim.CallDeregister, Fault: sim.FailError}},
	{name: "the memory cannot be read", trouble: sim.Trouble{Call: sim.CallLoad, Fault: sim.FailError}},
	{name: "the memory is deleted", trouble: sim.Trouble{Lost: true}, single: true},
	{name: "each run is invoked twice", twice: true},
}

func (s *study) troubles() {
	course := restless(1)
	for i, c := range classes {
		contest := sim.Contest{
			Seed: uint64(i), Minutes: troubleDays * day, Course: course, Linger: 10, Lag: c.lag, Twice: c.twice,
			Trouble: c.outages(uint64(i), course),
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

// yearly is what the formula says of a contender, in wrong removals a year.
func yearly(section string, n int, who string) (float64, bool) {
	for _, a := range sim.Ancestors() {
		if a.Name == who {
			lookups := a.Lookups
			if section == cached {
				lookups = 1 // a minute's answers are one
			}
			return sim.WrongRemovals(n, 8, lookups, a.Misses, year/float64(a.Every)), true
		}
	}
	return 0, false
}

// foreseen is how many wrong removals a contest should have seen, where the formula's leaving out that nobody leaves
// twice is of no weight: each address is away for less than a twentieth of the time.
func (s *study) foreseen(p place) (float64, bool) {
	if p.section != steady {
		return 0, false
	}
	n, err := strconv.Atoi(p.row)
	if err != nil {
		return 0, false
	}
	rate, ok := yearly(steady, n, p.who)
	if away := 6 * rate / float64(n) / year; !ok || away > 0.05 {
		return 0, false
	}
	return rate * float64(s.outcomes[p].Minutes) / year, true
}

// agree tells whether a count is within five standard deviations and a twentieth of what was expected.
func agree(counted int, expected float64) bool {
	return math.Abs(float64(counted)-expected) <= 5*math.Sqrt(expected)+expected/20+1
}
