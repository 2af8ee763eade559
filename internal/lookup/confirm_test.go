package lookup_test

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"mooring/internal/lookup"
	"mooring/internal/sim"
)

func TestAgainstAMissingAddressARoundGathersItsShare(t *testing.T) {
	t.Parallel()
	gone := []netip.Addr{addr("10.9.0.1"), addr("10.9.0.2"), addr("10.9.0.3")}
	for _, all := range []bool{true, false} {
		for _, n := range []int{1, 8, 24, 100} {
			d := world(t, sim.DNSConfig{All: all})
			d.Set(elbName, live(n)...)
			c := config(d, elbName)
			o := find(t, c, append(live(n), gone...)...)
			wantConclusive(t, o)
			nats := plainNats(o, elbName, len(gone))
			if nats < c.RoundShare-1e-9 {
				t.Errorf("all. %t, %d addresses: %.2f nats of %.2f", all, n, nats, c.RoundShare)
			}
			if all && nats > c.RoundShare+3 {
				t.Errorf("%d addresses: %.2f nats where %.2f were to be gathered: too many questions", n, nats, c.RoundShare)
			}
		}
	}
}

// Thirty of a hundred leave, under the fifty lookups of an old function's environment: three rounds are proof enough.
func TestThirtyOfAHundredLeaveWithFiftyLookups(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	all := live(100)
	d.Set(elbName, all[:70]...)
	c := config(d, elbName)
	c.MaxLookups = 50
	o := find(t, c, all...)
	wantConclusive(t, o)
	missing := 0
	for _, a := range all {
		if !slices.Contains(o.Addrs(), a) {
			missing++
		}
	}
	if missing != 30 {
		t.Errorf("%d are missing, want 30", missing)
	}
	if nats := plainNats(o, elbName, missing); nats < c.RoundShare-1e-9 {
		t.Errorf("%.2f nats of %.2f", nats, c.RoundShare)
	}
}

func TestALiveAddressThatTheSearchMissedShowsUpAndIsSeen(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(100)...)
	c := config(d, ownName)
	c.MaxLookups = 3
	for range 5 {
		o := find(t, c, live(100)...)
		wantConclusive(t, o)
		if left := leaving(o, live(100)); len(left) != 0 && len(o.Addrs()) < 90 {
			t.Errorf("%d would leave after %d of 100 were seen", len(left), len(o.Addrs()))
		}
		wantAddrs(t, o, live(100)) // three lookups, and then as many as it takes
	}
}

func TestConfirmingEndsAtItsOwnBound(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{PerAnswer: 1})
	d.Set(ownName, live(400)...)
	c := config(d, ownName)
	c.MaxLookups = 5
	o := lookup.New(c).Find(t.Context(), track(append(live(400), addr("10.9.0.1"))...))
	wantConclusive(t, o)
	if got := d.Asked(ownName); got != 605 {
		t.Errorf("asked %d questions, want 5 and 600", got)
	}
}

func TestNobodyIsConfirmedMissingWhenNobodyIs(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(elbName, live(24)...)
	find(t, config(d, elbName), live(24)...)
	if got := d.Asked(elbName); got != 2 {
		t.Errorf("asked %d plain questions", got)
	}
}

func TestWhatOneHostnameShowsIsNotMissingForTheOther(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	other := "internal-other-9." + elbZone
	d.Set(elbName, live(20)...)
	d.Set(other, live(24)[20:]...)
	wantConclusive(t, find(t, config(d, elbName, other), live(24)...))
	if a, b := d.Asked(elbName), d.Asked(other); a != 2 || b != 2 {
		t.Errorf("asked %d and %d plain questions where nobody is missing", a, b)
	}
}

func TestEachHostnameHoldsItsOwnShare(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(elbName, live(20)...)
	d.Set(ownName, live(24)[20:]...)
	c := config(d, elbName, ownName)
	o := find(t, c, append(live(24), addr("10.9.0.1"))...)
	wantConclusive(t, o)
	for _, host := range c.Hostnames {
		if nats := plainNats(o, host, 1); nats < c.RoundShare-1e-9 {
			t.Errorf("%s: %.2f nats of %.2f", host, nats, c.RoundShare)
		}
	}
}

func TestTrackedIsCalledOnceAndOnlyWhenTheSearchIsOver(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(24)...)
	f := finder(config(d, ownName))
	var calls atomic.Int64
	asked := 0
	f.Find(t.Context(), func(context.Context) []netip.Addr {
		calls.Add(1)
		asked = d.Asked(ownName)
		return []netip.Addr{addr("10.9.0.1")}
	})
	if calls.Load() != 1 || asked < 8 {
		t.Errorf("tracked was called %d times, after %d questions", calls.Load(), asked)
	}
	d.Fault(ownName, sim.DNSServFail)
	f.Find(t.Context(), func(context.Context) []netip.Addr { calls.Add(1); return nil })
	if calls.Load() != 1 {
		t.Error("tracked was called in a round that failed")
	}
}

func TestASecondLookSeesWhoCameBack(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(elbName, live(23)...)
	f := finder(config(d, elbName))
	back := live(24)[23]
	first := f.Find(t.Context(), track(live(24)...))
	if slices.Contains(first.Addrs(), back) {
		t.Fatalf("%s was seen before it came back", back)
	}
	d.Set(elbName, live(24)...)
	second := f.Find(t.Context(), track(back))
	wantConclusive(t, second)
	if !slices.Contains(second.Addrs(), back) {
		t.Errorf("%s came back and was not seen", back)
	}
}

// An alias with weights leads here and there. Had it been followed once a round, the half that it did not lead to would
// look absent.
func TestAnAliasWithWeightsIsFollowedAnewForEveryAnswer(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Alias(ownName, elbName, "internal-other-9."+elbZone)
	d.Set(elbName, live(2)...)
	d.Set("internal-other-9."+elbZone, live(4)[2:]...)
	for range 20 {
		o := find(t, config(d, ownName), live(4)...)
		wantConclusive(t, o)
		wantAddrs(t, o, live(4))
	}
}

func TestTheJudgementLetsTheProvedLeaveInTheThirdRound(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(elbName, live(20)...)
	o := find(t, config(d, elbName), live(24)...)
	wantConclusive(t, o)
	if left := leaving(o, live(24)); len(left) < 4 {
		t.Errorf("only %v would leave in six rounds", left)
	}
	for _, a := range leaving(o, live(24)) {
		if slices.Contains(live(20), a) {
			t.Errorf("%s is shown and would leave", a)
		}
	}
}
