package mooring_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"mooring"
)

func statusText(t *testing.T, s mooring.Status) string {
	t.Helper()
	var text strings.Builder
	if err := s.WriteText(&text, false); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func explanationText(t *testing.T, e mooring.Explanation) string {
	t.Helper()
	var text strings.Builder
	if err := e.WriteText(&text, false); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func says(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			t.Errorf("it does not say %q:\n%s", line, text)
		}
	}
}

func TestAStatusTellsWhoIsMissingAndWhenItCanLeave(t *testing.T) {
	d := leaving()
	d.memory.Saved, d.memory.Program = noon.Add(-time.Minute), "v1"
	d.memory.Refused = []mooring.Refusal{{Addr: addrs("10.0.0.7")[0], Reason: "reserved", Times: 1, Until: noon.Add(time.Hour)}}
	says(t, statusText(t, d.keeper().Status(t.Context())),
		"= 10.0.0.1         healthy       ours for 0s",
		"~ 10.0.0.3         healthy       missing for 2m0s, in 2 rounds, with a chance of 4.1e-08 that it was only not seen; leaves in 1 round at the earliest",
		"! 10.0.0.7         not in the group  refused until 2026-11-01T13:00:00Z: reserved",
		"? 10.0.0.9         healthy       unmanaged: not ours, it stays",
		"least 3, most 3, now 3",
		"memory         revision 7, saved at 2026-11-01T11:59:00Z, 1m0s ago, by v1",
		"Status: 3 ours, 3 healthy, 1 missing, 1 refused, 1 unmanaged.")
	d.expect(t) // neither the name nor a save

	d.memory.Addresses[2].Evidence, d.memory.Addresses[2].MissingSince = 5, noon.Add(-time.Minute)
	says(t, statusText(t, d.keeper().Status(t.Context())), "leaves in 9 rounds and 30s at the earliest")
	d.memory.Addresses[2].LastMiss = noon.Add(-3 * time.Hour)
	says(t, statusText(t, d.keeper().Status(t.Context())), "leaves in 3 rounds and 1m30s at the earliest")
	d.targets = healthy("10.0.0.1 10.0.0.2")
	if gone := statusText(t, d.keeper().Status(t.Context())); strings.Contains(gone, "missing for") {
		t.Errorf("who is not in the group cannot leave it:\n%s", gone)
	}
	d.targets = healthy("10.0.0.1 10.0.0.2 10.0.0.3")
	d.memory, _ = d.memory.Pause("alice", "a move", noon)
	says(t, statusText(t, d.keeper().Status(t.Context())), "paused since 2026-11-01T12:00:00Z by alice: a move", "it stays: rounds are paused",
		"last decision  0s ago: pause: by alice: a move")
}

func TestAStatusWorksWithHalfOfWhatItReads(t *testing.T) {
	d := leaving()
	d.targetsErr = errors.New("throttled")
	s := d.keeper().Status(t.Context())
	says(t, statusText(t, s), "10.0.0.1         not read", "error: list targets of web-443: throttled")
	if s.Err == nil || len(s.Addresses) != 3 {
		t.Errorf("%+v", s)
	}
	d = leaving()
	d.loadErr = errors.New("timed out")
	s = d.keeper().Status(t.Context())
	says(t, statusText(t, s), "? 10.0.0.1         healthy       no memory says whether it is ours", "error: memory of web-443: timed out")
	if s.Err == nil || len(s.Unmanaged) != 4 {
		t.Errorf("%+v", s)
	}
	d = leaving()
	d.memory, d.tag = mooring.Memory{Import: &mooring.Import{Source: "s3://old", Addrs: addrs("10.0.0.1")}}, ""
	says(t, statusText(t, d.keeper().Status(t.Context())), "none yet: the first round takes over 1 addresses from s3://old")
}

func TestASparklineHoldsEachCountUntilTheNext(t *testing.T) {
	at := func(minutes, n int) mooring.Count {
		return mooring.Count{At: noon.Add(time.Duration(minutes) * time.Minute), N: n}
	}
	now := noon.Add(8 * time.Minute)
	for want, counts := range map[string][]mooring.Count{
		"":          nil,
		"████████":  {at(0, 4)},
		"▄▄▄█████":  {at(0, 2), at(4, 4)},
		"▁▁▁▁▁▁▁▁":  {at(0, 0)},
		"███████▄":  {at(0, 8), at(1, 7), at(1, 8), at(8, 4)},
		"▁▁▁▁▁▁▁▁ ": {at(0, -1), at(9, 3), at(8, 3)}, // as only another hand can have written it
	} {
		if got := mooring.Sparkline(counts, now, 8); got != strings.TrimSpace(want) {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}

func TestAnExplanationTellsEachDecisionAndWhatComesNext(t *testing.T) {
	p := mooring.DefaultPolicy()
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3")
	plans := play(p, knowing("10.0.0.1 10.0.0.2 10.0.0.3"), group,
		answers(40, "10.0.0.1 10.0.0.2"), answers(40, "10.0.0.1 10.0.0.2 10.0.0.3"), answers(3, "10.0.0.1 10.0.0.2"))
	d := &desk{targets: group, memory: plans[2].Memory, tag: "x"}
	k := d.keeper()
	k.Now = func() time.Time { return noon.Add(3 * time.Minute) }
	e := k.Explain(t.Context(), addrs("10.0.0.3")[0])
	says(t, explanationText(t, e), "register  ", "missing  ", "returned  ", "observed again after 1 rounds",
		"now:  ours since 2026-11-01T12:00:00Z, in the group, healthy",
		"next: missed in 1 of 3 conclusive rounds, absent for 1m0s of 1m30s, 2.1 of 25.3 nats against it",
		"next: it leaves in 12 rounds and 30s at the earliest",
		"next: and then at least 1 of ours must stay, and at most 34 % leave in a round",
		"next: while it is healthy")
	if last := e.Decisions[len(e.Decisions)-1]; last.Action != mooring.DidMiss || last.Nats <= 0 || last.MissProbability >= 1 || last.MissProbability <= 0 {
		t.Errorf("%+v", last)
	}
	body, err := json.Marshal(e)
	if err != nil || !strings.Contains(string(body), `"missing_since":"2026-11-01T12:02:00Z"`) || !strings.Contains(string(body), `"miss_probability"`) {
		t.Errorf("%v %s", err, body)
	}
}

func TestAnExplanationOfWhoNobodyKnowsIsNoError(t *testing.T) {
	d := leaving()
	e := d.keeper().Explain(t.Context(), addrs("10.9.9.9")[0])
	says(t, explanationText(t, e), "no decision about it is remembered; the oldest one is of 2026-11-01T12:00:00Z",
		"now:  nobody knows it", "next: the name has not shown it in any round that memory holds")
	if e.Known || e.Err != nil {
		t.Errorf("%+v", e)
	}
	says(t, explanationText(t, d.keeper().Explain(t.Context(), addrs("10.0.0.9")[0])), "now:  not ours, in the group, healthy", "mooring adopt 10.0.0.9")
	d.memory, _ = d.memory.Release("alice", "", noon)
	says(t, explanationText(t, d.keeper().Explain(t.Context(), addrs("10.0.0.1")[0])), "release  ", "now:  not ours", "until mooring resume")
}

func TestAReportTellsWhatSomebodyElseDid(t *testing.T) {
	r := mooring.Report{Others: &mooring.OthersReport{
		Steps:   []mooring.StepReport{{Addr: addrs("10.0.0.1")[0], Action: "deregistered", Verdict: mooring.StepWrong, Why: "the name shows it"}},
		Overdue: []mooring.OverdueReport{{Addr: addrs("10.0.0.2")[0], Action: "deregister", Since: noon}},
	}}
	var text strings.Builder
	if err := r.WriteText(&text, false); err != nil {
		t.Fatal(err)
	}
	says(t, text.String(), "@ 10.0.0.1         deregistered  by another, wrong: the name shows it",
		"@ 10.0.0.2         deregister    overdue: nobody has done it, this binding would have at 2026-11-01T12:00:00Z")
}
