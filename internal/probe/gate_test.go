package probe_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mooring/internal/probe"
)

func extra(s *probe.Sight)      { s.Group.Targets = append(s.Group.Targets, healthy("10.0.0.9")) }
func missing(s *probe.Sight)    { s.Group.Targets = s.Group.Targets[:1] }
func unreadable(s *probe.Sight) { s.Metric.Err = errors.New("throttled") }

func judged(change func(*probe.Sight)) probe.Verdict {
	s := well()
	if change != nil {
		change(&s)
	}
	return probe.Judge(s)
}

// A gate is not open because nobody could look.
func TestTheGateOpensOnlyWhereClientsWereSeenToBeServed(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*probe.Sight)
		shut   string
	}{
		"all is well":           {nil, ""},
		"somebody is leaving":   {extra, ""},
		"no metric may be read": {func(s *probe.Sight) { s.Metric.Err = denied{} }, ""},
		"nobody was asked":      {func(s *probe.Sight) { s.Places, s.Results = probe.Places{Err: denied{}}, nil }, "connect: there was no address"},
		"the addresses unknown": {func(s *probe.Sight) { s.Places.Err = denied{} }, "addresses: it is denied"},
		"one cannot be reached": {func(s *probe.Sight) {
			s.Results = append(s.Results, probe.Result{Addr: addrs("2001:db8::1")[0], Port: 443, NoRoute: true})
		}, "connect: this machine has no way"},
		"an answer is bad":       {func(s *probe.Sight) { s.Results[0].Status = 503 }, "answer: "},
		"somebody is missing":    {missing, "targets: missing 10.0.0.2"},
		"the metric is not read": {unreadable, "metric: throttled"},
	} {
		saw, err := new(probe.Gate).Judge(judged(c.change), now)
		if (err == nil) != (c.shut == "") || err != nil && !strings.Contains(err.Error(), c.shut) || err == nil && !strings.Contains(saw, "addresses, connect, answer, certificate") {
			t.Errorf("%s: %q, error %v", what, saw, err)
		}
	}
}

// A load balancer that grows while traffic moves to it has addresses that the next round registers. That takes no traffic
// back; that nobody registers them for long does.
func TestAGateThatWasOpenWaitsForTheNextRounds(t *testing.T) {
	var g probe.Gate
	at := now
	look := func(after time.Duration, change func(*probe.Sight), shut string) {
		t.Helper()
		at = at.Add(after)
		saw, err := g.Judge(judged(change), at)
		if (err == nil) != (shut == "") || err != nil && !strings.Contains(err.Error(), shut) {
			t.Errorf("at %s: %q, error %v, want %q", at.Sub(now), saw, err, shut)
		}
		if change != nil && err == nil && !strings.Contains(saw, "not yet ") {
			t.Errorf("at %s: it does not say what is missing: %q", at.Sub(now), saw)
		}
	}
	look(0, nil, "")
	before, _ := g.Judge(judged(nil), now)
	if after, _ := g.Judge(judged(func(s *probe.Sight) { s.Results[0].ConnectMS = 7 }), now); after != before {
		t.Errorf("nothing changed, and it says %q after %q", after, before)
	}
	look(time.Minute, missing, "")
	look(4*time.Minute, unreadable, "")
	look(10*time.Second, nil, "")
	look(10*time.Second, missing, "")
	look(probe.CatchUp-time.Second, missing, "")
	look(time.Second, missing, "targets: missing")
	look(time.Second, nil, "")
	look(time.Second, func(s *probe.Sight) { missing(s); s.Results[0].Status = 503 }, "answer: ")
	look(time.Second, func(s *probe.Sight) { s.Group.Targets = nil }, "targets: missing") // there is nobody to bear it
}
