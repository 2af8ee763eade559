package sim_test

import (
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mooring/internal/sim"
)

const dnsName = "web.eu-west-1.elb.amazonaws.com"

func servers(t *testing.T, c sim.DNSConfig) *sim.DNS {
	t.Helper()
	d, err := sim.NewDNS(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func addresses(n int) []netip.Addr {
	var out []netip.Addr
	for i := range n {
		out = append(out, netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}))
	}
	return out
}

// ask asks with a client that is not ours.
func ask(t *testing.T, d *sim.DNS, network string, server netip.AddrPort, name string, qtype uint16) *dns.Msg {
	t.Helper()
	conn, err := d.Dial(t.Context(), network, server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	answer, _, err := new(dns.Client).ExchangeWithConnContext(t.Context(), m, &dns.Conn{Conn: conn})
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	return answer
}

func shown(m *dns.Msg) []netip.Addr {
	var out []netip.Addr
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			addr, _ := netip.AddrFromSlice(a.A.To4())
			out = append(out, addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

func TestZoneServersShowARandomEightOfAll(t *testing.T) {
	d := servers(t, sim.DNSConfig{Seed: 1, All: true})
	d.Set(dnsName, addresses(24)...)
	seen := map[netip.Addr]bool{}
	for i := range 60 {
		server := d.Servers("eu-west-1.elb.amazonaws.com")[i%4]
		m := ask(t, d, []string{"udp", "tcp"}[i%2], server, dnsName, dns.TypeA)
		if got := shown(m); len(slices.Compact(got)) != 8 || !m.Authoritative || m.Answer[0].Header().Ttl != 60 {
			t.Fatalf("an answer of %v, TTL %d", got, m.Answer[0].Header().Ttl)
		}
		for _, a := range shown(m) {
			seen[a] = true
		}
	}
	if len(seen) != 24 {
		t.Errorf("60 answers showed %d of 24", len(seen))
	}
	whole := ask(t, d, "tcp", d.Servers("eu-west-1.elb.amazonaws.com")[0], "all."+dnsName, dns.TypeA)
	if len(shown(whole)) != 24 {
		t.Errorf("all. showed %d of 24", len(shown(whole)))
	}
	if d.Asked(dnsName) != 60 {
		t.Errorf("%d questions counted, 60 asked", d.Asked(dnsName))
	}
}

func TestTheResolverKeepsOneCopyUntilItRunsOut(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Unix(1_800_000_000, passed.Load()) }
	d := servers(t, sim.DNSConfig{Seed: 1, Now: now})
	d.Set(dnsName, addresses(24)...)
	first := ask(t, d, "udp", d.Resolver(), dnsName, dns.TypeA)
	passed.Add(int64(25 * time.Second))
	second := ask(t, d, "udp", d.Resolver(), dnsName, dns.TypeA)
	if !slices.Equal(shown(first), shown(second)) || second.Answer[0].Header().Ttl != 35 {
		t.Errorf("the copy is %v with TTL %d, was %v", shown(second), second.Answer[0].Header().Ttl, shown(first))
	}
	passed.Add(int64(35 * time.Second))
	third := ask(t, d, "udp", d.Resolver(), dnsName, dns.TypeA)
	if slices.Equal(shown(first), shown(third)) || third.Answer[0].Header().Ttl != 60 {
		t.Errorf("the copy outlived its TTL: %v, TTL %d", shown(third), third.Answer[0].Header().Ttl)
	}
}

func TestTheResolverLeadsToTheZonesServers(t *testing.T) {
	d := servers(t, sim.DNSConfig{Servers: 3})
	m := ask(t, d, "udp", d.Resolver(), "eu-west-1.elb.amazonaws.com", dns.TypeNS)
	if len(m.Answer) != 3 {
		t.Fatalf("%d name servers, want 3", len(m.Answer))
	}
	for i, rr := range m.Answer {
		a := ask(t, d, "udp", d.Resolver(), rr.(*dns.NS).Ns, dns.TypeA)
		if got := shown(a); len(got) != 1 || got[0] != d.Servers("eu-west-1.elb.amazonaws.com")[i].Addr() {
			t.Errorf("%s is at %v", rr.(*dns.NS).Ns, got)
		}
	}
	for _, above := range []string{"elb.amazonaws.com", "amazonaws.com"} {
		if m := ask(t, d, "udp", d.Resolver(), above, dns.TypeNS); len(m.Answer) != 0 || m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s: %s", above, m)
		}
	}
}

func TestTheSameSeedShowsTheSame(t *testing.T) {
	var all [2][]netip.Addr
	for i := range all {
		d := servers(t, sim.DNSConfig{Seed: 42})
		d.Set(dnsName, addresses(100)...)
		all[i] = shown(ask(t, d, "tcp", d.Servers("eu-west-1.elb.amazonaws.com")[1], dnsName, dns.TypeA))
	}
	if !slices.Equal(all[0], all[1]) {
		t.Errorf("%v, and %v", all[0], all[1])
	}
}

func TestOverAFixedPortTheServersHaveAddressesOfTheirOwn(t *testing.T) {
	d, err := sim.NewDNS(sim.DNSConfig{Port: 53})
	if err != nil && os.Getenv("MOORING_REQUIRE_NAMESPACE") == "" {
		t.Skipf("port 53 of 127.83.0.1 is not to be had: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Set(dnsName, addresses(3)...)
	m := new(dns.Msg).SetQuestion(dns.Fqdn(dnsName), dns.TypeA)
	answer, _, err := new(dns.Client).ExchangeContext(t.Context(), m, d.Resolver().String())
	if err != nil || len(shown(answer)) != 3 {
		t.Errorf("%v %v", answer, err)
	}
}
