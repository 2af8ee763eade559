package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
)

// asDenied finds an error that knows the permission that is missing.
func asDenied(err error) (interface{ Statement() string }, bool) {
	var denied interface{ Statement() string }
	ok := errors.As(err, &denied)
	return denied, ok
}

// compare parts the group's targets on the binding's port by what the name shows.
func compare(s Sight) Targets {
	resolved := s.Observation.Addrs()
	t := Targets{
		Resolved: append([]netip.Addr{}, resolved...), Healthy: []netip.Addr{}, Missing: []netip.Addr{}, Extra: []netip.Addr{},
		Unhealthy: []netip.Addr{}, Draining: []netip.Addr{},
	}
	if s.Group.Skip != "" || s.Group.Err != nil {
		return t
	}
	registered := map[netip.Addr]bool{}
	for _, target := range s.Group.Targets {
		if target.Port != s.Binding.Port {
			continue
		}
		known := slices.Contains(resolved, target.Addr)
		switch {
		case !target.Registered():
			t.Draining = append(t.Draining, target.Addr)
			continue
		case target.Health == mooring.HealthHealthy:
			t.Healthy = append(t.Healthy, target.Addr)
		case known:
			t.Unhealthy = append(t.Unhealthy, target.Addr)
		}
		if !known {
			t.Extra = append(t.Extra, target.Addr)
		}
		registered[target.Addr] = true
	}
	for _, a := range resolved {
		if !registered[a] {
			t.Missing = append(t.Missing, a)
		}
	}
	for _, list := range []*[]netip.Addr{&t.Healthy, &t.Extra, &t.Unhealthy, &t.Draining} {
		slices.SortFunc(*list, netip.Addr.Compare)
		*list = slices.Compact(*list)
	}
	return t
}

// targets judges the comparison. Who is extra stays until its absence is proved, or belongs to somebody else: nobody is
// harmed by a healthy one.
func (s Sight) targets(t Targets) Check {
	c := Check{Name: "targets", State: Pass}
	var wrong []string
	note := func(what string, addrs []netip.Addr) {
		if len(addrs) > 0 {
			wrong = append(wrong, what+" "+list(addrs))
		}
	}
	switch {
	case s.Group.Skip != "":
		c.State, c.Saw = Skipped, s.Group.Skip
		return c
	case s.Group.Err != nil:
		return unread(c, s.Group.Err, "")
	}
	note("missing", t.Missing)
	note("not healthy", t.Unhealthy)
	switch extra := len(t.Extra) > 0; {
	case len(wrong) > 0:
		note("extra", t.Extra)
		c.State, c.Saw = Fail, strings.Join(wrong, "; ")
		c.Hint = "mooring plan says what the next round does about it, mooring status what the group says of each target"
	case s.Observation.Inconclusive != "":
		c.State, c.Saw, c.Hint = Fail, "the lookup was inconclusive: "+s.Observation.Inconclusive, "run it again; mooring plan says more"
	case len(t.Healthy) == 0:
		c.State, c.Saw = Fail, "no target is healthy"
	case extra:
		note("extra", t.Extra)
		c.State, c.Saw = Warn, strings.Join(wrong, "; ")
		c.Hint = "mooring status says whose they are, and when they can leave"
	default:
		c.Saw = fmt.Sprintf("%d resolved, all registered and healthy", len(t.Resolved))
	}
	return c
}

func (s Sight) metric() Check {
	c, m := Check{Name: "metric"}, s.Metric
	resolved := len(s.Observation.Addrs())
	at := m.At.UTC().Format(time.TimeOnly)
	switch {
	case m.Skip != "":
		c.State, c.Saw = Skipped, m.Skip
	case m.Err != nil:
		return unread(c, m.Err, "")
	case !m.Found && !m.Expected:
		c.State, c.Saw = Skipped, "nobody has put "+m.Name+" of late, which only the function does: name it with --function"
	case !m.Found:
		c.State, c.Saw = Fail, m.Name+" has no datapoint of the last 10 minutes"
		c.Hint = "does the function run, and is MOORING_METRICS not none?"
	case s.Observation.Inconclusive != "":
		c.State, c.Saw = Unknown, fmt.Sprintf("%s was %g at %s, and the lookup was inconclusive", m.Name, m.Value, at)
	case m.Value != float64(resolved):
		c.State, c.Saw = Fail, fmt.Sprintf("%s was %g at %s, and the name has %s now", m.Name, m.Value, at, count(resolved, "address"))
		c.Hint = "the name may have changed since: run it again in two minutes"
	default:
		c.State, c.Saw = Pass, fmt.Sprintf("%s was %g at %s", m.Name, m.Value, at)
	}
	return c
}

func (s Sight) log() Check {
	c, l := Check{Name: "log"}, s.Log
	resolved := s.Observation.Addrs()
	at := l.At.UTC().Format(time.TimeOnly)
	switch {
	case l.Skip != "":
		c.State, c.Saw = Skipped, l.Skip
	case l.Err != nil:
		return unread(c, l.Err, "")
	case !l.Found:
		c.State, c.Saw = Fail, l.Group+" holds no report of the binding of the last 10 minutes"
		c.Hint = "does the function run, with this binding? --log-group names another log"
	case !l.Report.OK():
		c.State, c.Saw = Fail, fmt.Sprintf("the round at %s: %s", at, strings.TrimSpace(l.Report.Error+" "+l.Report.Inconclusive))
	case s.Observation.Inconclusive != "":
		c.State, c.Saw = Unknown, fmt.Sprintf("the round at %s saw %s, and the lookup was inconclusive", at, list(l.Report.Resolved))
	case !same(l.Report.Resolved, resolved):
		c.State, c.Saw = Fail, fmt.Sprintf("the round at %s saw %s, and the name has %s now", at, list(l.Report.Resolved), list(resolved))
		c.Hint = "the name may have changed since: run it again in two minutes"
	default:
		c.State, c.Saw = Pass, fmt.Sprintf("the round at %s saw the same %s", at, count(len(resolved), "address"))
	}
	return c
}

// schedule believes the log, and where that may not be read the count of invocations.
func (s Sight) schedule() Check {
	c := Check{Name: "schedule"}
	const hint = "is the schedule on, and does the function not fail before its first round?"
	switch l := s.Log; {
	case l.Skip != "" && !s.Runs.Asked:
		c.State, c.Saw = Skipped, l.Skip
	case l.Found && s.Now.Sub(l.At) <= JustNow: // the clocks may differ, and then it is yet to come
		c.State, c.Saw = Pass, fmt.Sprintf("a round ran %s ago", max(s.Now.Sub(l.At), 0).Round(time.Second))
	case l.Found:
		c.State, c.Saw, c.Hint = Fail, fmt.Sprintf("the last round ran %s ago", s.Now.Sub(l.At).Round(time.Second)), hint
	case s.Runs.Asked && s.Runs.Err == nil && s.Runs.Count > 0:
		c.State, c.Saw = Pass, count(s.Runs.Count, "invocation")+" in the last 10 minutes"
	case s.Runs.Asked && s.Runs.Err == nil || l.Err == nil:
		c.State, c.Saw, c.Hint = Fail, "no round in the last 10 minutes", hint
	default:
		return unread(c, errors.Join(l.Err, s.Runs.Err), "")
	}
	return c
}

// same tells whether both hold the same addresses, in any order.
func same(a, b []netip.Addr) bool {
	sorted := func(addrs []netip.Addr) []netip.Addr {
		return slices.Compact(slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare))
	}
	return slices.Equal(sorted(a), sorted(b))
}

// list names addresses, and of many the first.
func list(addrs []netip.Addr) string {
	const most = 16
	var words []string
	for _, a := range addrs[:min(len(addrs), most)] {
		words = append(words, a.String())
	}
	if more := len(addrs) - most; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, ", ")
}
