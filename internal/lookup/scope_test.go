package lookup_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mooring/internal/lookup"
	"mooring/internal/sim"
)

func TestWhileTheFamilyIsNotKnownARoundCountsAgainstNobody(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	c := config(d, ownName)
	var failure error
	c.Scope = func(context.Context) (lookup.Scope, error) { return lookup.Scope{}, failure }
	f := finder(c)
	failure = errors.New("service unavailable")
	for range 2 {
		o := f.Find(t.Context(), func(context.Context) []netip.Addr {
			t.Error("it was asked who is missing")
			return nil
		})
		wantClass(t, o, lookup.Timeout, ownName)
		if !strings.Contains(o.Inconclusive, "the family of the target group is not known: service unavailable") {
			t.Errorf("inconclusive %q", o.Inconclusive)
		}
		wantAddrs(t, o, live(3)) // registering what was seen does no harm
	}
	failure = nil
	wantConclusive(t, f.Find(t.Context(), track()))
	failure = errors.New("service unavailable") // the family stays known
	wantConclusive(t, f.Find(t.Context(), track()))
}

func TestAFamilyThatWasOnlyAssumedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	six := addr("fd00::1")
	d.Set(ownName, append(live(3), six)...)
	c := config(d, ownName)
	scopes := []lookup.Scope{{Provisional: true}, {IPv6: true, Provisional: true}, {IPv6: true}}
	asked := 0
	c.Scope = func(context.Context) (lookup.Scope, error) {
		asked++
		return scopes[asked-1], nil
	}
	f := finder(c)
	for _, want := range [][]netip.Addr{live(3), {six}, {six}, {six}} {
		o := f.Find(t.Context(), track())
		wantConclusive(t, o)
		wantAddrs(t, o, want)
	}
	if asked != len(scopes) {
		t.Errorf("the scope was asked for %d times, want %d", asked, len(scopes))
	}
}

func TestAnAddressInASubnetThatIsNewMakesTheScopeBeAskedForAgain(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	first, later := addr("fd00:1::1"), addr("fd00:2::1")
	d.Set(ownName, first)
	c := config(d, ownName)
	subnets := []netip.Prefix{netip.MustParsePrefix("fd00:1::/64")}
	asked := 0
	c.Scope = func(context.Context) (lookup.Scope, error) {
		asked++
		known := slices.Clone(subnets)
		return lookup.Scope{IPv6: true, Admits: func(a netip.Addr) bool {
			return slices.ContainsFunc(known, func(p netip.Prefix) bool { return p.Contains(a) })
		}}, nil
	}
	f := finder(c)
	f.Find(t.Context(), track())
	d.Set(ownName, first, later)
	wantClass(t, f.Find(t.Context(), track()), lookup.Tainted, ownName)
	subnets = append(subnets, netip.MustParsePrefix("fd00:2::/64"))
	o := f.Find(t.Context(), track())
	wantConclusive(t, o)
	wantAddrs(t, o, []netip.Addr{first, later})
	f.Find(t.Context(), track())
	if asked != 3 {
		t.Errorf("the scope was asked for %d times, want 3: at first, and when an address was in no subnet", asked)
	}
}
