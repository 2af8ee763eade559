package lookup_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/lookup"
)

// classes are the first words of what makes a round inconclusive.
var classes = []lookup.Class{
	lookup.Timeout, lookup.ServFail, lookup.Refused, lookup.NXDomain, lookup.Empty, lookup.Truncated, lookup.Tainted,
	lookup.CNAMELoop, lookup.TooFewServers, lookup.Partial,
}

// longestFind is what Find may take of the world's time: a search, the resolvers in its place, both again when the group takes
// other addresses, and the confirmation, 12 s each.
const longestFind = 5 * 12 * time.Second

// conversing looks up a name whose servers and resolvers are a talk. The options are bits.
func conversing(servers *talk, options byte) lookup.Config {
	p := mooring.DefaultPolicy()
	c := lookup.Config{
		Hostnames: []string{ownName}, Mode: []string{lookup.Auto, lookup.Authoritative, lookup.Resolver, lookup.Auto}[options%4],
		Resolvers:  []netip.AddrPort{netip.MustParseAddrPort("203.0.113.1:53"), netip.MustParseAddrPort("203.0.113.2:53")},
		MaxLookups: 60, RoundShare: p.RoundShare(), Admits: p.Admits, Dial: servers.Dial, Whole: options&8 != 0,
	}
	if options&16 != 0 {
		c.Hostnames = []string{elbName}
	}
	if options&32 != 0 {
		c.Hostnames = append(c.Hostnames, "alias."+ownZone)
	}
	if options&64 != 0 {
		c.Scope = func(context.Context) (lookup.Scope, error) { return lookup.Scope{IPv6: true, Admits: admits6}, nil }
	}
	return c
}

func admits6(a netip.Addr) bool { return netip.MustParsePrefix("fd00::/8").Contains(a) }

// FuzzConversation lets every server that a round meets say anything. The round ends in time and leaves nothing behind,
// and whatever it was told, it says only what may be registered, or why it says nothing.
func FuzzConversation(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add([]byte{}, byte(64))
	f.Add([]byte{silent | aboutHosts, 0}, byte(0))
	f.Add([]byte{silent | aboutServers, 0}, byte(0))
	f.Add([]byte{honest, 0, unheard, 0, cutShort, 0, withCode | aboutZones, 1, 2}, byte(32))
	f.Fuzz(func(t *testing.T, tape []byte, options byte) {
		if len(tape) > 4096 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			servers := newTalk(tape)
			defer servers.close()
			finder := lookup.New(conversing(servers, options))
			for range 2 { // the second round knows what the first one kept
				began := time.Now()
				o := finder.Find(t.Context(), track(addr("10.0.0.9"), addr("fd00::9")))
				if took := time.Since(began); took > longestFind {
					t.Errorf("it took %s", took)
				}
				wantSound(t, o, options)
			}
		})
	})
}

// wantSound wants an observation to be what a judgement may be built on, whoever was asked.
func wantSound(t *testing.T, o mooring.Observation, options byte) {
	t.Helper()
	class, _, _ := strings.Cut(o.Inconclusive, ":")
	if class != "" && !slices.Contains(classes, lookup.Class(class)) || strings.Contains(o.Inconclusive, "panic") {
		t.Errorf("inconclusive: %s", o.Inconclusive)
	}
	if class == "" && len(o.Addrs()) == 0 {
		t.Error("conclusive without an address")
	}
	admits := mooring.DefaultPolicy().Admits
	if options&64 != 0 {
		admits = admits6
	}
	for _, a := range o.Answers {
		if !slices.Contains(o.Hostnames, a.Hostname) || a.TTL < 0 || len(a.Addrs) == 0 {
			t.Errorf("answer %+v", a)
		}
		if !slices.IsSortedFunc(a.Addrs, netip.Addr.Compare) || len(slices.Compact(slices.Clone(a.Addrs))) != len(a.Addrs) {
			t.Errorf("not sorted, or not unique: %v", a.Addrs)
		}
		for _, x := range a.Addrs {
			if !admits(x) || x.Is4In6() || x.Zone() != "" {
				t.Errorf("%s was taken from %s", x, a.Server)
			}
		}
	}
}

// What the tapes are fuzzed from must be a world in which all is well: else most of them fail for the same reason.
func TestServersThatAreHonestAreUnderstood(t *testing.T) {
	for options := range byte(128) {
		if options%8 > 2 {
			continue // as one before
		}
		synctest.Test(t, func(t *testing.T) {
			servers := newTalk(nil)
			defer servers.close()
			o := lookup.New(conversing(servers, options)).Find(t.Context(), track())
			wantSound(t, o, options)
			wantConclusive(t, o)
		})
	}
}
