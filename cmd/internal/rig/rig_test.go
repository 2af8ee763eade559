package rig

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func TestWhatIsKnownOfAnIPv6GroupsScope(t *testing.T) {
	const arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"
	inside, outside := netip.MustParseAddr("fd00:1::1"), netip.MustParseAddr("fd00:2::1")
	for name, c := range map[string]struct {
		fault              *sim.AWSFault
		ipv6, all, passing bool // all: outside the subnets too
		fails              bool
	}{
		"all":                   {ipv6: true},
		"not the subnets":       {fault: &sim.AWSFault{Action: "DescribeSubnets", Denied: true}, ipv6: true, all: true, passing: true},
		"nothing, it may not":   {fault: &sim.AWSFault{Action: "DescribeTargetGroups", Denied: true}, all: true, passing: true},
		"nothing, it is broken": {fault: &sim.AWSFault{Action: "DescribeTargetGroups", Status: 400, Code: "InternalFailure"}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			world := sim.NewAWS(&sim.TargetGroup{
				ARN: arn, Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443, IPv6: true,
				Subnets: []sim.Subnet{{ID: "subnet-6", Prefix: netip.MustParsePrefix("fd00:1::/64"), Zone: "us-east-1a"}},
			})
			if c.fault != nil {
				world.Inject(*c.fault)
			}
			endpoint, err := sim.StartAWS(world)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = endpoint.Close() })
			group := elb.Connect(aws.Config{
				Region: "us-east-1", BaseEndpoint: &endpoint.URL, HTTPClient: replies(nil),
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
			}, elb.Config{Name: "web", ARN: arn, Port: 443})
			if _, err := group.Targets(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := scopeOf(config.Config{Policy: mooring.DefaultPolicy()}, group)(t.Context())
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if err == nil && (got.IPv6 != c.ipv6 || got.Provisional != c.passing || !got.Admits(inside) || got.Admits(outside) != c.all) {
				t.Errorf("%+v, admits the one outside: %t", got, got.Admits(outside))
			}
		})
	}
}

// sink is an HTTP client that looks at what it is to send.
type sink func(*http.Request)

func (s sink) Do(r *http.Request) (*http.Response, error) {
	s(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestARequestsBodyIsReadAndNotLeftToWriteItself(t *testing.T) {
	var got string
	client := wholeReplies{next: sink(func(r *http.Request) {
		if _, ok := r.Body.(io.WriterTo); ok {
			t.Error("the body has a WriteTo, which fails when the body is closed early")
		}
		text, err := io.ReadAll(r.Body)
		if got = string(text); err != nil {
			t.Error(err)
		}
	})}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://192.0.2.1", strings.NewReader("Action=x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(request); err != nil || got != "Action=x" {
		t.Errorf("%q was sent, error %v", got, err)
	}
}
