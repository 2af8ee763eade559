package lookup_test

import (
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
)

// whole are the answers that claim to hold everything.
func whole(o mooring.Observation) (out []mooring.Answer) {
	for _, a := range o.Answers {
		if a.Whole {
			out = append(out, a)
		}
	}
	return out
}

func TestWithAllNAMEAHealthyRoundAsksFourQuestions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{elbName, "dualstack." + elbName, "net-1.elb.eu-west-1.amazonaws.com"} {
		d := world(t, sim.DNSConfig{All: true, Zones: []string{elbZone, "elb.eu-west-1.amazonaws.com"}})
		d.Set(name, live(100)...)
		f := finder(config(d, name))
		for range 5 {
			d.Forget()
			o := f.Find(t.Context(), track(live(100)...))
			wantConclusive(t, o)
			wantAddrs(t, o, live(100))
			all := d.Asked("all." + strings.TrimPrefix(name, "dualstack."))
			asked := d.Asked(name) + all
			if asked > 4 || d.Asked(name) < 2 || all != 1 {
				t.Errorf("%s: asked %d questions, %d of them plain", name, asked, d.Asked(name))
			}
			if w := whole(o); len(w) != 1 || w[0].Plain || !w[0].Authoritative || len(w[0].Addrs) != 100 {
				t.Errorf("%s: whole answers %v", name, w)
			}
		}
	}
}

func TestAllNAMEIsAskedBehindAliases(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Alias(ownName, elbName)
	d.Set(elbName, live(100)...)
	o := find(t, config(d, ownName), live(100)...)
	wantConclusive(t, o)
	wantAddrs(t, o, live(100))
	if got := d.Asked(elbName) + d.Asked("all."+elbName); got > 4 {
		t.Errorf("asked %d questions about the load balancer's name", got)
	}
	if len(whole(o)) != 1 {
		t.Errorf("%d whole answers", len(whole(o)))
	}
}

func TestAllNAMEIsAskedOfLoadBalancersOnly(t *testing.T) {
	for name, want := range map[string]bool{
		"a.eu-west-1.elb.amazonaws.com.":           true,
		"dualstack.a.eu-west-1.elb.amazonaws.com.": true,
		"a.elb.eu-west-1.amazonaws.com.":           true,
		"a.cn-north-1.elb.amazonaws.com.cn.":       true,
		"a.elb.cn-north-1.amazonaws.com.cn.":       true,
		"db.abc.eu-west-1.rds.amazonaws.com.":      false,
		"a.eu-west-1.elb.amazonaws.com.evil.test.": false,
		"web.example.":                           false,
		"elb.amazonaws.com.":                     false,
		".":                                      false,
		"eu-west-1xelb.amazonaws.com.":           false,
		"a.elb.evil.eu-west-1.notamazonaws.com.": false,
		"a.elb.eu-west-1.amazonaws.com.attacker.x.": false,
	} {
		if got := lookup.IsELB(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(ownName, live(3)...)
	wantConclusive(t, find(t, config(d, ownName)))
	if d.Asked("all."+ownName) != 0 {
		t.Error("all. was asked of a name that is no load balancer's")
	}
}

func TestWithoutAllNAMEThePlainNameIsSampledInFull(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.DNSFault{sim.DNSNone, sim.DNSNXDomain, sim.DNSServFail, sim.DNSSilent, sim.DNSTruncatedTCP, sim.DNSEmpty} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			d := world(t, sim.DNSConfig{All: fault != sim.DNSNone})
			d.Set(elbName, live(24)...)
			d.Fault("all."+elbName, fault)
			o := find(t, config(d, elbName))
			wantConclusive(t, o)
			wantAddrs(t, o, live(24))
			if len(whole(o)) != 0 {
				t.Errorf("whole answers %v", whole(o))
			}
		})
	}
}

func TestAnAllNAMEThatLacksAnAddressIsNotWhole(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(elbName, live(24)...)
	d.SetAll(elbName, append(live(4), addr("10.7.7.7"))...)
	o := find(t, config(d, elbName))
	wantConclusive(t, o)
	wantAddrs(t, o, append(live(24), addr("10.7.7.7"))) // what only all. shows is there, too
	if len(whole(o)) != 0 {
		t.Errorf("whole answers %v", whole(o))
	}
	if !slices.ContainsFunc(o.Warnings, func(w string) bool { return strings.Contains(w, "lacks") }) {
		t.Errorf("warnings %q", o.Warnings)
	}
}

// The two plain answers of a healthy round may agree with an all. that lacks somebody. While an address is missing, more
// are asked, and the first that shows more unmasks it.
func TestAnAllNAMEIsUnmaskedWhileAnAddressIsMissing(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{PerAnswer: 1})
	d.Set(elbName, live(12)...)
	d.SetAll(elbName, live(11)...)
	unmasked := 0
	for range 20 {
		o := find(t, config(d, elbName), live(12)[11], addr("10.8.8.8"))
		wantConclusive(t, o)
		if !slices.Contains(o.Addrs(), live(12)[11]) {
			t.Errorf("%d plain answers, and %s was not seen", len(o.Answers), live(12)[11])
		}
		if len(whole(o)) == 0 {
			unmasked++
		}
	}
	if unmasked != 20 {
		t.Errorf("all. was taken for whole in %d of 20 rounds", 20-unmasked)
	}
}

// The address that was missed shows up, so nothing more needs to be confirmed. But all. has lied, so there may be others.
func TestOnceAllNAMEIsUnmaskedTheNameIsSampledInFull(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{PerAnswer: 1})
	d.Set(elbName, live(12)...)
	d.SetAll(elbName, live(10)...)
	for range 20 {
		o := find(t, config(d, elbName), live(12)[11])
		wantConclusive(t, o)
		wantAddrs(t, o, live(12))
	}
}

func TestAnAllNAMEOfAddressesThatAreNotAdmittedIsIgnored(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(elbName, live(24)...)
	d.SetAll(elbName, append(live(24), addr("8.8.8.8"))...)
	o := find(t, config(d, elbName))
	wantConclusive(t, o)
	wantAddrs(t, o, live(24))
	if len(o.Warnings) != 1 || len(whole(o)) != 0 {
		t.Errorf("warnings %q, whole answers %v", o.Warnings, whole(o))
	}
}

func TestANameWithOneHolderIsBelievedAtOnce(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(elbName, live(1)...)
	c := config(d, elbName)
	c.Whole = true
	o := find(t, c, live(2)[1])
	wantConclusive(t, o)
	servers := map[string]bool{}
	for _, a := range o.Answers {
		servers[a.Server] = true
		if !a.Whole || !a.Plain {
			t.Errorf("an answer that is not whole: %v", a)
		}
	}
	if d.Asked(elbName) != 2 || len(servers) != 2 {
		t.Errorf("asked %d questions of %d servers, want 2 of 2", d.Asked(elbName), len(servers))
	}
	if d.Asked("all."+elbName) != 0 {
		t.Error("all. was asked of a name with one holder")
	}
}

func TestWhatAServerSaysOfAllNameMakesItNoSecondServer(t *testing.T) {
	t.Parallel()
	for _, has := range []bool{true, false} {
		for range 4 { // who is asked about all.NAME is chance
			d := world(t, sim.DNSConfig{Servers: 2, All: has})
			d.Set(elbName, live(6)...)
			d.FaultAt(0, elbName, sim.DNSServFail)
			wantClass(t, find(t, config(d, elbName)), lookup.TooFewServers, elbName)
		}
	}
}
