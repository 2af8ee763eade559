package lookup_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
)

const (
	elbZone = "eu-west-1.elb.amazonaws.com"
	elbName = "internal-web-123." + elbZone
	ownZone = "corp.example"
	ownName = "web." + ownZone
)

// live are n addresses that may be registered.
func live(n int) []netip.Addr {
	var out []netip.Addr
	for i := range n {
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(i%250 + 1)}))
	}
	return out
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// world starts name servers for the load balancers' zone and one of our own.
func world(t *testing.T, c sim.DNSConfig) *sim.DNS {
	t.Helper()
	if c.Zones == nil {
		c.Zones = []string{elbZone, ownZone}
	}
	d, err := sim.NewDNS(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// config looks one name up as the commands do by default.
func config(d *sim.DNS, names ...string) lookup.Config {
	p := mooring.DefaultPolicy()
	return lookup.Config{
		Hostnames: names, Mode: lookup.Auto, Resolvers: []netip.AddrPort{d.Resolver()},
		MaxLookups: 200, RoundShare: p.RoundShare(), Admits: p.Admits, Dial: d.Dial,
	}
}

func find(t *testing.T, c lookup.Config, tracked ...netip.Addr) mooring.Observation {
	t.Helper()
	return finder(c).Find(t.Context(), track(tracked...))
}

// finder has half of the patience that it would have outside of tests.
func finder(c lookup.Config) *lookup.Finder {
	f := lookup.New(c)
	f.SetPatience(500 * time.Millisecond)
	return f
}

func track(addrs ...netip.Addr) func(context.Context) []netip.Addr {
	return func(context.Context) []netip.Addr { return addrs }
}

func sorted(addrs []netip.Addr) []netip.Addr {
	out := slices.Clone(addrs)
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

func wantAddrs(t *testing.T, o mooring.Observation, want []netip.Addr) {
	t.Helper()
	if got := o.Addrs(); !slices.Equal(got, sorted(want)) {
		t.Errorf("observed %d addresses %v,\nwant %d: %v (%s)", len(got), got, len(want), want, o.Inconclusive)
	}
}

func wantConclusive(t *testing.T, o mooring.Observation) {
	t.Helper()
	if o.Inconclusive != "" {
		t.Errorf("inconclusive: %s", o.Inconclusive)
	}
}

// wantClass checks the first word, and that the hostname is named.
func wantClass(t *testing.T, o mooring.Observation, class lookup.Class, host string) {
	t.Helper()
	if word, rest, _ := strings.Cut(o.Inconclusive, ": "); word != string(class) || !strings.Contains(rest, host) {
		t.Errorf("inconclusive %q, want class %s for %s", o.Inconclusive, class, host)
	}
}

// plainNats is what a round holds against n missing addresses, from plain answers about one hostname.
func plainNats(o mooring.Observation, host string, n int) (nats float64) {
	known := map[netip.Addr]bool{}
	for _, a := range o.Answers {
		for _, x := range a.Addrs {
			known[x] = known[x] || a.Hostname == host
		}
	}
	d := n
	for _, mine := range known {
		if mine {
			d++
		}
	}
	for _, a := range o.Answers {
		if a.Plain && a.Hostname == host {
			nats += mooring.Silence(len(a.Addrs), d)
		}
	}
	return nats
}
