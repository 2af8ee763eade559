package elb_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

const arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web-443/73e2d6bc24d8a067"

// A harbour is one target group on loopback, and the real SDK's way to it.
type harbour struct {
	t   testing.TB
	aws *sim.AWS
	tg  *sim.TargetGroup
	cfg aws.Config
}

func newHarbour(t testing.TB, change ...func(*sim.TargetGroup)) *harbour {
	t.Helper()
	tg := &sim.TargetGroup{
		ARN: arn, Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443, DrainFor: time.Hour,
		Subnets: harbourSubnets(),
		Refuse:  map[netip.Addr]string{},
	}
	for _, f := range change {
		f(tg)
	}
	h := &harbour{t: t, aws: sim.NewAWS(tg), tg: tg}
	endpoint, err := sim.StartAWS(h.aws)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	h.cfg = aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint.URL, HTTPClient: whole{http.DefaultClient},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
	}
	return h
}

func harbourSubnets() []sim.Subnet {
	return []sim.Subnet{
		{ID: "subnet-a", Prefix: netip.MustParsePrefix("10.0.0.0/20"), Zone: "us-east-1a", ZoneID: "use1-az4"},
		{ID: "subnet-b", Prefix: netip.MustParsePrefix("10.0.16.0/20"), Zone: "us-east-1b", ZoneID: "use1-az1"},
	}
}

// whole hides the WriteTo of requests' bodies, as the command's client does: in smithy-go v1.28.9 it fails when the
// SDK closes the body, and the reply is then cut off.
type whole struct{ *http.Client }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.Client.Do(r)
}

// group is the group as a new process sees it.
func (h *harbour) group(change ...func(*elb.Config)) *elb.Group {
	c := elb.Config{Name: "web-443", ARN: arn, Port: 443}
	for _, f := range change {
		f(&c)
	}
	return elb.Connect(h.cfg, c)
}

// inspected is the group when it has read all of its settings.
func (h *harbour) inspected(change ...func(*elb.Config)) *elb.Group {
	h.t.Helper()
	g := h.group(change...)
	settings, err := g.Inspect(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	settings.CrossZone(h.t.Context())
	return g
}

func withZone(zone string) func(*elb.Config) { return func(c *elb.Config) { c.Zone = zone } }

func allowed() error { return nil }

// register registers addresses, and wants no error.
func (h *harbour) register(g *elb.Group, targets ...mooring.Target) mooring.Outcome {
	h.t.Helper()
	out, err := g.Register(h.t.Context(), targets, allowed)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// registered is what the group truly holds, without draining targets, as ADDR:PORT@ZONE.
func (h *harbour) registered() []string {
	var out []string
	for _, s := range h.tg.Describe(time.Now()) {
		if s.State != "draining" {
			out = append(out, fmt.Sprintf("%s@%s", netip.AddrPortFrom(s.Addr, s.Port), s.Zone))
		}
	}
	return out
}

func (h *harbour) wantRegistered(want ...string) {
	h.t.Helper()
	if got := h.registered(); !slices.Equal(got, want) {
		h.t.Errorf("the group holds %v, want %v", got, want)
	}
}

func (h *harbour) wantCalls(action string, want int) {
	h.t.Helper()
	if got := h.aws.Count(action); got != want {
		h.t.Errorf("%d calls of %s, want %d", got, action, want)
	}
}

func target(addr string) mooring.Target {
	return mooring.Target{Addr: netip.MustParseAddr(addr), Port: 443}
}

func learned(addr, zone string) mooring.Target {
	t := target(addr)
	t.Zone = zone
	return t
}

// fleet is n targets from an address on.
func fleet(first string, n int) []mooring.Target {
	var out []mooring.Target
	for a := netip.MustParseAddr(first); len(out) < n; a = a.Next() {
		out = append(out, mooring.Target{Addr: a, Port: 443})
	}
	return out
}

// zones says what was learned, as ADDR=ZONE, in the order of confirmation.
func zones(out mooring.Outcome) []string {
	var text []string
	for _, t := range out.Registered {
		text = append(text, t.Addr.String()+"="+t.Zone)
	}
	slices.Sort(text)
	return text
}

func wantZones(t testing.TB, out mooring.Outcome, want ...string) {
	t.Helper()
	if got := zones(out); !slices.Equal(got, want) {
		t.Errorf("confirmed %v, want %v", got, want)
	}
}

// refusals are who was refused; every one must have a reason with these words.
func refusals(t testing.TB, out mooring.Outcome, words string) []netip.Addr {
	t.Helper()
	var addrs []netip.Addr
	for _, f := range out.Refused {
		addrs = append(addrs, f.Target.Addr)
		if !strings.Contains(f.Reason, words) {
			t.Errorf("%s was refused for %q, want %q in it", f.Target.Addr, f.Reason, words)
		}
	}
	return addrs
}

func contextOf(t testing.TB, limit time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), limit)
}
