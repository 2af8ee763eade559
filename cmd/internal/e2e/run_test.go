package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWithoutConsentNothingIsAskedOfAnybodyAndTheCostIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, words string }{
		{"MOORING_E2E", "", "MOORING_E2E=yes"},
		{"MOORING_E2E", "1", "MOORING_E2E=yes"},
		{"MOORING_E2E_ACCOUNT", "", "12 digits"},
		{"MOORING_E2E_ACCOUNT", "2109876543210", "12 digits"},
		{"AWS_REGION", "", "AWS_REGION"},
		{"AWS_REGION", "eu-west-1; rm", "AWS_REGION"},
		{"MOORING_E2E_LCUS", "50", "100 to 1500"},
		{"MOORING_E2E_LCUS", "many", "100 to 1500"},
		{"CI", "true", "CI"},
	} {
		w := newTestWorld(t, 2)
		w.env[c.name] = c.value
		err := w.m.command(t.Context(), []string{"run"})
		if !errors.Is(err, errConsent) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
		if got := w.errs.String(); !strings.Contains(got, "together") || !strings.Contains(got, "0.0450") {
			t.Errorf("the cost is not told: %s", got)
		}
		if calls := w.real.aws.Calls(); len(calls) > 0 || len(w.commands()) > 0 {
			t.Errorf("%s=%s: asked %v, ran %v", c.name, c.value, calls, w.commands())
		}
	}
}

func TestAnotherAccountsCredentialsBuildNothing(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"run", "down"} {
		w := newTestWorld(t, 2)
		w.env["MOORING_E2E_ACCOUNT"] = "111122223333"
		if err := w.m.command(t.Context(), []string{verb}); !errors.Is(err, errAccount) {
			t.Errorf("%s: %v", verb, err)
		}
		if got := w.commands(); len(got) > 0 {
			t.Errorf("%s: ran %v", verb, got)
		}
		if calls := w.real.aws.Calls(); len(calls) != 1 || calls[0].Action != "GetCallerIdentity" {
			t.Errorf("%s: asked %+v", verb, calls)
		}
	}
}

func TestAWholeWalkHoldsInTheSimulatedWorldAndIsTornDown(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 24)
	w.env["MOORING_E2E_LCUS"], w.env["MOORING_E2E_ANSWERS"] = "500", "240"
	w.on("init", func() string {
		if !strings.Contains(w.out.String(), "4.0450") {
			t.Errorf("something was begun before the cost was told:\n%s", &w.out)
		}
		return ""
	})
	if err := w.m.command(t.Context(), []string{"run"}); err != nil {
		t.Fatalf("%v\n%s%s", err, &w.out, &w.errs)
	}
	if got, want := w.commands(), []string{"init", "apply", "output", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	for _, line := range []string{w.ran[1], w.ran[3]} {
		if !strings.Contains(line, " -state=terraform.tfstate -var=account="+testAccount+" -var=region=eu-west-1 -var=reserved_lcus=500 ") {
			t.Errorf("Terraform was told %q", line)
		}
	}
	report := w.file("report.txt")
	if !strings.Contains(report, "\n20 hold, 0 differ, 11 were not tried\n") {
		t.Errorf("%s", report)
	}
	for _, id := range []string{"D1", "D2", "D3", "D4", "D5", "D8", "G1", "G8", "G12", "S1", "S2"} {
		if !strings.Contains(report, id+strings.Repeat(" ", 5-len(id))+"holds") {
			t.Errorf("%s does not hold:\n%s", id, report)
		}
	}
	for _, name := range []string{"report.txt", "report.json", "transcript.jsonl"} {
		for _, secret := range []string{testAccount, w.stack.VPC, w.stack.Bucket, "9f8e7d6c5b4a3921", "1234567899", "AKIAQWERTYUIOPASDFGH", "secretsecret", "of-a-session"} {
			if strings.Contains(w.file(name), secret) {
				t.Errorf("%s tells of %s", name, secret)
			}
		}
	}
	replayed, err := replayFrom(t.Context(), strings.NewReader(w.file("transcript.jsonl")))
	if err != nil || len(replayed.differences) > 0 || replayed.entries < 100 {
		t.Errorf("%d entries, %v, %d differences, the first of them %v", replayed.entries, err, len(replayed.differences), replayed.differences[:min(5, len(replayed.differences))])
	}
	if w.holds(stateFile) || w.holds(placeFile) {
		t.Error("the state of what is gone stays")
	}
	if *update {
		if err := os.WriteFile("testdata/transcripts/fake.jsonl", []byte(w.file("transcript.jsonl")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatFailsIsTornDown(t *testing.T) {
	t.Parallel()
	for command, want := range map[string][]string{
		"init":   {"init"}, // nothing can have been built
		"apply":  {"init", "apply", "destroy"},
		"output": {"init", "apply", "output", "destroy"},
	} {
		w := newTestWorld(t, 2)
		w.on(command, func() string { return "!out of luck" })
		if err := w.m.command(t.Context(), []string{"run"}); err == nil || !strings.Contains(err.Error(), "terraform "+command) {
			t.Errorf("%s: %v", command, err)
		}
		if got := w.commands(); !slices.Equal(got, want) {
			t.Errorf("%s: ran %v, want %v", command, got, want)
		}
	}
}

func TestAnOutputThatIsNotUnderstoodIsTornDown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"nonsense", "{}", `{"novelty": 1}`} {
		w := newTestWorld(t, 2)
		w.on("output", func() string { return text })
		if err := w.m.command(t.Context(), []string{"run"}); !errors.Is(err, errStack) {
			t.Errorf("%s: %v", text, err)
		}
		if got := w.commands(); got[len(got)-1] != "destroy" {
			t.Errorf("%s: ran %v", text, got)
		}
	}
}

var errCtrlC = errors.New("interrupt")

func TestCtrlCWhileItIsBuiltStopsInGoodOrderAndTearsDown(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	w.on("apply", func() string { cancel(errCtrlC); return "wait" }) // for its one interrupt
	if err := w.m.command(ctx, []string{"run"}); err == nil {
		t.Error("an interrupted run succeeded")
	}
	if got, want := w.commands(), []string{"init", "apply", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	if !strings.Contains(w.errs.String(), "Interrupt received.") {
		t.Errorf("Terraform was not interrupted: %s", &w.errs)
	}
}

func TestCtrlCInTheMiddleOfTheWalkKeepsWhatWasSeenAndTearsDown(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	w.m.clock = &endingClock{w.clock, 3 * time.Second, func() { cancel(errCtrlC) }} // D8 pauses for so long
	if err := w.m.command(ctx, []string{"run"}); !errors.Is(err, errCtrlC) {
		t.Errorf("%v", err)
	}
	if got := w.commands(); got[len(got)-1] != "destroy" {
		t.Errorf("ran %v", got)
	}
	if report := w.file("report.txt"); !strings.Contains(report, "D4   holds") || !strings.Contains(report, "S2   not tried") {
		t.Errorf("%s", report)
	}
}

type endingClock struct {
	*worldClock
	at  time.Duration
	end func()
}

func (c *endingClock) Wait(ctx context.Context, d time.Duration) error {
	if d == c.at {
		c.end()
	}
	return c.worldClock.Wait(ctx, d)
}

func TestATeardownThatFailsSaysSoAndIsMadeGoodByDown(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	w.on("destroy", func() string { return "!DependencyViolation" })
	err := w.m.command(t.Context(), []string{"run"})
	if err == nil || !strings.Contains(err.Error(), "make e2e-down") {
		t.Fatalf("%v", err)
	}
	if err := w.m.command(t.Context(), []string{"run"}); !errors.Is(err, errBegun) {
		t.Errorf("a second stack is built on the first: %v", err)
	}
	delete(w.answers, "destroy")
	if err := w.m.command(t.Context(), []string{"down"}); err != nil {
		t.Errorf("%v\n%s", err, &w.errs)
	}
	if err := w.m.command(t.Context(), []string{"down"}); err != nil {
		t.Errorf("when nothing is there: %v\n%s", err, &w.errs)
	}
	if got, want := w.commands(), []string{"init", "apply", "output", "destroy", "init", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
}

func TestWhatIsLeftBehindIsFoundThoughTerraformBelievesItGone(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	w.on("destroy", func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stays, w.roles = true, "<member><RoleName>mooring-e2e-2026</RoleName></member><member><RoleName>somebody-elses</RoleName></member>"
		return ""
	})
	if err := w.m.command(t.Context(), []string{"run"}); !errors.Is(err, errLeft) {
		t.Errorf("%v", err)
	}
	for _, what := range []string{"VPC " + w.stack.VPC, "target group mooring-e2e-scratch", "target group mooring-e2e-attached", "role mooring-e2e-2026"} {
		if !strings.Contains(w.errs.String(), what) {
			t.Errorf("not told of %s: %s", what, &w.errs)
		}
	}
	if strings.Contains(w.errs.String(), "somebody-elses") {
		t.Errorf("what is not ours is told: %s", &w.errs)
	}
	if !w.holds(stateFile) || !w.holds(placeFile) {
		t.Error("the state of what is left is forgotten")
	}
	delete(w.answers, "destroy")
	w.stays, w.roles = false, ""
	if err := w.m.command(t.Context(), []string{"down"}); err != nil || w.holds(stateFile) || w.holds(placeFile) {
		t.Errorf("when it is gone: %v, and the state stays: %t", err, w.holds(stateFile))
	}
}

func TestASmallLoadBalancerIsNoTestOfChance(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	if err := w.m.command(t.Context(), []string{"run"}); err != nil {
		t.Fatal(err)
	}
	if report := w.file("report.txt"); !strings.Contains(report, "D1   not tried") || !strings.Contains(report, "more than 8") {
		t.Errorf("%s", report)
	}
}

func TestANameAloneIsTriedWithoutAnAccount(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 24)
	w.env["MOORING_E2E_ANSWERS"] = "240"
	if err := w.m.command(t.Context(), []string{"names", testName}); err != nil {
		t.Fatal(err)
	}
	if calls := w.real.aws.Calls(); len(calls) > 0 || len(w.commands()) > 0 {
		t.Errorf("asked %v, ran %v", calls, w.commands())
	}
	if report := w.file("report.txt"); !strings.Contains(report, "6 hold, 0 differ, 0 were not tried") {
		t.Errorf("%s", report)
	}
	if text := w.file("transcript.jsonl"); strings.Contains(text, "10.83.") || strings.Contains(text, "1234567899") {
		t.Error("the name's addresses are told")
	}
}
