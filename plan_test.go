package mooring_test

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// addrs reads "10.0.0.1 10.0.0.2".
func addrs(list string) (out []netip.Addr) {
	for a := range strings.FieldsSeq(list) {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// healthy are healthy targets on port 443.
func healthy(list string) (out []mooring.Target) {
	for _, a := range addrs(list) {
		out = append(out, mooring.Target{Addr: a, Port: 443, Health: mooring.HealthHealthy})
	}
	return out
}

// answers are n answers of the zone's servers, each holding the same addresses.
func answers(n int, list string) mooring.Observation {
	o := mooring.Observation{Hostnames: []string{"app.example"}}
	for range n {
		o.Answers = append(o.Answers, mooring.Answer{
			Hostname: "app.example", Addrs: addrs(list), Server: "10.9.0.1:53", TTL: time.Minute,
			Plain: true, Authoritative: true,
		})
	}
	return o
}

// play runs rounds a minute apart, feeding each the memory of the last, and returns the plans.
func play(p mooring.Policy, m mooring.Memory, group []mooring.Target, seen ...mooring.Observation) []mooring.Plan {
	var plans []mooring.Plan
	for i, o := range seen {
		plan := mooring.Decide(p, m, o, mooring.Holding{Port: 443, Targets: group}, noon.Add(time.Duration(i)*time.Minute))
		m = plan.Memory
		plans = append(plans, plan)
	}
	return plans
}

func gone(p mooring.Plan) string {
	var out []string
	for _, t := range p.Deregister {
		out = append(out, t.Addr.String())
	}
	return strings.Join(out, " ")
}

// knowing is the memory after one round that saw these addresses.
func knowing(list string) mooring.Memory {
	return play(mooring.DefaultPolicy(), mooring.Memory{}, nil, answers(40, list))[0].Memory
}

func TestAnAddressLeavesInTheThirdRoundWithoutIt(t *testing.T) {
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3")
	without := answers(40, "10.0.0.1 10.0.0.2")
	plans := play(mooring.DefaultPolicy(), knowing("10.0.0.1 10.0.0.2 10.0.0.3"), group, without, without, without)
	for i, want := range []string{"", "", "10.0.0.3"} {
		if got := gone(plans[i]); got != want {
			t.Errorf("round %d deregisters %q, want %q (held: %v)", i+1, got, want, plans[i].Held)
		}
	}
	if plans[0].Held[0].Guard != "misses" || plans[0].Held[0].Rounds != 2 {
		t.Errorf("round 1 says %+v, want two more rounds by misses", plans[0].Held[0])
	}
}

func TestASightingStartsTheCountAgain(t *testing.T) {
	group := healthy("10.0.0.1 10.0.0.2")
	with, without := answers(40, "10.0.0.1 10.0.0.2"), answers(40, "10.0.0.1")
	plans := play(mooring.DefaultPolicy(), knowing("10.0.0.1 10.0.0.2"), group, without, without, with, without, without, without)
	for i, p := range plans {
		if got := gone(p); (i == 5) != (got != "") {
			t.Errorf("round %d deregisters %q", i+1, got)
		}
	}
}

func TestAnInconclusiveRoundResetsWhomItSawAndCountsAgainstNobody(t *testing.T) {
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3")
	without := answers(40, "10.0.0.1")
	doubtful := answers(1, "10.0.0.2")
	doubtful.Inconclusive = "timeout: one server was silent"
	plans := play(mooring.DefaultPolicy(), knowing("10.0.0.1 10.0.0.2 10.0.0.3"), group, without, without, doubtful, doubtful, without)
	for i := range 4 {
		if got := gone(plans[i]); got != "" {
			t.Errorf("round %d deregisters %q", i+1, got)
		}
	}
	if got := gone(plans[4]); got != "10.0.0.3" {
		t.Errorf("the fifth round deregisters %q, want only the one that no round saw", got)
	}
}

func TestCountsAboutOtherHostnamesStartAgain(t *testing.T) {
	group := healthy("10.0.0.1 10.0.0.2")
	without := answers(40, "10.0.0.1")
	renamed := answers(40, "10.0.0.1")
	renamed.Hostnames = []string{"new.example"}
	for i := range renamed.Answers {
		renamed.Answers[i].Hostname = "new.example"
	}
	plans := play(mooring.DefaultPolicy(), knowing("10.0.0.1 10.0.0.2"), group, without, without, renamed)
	if got := gone(plans[2]); got != "" {
		t.Errorf("the round after the rename deregisters %q on what the old name's answers said", got)
	}
	if got := plans[2].Missing[0].Missed; got != 1 {
		t.Errorf("the old address counts %d misses under the new name, want 1", got)
	}
}

// Each hostname's answers speak only about its own addresses.
func TestOneHostnamesAnswersSayNothingAboutAnothers(t *testing.T) {
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3")
	o := answers(200, "10.0.0.1")
	o.Hostnames = []string{"app.example", "big.example"}
	o.Answers = append(o.Answers, mooring.Answer{
		Hostname: "big.example", Addrs: addrs("10.0.0.2"), Server: "10.9.0.2:53", TTL: time.Minute, Plain: true, Authoritative: true,
	})
	m := knowing("10.0.0.1 10.0.0.2 10.0.0.3")
	m.Hostnames = o.Hostnames
	plans := play(mooring.DefaultPolicy(), m, group, o, o, o, o)
	if got := gone(plans[3]); got != "" {
		t.Errorf("%q left, though big.example was hardly asked", got)
	}
	if want := 4 * mooring.Silence(1, 2); math.Abs(plans[3].Missing[0].Evidence-want) > 1e-9 {
		t.Errorf("evidence %g, want %g: the least that one name's answers say", plans[3].Missing[0].Evidence, want)
	}
}

func TestForgedMemoryRemovesNobodyWithoutThisRoundsOwnEvidence(t *testing.T) {
	m := knowing("10.0.0.1 10.0.0.2")
	m.Addresses[1].Missed, m.Addresses[1].Evidence = 99, 1000
	m.Addresses[1].MissingSince, m.Addresses[1].LastMiss = noon.Add(-time.Hour), noon.Add(-time.Minute)
	group := healthy("10.0.0.1 10.0.0.2")
	few := play(mooring.DefaultPolicy(), m, group, answers(3, "10.0.0.1"))[0]
	if got := gone(few); got != "" || few.Held[0].Guard != "evidence" {
		t.Errorf("three answers and a forged memory removed %q (held: %+v)", got, few.Held)
	}
	undocumented := answers(3, "10.0.0.1")
	undocumented.Answers = append(undocumented.Answers, mooring.Answer{
		Hostname: "app.example", Addrs: addrs("10.0.0.1"), Server: "10.9.0.1:53", Whole: true, Authoritative: true,
	})
	if got := gone(play(mooring.DefaultPolicy(), m, group, undocumented)[0]); got != "" {
		t.Errorf("a forged memory and an undocumented record removed %q", got)
	}
}

func TestTimesInTheFutureAreClampedToNow(t *testing.T) {
	m := knowing("10.0.0.1 10.0.0.2")
	m.Addresses[1].Missed, m.Addresses[1].Evidence = 2, 20
	m.Addresses[1].MissingSince, m.Addresses[1].LastMiss = noon.Add(48*time.Hour), noon.Add(48*time.Hour)
	plans := play(mooring.DefaultPolicy(), m, healthy("10.0.0.1 10.0.0.2"),
		answers(40, "10.0.0.1"), answers(40, "10.0.0.1"), answers(40, "10.0.0.1"))
	if plans[0].Held[0].Guard != "hold" || gone(plans[2]) != "10.0.0.2" {
		t.Errorf("first %+v, third deregisters %q; want hold from now on, and gone after 2 minutes", plans[0].Held, gone(plans[2]))
	}
}

// A cache that gives the same answer again has said nothing new.
func TestAResolversRepeatedAnswerIsOneAnswerAcrossRounds(t *testing.T) {
	cached := func(ttl time.Duration) mooring.Observation {
		o := answers(1, "10.0.0.1 10.0.0.2 10.0.0.3")
		o.Answers[0].Authoritative, o.Answers[0].TTL = false, ttl
		return o
	}
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")
	m := knowing("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")
	one := mooring.Silence(3, 4)
	for name, c := range map[string]struct {
		ttls []time.Duration
		want float64
	}{
		"counting down":                     {[]time.Duration{300 * time.Second, 240 * time.Second, 180 * time.Second}, one},
		"refreshed: the TTL went up":        {[]time.Duration{30 * time.Second, 50 * time.Second, 60 * time.Second}, 3 * one},
		"equal, while the copy may be kept": {[]time.Duration{300 * time.Second, 300 * time.Second, 300 * time.Second}, one},
		"equal, after the copy ran out":     {[]time.Duration{60 * time.Second, 60 * time.Second, 60 * time.Second}, 3 * one},
		"one second less each time":         {[]time.Duration{60 * time.Second, 59 * time.Second, 58 * time.Second}, 3 * one},
		"not to be kept":                    {[]time.Duration{0, 0, 0}, 3 * one},
	} {
		var seen []mooring.Observation
		for _, ttl := range c.ttls {
			seen = append(seen, cached(ttl))
		}
		plans := play(mooring.DefaultPolicy(), m, group, seen...)
		if got := plans[2].Missing[0].Evidence; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %.3f nats, want %.3f", name, got, c.want)
		}
	}
}

// Resolvers may share a cache, and a name that shows eight of many does not show the same eight again by chance.
func TestOneCopyIsOneAnswerWhoeverGivesItAndHoweverLong(t *testing.T) {
	few, other := "10.0.0.1 10.0.0.2", "10.0.0.2 10.0.0.3"
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")
	m := knowing("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")
	cached := func(sets ...string) mooring.Observation {
		o := mooring.Observation{Hostnames: []string{"app.example"}}
		for i, set := range sets {
			o.Answers = append(o.Answers, mooring.Answer{
				Hostname: "app.example", Addrs: addrs(set), Server: "10.0.0.2:" + []string{"53", "54", "55"}[i], TTL: 30 * time.Second, Plain: true,
			})
		}
		return o
	}
	shared := play(mooring.DefaultPolicy(), m, group, cached(few, few, few))[0]
	if want := mooring.Silence(2, 4); math.Abs(shared.Missing[0].Evidence-want) > 1e-9 {
		t.Errorf("three resolvers with one copy: %.3f nats, want %.3f", shared.Missing[0].Evidence, want)
	}
	// The zone is out of reach, and the resolver serves one old copy for hours.
	lives := []mooring.Observation{cached(few), cached(other)}
	for range 600 {
		lives = append(lives, cached(other))
	}
	for i, p := range play(mooring.DefaultPolicy(), m, group, lives...) {
		if len(p.Deregister) > 0 {
			t.Fatalf("round %d deregisters %s", i+1, gone(p))
		}
	}
}

// Several resolvers are asked at the same moment, and their cache rounds what is left of a copy up or down.
func TestCopiesOfOneMomentAreOneAnswer(t *testing.T) {
	for _, ttls := range [][]time.Duration{{0, 0, 0}, {300 * time.Second, 301 * time.Second}, {301 * time.Second, 300 * time.Second}} {
		o := answers(len(ttls), "10.0.0.1 10.0.0.2 10.0.0.3")
		for i, ttl := range ttls {
			o.Answers[i].Authoritative, o.Answers[i].TTL = false, ttl
		}
		const all = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"
		p := play(mooring.DefaultPolicy(), knowing(all), healthy(all), o)[0]
		if got, want := p.Missing[0].Evidence, mooring.Silence(3, 4); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %.3f nats, want %.3f", ttls, got, want)
		}
	}
}

// Copies were good for a minute. Now the zone is out of reach, two caches serve an old copy each, and a third one before
// them counts its 30 seconds down.
func TestOldCopiesThatAnotherCacheGivesOnSayNothing(t *testing.T) {
	const all = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"
	cached := func(minute int, ttl time.Duration) mooring.Observation {
		o := answers(1, []string{"10.0.0.1 10.0.0.2", "10.0.0.2 10.0.0.3"}[minute%2])
		o.Answers[0].Authoritative, o.Answers[0].TTL = false, ttl
		return o
	}
	lives := []mooring.Observation{cached(0, time.Minute), cached(1, time.Minute)}
	for minute := range 200 {
		lives = append(lives, cached(minute, time.Duration(1+minute%29)*time.Second))
	}
	for i, p := range play(mooring.DefaultPolicy(), knowing(all), healthy(all), lives...) {
		if len(p.Deregister) > 0 {
			t.Fatalf("round %d deregisters %s", i+1, gone(p))
		}
	}
}

// What was only repeated is no round more: one copy must not be both misses of a name with one holder.
func TestARepeatedAnswerIsNoMiss(t *testing.T) {
	copyOf := func(ttl time.Duration) mooring.Observation {
		o := answers(1, "10.0.0.1")
		o.Answers[0].Authoritative, o.Answers[0].Whole, o.Answers[0].TTL = false, true, ttl
		return o
	}
	plans := play(mooring.WholePolicy(), knowing("10.0.0.1 10.0.0.2"), healthy("10.0.0.1 10.0.0.2"),
		copyOf(300*time.Second), copyOf(240*time.Second), copyOf(180*time.Second))
	if p := plans[2]; len(p.Deregister) > 0 || p.Missing[0].Missed != 1 {
		t.Errorf("deregisters %q after %d misses of one copy", gone(p), p.Missing[0].Missed)
	}
}

// A copy may be good for a day: its count must last until the next one.
func TestACountOutlivesALongTTL(t *testing.T) {
	day := func(ttl time.Duration) mooring.Observation {
		o := answers(1, "10.0.0.1")
		o.Answers[0].Authoritative, o.Answers[0].Whole, o.Answers[0].TTL = false, true, ttl
		return o
	}
	var seen []mooring.Observation
	for minute := range 400 {
		seen = append(seen, day(time.Duration(300-minute%300)*time.Minute)) // a new copy each five hours
	}
	plans := play(mooring.WholePolicy(), knowing("10.0.0.1 10.0.0.2"), healthy("10.0.0.1 10.0.0.2"), seen...)
	if gone(plans[299]) != "" || gone(plans[300]) != "10.0.0.2" {
		t.Errorf("with the first copy %q leaves, with the second %q; held: %+v", gone(plans[299]), gone(plans[300]), plans[300].Held)
	}
}

// Nobody ran for three hours, and the copy of then is still good: the miss of then is no part of a row any more.
func TestACountThatWasStaleIsNotKeptAliveByACopy(t *testing.T) {
	m, group := knowing("10.0.0.1 10.0.0.2"), healthy("10.0.0.1 10.0.0.2")
	var plan mooring.Plan
	for _, minute := range []int{0, 180, 240, 300, 360, 420, 480, 540, 600, 601} {
		o := answers(1, "10.0.0.1")
		o.Answers[0].Authoritative, o.Answers[0].Whole = false, true
		o.Answers[0].TTL = time.Duration(600-minute%600) * time.Minute // it runs out after ten hours
		plan = mooring.Decide(mooring.WholePolicy(), m, o, mooring.Holding{Port: 443, Targets: group}, noon.Add(time.Duration(minute)*time.Minute))
		m = plan.Memory
	}
	if len(plan.Deregister) > 0 || plan.Missing[0].Missed != 1 {
		t.Errorf("%q leaves after %d misses", gone(plan), plan.Missing[0].Missed)
	}
}

// Two names in one resolver, whose copies are renewed in turn: each new one counts as soon as the other's has.
func TestCopiesThatAreRenewedInTurnCountTogether(t *testing.T) {
	round := func(minute int) mooring.Observation {
		o := mooring.Observation{Hostnames: []string{"a.example", "b.example"}}
		for i, name := range o.Hostnames {
			age := (minute + i) % 2
			o.Answers = append(o.Answers, mooring.Answer{
				Hostname: name, Addrs: addrs([]string{"10.0.0.1", "10.0.0.2"}[i]), Whole: true, TTL: time.Duration(2-age) * time.Minute,
			})
		}
		return o
	}
	m := knowing("10.0.0.1 10.0.0.2 10.0.0.3")
	m.Hostnames = []string{"a.example", "b.example"}
	var seen []mooring.Observation
	for minute := range 12 {
		seen = append(seen, round(minute))
	}
	for _, p := range play(mooring.WholePolicy(), m, healthy("10.0.0.1 10.0.0.2 10.0.0.3"), seen...) {
		if gone(p) == "10.0.0.3" {
			return
		}
	}
	t.Error("the absence is never proved")
}

func TestAReasonInAnotherLanguageCanBeReadBack(t *testing.T) {
	d := leaving()
	d.refuse, d.reason = netip.MustParseAddr("10.0.0.4"), strings.Repeat("é", 400)[1:]
	d.keeper().Round(t.Context())
	body, err := d.saved[len(d.saved)-1].Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mooring.DecodeMemory(body); err != nil {
		t.Error(err)
	}
}

// A database fails over and back again before the first holder has left; then the second one must leave.
func TestAHolderThatCameBackIsBelieved(t *testing.T) {
	holder := func(addr string) mooring.Observation {
		o := answers(1, addr)
		o.Answers[0].Authoritative, o.Answers[0].Whole, o.Answers[0].TTL = false, true, 5*time.Second
		return o
	}
	a, b := holder("10.0.0.1"), holder("10.0.0.2")
	plans := play(mooring.WholePolicy(), knowing("10.0.0.1 10.0.0.2"), healthy("10.0.0.1 10.0.0.2"), b, a, a, a)
	if got := gone(plans[2]) + gone(plans[3]); !strings.Contains(got, "10.0.0.2") {
		t.Errorf("the second holder stays: %+v", plans[3].Held)
	}
}

func TestAForgedRefusalEnds(t *testing.T) {
	m := knowing("10.0.0.1")
	m.Refused = []mooring.Refusal{{Addr: addrs("10.0.0.1")[0], Reason: "no", Times: 1, Until: noon.Add(1000 * time.Hour)}}
	plan := play(mooring.DefaultPolicy(), m, nil, answers(9, "10.0.0.1"))[0]
	if left := plan.Memory.Refused[0].Until.Sub(noon); left > 6*time.Hour {
		t.Errorf("set aside for %s more", left)
	}
}

func TestHealthyTargetsStayWhenNobodyWhoIsNewCanTakeOver(t *testing.T) {
	m := knowing("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")
	m.Refused = []mooring.Refusal{{Addr: addrs("10.0.0.9")[0], Reason: "no", Times: 1, Until: noon.Add(time.Hour)}}
	o := answers(200, "10.0.0.9")
	for i, p := range play(mooring.DefaultPolicy(), m, healthy("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"), o, o, o, o, o) {
		if len(p.Deregister) > 0 {
			t.Errorf("round %d deregisters %s", i+1, gone(p))
		}
	}
}

func TestAResolverAloneCanProveAnAbsence(t *testing.T) {
	o := answers(1, "10.0.0.1")
	o.Answers[0].Authoritative, o.Answers[0].Whole = false, true
	p := mooring.WholePolicy()
	plans := play(p, knowing("10.0.0.1 10.0.0.2"), healthy("10.0.0.1 10.0.0.2"), o, o)
	if got := gone(plans[1]); got != "10.0.0.2" {
		t.Errorf("the old holder stays: %+v", plans[1].Held)
	}
}

func TestAnOlderFunctionsCountIsWorthItsShare(t *testing.T) {
	imported := func(missed int, age time.Duration) mooring.Memory {
		return mooring.Memory{Import: &mooring.Import{
			Addrs: addrs("10.0.0.1 10.0.0.2"), Missed: map[netip.Addr]int{netip.MustParseAddr("10.0.0.3"): missed}, At: noon.Add(-age),
		}}
	}
	group := healthy("10.0.0.1 10.0.0.2 10.0.0.3")
	without := answers(10, "10.0.0.1 10.0.0.2") // 10 · -ln(1 - 2/4) = 6.9 nats; 8.4 are needed
	enough := answers(13, "10.0.0.1 10.0.0.2")
	for name, c := range map[string]struct {
		memory mooring.Memory
		seen   mooring.Observation
		want   string
	}{
		"missed twice a minute ago, the third run is ours": {imported(2, time.Minute), enough, "10.0.0.3"},
		"missed far oftener: one run of ours must miss it": {imported(500, time.Minute), enough, "10.0.0.3"},
		"too little evidence of our own":                   {imported(2, time.Minute), without, ""},
		"missed once: one short":                           {imported(1, time.Minute), enough, ""},
		"an old count is worth nothing":                    {imported(2, 3*time.Hour), enough, ""},
	} {
		if got := gone(play(mooring.DefaultPolicy(), c.memory, group, c.seen)[0]); got != c.want {
			t.Errorf("%s: deregisters %q, want %q", name, got, c.want)
		}
	}
}

func TestMoreThanMaxTargetsRegistersTheLongestKnown(t *testing.T) {
	p := mooring.DefaultPolicy()
	p.MaxTargets = 2
	m := knowing("10.0.0.8 10.0.0.9")
	for i := range m.Addresses {
		m.Addresses[i].Since = noon.Add(-time.Hour)
	}
	plan := play(p, m, nil, answers(40, "10.0.0.1 10.0.0.8 10.0.0.9"))[0]
	var got []netip.Addr
	for _, target := range plan.Register {
		got = append(got, target.Addr)
	}
	if !slices.Equal(got, addrs("10.0.0.8 10.0.0.9")) || len(plan.Refused) != 1 || plan.Refused[0].Addr != addrs("10.0.0.1")[0] {
		t.Errorf("registers %v, sets aside %+v", got, plan.Refused)
	}
}

func TestAGoneAddressIsForgottenADayLater(t *testing.T) {
	m := knowing("10.0.0.1 10.0.0.2")
	at := func(d time.Duration) mooring.Plan {
		p := mooring.Decide(mooring.DefaultPolicy(), m, answers(40, "10.0.0.1"), mooring.Holding{Port: 443, Targets: healthy("10.0.0.1")}, noon.Add(d))
		m = p.Memory
		return p
	}
	at(0)
	if at(23 * time.Hour); len(m.Addresses) != 2 {
		t.Error("forgotten before a day had passed")
	}
	if p := at(24 * time.Hour); len(m.Addresses) != 1 || !p.Changed {
		t.Error("still remembered after a day")
	}
}

func TestAnIdleRoundChangesNothing(t *testing.T) {
	m := knowing("10.0.0.1 10.0.0.2")
	plan := play(mooring.DefaultPolicy(), m, healthy("10.0.0.1 10.0.0.2"), answers(9, "10.0.0.1 10.0.0.2"))[0]
	if plan.Changed || len(plan.Register)+len(plan.Deregister)+len(plan.Held) > 0 {
		t.Errorf("an idle round plans %+v", plan)
	}
}

func TestWhoIsHeldForEverCostsNoWriteARound(t *testing.T) {
	p := mooring.DefaultPolicy()
	p.Mode = mooring.ModeAddOnly
	m, writes := knowing("10.0.0.1 10.0.0.2"), 0
	for minute := range 240 {
		plan := mooring.Decide(p, m, answers(40, "10.0.0.1"), mooring.Holding{Port: 443, Targets: healthy("10.0.0.1 10.0.0.2")},
			noon.Add(time.Duration(minute)*time.Minute))
		if m = plan.Memory; plan.Changed && minute > 40 {
			writes++
		}
		if plan.Missing[0].Missed < min(minute+1, 3) {
			t.Fatalf("minute %d: the count fell to %d", minute, plan.Missing[0].Missed)
		}
	}
	if writes > 4 {
		t.Errorf("%d writes in the 200 minutes after the absence was proved twice over, want one an hour", writes)
	}
}

func TestSilenceIsTheFormula(t *testing.T) {
	for _, c := range []struct {
		a, d int
		want float64
	}{{8, 24, -math.Log(1 - 8.0/25)}, {1, 1, -math.Log(0.5)}, {0, 5, 0}, {9, 5, -math.Log(1 - 5.0/6)}, {-1, 5, 0}} {
		if got := mooring.Silence(c.a, c.d); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("Silence(%d, %d) = %g, want %g", c.a, c.d, got, c.want)
		}
	}
}

// An idle round and one in which a tenth is missing, of 100 targets and 40 answers.
func BenchmarkDecide(b *testing.B) {
	hundred := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}).String())
		}
		return strings.Join(list, " ")
	}
	m, h := knowing(hundred(100)), mooring.Holding{Port: 443, Targets: healthy(hundred(100))}
	for name, o := range map[string]mooring.Observation{"idle": answers(40, hundred(100)), "missing": answers(40, hundred(90))} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mooring.Decide(mooring.DefaultPolicy(), m, o, h, noon)
			}
		})
	}
}
