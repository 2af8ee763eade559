package sim_test

import (
	"math"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"mooring/internal/sim"
)

// nodes are so many addresses, from one of them on.
func nodes(from, n int) (out []netip.Addr) {
	for i := range n {
		i += from
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(1 + i%250)}))
	}
	return out
}

func ancestor(t *testing.T, name string) sim.Ancestor {
	t.Helper()
	all := sim.Ancestors()
	i := slices.IndexFunc(all, func(a sim.Ancestor) bool { return a.Name == name })
	if i < 0 {
		t.Fatalf("no function is called %q", name)
	}
	return all[i]
}

// agree fails where a count is five standard deviations away.
func agree(t *testing.T, what string, counted int, expected float64) {
	t.Helper()
	t.Logf("%s: %d counted, %.1f expected", what, counted, expected)
	if diff := math.Abs(float64(counted) - expected); diff > 5*math.Sqrt(expected) {
		t.Errorf("%s: %d counted, %.1f expected", what, counted, expected)
	}
}

func TestTheOlderRulesRemoveLiveTargetsAsOftenAsTheFormulaSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		n, lookups, miss int
		days             int
		cache            time.Duration
	}{
		{"v3 each minute", 48, 10, 3, 2, 0},
		{"v3 each minute", 24, 10, 2, 10, 0},
		{"v3", 48, 10, 3, 10, 0},
		{"v1", 24, 4, 3, 2, 0},
		{"v2", 24, 4, 3, 2, 0},
		{"v1", 24, 1, 3, 1, time.Minute},
		{"v2", 24, 1, 3, 1, time.Minute},
		{"v3", 24, 1, 3, 5, time.Minute},
		{"v3 each minute", 24, 1, 3, 1, time.Minute},
		{"monitor", 24, 1, 1, 1, time.Minute},
	} {
		a := ancestor(t, c.name)
		a.Misses = c.miss
		if c.cache == 0 {
			a.Lookups = c.lookups
		}
		contest := sim.Contest{Seed: 1, Minutes: c.days * 1440, Cache: c.cache, Course: []sim.Shift{{Addrs: nodes(0, c.n)}}}
		runs := float64(c.days * 1440 / a.Every)
		agree(t, c.name, contest.Ancestor(a).Wrong, sim.WrongRemovalsAway(c.n, 8, c.lookups, c.miss, runs, a.Away()))
	}
}

func TestTheFormulaGivesThePublishedTable(t *testing.T) {
	for _, c := range []struct {
		n, lookups int
		want       float64
	}{{16, 10, 0.008}, {20, 10, 2.3}, {24, 10, 65}, {32, 10, 2800}, {48, 10, 89000}, {100, 50, 190}, {200, 50, 200000}} {
		if got := sim.WrongRemovals(c.n, 8, c.lookups, 3, sim.MinutesAYear); math.Abs(got/c.want-1) > 0.07 {
			t.Errorf("%d addresses, %d lookups: %g a year, want about %g", c.n, c.lookups, got, c.want)
		}
	}
	if got := sim.WrongRemovals(8, 8, 1, 1, sim.MinutesAYear); got != 0 {
		t.Errorf("of 8 addresses, which each answer holds: %g a year", got)
	}
}

// All addresses are replaced, and the old hosts answer for an hour.
func TestAFullReplacementLeavesNobodyServingExceptWhereTheNewOnesAreAwaited(t *testing.T) {
	t.Parallel()
	for _, n := range []int{4, 16, 48} {
		c := sim.Contest{Seed: 1, Minutes: 240, Linger: 60, Course: []sim.Shift{{Addrs: nodes(0, n)}, {Minute: 102, Addrs: nodes(n, n)}}}
		for _, name := range []string{"v1", "v2", "v3 each minute", "monitor"} {
			if r := c.Ancestor(ancestor(t, name)); r.Lowest > 0 {
				t.Errorf("%d addresses, %s: the lowest serving capacity is %.2f", n, name, r.Lowest)
			}
		}
		r := c.Mooring()
		if r.Lowest < 1 || r.Wrong > 0 || r.Settled < 0 || len(r.Broken) > 0 {
			t.Errorf("%d addresses, mooring: lowest %.2f, %d wrong, settled %d, broken %v", n, r.Lowest, r.Wrong, r.Settled, r.Broken)
		}
	}
}

// What happens later does not make a longer life look worse than a shorter one.
func TestTheLowestCapacityIsThatOfTheMinutesAskedFor(t *testing.T) {
	t.Parallel()
	c := sim.Contest{Seed: 1, Minutes: 240, Linger: 60, Course: []sim.Shift{{Addrs: nodes(0, 4)}, {Minute: 102, Addrs: nodes(4, 4)}}}
	for within, want := range map[int]float64{0: 0, 100: 1, 200: 0} {
		c.Within = within
		if r := c.Ancestor(ancestor(t, "v2")); r.Lowest != want {
			t.Errorf("within %d minutes: lowest %.2f, want %.2f", within, r.Lowest, want)
		}
	}
}

// A resolver gives one answer a minute, however often it is asked.
func TestBehindOneCacheEveryCountOfRunsIsFooled(t *testing.T) {
	t.Parallel()
	c := sim.Contest{Seed: 1, Minutes: 360, Cache: time.Minute, Course: []sim.Shift{{Addrs: nodes(0, 24)}}}
	for _, name := range []string{"v1", "v2", "v3 each minute", "monitor"} {
		if r := c.Ancestor(ancestor(t, name)); r.Wrong < 300 || r.Lowest > 0.5 {
			t.Errorf("%s: %d wrong, lowest capacity %.2f", name, r.Wrong, r.Lowest)
		}
	}
	if r := c.Mooring(); r.Wrong > 0 || r.Lowest < 1 || len(r.Broken) > 0 {
		t.Errorf("mooring: %d wrong, lowest capacity %.2f, broken %v", r.Wrong, r.Lowest, r.Broken)
	}
}

func TestMooringRemovesNobodyWhoIsLiveWhereTheOthersDo(t *testing.T) {
	t.Parallel()
	for n, minutes := range map[int]int{24: 600, 48: 240, 100: 60} {
		c := sim.Contest{Seed: 1, Minutes: minutes, Course: []sim.Shift{{Addrs: nodes(0, n)}}}
		if r := c.Mooring(); r.Wrong > 0 || r.Removed > 0 || r.Lowest < 1 || len(r.Broken) > 0 {
			t.Errorf("%d addresses: %+v", n, r)
		}
	}
}

// Five minutes of an error, and what each makes of them.
func TestWhatAnErrorMakesOfAGroup(t *testing.T) {
	t.Parallel()
	at := func(call sim.Call, fault sim.Fault) func(int) sim.Trouble {
		return func(minute int) (t sim.Trouble) {
			if minute >= 100 && minute < 105 {
				t = sim.Trouble{Call: call, Fault: fault}
			}
			return t
		}
	}
	steady := []sim.Shift{{Addrs: nodes(0, 6)}}
	replaced := append(slices.Clone(steady), sim.Shift{Minute: 99, Addrs: nodes(6, 6)})
	for _, c := range []struct {
		name    string
		contest sim.Contest
		none    []string // who is left without a serving target
	}{
		{"the name does not exist for five minutes", sim.Contest{Course: steady, Trouble: at(sim.CallFind, sim.FailNXDomain)}, []string{"monitor"}},
		{"the answer is empty", sim.Contest{Course: steady, Trouble: at(sim.CallFind, sim.FailEmpty)}, []string{"monitor"}},
		{
			"registrations are throttled while all are replaced",
			sim.Contest{Course: replaced, Trouble: at(sim.CallRegister, sim.FailError)},
			[]string{"v1", "v2", "v3 each minute", "monitor"},
		},
	} {
		c.contest.Seed, c.contest.Minutes, c.contest.Linger = 1, 200, 60
		for _, a := range sim.Ancestors() {
			if r := c.contest.Ancestor(a); r.Lowest == 0 != slices.Contains(c.none, a.Name) {
				t.Errorf("%s: %s serves %.2f at the worst", c.name, a.Name, r.Lowest)
			}
		}
		if r := c.contest.Mooring(); r.Lowest < 1 || r.Wrong > 0 || len(r.Broken) > 0 {
			t.Errorf("%s: mooring serves %.2f at the worst, %d wrong, %v", c.name, r.Lowest, r.Wrong, r.Broken)
		}
	}
}

// For an hour one of the zone's two servers fails, or nobody answers; an address is replaced meanwhile.
func TestOneServerThatFailsDisturbsOnlyWhoDoesNotAskTheOther(t *testing.T) {
	t.Parallel()
	course := []sim.Shift{{Addrs: nodes(0, 6)}, {Minute: 102, Addrs: nodes(1, 6)}}
	hour := func(server sim.Server) sim.Contest {
		return sim.Contest{Seed: 1, Minutes: 240, Linger: 90, Course: course, Trouble: func(minute int) (t sim.Trouble) {
			if minute >= 100 && minute < 160 {
				t = sim.Trouble{Call: sim.CallFind, Fault: sim.FailTimeout, Server: server}
			}
			return t
		}}
	}
	one, all := hour(sim.FirstServer), hour(sim.EveryServer)
	for _, a := range sim.Ancestors() {
		if r := one.Ancestor(a); r.Wrong > 0 || r.Lowest == 0 || (r.Longest > time.Minute) != (a.Name == "v3" || a.Name == "v3 each minute") {
			t.Errorf("one server fails, %s: %d wrong, serves %.2f at the worst, registers after %s", a.Name, r.Wrong, r.Lowest, r.Longest)
		}
		if r := all.Ancestor(a); (r.Lowest == 0) != (a.Name == "monitor") || r.Longest < time.Hour-3*time.Minute {
			t.Errorf("nobody answers, %s: serves %.2f at the worst, registers after %s", a.Name, r.Lowest, r.Longest)
		}
	}
	if r := one.Mooring(); r.Wrong > 0 || r.Lowest < 1 || r.Longest > time.Minute || r.Settled < 57 || len(r.Broken) > 0 {
		t.Errorf("one server fails, mooring: %+v, want that nobody leaves before both answer", r)
	}
	if r := all.Mooring(); r.Wrong > 0 || r.Longest < time.Hour-3*time.Minute || len(r.Broken) > 0 {
		t.Errorf("nobody answers, mooring: %+v", r)
	}
}

// An address leaves the name and returns, again and again, and one server is ten minutes behind.
func TestAStaleServerMisleadsWhoKeepsToIt(t *testing.T) {
	t.Parallel()
	course := []sim.Shift{{Addrs: nodes(0, 6)}}
	for m := 30; m < 700; m += 40 {
		course = append(course, sim.Shift{Minute: m, Addrs: nodes(0, 5)}, sim.Shift{Minute: m + 5, Addrs: nodes(0, 6)})
	}
	wrong := map[string]map[sim.Server]int{}
	for _, server := range []sim.Server{sim.EveryServer, sim.FirstServer, sim.OtherServer} {
		c := sim.Contest{Seed: 1, Minutes: 720, Linger: 720, Lag: 10 * time.Minute, Course: course, Trouble: func(int) sim.Trouble {
			return sim.Trouble{Call: sim.CallFind, Fault: sim.FailStale, Server: server}
		}}
		for _, a := range sim.Ancestors() {
			if wrong[a.Name] == nil {
				wrong[a.Name] = map[sim.Server]int{}
			}
			wrong[a.Name][server] = c.Ancestor(a).Wrong
		}
		if r := c.Mooring(); len(r.Broken) > 0 || server != sim.EveryServer && r.Wrong > 0 {
			t.Errorf("server %d, mooring: %d wrong, %v", server, r.Wrong, r.Broken)
		}
	}
	for _, name := range []string{"v1", "v2"} {
		if w := wrong[name]; w[sim.FirstServer] == 0 || w[sim.FirstServer] != w[sim.EveryServer] || w[sim.OtherServer] > 0 {
			t.Errorf("%s keeps to one server: wrong removals %v", name, w)
		}
	}
	for _, name := range []string{"v3 each minute", "monitor"} {
		if w := wrong[name]; w[sim.FirstServer] == 0 || w[sim.OtherServer] == 0 {
			t.Errorf("%s asks both: wrong removals %v", name, w)
		}
	}
}

// The document is the same bytes at each run.
func TestTheSameContestEndsTheSameWay(t *testing.T) {
	t.Parallel()
	c := sim.Contest{
		Seed: 3, Minutes: 200, Record: true, Twice: true, Lag: 5 * time.Minute,
		Course: []sim.Shift{{Addrs: nodes(0, 20)}, {Minute: 50, Addrs: nodes(5, 20)}},
		Trouble: func(minute int) sim.Trouble {
			return sim.Trouble{Call: sim.CallFind, Fault: sim.FailStale, Server: sim.FirstServer, Lost: minute%60 == 59}
		},
	}
	if once, again := c.Mooring(), c.Mooring(); !reflect.DeepEqual(once, again) {
		t.Errorf("mooring: %+v, and then %+v", once, again)
	}
	for _, a := range sim.Ancestors() {
		if once, again := c.Ancestor(a), c.Ancestor(a); !reflect.DeepEqual(once, again) {
			t.Errorf("%s: %+v, and then %+v", a.Name, once, again)
		}
	}
}

func TestTheRulesOfTheOlderFunctions(t *testing.T) {
	all := nodes(0, 4)
	three := all[:3]
	t.Run("2018 takes back who is draining, and counts whoever is in the group", func(t *testing.T) {
		_, down, next := sim.Rule2018{}.Judge(three, all, 3)
		if len(down) > 0 || len(next.(sim.Rule2018).Pending) > 0 {
			t.Errorf("a first run counts %v and deregisters %v", next, down)
		}
		for run := 1; run <= 3; run++ {
			_, down, next = next.Judge(three, all, 3)
			if want := run == 3; slices.Equal(down, all[3:]) != want {
				t.Errorf("run %d deregisters %v", run, down)
			}
		}
		if up, _, _ := next.Judge(all, all, 3); !slices.Equal(up, all[3:]) {
			t.Errorf("registers %v, want who was not resolved the last time", up)
		}
	})
	t.Run("2021 leaves who is draining, and deregisters the gone again and again", func(t *testing.T) {
		var next sim.Rule = sim.Rule2021{Active: all}
		var down []netip.Addr
		for range 5 {
			_, down, next = next.Judge(three, three, 3)
		}
		if !slices.Equal(down, all[3:]) {
			t.Errorf("deregisters %v, which is not even in the group, want %v", down, all[3:])
		}
		if up, _, _ := next.Judge(all, all, 3); len(up) > 0 {
			t.Errorf("registers %v, which is listed", up)
		}
	})
	t.Run("2020 counts down, leaves strangers, and forgets the missing when its memory is lost", func(t *testing.T) {
		_, _, next := sim.Rule2020{}.Judge(three, all, 3)
		for run := 1; run <= 9; run++ {
			var down []netip.Addr
			_, down, next = next.Judge(all[1:3], all, 3)
			if want := run == 3; slices.Equal(down, all[:1]) != want {
				t.Errorf("run %d deregisters %v", run, down)
			}
		}
	})
	t.Run("the monitor makes the group what it was told, and nothing of nothing", func(t *testing.T) {
		up, down, next := sim.RuleMonitor(three).Judge(all[1:], nil, 1)
		if !slices.Equal(up, all[3:]) || !slices.Equal(down, all[:1]) {
			t.Errorf("registers %v and deregisters %v", up, down)
		}
		if _, down, _ = next.Judge(nil, nil, 1); !slices.Equal(down, all[1:]) {
			t.Errorf("without an answer it deregisters %v", down)
		}
	})
}
