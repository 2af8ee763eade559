package elb_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func TestEveryoneIsRegisteredInBatchesOfAHundred(t *testing.T) {
	h := newHarbour(t)
	out := h.register(h.inspected(), fleet("10.0.0.1", 250)...)
	if len(out.Registered) != 250 || len(out.Refused) != 0 || len(h.registered()) != 250 {
		t.Errorf("%d confirmed, %d refused, %d in the group, want 250, 0, 250", len(out.Registered), len(out.Refused), len(h.registered()))
	}
	h.wantCalls("RegisterTargets", 3)
	for _, c := range h.aws.Calls() {
		if c.Action == "RegisterTargets" && c.Form.Has("Targets.member.101.Id") {
			t.Error("a batch of more than 100")
		}
	}
}

func TestOneRefusedOfTwentyKeepsNobodyOut(t *testing.T) {
	h := newHarbour(t)
	all := fleet("10.0.0.1", 20)
	h.tg.Refuse[all[12].Addr] = "reserved for use by a load balancer"
	out := h.register(h.inspected(), all...)
	if refused := refusals(t, out, "reserved for use by a load balancer"); !slices.Equal(refused, []netip.Addr{all[12].Addr}) {
		t.Errorf("refused %v, want %s alone", refused, all[12].Addr)
	}
	if len(out.Registered) != 19 || len(h.registered()) != 19 {
		t.Errorf("%d confirmed, %d in the group, want 19", len(out.Registered), len(h.registered()))
	}
	h.wantCalls("RegisterTargets", 2) // AWS named the culprit
}

func TestACulpritWhomAWSDoesNotNameIsFoundByHalving(t *testing.T) {
	h := newHarbour(t)
	all := fleet("10.0.0.1", 20)
	h.aws.Inject(unnamed(all[12]))
	out := h.register(h.inspected(), all...)
	if refused := refusals(t, out, "are not supported"); !slices.Equal(refused, []netip.Addr{all[12].Addr}) || len(out.Registered) != 19 {
		t.Errorf("refused %v and confirmed %d, want %s alone and 19", refused, len(out.Registered), all[12].Addr)
	}
	if n := h.aws.Count("RegisterTargets"); n > 11 {
		t.Errorf("%d calls, want at most 11: twice log2 of 20, and the first", n)
	}
}

// unnamed refuses every batch with this target, and says no name.
func unnamed(culprit mooring.Target) sim.AWSFault {
	return sim.AWSFault{
		Action: "RegisterTargets", Status: http.StatusBadRequest,
		Code: "InvalidTarget", Message: "One or more targets are not supported",
		When: func(c sim.AWSCall) bool { return sends(c, culprit) },
	}
}

func sends(c sim.AWSCall, target mooring.Target) bool {
	for key, values := range c.Form {
		if strings.HasSuffix(key, ".Id") && slices.Contains(values, target.Addr.String()) {
			return true
		}
	}
	return false
}

func TestTwoRefusedOfTwoHundredAndFiftyAreBothFound(t *testing.T) {
	h := newHarbour(t)
	all := fleet("10.0.0.1", 250)
	h.tg.Refuse[all[17].Addr], h.tg.Refuse[all[42].Addr] = "in use", "in use"
	out := h.register(h.inspected(), all...)
	if refused := refusals(t, out, "in use"); !slices.Equal(refused, []netip.Addr{all[17].Addr, all[42].Addr}) {
		t.Errorf("refused %v", refused)
	}
	if len(out.Registered) != 248 || len(h.registered()) != 248 {
		t.Errorf("%d confirmed, %d in the group, want 248", len(out.Registered), len(h.registered()))
	}
	h.wantCalls("RegisterTargets", 5)
}

func TestWhomAWSNamesBesideTheCulpritIsRegistered(t *testing.T) {
	h := newHarbour(t)
	all := fleet("10.0.0.1", 20)
	guilty, beside := all[3], all[4]
	h.aws.Inject(sim.AWSFault{
		Action: "RegisterTargets", Status: http.StatusBadRequest, Code: "InvalidTarget",
		Message: fmt.Sprintf("Targets {%s, %s} are not supported", guilty.Addr, beside.Addr),
		When:    func(c sim.AWSCall) bool { return sends(c, guilty) },
	})
	out := h.register(h.inspected(), all...)
	if refused := refusals(t, out, "are not supported"); !slices.Equal(refused, []netip.Addr{guilty.Addr}) || len(out.Registered) != 19 {
		t.Errorf("refused %v and confirmed %d, want %s alone and 19", refused, len(out.Registered), guilty.Addr)
	}
	h.wantCalls("RegisterTargets", 5) // all, the others, the two, and each of them
}

func TestAnAddressIsNotBlamedForOneThatBeginsLikeIt(t *testing.T) {
	h := newHarbour(t)
	h.tg.Refuse[netip.MustParseAddr("10.0.0.12")] = "in use"
	out := h.register(h.inspected(), target("10.0.0.1"), target("10.0.0.12"))
	if refused := refusals(t, out, "in use"); !slices.Equal(refused, []netip.Addr{netip.MustParseAddr("10.0.0.12")}) {
		t.Errorf("refused %v", refused)
	}
	h.wantRegistered("10.0.0.1:443@us-east-1a")
}

func TestAPublicAddressIsSetAside(t *testing.T) {
	h := newHarbour(t)
	out := h.register(h.inspected(), target("10.0.0.1"), target("203.0.113.9"))
	if refused := refusals(t, out, "publicly routable"); len(refused) != 1 || refused[0].String() != "203.0.113.9" {
		t.Errorf("refused %v", refused)
	}
	h.wantRegistered("10.0.0.1:443@us-east-1a")
}

func TestAnAddressOfTheOtherFamilyIsSetAside(t *testing.T) {
	h := newHarbour(t)
	out := h.register(h.inspected(), target("10.0.0.1"), target("fd00::9"))
	if refused := refusals(t, out, "not a valid IPv4 address"); len(refused) != 1 || refused[0].String() != "fd00::9" {
		t.Errorf("refused %v", refused)
	}
}

func TestAtTheQuotaWhatFitsIsRegisteredAndTheRestSetAside(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.Quota = 137 })
	out := h.register(h.inspected(), fleet("10.0.0.1", 250)...)
	if len(out.Registered) != 137 || len(h.registered()) != 137 {
		t.Errorf("%d confirmed, %d in the group, want 137", len(out.Registered), len(h.registered()))
	}
	if refused := refusals(t, out, "TooManyTargets"); len(refused) != 113 {
		t.Errorf("%d refused, want 113", len(refused))
	}
	if n := h.aws.Count("RegisterTargets"); n > 16 {
		t.Errorf("%d calls, want at most 16", n)
	}
}

func TestATargetThatIsRegisteredTooOftenIsSetAside(t *testing.T) {
	h := newHarbour(t)
	all := fleet("10.0.0.1", 8)
	f := unnamed(all[5])
	f.Code, f.Message = "TooManyRegistrationsForTargetId", "You've reached the limit on the number of times a target can be registered"
	h.aws.Inject(f)
	out := h.register(h.inspected(), all...)
	if refused := refusals(t, out, "TooManyRegistrations"); !slices.Equal(refused, []netip.Addr{all[5].Addr}) || len(out.Registered) != 7 {
		t.Errorf("refused %v and confirmed %d", refused, len(out.Registered))
	}
}

func TestACulpritIsFoundWhateverTheErrorIsCalled(t *testing.T) {
	h := newHarbour(t)
	all := fleet("10.0.0.1", 100)
	f := unnamed(all[41])
	f.Code, f.Message = "TargetOnFire", "put it out"
	h.aws.Inject(f)
	out := h.register(h.inspected(), all...)
	if refused := refusals(t, out, "TargetOnFire: put it out"); !slices.Equal(refused, []netip.Addr{all[41].Addr}) || len(out.Registered) != 99 {
		t.Errorf("refused %v and confirmed %d, want %s alone and 99", refused, len(out.Registered), all[41].Addr)
	}
	if n := h.aws.Count("RegisterTargets"); n > 15 {
		t.Errorf("%d calls, want at most 15: twice log2 of 100, and the first", n)
	}
}

func TestAnUnknownErrorAboutEverybodyIsNobodysFault(t *testing.T) {
	for name, c := range map[string]struct{ targets, calls int }{"few": {4, 7}, "many": {250, 41}, "one": {1, 1}} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			h.aws.Inject(sim.AWSFault{Action: "RegisterTargets", Status: http.StatusBadRequest, Code: "GroupOnFire", Message: "put it out"})
			out, err := h.inspected().Register(t.Context(), fleet("10.0.0.1", c.targets), allowed)
			if err == nil || !strings.Contains(err.Error(), "GroupOnFire") || len(out.Refused) != 0 || len(out.Registered) != 0 {
				t.Errorf("%d refused, %d registered, error %v, want an error alone", len(out.Refused), len(out.Registered), err)
			}
			h.wantCalls("RegisterTargets", c.calls)
		})
	}
}

func TestARegistrationThatIsThrottledOnceComesThrough(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "RegisterTargets", Throttled: true, Times: 1})
	h.register(h.inspected(), target("10.0.0.1"))
	h.wantRegistered("10.0.0.1:443@us-east-1a")
	h.wantCalls("RegisterTargets", 2)
}

func TestWhatIsNotATargetsFaultStopsAfterWhatWasConfirmed(t *testing.T) {
	second := func(f sim.AWSFault) sim.AWSFault {
		f.Action = "RegisterTargets"
		f.When = func(c sim.AWSCall) bool { return sends(c, mooring.Target{Addr: netip.MustParseAddr("10.0.0.101")}) }
		return f
	}
	for name, c := range map[string]struct {
		fault sim.AWSFault
		words string
		calls int
	}{
		"throttled for good": {sim.AWSFault{Throttled: true}, "Rate exceeded", 4},
		"a failure of AWS":   {sim.AWSFault{Status: 503, Code: "ServiceUnavailable"}, "ServiceUnavailable", 4},
		"denied":             {sim.AWSFault{Denied: true}, "RegisterTargets on " + arn + " is denied", 2},
		"an answer lost":     {sim.AWSFault{Lost: true}, "EOF", 4},
		"no such group":      {sim.AWSFault{Status: 400, Code: "TargetGroupNotFound"}, "there is no target group " + arn, 2},
		"expired":            {sim.AWSFault{Status: 400, Code: "ExpiredToken"}, "ExpiredToken", 2},
		"forbidden":          {sim.AWSFault{Status: 403, Code: "Forbidden"}, "Forbidden", 2},
		"a malformed ARN":    {sim.AWSFault{Status: 400, Code: "ValidationError", Message: "'arn' is not a valid target group ARN"}, "not a valid target group ARN", 2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			h.aws.Inject(second(c.fault))
			out, err := h.inspected().Register(t.Context(), fleet("10.0.0.1", 250), allowed)
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("error %v, want %q in it", err, c.words)
			}
			if len(out.Registered) != 100 || len(out.Refused) != 0 {
				t.Errorf("%d confirmed and %d refused, want 100 and none", len(out.Registered), len(out.Refused))
			}
			h.wantCalls("RegisterTargets", c.calls)
		})
	}
}

func TestWhoseAnswersAreLostIsRegisteredYetNotConfirmed(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "RegisterTargets", Lost: true})
	out, err := h.inspected().Register(t.Context(), fleet("10.0.0.1", 3), allowed)
	if err == nil || len(out.Registered) != 0 {
		t.Errorf("%d confirmed with error %v, want none and an error", len(out.Registered), err)
	}
	if n := len(h.registered()); n != 3 {
		t.Errorf("the group holds %d, want the 3 that were sent", n)
	}
}

func TestAnAnswerLostOnceIsConfirmedBySendingAgain(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "RegisterTargets", Lost: true, Times: 1})
	if out := h.register(h.inspected(), fleet("10.0.0.1", 3)...); len(out.Registered) != 3 {
		t.Errorf("%d confirmed, want 3", len(out.Registered))
	}
}

func TestEachCallAsksForAPermitOfItsOwn(t *testing.T) {
	for name, write := range map[string]func(*elb.Group, *testing.T, mooring.Permit) (int, error){
		"RegisterTargets": func(g *elb.Group, t *testing.T, p mooring.Permit) (int, error) {
			out, err := g.Register(t.Context(), fleet("10.0.0.1", 250), p)
			return len(out.Registered), err
		},
		"DeregisterTargets": func(g *elb.Group, t *testing.T, p mooring.Permit) (int, error) {
			gone, err := g.Deregister(t.Context(), fleet("10.0.0.1", 250), p)
			return len(gone), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			old, asked := errors.New("the plan is old"), 0
			confirmed, err := write(h.inspected(), t, func() error {
				if asked++; asked > 1 {
					return old
				}
				return nil
			})
			if !errors.Is(err, old) || confirmed != 100 {
				t.Errorf("%d confirmed with error %v, want 100 and the permit's", confirmed, err)
			}
			h.wantCalls(name, 1)
		})
	}
}

func TestThePortIsAlwaysSent(t *testing.T) {
	h := newHarbour(t)
	g := h.inspected()
	h.register(g, mooring.Target{Addr: netip.MustParseAddr("10.0.0.1"), Port: 8443}, target("10.0.0.1"),
		mooring.Target{Addr: netip.MustParseAddr("10.0.0.2")}) // without one, the binding's
	h.wantRegistered("10.0.0.1:443@us-east-1a", "10.0.0.1:8443@us-east-1a", "10.0.0.2:443@us-east-1a")
	if _, err := g.Deregister(t.Context(), []mooring.Target{{Addr: netip.MustParseAddr("10.0.0.1"), Port: 8443}}, allowed); err != nil {
		t.Fatal(err)
	}
	h.wantRegistered("10.0.0.1:443@us-east-1a", "10.0.0.2:443@us-east-1a")
	for _, c := range h.aws.Calls() {
		if c.Writes() && !c.Form.Has("Targets.member.1.Port") {
			t.Errorf("%s without a port", c.Action)
		}
	}
}

func TestATargetWithoutAnyPortIsNeverSent(t *testing.T) {
	h := newHarbour(t)
	g := h.inspected(func(c *elb.Config) { c.Port = 0 })
	portless := []mooring.Target{{Addr: netip.MustParseAddr("10.0.0.1")}}
	if _, err := g.Register(t.Context(), portless, allowed); err == nil {
		t.Error("registered")
	}
	if _, err := g.Deregister(t.Context(), portless, allowed); err == nil {
		t.Error("deregistered")
	}
	h.wantCalls("RegisterTargets", 0)
	h.wantCalls("DeregisterTargets", 0)
}

func TestDeregisteringInBatchesReturnsWhatWasConfirmed(t *testing.T) {
	h := newHarbour(t)
	g := h.inspected()
	all := fleet("10.0.0.1", 250)
	h.register(g, all...)
	h.aws.Inject(sim.AWSFault{Action: "DeregisterTargets", Skip: 1, Throttled: true})
	gone, err := g.Deregister(t.Context(), all, allowed)
	if err == nil || len(gone) != 100 || len(h.registered()) != 150 {
		t.Errorf("%d confirmed and %d left with error %v, want 100, 150 and throttling", len(gone), len(h.registered()), err)
	}
	h.aws.Heal()
	if gone, err = g.Deregister(t.Context(), all, allowed); err != nil || len(gone) != 250 {
		t.Errorf("%d confirmed with error %v, want all, the unknown too", len(gone), err)
	}
	h.wantRegistered()
}

func TestNoCallTakesLongerThanFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := elb.New(deaf{}, deaf{}, deaf{}, elb.Config{ARN: arn, Port: 443})
		for name, call := range map[string]func() error{
			"list":       func() error { _, err := g.Targets(t.Context()); return err },
			"register":   func() error { _, err := g.Register(t.Context(), fleet("10.0.0.1", 1), allowed); return err },
			"deregister": func() error { _, err := g.Deregister(t.Context(), fleet("10.0.0.1", 1), allowed); return err },
			"port":       func() error { _, err := g.Port(t.Context()); return err },
		} {
			began := time.Now()
			err := call()
			if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "no answer within 5s") || took != 5*time.Second {
				t.Errorf("%s: error %v after %s, want none within 5s", name, err, took)
			}
		}
	})
}
