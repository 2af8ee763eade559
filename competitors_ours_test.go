package mooring_test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
	"mooring/internal/store"
)

// A pier is where ours lives the minutes of others: it asks real name servers on loopback, and a real store holds its
// memory. Only the group is the minute's, and notes what is done to it.
type pier struct {
	in     minute
	did    action
	memory store.Memory
}

func (p *pier) Targets(context.Context) ([]mooring.Target, error) { return p.in.group, nil }

func (p *pier) Register(_ context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	if err := permit(); err != nil {
		return mooring.Outcome{}, err
	}
	p.did.register = append(p.did.register, addrPorts(targets)...)
	return mooring.Outcome{Registered: targets}, nil
}

func (p *pier) Deregister(_ context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := permit(); err != nil {
		return nil, err
	}
	p.did.deregister = append(p.did.deregister, addrPorts(targets)...)
	return targets, nil
}

func (p *pier) Load(ctx context.Context) (mooring.Memory, string, error) {
	if p.in.state != nil {
		return mooring.Memory{}, "", p.in.state
	}
	return p.memory.Load(ctx)
}

func (p *pier) Save(ctx context.Context, m mooring.Memory, tag string) (string, error) {
	return p.memory.Save(ctx, m, tag)
}

func addrPorts(targets []mooring.Target) (out []netip.AddrPort) {
	for _, t := range targets {
		out = append(out, netip.AddrPortFrom(t.Addr, t.Port))
	}
	return out
}

// ours lives a minute as a round of a Keeper. Of its action, everything is what the round did to its world.
func ours(t *testing.T, ownsGroup bool) rule {
	t.Helper()
	servers, err := sim.NewDNS(sim.DNSConfig{Zones: []string{"example"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	p, now, policy := &pier{}, noon, mooring.DefaultPolicy()
	policy.Admit = append(slices.Clone(policy.Admit), netip.MustParsePrefix("2600:1f18::/32"))
	if ownsGroup {
		p.remember(t, knowing("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.9"))
	}
	keeper := &mooring.Keeper{
		Binding: mooring.Binding{Name: "web-443", Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:web"},
		Policy:  policy, Group: p, Store: p,
		Finder: lookup.New(lookup.Config{
			Hostnames: []string{"app.example"}, Mode: lookup.Auto, Resolvers: []netip.AddrPort{servers.Resolver()},
			MaxLookups: 200, RoundShare: policy.RoundShare(), Admits: policy.Admits, Dial: servers.Dial,
		}),
		Program: "test", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return now }, Decide: mooring.Decide,
	}
	return func(in minute) action {
		now, p.in, p.did = now.Add(time.Minute), in, action{}
		show(servers, in)
		p.did.failed = !keeper.Round(t.Context()).OK()
		p.did.saved = p.missed(t, netip.MustParseAddr("10.0.0.9"))
		return p.did
	}
}

// show makes the name servers answer as they do in a minute. A name without addresses has an empty answer.
func show(servers *sim.DNS, in minute) {
	fault := sim.DNSNone
	if in.err != nil {
		fault = sim.DNSServFail
	}
	servers.Set("app.example", in.dns...)
	servers.Fault("app.example", fault)
	servers.FaultResolver("app.example", fault)
}

func (p *pier) remember(t *testing.T, m mooring.Memory) {
	t.Helper()
	m.Version, m.Revision = mooring.MemoryVersion, 1
	if _, err := p.memory.Save(t.Context(), m, ""); err != nil {
		t.Fatal(err)
	}
}

// missed is the count of misses that is stored for an address; -1: it is not known there.
func (p *pier) missed(t *testing.T, addr netip.Addr) int {
	t.Helper()
	m, _, err := p.memory.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Addresses, func(e mooring.Entry) bool { return e.Addr == addr })
	if i < 0 {
		return -1
	}
	return m.Addresses[i].Missed
}
