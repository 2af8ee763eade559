package lookup_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
)

// longest is what a round may take when nothing works.
const longest = 6 * time.Second

func TestEveryClassOfFailureIsToldApart(t *testing.T) {
	faults := []struct {
		fault  sim.DNSFault
		class  lookup.Class
		detail string
	}{
		{sim.DNSSilent, lookup.Timeout, "127.83.2."},
		{sim.DNSWrongID, lookup.Timeout, "127.83.2."},
		{sim.DNSWrongQuestion, lookup.Timeout, "127.83.2."},
		{sim.DNSServFail, lookup.ServFail, "SERVFAIL"},
		{sim.DNSRefused, lookup.Refused, "REFUSED"},
		{sim.DNSNotAuthoritative, lookup.Refused, "NOERROR without authority"},
		{sim.DNSNXDomain, lookup.NXDomain, "NXDOMAIN"},
		{sim.DNSEmpty, lookup.Empty, "NOERROR"},
		{sim.DNSTruncatedTCP, lookup.Truncated, "truncated"},
	}
	for _, mode := range []string{lookup.Authoritative, lookup.Auto} {
		for _, f := range faults {
			t.Run(mode+"/"+string(f.fault), func(t *testing.T) {
				t.Parallel()
				d := world(t, sim.DNSConfig{})
				d.Set(ownName, live(3)...)
				d.Fault(ownName, f.fault)
				c := config(d, ownName)
				c.Mode = mode
				began := time.Now()
				o := find(t, c, live(3)...)
				wantClass(t, o, f.class, ownName)
				if !strings.Contains(o.Inconclusive, f.detail) {
					t.Errorf("%q does not say %q", o.Inconclusive, f.detail)
				}
				if len(o.Addrs()) != 0 {
					t.Errorf("observed %v out of failures", o.Addrs())
				}
				if took := time.Since(began); took > longest {
					t.Errorf("the round took %s, over %s", took, longest)
				}
			})
		}
	}
}

func TestANameThatWasNeverThereIsDenied(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	wantClass(t, find(t, config(d, ownName)), lookup.NXDomain, ownName)
	wantClass(t, find(t, config(d, "")), lookup.NXDomain, "")
	wantClass(t, find(t, config(d)), lookup.Empty, "")
}

// A firewall may hide the zone's servers, but the resolver knows.
func TestAResolversDenialIsWorthMoreThanASilence(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	d.Fault(ownName, sim.DNSSilent)
	d.FaultResolver(ownName, sim.DNSNXDomain)
	wantClass(t, find(t, config(d, ownName)), lookup.NXDomain, ownName)
}

func TestWhenResolversAndServersAreAllSilentTheRoundEndsInTime(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Fault("*", sim.DNSSilent)
	d.FaultResolver("*", sim.DNSSilent)
	began := time.Now()
	o := lookup.New(config(d, ownName)).Find(t.Context(), track())
	wantClass(t, o, lookup.Timeout, ownName)
	if took := time.Since(began); took > longest {
		t.Errorf("the round took %s, over %s", took, longest)
	}
}

func TestOneAddressThatIsNotAdmittedTaintsItsAnswerAndTheRound(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"8.8.8.8", "127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255"} {
		d := world(t, sim.DNSConfig{PerAnswer: 2})
		d.Set(ownName, append(live(9), addr(bad))...)
		o := find(t, config(d, ownName))
		wantClass(t, o, lookup.Tainted, ownName)
		if !strings.Contains(o.Inconclusive, bad) {
			t.Errorf("%q does not name %s", o.Inconclusive, bad)
		}
		for _, a := range o.Answers {
			if len(a.Addrs) != 2 {
				t.Errorf("an answer of %d was used in part: %v", 2, a.Addrs)
			}
			for _, x := range a.Addrs {
				if x == addr(bad) {
					t.Errorf("%s was observed", bad)
				}
			}
		}
	}
}

func TestMoreAddressesThanAGroupTakesAreRefusedWhole(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{PerAnswer: 2000})
	d.Set(ownName, live(1001)...)
	wantClass(t, find(t, config(d, ownName)), lookup.Tainted, ownName)
	d.Set(ownName, live(1000)...)
	o := find(t, config(d, ownName))
	wantConclusive(t, o)
	wantAddrs(t, o, live(1000))
}

func TestAChainOfAliasesThatComesBackIsALoop(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Alias(ownName, "b."+ownZone)
	d.Alias("b."+ownZone, ownName)
	wantClass(t, find(t, config(d, ownName)), lookup.CNAMELoop, ownName)

	d.Alias("b."+ownZone, elbName)
	d.Alias(elbName, ownName)
	wantClass(t, find(t, config(d, ownName)), lookup.CNAMELoop, ownName)
}

func TestEightAliasesAreFollowedAndNineAreNot(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Zones: []string{"a.example", "b.example"}})
	chain := func(links int) string {
		names := []string{}
		for i := range links + 1 {
			names = append(names, string(rune('a'+i))+"."+[]string{"a.example", "b.example"}[i%2])
		}
		for i := range links {
			d.Remove(names[i])
			d.Alias(names[i], names[i+1])
		}
		d.Remove(names[links])
		d.Set(names[links], live(2)...)
		return names[0]
	}
	for _, mode := range []string{lookup.Authoritative, lookup.Resolver} {
		c := config(d, chain(8))
		c.Mode = mode
		o := find(t, c)
		wantConclusive(t, o)
		wantAddrs(t, o, live(2))
		chain(9)
		d.SetPrivate("unused.a.example") // the resolver forgets
		wantClass(t, find(t, c), lookup.CNAMELoop, "a.a.example")
	}
}

func TestAliasesOverFourZonesAreTooLong(t *testing.T) {
	t.Parallel()
	zones := []string{"one.example", "two.example", "three.example", "four.example"}
	d := world(t, sim.DNSConfig{Zones: zones})
	for i := range 3 {
		d.Alias("x."+zones[i], "x."+zones[i+1])
	}
	d.Set("x.four.example", live(2)...)
	wantClass(t, find(t, config(d, "x.one.example")), lookup.CNAMELoop, "x.one.example")
	o := find(t, config(d, "x.two.example"))
	wantConclusive(t, o)
	wantAddrs(t, o, live(2))
	asked := map[string]bool{}
	for _, q := range d.Questions() {
		if !q.Resolver && q.Name == "x.four.example" {
			asked[q.Server.String()] = true
		}
	}
	for server := range asked {
		if !strings.HasPrefix(server, "127.83.4.") {
			t.Errorf("a server of another zone was asked about x.four.example: %s", server)
		}
	}
}

func TestOneServerOfFourIsNotEnough(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	for server := range 3 {
		d.FaultAt(server, "*", sim.DNSServFail)
	}
	c := config(d, ownName)
	c.Mode = lookup.Authoritative
	o := find(t, c)
	if word, _, _ := strings.Cut(o.Inconclusive, ":"); word != string(lookup.TooFewServers) && word != string(lookup.ServFail) {
		t.Errorf("inconclusive %q", o.Inconclusive)
	}
	wantAddrs(t, o, live(3)) // what was seen is still there, to be registered
}

func TestTheOnlyServerThatAnswersOfTwoIsTooFew(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Servers: 2})
	d.Set(ownName, live(3)...)
	d.FaultAt(1, "*", sim.DNSRefused)
	o := find(t, config(d, ownName))
	wantClass(t, o, lookup.TooFewServers, ownName)
	wantAddrs(t, o, live(3))
}

// One clean answer of two is no view of a name: with two lookups allowed, there is none left for another try.
func TestFourOfFiveQuestionsMustBeAnsweredCleanly(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Servers: 2})
	d.Set(ownName, live(3)...)
	d.FaultAt(1, "*", sim.DNSServFail)
	c := config(d, ownName)
	c.MaxLookups = 2
	o := find(t, c)
	wantClass(t, o, lookup.ServFail, ownName)
	wantAddrs(t, o, live(3))
}

func TestServersThatFailWhileAnAbsenceIsConfirmedMakeTheRoundInconclusive(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(24)...)
	c := config(d, ownName)
	c.MaxLookups = 20 // so the evidence is short, and most of the questions were answered cleanly before
	o := finder(c).Find(t.Context(), func(context.Context) []netip.Addr {
		d.Fault(ownName, sim.DNSServFail)
		return []netip.Addr{addr("10.9.0.1")}
	})
	wantClass(t, o, lookup.ServFail, ownName)
	if len(o.Addrs()) < 20 {
		t.Errorf("observed %d, and they were seen before the servers failed", len(o.Addrs()))
	}
}

func TestAZoneWithOneServerIsNotTooFew(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Servers: 1})
	d.Set(ownName, live(3)...)
	o := find(t, config(d, ownName))
	wantConclusive(t, o)
	wantAddrs(t, o, live(3))
}

func TestWhatAnotherServerAnsweredCleanlyIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.DNSFault{sim.DNSSilent, sim.DNSServFail, sim.DNSRefused, sim.DNSNXDomain, sim.DNSEmpty, sim.DNSTruncatedTCP, sim.DNSNotAuthoritative} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			d := world(t, sim.DNSConfig{})
			d.Set(ownName, live(24)...)
			d.FaultAt(2, "*", fault)
			began := time.Now()
			o := find(t, config(d, ownName))
			wantConclusive(t, o)
			wantAddrs(t, o, live(24))
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("one bad server of four made the round take %s", took)
			}
		})
	}
}

func TestAStaleServerAddsToWhatIsSeenAndTakesNothingAway(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(6)...)
	d.SetAt(1, ownName, live(8)[6:]...)
	o := find(t, config(d, ownName))
	wantConclusive(t, o)
	wantAddrs(t, o, live(8))
}

func TestOneOfSeveralHostnamesThatFailsMakesTheRoundPartial(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	d.Set(elbName, live(12)[3:]...)
	names := []string{strings.ToUpper(ownName) + ".", elbName}

	o := find(t, config(d, names...))
	wantConclusive(t, o)
	wantAddrs(t, o, live(12))
	if len(o.Hostnames) != 2 || o.Hostnames[0] != elbName || o.Hostnames[1] != ownName {
		t.Errorf("hostnames %q", o.Hostnames)
	}

	d.Fault(ownName, sim.DNSServFail)
	o = find(t, config(d, names...), live(3)...)
	wantClass(t, o, lookup.Partial, ownName)
	if !strings.Contains(o.Inconclusive, "servfail") {
		t.Errorf("%q does not say why", o.Inconclusive)
	}
	wantAddrs(t, o, live(12)[3:])
}

// A reference architecture's function kept an empty list when DNS failed, and so removed every target it had.
func TestAFailedLookupIsNotAnEmptyList(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	f := finder(config(d, ownName))
	wantConclusive(t, f.Find(t.Context(), track()))
	for _, fault := range []sim.DNSFault{sim.DNSServFail, sim.DNSNXDomain, sim.DNSEmpty, sim.DNSRefused} {
		d.Fault(ownName, fault)
		o := f.Find(t.Context(), track(live(3)...))
		if o.Inconclusive == "" {
			t.Errorf("%s: conclusive with %v", fault, o.Addrs())
		}
		left := leaving(o, live(3))
		if len(left) != 0 {
			t.Errorf("%s: %v would leave", fault, left)
		}
	}
	d.Fault(ownName, sim.DNSNone)
	o := f.Find(t.Context(), track(live(3)...))
	wantConclusive(t, o)
	wantAddrs(t, o, live(3))
}

// leaving are the targets that the judgement lets go after many rounds that all saw o.
func leaving(o mooring.Observation, ours []netip.Addr) []netip.Addr {
	p := mooring.DefaultPolicy()
	h := mooring.Holding{Port: 443}
	var m mooring.Memory
	for _, a := range ours {
		h.Targets = append(h.Targets, mooring.Target{Addr: a, Port: 443, Health: mooring.HealthUnhealthy})
		m.Addresses = append(m.Addresses, mooring.Entry{Addr: a})
	}
	m.Hostnames = o.Hostnames
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out []netip.Addr
	for range 6 {
		plan := mooring.Decide(p, m, o, h, now)
		for _, t := range plan.Deregister {
			out = append(out, t.Addr)
		}
		m, now = plan.Memory, now.Add(time.Minute)
	}
	return out
}

// A module compared only the first address of an answer with the group, and took the others out.
func TestEveryAddressOfAnAnswerIsSeen(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, addr("10.0.0.1"), addr("10.0.0.2"))
	o := find(t, config(d, ownName), addr("10.0.0.2"), addr("10.0.0.3"))
	wantConclusive(t, o)
	for _, a := range o.Answers {
		if len(a.Addrs) != 2 {
			t.Errorf("an answer of two was read as %v", a.Addrs)
		}
	}
	for _, left := range leaving(o, []netip.Addr{addr("10.0.0.2"), addr("10.0.0.3")}) {
		if left == addr("10.0.0.2") {
			t.Errorf("%s would leave although it is shown", left)
		}
	}
}

// A function took IPv6 answers for IPv4 ones, and registered "<nil>".
func TestAnswersOfTheOtherFamilyAreNotUsed(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, addr("fd00::1"), addr("fd00::2"))
	o := find(t, config(d, ownName))
	wantClass(t, o, lookup.Empty, ownName)
}
