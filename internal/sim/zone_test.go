package sim_test

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"mooring/internal/sim"
)

func TestAZoneIsAsTheWordsSay(t *testing.T) {
	some := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.9")}
	for words, want := range map[string]sim.Zone{
		"answers=3":                          {Answer: 3},
		"all=yes":                            {All: true},
		"ttl=90s":                            {TTL: 90 * time.Second},
		"cache=1m":                           {Cache: time.Minute},
		"max-lookups=7":                      {MaxLookups: 7},
		"servers=4":                          {Servers: 4},
		"hosts=3":                            {Hosts: 3},
		"behind=0s,5m":                       {Behind: []time.Duration{0, 5 * time.Minute}},
		"skew=10s":                           {Skew: 10 * time.Second},
		"sticky=1h":                          {Sticky: time.Hour},
		"light=10.0.0.9,10.0.0.1-2":          {Light: some},
		"weight=0.25":                        {Weight: 0.25},
		"failing=no,lame,timeout":            {Failing: []sim.Fault{"", sim.Lame, sim.FailTimeout}},
		"added=10.0.0.1-2,10.0.0.9,10.0.0.1": {Added: some},
		"hidden=10.0.0.1-2,10.0.0.9":         {Hidden: some},
		"resolvers=2":                        {Resolvers: 2},
		"cut=yes":                            {Cut: true},
		"serve-stale=yes":                    {ServeStale: true},
	} {
		var z sim.Zone
		if err := z.Set(words); err != nil || !reflect.DeepEqual(z, want) {
			t.Errorf("%s: %v: %+v", words, err, z)
		}
	}
}

// A script that is misread would pass for a world that was tried.
func TestWhatAZoneCannotBeIsAnError(t *testing.T) {
	for _, words := range []string{
		"speed=9", "answers=few", "ttl=90", "behind=0s,late", "failing=tired", "failing=", "light=10.0", "weight=0", "weight=NaN", "weight=2",
		"hidden=10.0.0.0-10.0.0.1-", "sticky",
	} {
		if z := (sim.Zone{}); z.Set(words) == nil {
			t.Errorf("%s: taken as %+v", words, z)
		}
	}
}

func TestAWordChangesNothingElseAndNoneIsNone(t *testing.T) {
	z := sim.Zone{Answer: 8, Light: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Behind: []time.Duration{time.Hour}, Cut: true}
	if err := z.Set("light=none", "behind=none", "cut=no", "servers=3"); err != nil {
		t.Fatal(err)
	}
	if want := (sim.Zone{Answer: 8, Servers: 3}); z.Answer != want.Answer || z.Servers != 3 || len(z.Light)+len(z.Behind) > 0 || z.Cut {
		t.Errorf("%+v", z)
	}
}

// What every oddity draws can be said, and ends by Calm.
func TestEveryOddityIsOverWhenTheZoneIsCalm(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for _, way := range sim.Oddities() {
			z := sim.Zone{Answer: 8, MaxLookups: 200, Servers: 3}
			if err := z.Set(append(sim.Odd(rng, way, 3, addresses(9)), sim.OddHosts(rng))...); err != nil {
				t.Errorf("%s: %v", way, err)
			}
			if odd := z; reflect.DeepEqual(odd, sim.Zone{Answer: 8, MaxLookups: 200, Servers: 3, Hosts: z.Hosts}) {
				t.Errorf("%s is nothing odd: %+v", way, z)
			}
			z.Calm()
			if z.Weight = 0; !reflect.DeepEqual(z, sim.Zone{Answer: 8, MaxLookups: 200, Servers: 3}) {
				t.Errorf("%s goes on: %+v", way, z)
			}
		}
	}
}
