package mooring_test

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mooring"
)

// A verdict is what both implementations must agree on, address by address.
type verdict struct {
	register   map[netip.Addr]bool
	deregister map[netip.Addr]bool
	held       map[netip.Addr]string // by which guard
	missed     map[netip.Addr]int    // as it will be remembered
	nats       map[netip.Addr]string // against the missing
	remembered map[netip.Addr]bool
}

// twin judges a round slowly and obviously: one question after another for one address after another,
// straight from the table of the policy. It shares no code with Decide.
func twin(p mooring.Policy, m mooring.Memory, o mooring.Observation, h mooring.Holding, now time.Time) verdict {
	v := verdict{map[netip.Addr]bool{}, map[netip.Addr]bool{}, map[netip.Addr]string{}, map[netip.Addr]int{}, map[netip.Addr]string{}, map[netip.Addr]bool{}}
	seen := map[netip.Addr]bool{}
	for _, a := range o.Answers {
		for _, x := range a.Addrs {
			seen[x] = true
		}
	}
	in, present := map[netip.Addr]mooring.Target{}, map[netip.Addr]bool{}
	for _, t := range h.Targets {
		if t.Port == h.Port {
			present[t.Addr] = true
			if t.Health != "draining" && t.Health != "unhealthy.draining" {
				in[t.Addr] = t
			}
		}
	}
	known := map[netip.Addr]mooring.Entry{}
	for _, e := range m.Addresses {
		known[e.Addr] = e
	}
	renamed := len(m.Hostnames) > 0 && !slices.Equal(m.Hostnames, o.Hostnames)

	ours := map[netip.Addr]mooring.Target{}
	var missing []netip.Addr
	for a, t := range in {
		_, remembered := known[a]
		if remembered || seen[a] || p.Adopt == mooring.AdoptAll {
			ours[a] = t
			if !seen[a] {
				missing = append(missing, a)
			}
		}
	}

	// Who is new.
	set := map[netip.Addr]bool{}
	for _, f := range m.Refused {
		if now.Before(f.Until) && in[f.Addr].Addr != f.Addr {
			set[f.Addr] = true
		}
	}
	registrable := 0
	for a := range seen {
		if !p.Admits(a) {
			continue
		}
		if _, ok := in[a]; !ok && set[a] {
			continue
		}
		registrable++
		if _, ok := in[a]; !ok {
			v.register[a] = true
		}
	}

	// What this round says against those who are missing: the least that one hostname says.
	conclusive := o.Inconclusive == "" && len(seen) > 0
	nats, current := twinEvidence(p, o, len(missing))
	counts := map[netip.Addr]mooring.Entry{}
	for _, a := range missing {
		e := known[a]
		if renamed {
			e.Missed, e.Evidence, e.MissingSince, e.LastMiss = 0, 0, time.Time{}, time.Time{}
		}
		if e.MissingSince.After(now) {
			e.MissingSince = now
		}
		if e.LastMiss.After(now) {
			e.LastMiss = now
		}
		if conclusive && nats > 0 {
			if e.Missed > 0 && now.Sub(e.LastMiss) > 2*time.Hour {
				e.Missed, e.Evidence, e.MissingSince = 0, 0, time.Time{}
			}
			if e.MissingSince.IsZero() || e.Missed == 0 {
				e.MissingSince = now
			}
			longProved := e.Missed >= 2*p.Misses && e.Evidence >= -2*math.Log(p.MissProbability) && now.Sub(e.MissingSince) >= p.HoldMax
			if !longProved || now.Sub(e.LastMiss) >= time.Hour {
				e.Missed++
				e.Evidence = math.Min(e.Evidence+nats, 1e6)
			}
		}
		counts[a] = e
		if e.Missed > 0 {
			v.missed[a], v.nats[a] = e.Missed, fmt.Sprintf("%.6g", e.Evidence)
		}
	}
	missing = slices.DeleteFunc(missing, func(a netip.Addr) bool { return counts[a].Missed == 0 })

	// Who may leave, in which order.
	slices.SortFunc(missing, func(a, b netip.Addr) int {
		ha, hb := in[a].Health == "healthy", in[b].Health == "healthy"
		if ha != hb {
			if hb {
				return -1
			}
			return 1
		}
		if c := since(counts[a], now).Compare(since(counts[b], now)); c != 0 {
			return c
		}
		return a.Compare(b)
	})
	healthyOurs, healthyAll, zoneHealthy := 0, 0, map[string]int{}
	for _, t := range ours {
		if t.Health == "healthy" {
			healthyOurs++
		}
	}
	for _, t := range h.Targets {
		if t.Health == "healthy" {
			healthyAll++
			zoneHealthy[t.Zone]++
		}
	}
	before, left := healthyOurs, 0
	for _, a := range missing {
		e, t := counts[a], in[a]
		away := now.Sub(since(e, now))
		healthy := t.Health == "healthy"
		lifted := away >= p.HoldMax && healthyAll > 1
		guard := ""
		switch {
		case p.Mode == mooring.ModeAddOnly:
			guard = "add-only"
		case !conclusive:
			guard = "inconclusive"
		case m.Unusable != "":
			guard = "memory"
		case e.Missed < p.Misses:
			guard = "misses"
		case away < p.Hold:
			guard = "hold"
		case e.Evidence < -math.Log(p.MissProbability)-1e-9, !current:
			guard = "evidence"
		case len(ours)-left-1 < max(1, p.MinTargets):
			guard = "min-targets"
		case left >= max(1, int(p.MaxLeave*float64(len(ours))+1e-9)):
			guard = "max-leave"
		case healthy && !lifted && p.Answers == mooring.AnswersWhole && len(v.register) > 0:
			guard = "make-before-break"
		case healthy && !lifted && p.Answers != mooring.AnswersWhole && healthyOurs-1 < neededHealthy(before, registrable):
			guard = "make-before-break"
		case healthy && !lifted && p.Answers != mooring.AnswersWhole && h.CrossZone == mooring.CrossZoneOff &&
			t.Zone != "" && t.Zone != "all" && zoneHealthy[t.Zone] <= 1:
			guard = "make-before-break (zone)"
		}
		if guard != "" {
			v.held[a] = guard
			continue
		}
		v.deregister[a] = true
		left++
		if healthy {
			healthyOurs--
			healthyAll--
			zoneHealthy[t.Zone]--
		}
	}

	// Who is remembered.
	for a := range seen {
		if p.Admits(a) {
			v.remembered[a] = true
		}
	}
	for a := range ours {
		v.remembered[a] = true
	}
	for a, e := range known {
		gone := e.GoneSince
		if gone.After(now) {
			gone = now
		}
		if renamed {
			gone = time.Time{}
		}
		long := !gone.IsZero() && now.Sub(gone) >= 24*time.Hour
		if seen[a] && p.Admits(a) || present[a] || seen[a] || !conclusive || !long {
			v.remembered[a] = true
		}
	}
	return v
}

func neededHealthy(before, registrable int) int {
	if registrable == 0 {
		return before
	}
	return min(before, registrable)
}

func since(e mooring.Entry, now time.Time) time.Time {
	if e.MissingSince.IsZero() {
		return now
	}
	return e.MissingSince
}

func twinEvidence(p mooring.Policy, o mooring.Observation, missing int) (nats float64, current bool) {
	nats, current = math.Inf(1), true
	for _, name := range o.Hostnames {
		shown := map[netip.Addr]bool{}
		for _, a := range o.Answers {
			if a.Hostname == name {
				for _, x := range a.Addrs {
					shown[x] = true
				}
			}
		}
		d := float64(len(shown) + missing)
		sum, plain, zone := 0.0, 0.0, false
		for i, a := range o.Answers {
			if a.Hostname != name || len(a.Addrs) == 0 || twinRepeats(o.Answers, i) {
				continue
			}
			one := -math.Log(1 - float64(len(a.Addrs))/(d+1))
			if a.Whole {
				one = -math.Log(p.MissProbability)
			}
			sum += one
			zone = zone || a.Authoritative
			if a.Plain && a.Authoritative {
				plain += one
			}
		}
		nats = math.Min(nats, sum)
		if zone && plain < -math.Log(p.MissProbability)/5-1e-9 {
			current = false
		}
	}
	return nats, current
}

// twinRepeats looks at all that the same server said: back to its last word, and, where it said under half as many
// different things as chance would have, or left out what chance would hardly have, to all of them.
func twinRepeats(all []mooring.Answer, i int) bool {
	a, shown := all[i], map[netip.Addr]bool{}
	for _, b := range all {
		for _, x := range b.Addrs {
			shown[x] = shown[x] || b.Hostname == a.Hostname && b.Plain
		}
	}
	maps.DeleteFunc(shown, func(_ netip.Addr, is bool) bool { return !is })
	if !a.Authoritative || a.Whole || len(a.Addrs) >= len(shown) {
		return false
	}
	server := func(b mooring.Answer) bool {
		return b.Hostname == a.Hostname && b.Server == a.Server && b.Plain == a.Plain
	}
	few := twinFew(twinOnly(all, server), len(shown)) || twinLeftOutTogether(all, a, len(shown))
	for _, b := range slices.Backward(twinOnly(all[:i], server)) {
		if same := fmt.Sprint(b.Addrs) == fmt.Sprint(a.Addrs); same || !few {
			return same
		}
	}
	return false
}

func twinOnly(all []mooring.Answer, that func(mooring.Answer) bool) (out []mooring.Answer) {
	for _, b := range all {
		if that(b) {
			out = append(out, b)
		}
	}
	return out
}

// twinFew judges the answers of one server by themselves.
func twinFew(answers []mooring.Answer, shown int) bool {
	different := map[string]bool{}
	for _, b := range answers {
		different[fmt.Sprint(b.Addrs)] = true
	}
	sets := twinChoose(shown, len(answers[len(answers)-1].Addrs))
	n := float64(len(answers))
	return float64(len(different)) < sets*(1-math.Pow(1-1/sets, n))/2 || twinLeftOut(answers, shown) < 0.05
}

// twinLeftOut is the chance of leaving out as many as these answers of one server do, or more than it, and 1 at most.
func twinLeftOut(answers []mooring.Answer, shown int) float64 {
	held := map[netip.Addr]bool{}
	for _, b := range answers {
		for _, x := range b.Addrs {
			held[x] = true
		}
	}
	if len(held) >= shown {
		return 1
	}
	each := len(answers[len(answers)-1].Addrs)
	one := twinChoose(len(held), each) / twinChoose(shown, each)
	return min(1, twinChoose(shown, len(held))*math.Pow(one, float64(len(answers))))
}

// twinLeftOutTogether multiplies these chances of all servers that were asked the same, and compares the product with that
// of as many even ones: it is so small when a Poisson process of rate 1 has fewer events than that by minus its logarithm.
func twinLeftOutTogether(all []mooring.Answer, like mooring.Answer, shown int) bool {
	by := map[string][]mooring.Answer{}
	for _, b := range all {
		if b.Hostname == like.Hostname && b.Plain == like.Plain {
			by[b.Server] = append(by[b.Server], b)
		}
	}
	var logs []float64
	for _, answers := range by {
		logs = append(logs, -math.Log(twinLeftOut(answers, shown)))
	}
	slices.Sort(logs)
	until, fewer := 0.0, 0.0
	for _, l := range logs {
		until += l
	}
	for k := range logs {
		fewer += math.Exp(-until) * math.Pow(until, float64(k)) / math.Gamma(float64(k+1))
	}
	return twinLeftOut(by[like.Server], shown) < 1 && fewer < 0.05
}

// twinChoose is the number of ways to choose k of n.
func twinChoose(n, k int) float64 {
	ways := 1.0
	for i := range k {
		ways *= float64(n-i) / float64(i+1)
	}
	return ways
}

// TestDecideAgreesWithItsTwin compares both on random rounds.
func TestDecideAgreesWithItsTwin(t *testing.T) {
	guards := map[string]int{}
	unreached := func() (out []string) {
		for _, g := range append(mooring.Guards(), mooring.Guard{Name: "none"}) {
			if guards[g.Name] == 0 {
				out = append(out, g.Name)
			}
		}
		return out
	}
	for i := 0; i < 20 || i < 400 && len(unreached()) > 0; i++ { // of 100 rounds each
		rapid.Check(t, agrees(guards))
	}
	if out := unreached(); len(out) > 0 {
		t.Errorf("no random round ever reached %q: the comparison says nothing about them", out)
	}
}

// agrees is one comparison; it counts which guards it reached.
func agrees(guards map[string]int) func(*rapid.T) {
	return func(t *rapid.T) {
		p, m, o, h, now := drawRound(t)
		before, _ := m.Encode()
		plan := mooring.Decide(p, m, o, h, now)
		want := twin(p, m, o, h, now)
		got := verdictOf(plan)
		if diff := want.diff(got); diff != "" {
			t.Fatalf("Decide and its twin disagree:\n%s", diff)
		}
		if again := mooring.Decide(p, m, o, h, now); !again.Memory.Same(plan.Memory) || len(again.Held) != len(plan.Held) {
			t.Fatal("the same inputs made another plan")
		}
		if after, _ := m.Encode(); string(after) != string(before) {
			t.Fatal("Decide changed the memory that it was given")
		}
		if body, err := plan.Memory.Encode(); err != nil {
			t.Fatalf("the next memory cannot be stored: %v", err)
		} else if _, err := mooring.DecodeMemory(body); err != nil {
			t.Fatalf("the next memory cannot be read back: %v", err)
		}
		for _, held := range plan.Held {
			guards[held.Guard]++
		}
		guards["none"] += len(plan.Deregister)
	}
}

func verdictOf(p mooring.Plan) verdict {
	v := verdict{map[netip.Addr]bool{}, map[netip.Addr]bool{}, map[netip.Addr]string{}, map[netip.Addr]int{}, map[netip.Addr]string{}, map[netip.Addr]bool{}}
	for _, t := range p.Register {
		v.register[t.Addr] = true
	}
	for _, t := range p.Deregister {
		v.deregister[t.Addr] = true
	}
	for _, h := range p.Held {
		v.held[h.Addr] = h.Guard
	}
	for _, x := range p.Missing {
		v.missed[x.Addr], v.nats[x.Addr] = x.Missed, fmt.Sprintf("%.6g", x.Evidence)
	}
	for _, e := range p.Memory.Addresses {
		v.remembered[e.Addr] = true
	}
	return v
}

func (v verdict) diff(got verdict) string {
	var out strings.Builder
	compare := func(what string, same bool, want, got any) {
		if !same {
			fmt.Fprintf(&out, "%s: twin %v, Decide %v\n", what, want, got)
		}
	}
	compare("register", maps.Equal(v.register, got.register), v.register, got.register)
	compare("deregister", maps.Equal(v.deregister, got.deregister), v.deregister, got.deregister)
	compare("held", maps.Equal(v.held, got.held), v.held, got.held)
	compare("missed", maps.Equal(v.missed, got.missed), v.missed, got.missed)
	compare("nats", maps.Equal(v.nats, got.nats), v.nats, got.nats)
	compare("remembered", maps.Equal(v.remembered, got.remembered), v.remembered, got.remembered)
	return out.String()
}

// drawRound draws the inputs of a round, often near the limits where guards change their mind.
func drawRound(t *rapid.T) (mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	p := mooring.DefaultPolicy()
	if rapid.IntRange(0, 5).Draw(t, "whole") == 0 {
		p = mooring.WholePolicy()
	}
	p.Mode = rapid.SampledFrom([]mooring.Mode{"sync", "sync", "sync", "sync", "observe", "add-only"}).Draw(t, "mode")
	calm := rapid.Bool().Draw(t, "calm") // everyone is healthy and everybody absent is proved so: the late guards decide
	if calm {
		p = mooring.DefaultPolicy()
	}
	p.Adopt = rapid.SampledFrom([]mooring.Adopt{"seen", "seen", "all"}).Draw(t, "adopt")
	p.MaxLeave = rapid.SampledFrom([]float64{p.MaxLeave, 0.1, 1}).Draw(t, "max-leave")
	p.MinTargets = rapid.SampledFrom([]int{1, 1, 3}).Draw(t, "min")

	pool := rapid.IntRange(1, 14).Draw(t, "pool")
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}) }
	minutes := rapid.SampledFrom([]int{-10, 0, 1, 2, 29, 30, 31, 119, 121, 1441})
	past := func(label string) time.Time {
		return now.Add(-time.Duration(minutes.Draw(t, label)) * time.Minute)
	}

	var m mooring.Memory
	m.Version = mooring.MemoryVersion
	m.Hostnames = []string{rapid.SampledFrom([]string{"a.example", "a.example", "a.example", "old.example"}).Draw(t, "remembered name")}
	if !calm && rapid.IntRange(0, 9).Draw(t, "unusable") == 0 {
		m.Unusable = "unreadable"
	}
	h := mooring.Holding{Port: 443, CrossZone: rapid.SampledFrom([]mooring.CrossZone{"off", "off", "", "on"}).Draw(t, "cross-zone")}
	o := mooring.Observation{Hostnames: []string{"a.example"}}
	if !calm && rapid.IntRange(0, 7).Draw(t, "inconclusive") == 0 {
		o.Inconclusive = "timeout: nobody answered"
	}
	var live []netip.Addr
	for i := range pool {
		a := addr(i)
		if rapid.IntRange(0, 9).Draw(t, "remembered") < 8 {
			e := mooring.Entry{Addr: a, Since: past("since")}
			switch {
			case calm || rapid.IntRange(0, 2).Draw(t, "long absent") == 0:
				e.Missed, e.Evidence, e.MissingSince, e.LastMiss = 3, 30, past("missing since"), now.Add(-time.Minute)
			case rapid.Bool().Draw(t, "has missed"):
				e.Missed = rapid.IntRange(1, 7).Draw(t, "missed")
				e.MissingSince, e.LastMiss = past("missing since"), past("last miss")
				e.Evidence = rapid.SampledFrom([]float64{0, 8, 17, 25, 30, 60}).Draw(t, "nats")
			case rapid.Bool().Draw(t, "gone"):
				e.GoneSince = past("gone since")
			}
			m.Addresses = append(m.Addresses, e)
		}
		if rapid.IntRange(0, 9).Draw(t, "in the group") < 8 {
			target := mooring.Target{
				Addr: a, Port: rapid.SampledFrom([]uint16{443, 443, 443, 443, 80}).Draw(t, "port"),
				Zone: rapid.SampledFrom([]string{"a", "b", "c", "c", "all", ""}).Draw(t, "zone"),
				Health: rapid.SampledFrom([]mooring.Health{
					"healthy", "healthy", "healthy", "initial", "unhealthy", "unused", "draining", "unhealthy.draining",
				}).Draw(t, "health"),
			}
			if calm {
				target.Health = "healthy"
			}
			h.Targets = append(h.Targets, target)
		}
		if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
			m.Refused = append(m.Refused, mooring.Refusal{Addr: a, Reason: "no", Times: 1, Until: past("until")})
		}
		if rapid.Bool().Draw(t, "live") {
			live = append(live, a)
		}
	}
	if len(live) > 0 {
		one := !calm && rapid.Bool().Draw(t, "one at a time") // and some servers leave some out
		leavesOut := map[string]int{"10.9.9.9:53": rapid.IntRange(0, 2).Draw(t, "left out"), "10.9.9.10:53": rapid.IntRange(0, 2).Draw(t, "left out")}
		for range rapid.SampledFrom([]int{1, 3, 12, 40}).Draw(t, "answers") {
			server := rapid.SampledFrom([]string{"10.9.9.9:53", "10.9.9.10:53"}).Draw(t, "server")
			from, to := 0, len(live)
			switch {
			case one:
				from = rapid.IntRange(0, max(0, len(live)-1-leavesOut[server])).Draw(t, "which")
				to = from + 1
			case !calm:
				to = rapid.IntRange(1, len(live)).Draw(t, "size")
			}
			o.Answers = append(o.Answers, mooring.Answer{
				Hostname: "a.example", Addrs: live[from:to], TTL: time.Minute, Server: server,
				Plain: rapid.IntRange(0, 4).Draw(t, "plain") > 0, Authoritative: true,
				Whole: rapid.IntRange(0, 19).Draw(t, "whole answer") == 0,
			})
		}
	}
	return p, m, o, h, now
}
