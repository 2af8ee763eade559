package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"mooring/internal/sim"
)

// mooringName is how mooring is called among the contenders.
const mooringName = "mooring"

// contenders are all who take part, in the order of the tables.
func contenders() (names []string) {
	for _, a := range sim.Ancestors() {
		names = append(names, a.Name)
	}
	return append(names, mooringName)
}

// compete lets a contender live a contest.
func compete(who string, c sim.Contest) sim.Result {
	if who == mooringName {
		return c.Mooring()
	}
	a, err := ancestor(who)
	if err != nil {
		return sim.Result{Broken: []string{err.Error()}}
	}
	return c.Ancestor(a)
}

// An outcome is what some contests of the same kind did to one contender's group. Lowest and Settled are the worst of them.
type outcome struct {
	sim.Result
	Minutes int     // lived, all together
	Lives   int     // contests
	Never   int     // of them, in which the group never became what the name holds
	Best    float64 // the lowest serving capacity of the contest where that was highest
	Soonest int     // minutes until the group became what the name holds, where that was soonest; 0 and Never: nowhere
}

// around is which minutes of the serving capacity are kept, from the event on, of the worst contest.
var around = struct{ from, to int }{-5, 30}

// add takes a contest in.
func (o *outcome) add(c sim.Contest, r sim.Result) {
	if o.Lives == 0 {
		o.Lowest = 1
	}
	if c.Record && (o.Lives == 0 || r.Lowest < o.Lowest) {
		o.Capacity = r.Capacity[c.Course[1].Minute+around.from : c.Course[1].Minute+around.to+1]
	}
	o.Best = max(o.Best, r.Lowest)
	if r.Settled >= 0 && (o.Never == o.Lives || r.Settled < o.Soonest) {
		o.Soonest = r.Settled
	}
	o.Lives++
	o.Minutes += c.Minutes
	o.ELB, o.State, o.DNS = o.ELB+r.ELB, o.State+r.State, o.DNS+r.DNS
	o.Removed, o.Wrong, o.Gone, o.Dead = o.Removed+r.Removed, o.Wrong+r.Wrong, o.Gone+r.Gone, o.Dead+r.Dead
	o.New, o.Waited, o.Waiting = o.New+r.New, o.Waited+r.Waited, o.Waiting+r.Waiting
	o.Lowest, o.Longest = min(o.Lowest, r.Lowest), max(o.Longest, r.Longest)
	if r.Settled < 0 {
		o.Never++
	}
	o.Settled = max(o.Settled, r.Settled)
	o.Broken = append(o.Broken, r.Broken...)
}

// A place is where an outcome belongs: a section, a row of it, and who.
type place struct {
	section string
	row     string
	who     string
}

// A job is the contests of one place.
type job struct {
	place
	contests []sim.Contest
}

func (j job) weight() (w int) {
	for _, c := range j.contests {
		cost := 1
		if j.who == mooringName {
			cost = 8
		}
		w += c.Minutes * cost * (4 + len(c.Course[0].Addrs))
	}
	return w
}

// A study is everything that is compared.
type study struct {
	times    int // how much longer than usual the names live that never change
	jobs     []job
	outcomes map[place]*outcome
}

func newStudy(times int) *study {
	s := &study{times: times, outcomes: map[place]*outcome{}}
	s.steady()
	s.cached()
	s.replacements()
	s.scaling()
	s.troubles()
	return s
}

// plan adds the same contests for all contenders, or for some, and a beginning of what takes longer than a moment.
func (s *study) plan(section, row string, contests []sim.Contest, who ...string) {
	for _, w := range who {
		j := job{place{section, row, w}, contests}
		s.jobs = append(s.jobs, j)
		if b, ok := j.beginning(); ok {
			s.jobs = append(s.jobs, b)
		}
	}
}

// What can be lived in a moment is lived by each test of the document.
const (
	moment      = 24_000 // of weight
	beginning   = "the beginning of "
	notTooShort = 2 * 60 // minutes of a beginning, so that something happens in it
	notTooLong  = 5 * 60
)

// beginning is as much of a job as can be lived in a moment, for tests only: the document does not show it.
func (j job) beginning() (job, bool) {
	if j.weight() <= moment {
		return job{}, false
	}
	first := job{place{beginning + j.section, j.row, j.who}, []sim.Contest{j.contests[0]}}
	c := &first.contests[0]
	c.Record = false
	c.Minutes = min(moment*c.Minutes/first.weight(), c.Minutes, notTooLong)
	return first, c.Minutes >= notTooShort
}

// of is the outcome of a place.
func (s *study) of(section, row, who string) *outcome { return s.outcomes[place{section, row, who}] }

// live lives all contests, the longest first.
func (s *study) live(workers int, progress io.Writer) error {
	jobs := slices.Clone(s.jobs)
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(b.weight(), a.weight()) })
	total, done := 0, 0
	for _, j := range jobs {
		s.outcomes[j.place] = &outcome{}
		total += j.weight()
	}
	var next atomic.Int64
	var running sync.WaitGroup
	var mu sync.Mutex // of done and progress
	began := time.Now()
	for range workers {
		running.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				j := jobs[i]
				o := s.outcomes[j.place]
				for _, c := range j.contests {
					o.add(c, compete(j.who, c))
				}
				mu.Lock()
				done += j.weight()
				_, _ = fmt.Fprintf(progress, "%3d %% after %s: %s, %s, %s\n", done*100/total,
					time.Since(began).Round(time.Second), j.section, j.row, j.who)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return s.check()
}

// check refuses to write what contradicts itself: a promise that was broken, or a count that is far from its formula.
func (s *study) check() error {
	var errs []error
	for _, j := range s.jobs {
		o := s.outcomes[j.place]
		for _, b := range o.Broken {
			errs = append(errs, fmt.Errorf("%s, %s, %s: %s", j.section, j.row, j.who, b))
		}
		if err := s.agrees(j.place); err != nil {
			errs = append(errs, fmt.Errorf("%s, %s, %s: %w", j.section, j.row, j.who, err))
		}
	}
	return errors.Join(errs...)
}

// agrees compares a count with its formula, where there is one: five standard deviations are allowed, of mooring's only
// below its bound.
func (s *study) agrees(p place) error {
	n, err := strconv.Atoi(p.row)
	if err != nil || p.section != steady && p.section != cached {
		return nil
	}
	o := s.outcomes[p]
	rate, exact := yearly(p.section, n, p.who)
	if !exact {
		rate = o.bound(n)
	}
	want := rate * float64(o.Minutes) / year
	off := float64(o.Wrong) - want
	if off > 5*math.Sqrt(want) || exact && off < -5*math.Sqrt(want) {
		return fmt.Errorf("%d wrong removals, where the formula says %.1f", o.Wrong, want)
	}
	return nil
}
