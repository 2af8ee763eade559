package elb_test

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

// shown is a name that shows some addresses, from its own zone's server.
type shown []netip.Addr

func (s shown) Find(context.Context, func(context.Context) []netip.Addr) mooring.Observation {
	return mooring.Observation{Hostnames: []string{"app.example.com"}, Answers: []mooring.Answer{
		{Hostname: "app.example.com", Addrs: s, Server: "192.0.2.53:53", Plain: true, Authoritative: true},
	}}
}

// blank is a memory that starts over each time.
type blank struct{}

func (blank) Load(context.Context) (mooring.Memory, string, error) { return mooring.Memory{}, "", nil }

func (blank) Save(context.Context, mooring.Memory, string) (string, error) {
	return "tag", nil
}

func keeperOf(g *elb.Group, addrs ...netip.Addr) *mooring.Keeper {
	return &mooring.Keeper{
		Binding: mooring.Binding{Name: "web-443", Hostnames: []string{"app.example.com"}, Port: 443, TargetGroup: arn},
		Policy:  mooring.DefaultPolicy(), Finder: shown(addrs), Group: g, Store: blank{},
		Program: "test", Log: slog.New(slog.DiscardHandler), Now: time.Now, Decide: mooring.Decide,
	}
}

func TestARoundSaysWhatItCouldNotConfirm(t *testing.T) {
	h := newHarbour(t)
	h.aws.Inject(sim.AWSFault{Action: "RegisterTargets", Lost: true})
	report := keeperOf(h.group(), netip.MustParseAddr("10.0.1.5")).Round(t.Context())
	if !strings.HasPrefix(report.Error, "could not confirm: register targets of web-443") || len(report.Registered) != 0 {
		t.Errorf("registered %v, error %q", report.Registered, report.Error)
	}
	h.wantRegistered("10.0.1.5:443@us-east-1a")
}

func TestARoundOnAGroupOfTheWrongTypeWritesNothing(t *testing.T) {
	h := newHarbour(t, func(g *sim.TargetGroup) { g.Type = "instance" })
	report := keeperOf(h.group(), netip.MustParseAddr("10.0.1.5")).Round(t.Context())
	if !strings.Contains(report.Error, "must be of type ip") {
		t.Errorf("error %q", report.Error)
	}
	for _, c := range h.aws.Calls() {
		if c.Writes() {
			t.Errorf("%s was called", c.Action)
		}
	}
}

func TestAnIdleRoundIsOneCall(t *testing.T) {
	h := newHarbour(t)
	g := h.group()
	keeper := keeperOf(g, netip.MustParseAddr("10.0.1.5"))
	keeper.Round(t.Context())
	settings, err := g.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings.CrossZone(t.Context()) // which the round began to read and did not wait for
	h.aws.Forget()
	if report := keeper.Round(t.Context()); !report.OK() {
		t.Errorf("%q %q", report.Error, report.Inconclusive)
	}
	if calls := h.aws.Calls(); len(calls) != 1 || calls[0].Action != "DescribeTargetHealth" {
		t.Errorf("%+v", calls)
	}
}
