package elb_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

// A scope is what Scope returned.
type scope struct {
	ipv6     bool
	prefixes []netip.Prefix
	err      error
}

func scopeOf(ctx context.Context, g *elb.Group) scope {
	six, prefixes, err := g.Scope(ctx)
	return scope{six, prefixes, err}
}

func TestAnIdleGroupsFamilyCostsNoCallOfItsOwn(t *testing.T) {
	h := newHarbour(t)
	h.register(h.group(), target("10.0.1.5"))
	h.aws.Forget()
	g := h.group()
	if _, err := g.Targets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scopeOf(t.Context(), g); got.ipv6 || got.err != nil {
		t.Errorf("%+v, want IPv4", got)
	}
	if calls := h.aws.Calls(); len(calls) != 1 {
		t.Errorf("%d calls, want the list alone", len(calls))
	}
}

func TestAnEmptyGroupsFamilyIsAskedFor(t *testing.T) {
	for name, change := range map[string]func(*sim.TargetGroup){"IPv4": func(*sim.TargetGroup) {}, "IPv6": ipv6} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, change)
			g := h.group()
			if _, err := g.Targets(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := scopeOf(t.Context(), g)
			if got.err != nil || got.ipv6 != h.tg.IPv6 {
				t.Errorf("%+v", got)
			}
			if h.tg.IPv6 && !slices.Equal(got.prefixes, []netip.Prefix{netip.MustParsePrefix("fd00:1::/64")}) {
				t.Errorf("prefixes %v, want those of the VPC's IPv6 subnets", got.prefixes)
			}
			h.wantCalls("DescribeTargetGroups", 1)
		})
	}
}

func TestTheFamilyWaitsForTheFirstList(t *testing.T) {
	h := newHarbour(t)
	h.register(h.group(), target("10.0.1.5"))
	h.aws.Forget()
	g, done := h.group(), make(chan scope)
	go func() { done <- scopeOf(t.Context(), g) }()
	select {
	case got := <-done:
		t.Fatalf("it did not wait: %+v", got)
	default:
	}
	if _, err := g.Targets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.ipv6 || got.err != nil {
		t.Errorf("%+v, want IPv4", got)
	}
	h.wantCalls("DescribeTargetGroups", 0)
}

func TestTheFamilyIsKnownWhereTheSubnetsAreNot(t *testing.T) {
	for name, fault := range map[string]sim.AWSFault{
		"denied": {Denied: true},
		"failed": {Status: 503, Code: "ServiceUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, ipv6)
			h.register(h.inspected(), mooring.Target{Addr: netip.MustParseAddr("fd00:1::5"), Port: 443})
			fault.Action = "DescribeSubnets"
			h.aws.Inject(fault)
			g := h.inspected()
			if _, err := g.Targets(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := scopeOf(t.Context(), g); !got.ipv6 || got.prefixes != nil || got.err != nil {
				t.Errorf("%+v, want IPv6 and no more", got)
			}
			settings, err := g.Inspect(t.Context())
			if err != nil || len(settings.Warnings()) != 1 && name == "denied" {
				t.Errorf("warnings %q, error %v", settings.Warnings(), err)
			}
		})
	}
}

func TestAFamilyThatCannotBeReadIsAnError(t *testing.T) {
	h := newHarbour(t, ipv6)
	h.aws.Inject(sim.AWSFault{Denied: true})
	g := h.group()
	if _, err := g.Targets(t.Context()); !errors.Is(err, mooring.ErrDenied) {
		t.Fatalf("error %v", err)
	}
	if got := scopeOf(t.Context(), g); got.ipv6 || !errors.Is(got.err, mooring.ErrDenied) || !strings.Contains(got.err.Error(), "family of web-443") {
		t.Errorf("%+v, want why it is not known", got)
	}
}

func TestAskingForTheFamilyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := scopeOf(ctx, newHarbour(t).group()); got.ipv6 || got.err == nil {
		t.Errorf("%+v, want IPv4 and an error", got)
	}
}

func TestIPv6TargetsAreRegisteredAndListed(t *testing.T) {
	h := newHarbour(t, ipv6)
	g := h.inspected()
	want := []mooring.Target{{Addr: netip.MustParseAddr("fd00:1::5"), Port: 443}}
	h.register(g, want...)
	got, err := g.Targets(t.Context())
	if err != nil || len(got) != 1 || got[0].Addr != want[0].Addr || got[0].Zone != "us-east-1a" {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestThePortOfTheGroupIsReadOnceWithItsSettings(t *testing.T) {
	h := newHarbour(t)
	g := h.inspected()
	if port, err := g.Port(t.Context()); port != 443 || err != nil {
		t.Errorf("port %d, error %v", port, err)
	}
	h.wantCalls("DescribeTargetGroups", 1)
}

func TestAGroupWithoutAPortSaysSo(t *testing.T) {
	g := newHarbour(t, func(g *sim.TargetGroup) { g.Type, g.Port = "lambda", 0 }).group()
	if port, err := g.Port(t.Context()); port != 0 || err == nil || !strings.Contains(err.Error(), "port of web-443") {
		t.Errorf("port %d, error %v", port, err)
	}
}
