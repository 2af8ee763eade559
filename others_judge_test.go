package mooring_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// A fault of the older function, or of what was said of it, by the truth.
type finding struct {
	at   time.Time
	what string
}

// A tally is what the truth says of two weeks.
type tally struct {
	right, wrong, doubtful  int // steps of the older function
	late, reportedLate      int // things undone for too long
	reported                map[string]int
	missed, invented, plans []finding
}

// judge compares each step of the older function, and each round's report, with the truth.
func (f *fortnight) judge() *tally {
	y := &tally{reported: map[string]int{}}
	f.judgeSteps(y)
	f.judgeReports(y)
	f.judgeDelays(y)
	return y
}

// around are the rounds before and after a moment: the last before, and those up to the second conclusive one after.
func (f *fortnight) around(at time.Time) (before *lookedOn, after []lookedOn) {
	i, _ := slices.BinarySearchFunc(f.rounds, at, func(r lookedOn, at time.Time) int { return r.at.Compare(at) })
	if i > 0 {
		before = &f.rounds[i-1]
	}
	clean := 0
	for j := i; j < len(f.rounds) && clean < 2; j++ {
		after = append(after, f.rounds[j])
		if f.rounds[j].clean {
			clean++
		}
	}
	return before, after
}

func (f *fortnight) judgeSteps(y *tally) {
	for _, s := range f.older.Steps {
		before, after := f.around(s.At)
		if before == nil || len(after) == 0 {
			continue // nobody looked
		}
		live, _ := f.Was(s.Addr, s.At, s.At)
		if s.Register == live {
			y.right++
			continue
		}
		y.wrong++
		ever, always := f.Was(s.Addr, before.at, after[0].at)
		if ever && !always { // who looks once a minute cannot know
			y.doubtful++
			continue
		}
		if !slices.ContainsFunc(after, func(r lookedOn) bool { return claims(r.report, s, mooring.StepWrong) }) {
			y.missed = append(y.missed, finding{s.At, fmt.Sprintf("wrong, and not reported: %s register %t", s.Addr, s.Register)})
		}
	}
}

func claims(r mooring.Report, s sim.ForeignStep, verdict string) bool {
	return r.Others != nil && slices.ContainsFunc(r.Others.Steps, func(o mooring.StepReport) bool {
		return o.Addr == s.Addr && (o.Action == "registered") == s.Register && (verdict == "" || o.Verdict == verdict)
	})
}

// judgeReports looks for what mooring said wrongly, and for what it would have done wrongly.
func (f *fortnight) judgeReports(y *tally) {
	foreign, another := 0, false
	for i, r := range f.rounds {
		if o := r.report.Others; o != nil {
			for _, s := range o.Steps {
				y.reported[s.Action+" "+s.Verdict]++
				f.judgeReported(y, i, s)
			}
			if len(o.Steps) > 0 {
				foreign++
			}
			another = another || o.Another != ""
		}
		claims := r.report.Others != nil && r.report.Others.Another != ""
		if foreign >= 2 && r.report.OK() && !claims {
			y.missed = append(y.missed, finding{r.at, "another program is no longer told of"})
		}
		if foreign < 2 && claims && f.older.Written.IsZero() {
			y.invented = append(y.invented, finding{r.at, "another program is told of too soon"})
		}
		if r.report.Planned == nil {
			continue
		}
		for _, a := range r.report.Planned.Register {
			if !slices.Contains(r.truth, a) {
				y.plans = append(y.plans, finding{r.at, "would register " + a.String()})
			}
		}
		for _, a := range r.report.Planned.Deregister {
			if slices.Contains(r.truth, a) {
				y.plans = append(y.plans, finding{r.at, "would deregister " + a.String()})
			}
		}
	}
}

// judgeReported finds the step that a report tells of: there must be one, and who is called wrong must have been.
func (f *fortnight) judgeReported(y *tally, i int, s mooring.StepReport) {
	from := f.rounds[max(0, i-1)].at
	for j := i - 1; j > 0 && !f.rounds[j].clean; j-- {
		from = f.rounds[j-1].at
	}
	for _, real := range slices.Backward(f.older.Steps) {
		if real.At.After(f.rounds[i].at) || real.Addr != s.Addr || real.Register != (s.Action == "registered") {
			continue
		}
		if real.At.Before(from) {
			break
		}
		live, _ := f.Was(s.Addr, real.At, real.At)
		if s.Verdict == mooring.StepWrong && live == real.Register {
			y.invented = append(y.invented, finding{f.rounds[i].at, fmt.Sprintf("%s %s is called wrong: %s", s.Action, s.Addr, s.Why)})
		}
		return
	}
	y.invented = append(y.invented, finding{f.rounds[i].at, fmt.Sprintf("nobody %s %s, said to be %s", s.Action, s.Addr, s.Verdict)})
}

// A delay counts the conclusive rounds for which a step has been open.
type delay struct {
	rounds int
	told   bool
}

// counts tells whether the count has just gone beyond the limit. Where the step is not open, it begins again; where
// something else holds it, it stands still.
func (d *delay) counts(open, free bool, limit int) bool {
	switch {
	case !open:
		*d = delay{}
	case free:
		d.rounds++
	}
	if d.rounds <= limit || d.told {
		return false
	}
	d.told = true
	return true
}

// judgeDelays finds who was live and not registered, or gone and still registered while nothing but proof was asked
// for: for more than two rounds beside the first, and beside the three of a proof. It must be told of, and be told of for
// as long as it is so.
func (f *fortnight) judgeDelays(y *tally) {
	out, in := map[netip.Addr]*delay{}, map[netip.Addr]*delay{}
	for _, a := range f.pool {
		out[a], in[a] = &delay{}, &delay{}
	}
	for i, r := range f.rounds {
		on, healthy := map[netip.Addr]bool{}, 0
		for _, t := range r.report.Targets {
			on[t.Addr] = t.Registered()
			if t.Health == mooring.HealthHealthy && slices.Contains(r.truth, t.Addr) {
				healthy++
			}
		}
		for _, a := range f.pool {
			live := slices.Contains(r.truth, a)
			f.judgeDelay(y, i, out[a], a, "register", live && !on[a], r.clean, 3)
			// A healthy target is not overdue before as many healthy ones stay as the name has.
			f.judgeDelay(y, i, in[a], a, "deregister", !live && on[a], r.clean && healthy == len(r.truth), f.Policy.Misses+3)
		}
	}
}

func (f *fortnight) judgeDelay(y *tally, i int, d *delay, a netip.Addr, action string, open, free bool, limit int) {
	if d.counts(open, free, limit) {
		f.mustTell(y, i, a, action)
	}
	if free && d.rounds > limit+5 && !overdue(f.rounds[i].report, a, action) {
		y.missed = append(y.missed, finding{f.rounds[i].at, fmt.Sprintf("no longer told of: to %s %s", action, a)})
	}
}

// mustTell looks whether a step that is late in a round is told of in that round or soon after.
func (f *fortnight) mustTell(y *tally, i int, a netip.Addr, action string) {
	y.late++
	_, after := f.around(f.rounds[i].at)
	if slices.ContainsFunc(after, func(r lookedOn) bool { return overdue(r.report, a, action) }) {
		y.reportedLate++
		return
	}
	y.missed = append(y.missed, finding{f.rounds[i].at, fmt.Sprintf("late, and not reported: to %s %s", action, a)})
}

// overdue tells whether a report calls a step late, whoever did it in the end.
func overdue(r mooring.Report, a netip.Addr, action string) bool {
	if r.Others == nil {
		return false
	}
	return slices.ContainsFunc(r.Others.Overdue, func(o mooring.OverdueReport) bool { return o.Addr == a && o.Action == action }) ||
		slices.ContainsFunc(r.Others.Steps, func(s mooring.StepReport) bool {
			return s.Addr == a && s.Action == action+"ed" && s.Verdict != mooring.StepWrong
		})
}

func (y *tally) check(t *testing.T) {
	t.Helper()
	t.Logf("%d right, %d wrong (of these %d within a minute of a change of the name), %d late; reported: %d late, %v",
		y.right, y.wrong, y.doubtful, y.late, y.reportedLate, y.reported)
	for what, all := range map[string][]finding{"not reported": y.missed, "reported wrongly": y.invented, "planned wrongly": y.plans} {
		for _, one := range all[:min(len(all), 12)] {
			t.Errorf("%s: %s %s", what, one.at.UTC().Format("01-02 15:04:05"), one.what)
		}
		if len(all) > 12 {
			t.Errorf("%s: %d more", what, len(all)-12)
		}
	}
}
