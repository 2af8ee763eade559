package rig_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/logs"
	"mooring/internal/probe"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

// A verified is a binding in a world with load balancers, whose fixed addresses are this machine's.
type verified struct {
	*rigtest.World
	elb  *sim.ELBv2
	port uint16
	site *httptest.Server
	role string // of the binding
}

// newVerified has one zone, for many systems have only one address on loopback, and clients that are served.
func newVerified(t *testing.T) *verified {
	t.Helper()
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	for _, pair := range w.AWSEnvironment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	v := &verified{World: w}
	v.elb, _ = w.Front()
	v.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != fmt.Sprintf("%s:%d", rigtest.Name, v.port) {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(v.site.Close)
	v.port = netip.MustParseAddrPort(v.site.Listener.Addr().String()).Port()
	nlb := &v.elb.LoadBalancers[1]
	nlb.Zones = []string{"eu-west-1a"}
	nlb.Addresses = map[string][]sim.Address{"eu-west-1a": {{IP: netip.MustParseAddr("127.0.0.1")}}}
	v.elb.Listeners[1].Port = v.port
	v.serve(t, 3)
	return v
}

// serve makes the name have so many addresses, which are all registered and healthy.
func (v *verified) serve(t *testing.T, n int) {
	t.Helper()
	v.DNS.Set(rigtest.Name, rigtest.Addrs(1, n)...)
	var targets []sim.TargetDescription
	for _, a := range rigtest.Addrs(1, n) {
		targets = append(targets, sim.TargetDescription{Addr: a, Port: rigtest.Port})
	}
	if err := v.Group.Register(v.Now(), targets); err != nil {
		t.Fatal(err)
	}
	v.Pass(time.Minute)
}

func (v *verified) configs(t *testing.T) []config.Config {
	t.Helper()
	flags := map[string]string{
		"hostname": rigtest.Name, "port": "443", "target-group": rigtest.ARN, "memory": "none", "resolver": v.DNS.Resolver().String(),
	}
	if v.role != "" {
		flags["role-arn"] = v.role
	}
	configs, err := config.Load(t.Context(), func(name string) ([]string, bool) { s, ok := flags[name]; return []string{s}, ok },
		func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return configs
}

func (v *verified) verify(t *testing.T, o rig.VerifyOptions) probe.Verdict {
	t.Helper()
	configs := v.configs(t)
	if o.Scheme == "" {
		o.Scheme = probe.HTTP
	}
	if o.Log == nil {
		o.Log = func(cfg aws.Config) rig.LogReader { return logs.Connect(cfg) }
	}
	all := rig.VerifyAll(t.Context(), configs, rig.Options{Log: slog.New(slog.DiscardHandler), Dial: v.DNS.Dial}, o)
	if len(all.Bindings) != 1 || all.OK != all.Bindings[0].OK || all.SchemaVersion != 1 {
		t.Fatalf("%+v", all)
	}
	return all.Bindings[0]
}

// check finds one by its name.
func check(t *testing.T, v probe.Verdict, name string) probe.Check {
	t.Helper()
	i := slices.IndexFunc(v.Checks, func(c probe.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %s in %+v", name, v.Checks)
	}
	return v.Checks[i]
}

// withMoto lets moto answer for logs, and gives the function a log with these events.
func (v *verified) withMoto(t *testing.T, function string, events ...string) {
	t.Helper()
	at, err := url.Parse(mototest.Endpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	v.AWS.Other = httputil.NewSingleHostReverseProxy(at)
	client := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "eu-west-1", BaseEndpoint: &v.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	group, stream := aws.String("/aws/lambda/"+function), aws.String("one")
	if _, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream}
	began := time.Now().Add(-time.Duration(len(events)) * time.Second)
	for i, text := range events {
		written := began.Add(time.Duration(i) * time.Second).UnixMilli()
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Message: aws.String(text), Timestamp: &written})
	}
	if _, err := client.PutLogEvents(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// line is what a round leaves in the log.
func line(t *testing.T, r mooring.Report) string {
	t.Helper()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("round", slog.Any("report", r))
	return out.String()
}

func (v *verified) counted(value float64) {
	v.CloudWatch.Put(sim.Datum{
		Namespace: "Mooring", Name: "ResolvedAddresses", Value: value, At: time.Now(),
		Dimensions: map[string]string{"Binding": "web-443", "TargetGroup": "targetgroup/web/0123456789abcdef"},
	})
}

func TestVerifySeesThatAllIsWell(t *testing.T) {
	v := newVerified(t)
	seen := mooring.Report{Binding: "web-443", Resolved: rigtest.Addrs(1, 3)}
	v.withMoto(t, "well", "START RequestId: 1", line(t, mooring.Report{Binding: "web-443", Resolved: rigtest.Addrs(1, 9)}),
		line(t, seen), line(t, mooring.Report{Binding: "other-443"}), "{not json", "END RequestId: 1")
	v.counted(3)
	got := v.verify(t, rig.VerifyOptions{Function: "arn:aws:lambda:eu-west-1:111122223333:function:well", Strict: true})
	if !got.OK {
		t.Errorf("%q", got.Failures())
	}
	for _, c := range got.Checks {
		if c.State != probe.Pass && c.Name != "certificate" {
			t.Errorf("%+v", c)
		}
	}
	if len(got.Answers) != 1 || got.Answers[0].Zone != "eu-west-1a" || got.Answers[0].Port != v.port || got.Answers[0].Status != 200 {
		t.Errorf("%+v", got.Answers)
	}
	for _, c := range v.AWS.Calls() {
		if c.Writes() {
			t.Errorf("it called %s", c.Action)
		}
	}
}

func TestVerifyTellsApartWhatIsNotWell(t *testing.T) {
	v := newVerified(t)
	v.withMoto(t, "unwell", line(t, mooring.Report{Binding: "web-443", Resolved: rigtest.Addrs(1, 2)}))
	v.counted(2)
	v.DNS.Set(rigtest.Name, rigtest.Addrs(2, 4)...)
	v.Group.Adjust(func(g *sim.TargetGroup) { g.Sick = map[netip.Addr]bool{rigtest.Addrs(2, 2)[0]: true} })
	v.Pass(10 * time.Minute)
	got := v.verify(t, rig.VerifyOptions{Function: "unwell", Host: "other.example.com"})
	want := map[string]probe.State{
		"addresses": probe.Pass, "connect": probe.Pass, "answer": probe.Fail, "certificate": probe.Skipped,
		"targets": probe.Fail, "metric": probe.Fail, "log": probe.Fail, "schedule": probe.Pass,
	}
	for name, state := range want {
		if c := check(t, got, name); c.State != state {
			t.Errorf("%+v, want %s", c, state)
		}
	}
	targets := got.Targets
	if rigtest.Strings(targets.Missing) != "10.0.0.14" || rigtest.Strings(targets.Extra) != "10.0.0.11" || rigtest.Strings(targets.Unhealthy) != "10.0.0.12" {
		t.Errorf("%+v", targets)
	}
	if got.OK || len(got.Failures()) != 4 {
		t.Errorf("%q", got.Failures())
	}
}

// What may not be read is unknown, with the statement that is missing, and no failure unless that is asked for. But where
// nobody could be asked for that, nothing was verified.
func TestWhatVerifyMayNotReadIsUnknown(t *testing.T) {
	for _, action := range rig.VerifyActions() {
		v := newVerified(t)
		_, name, _ := strings.Cut(action.Name, ":")
		if name == "DescribeSubnets" {
			continue // only of IPv6 groups
		}
		v.withMoto(t, "denied-"+name, line(t, mooring.Report{Binding: "web-443", Resolved: rigtest.Addrs(1, 3)}))
		v.counted(3)
		v.CloudWatch.Put(sim.Datum{
			Namespace: "AWS/Lambda", Name: "Invocations", Value: 1, At: time.Now(), Dimensions: map[string]string{"FunctionName": "denied-" + name},
		})
		v.AWS.Inject(sim.AWSFault{Action: name, Denied: true})
		got := v.verify(t, rig.VerifyOptions{Function: "denied-" + name})
		unknown := slices.DeleteFunc(slices.Clone(got.Checks), func(c probe.Check) bool { return c.State != probe.Unknown })
		said := slices.ContainsFunc(unknown, func(c probe.Check) bool {
			return strings.Contains(c.Hint, `"`+action.Name+`"`) && json.Valid([]byte(c.Hint[strings.Index(c.Hint, "{"):strings.LastIndex(c.Hint, "}")+1]))
		})
		if !said {
			t.Errorf("%s: %q, %+v", action.Name, got.Failures(), unknown)
		}
		if asked := action.For != "addresses"; got.OK != asked || !asked && !slices.Equal(got.Failures(), []string{"connect: there was no address to ask"}) {
			t.Errorf("%s: %q", action.Name, got.Failures())
		}
		if got := v.verify(t, rig.VerifyOptions{Function: "denied-" + name, Strict: true}); got.OK {
			t.Errorf("%s: ok though strict", action.Name)
		}
	}
}

func TestVerifyAsksWhomItIsTold(t *testing.T) {
	v := newVerified(t)
	v.AWS.Inject(sim.AWSFault{Action: "DescribeLoadBalancers", Denied: true})
	here := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	got := v.verify(t, rig.VerifyOptions{Addrs: here, Ports: []uint16{v.port}, Strict: true})
	if c := check(t, got, "addresses"); c.State != probe.Pass || !got.OK {
		t.Errorf("%+v, %q", c, got.Failures())
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(closed.Addr().String()).Port()
	_ = closed.Close()
	got = v.verify(t, rig.VerifyOptions{Addrs: here, Ports: []uint16{v.port, port}})
	if c := check(t, got, "connect"); c.State != probe.Fail || !strings.HasPrefix(c.Saw, "1 of 2: 127.0.0.1:") {
		t.Errorf("%+v", c)
	}
}

// AWS does not tell the addresses that it chose. Each zone has a name, and loses its address with its last healthy target.
func TestAddressesThatAWSChoseAreFoundByTheNamesOfTheZones(t *testing.T) {
	v := newVerified(t)
	nlb := &v.elb.LoadBalancers[1]
	nlb.Zones, nlb.Addresses, nlb.DNSName = []string{"eu-west-1a", "eu-west-1b"}, nil, "front."+rigtest.Zone
	v.DNS.Set("eu-west-1a.front."+rigtest.Zone, netip.MustParseAddr("127.0.0.1"))
	got := v.verify(t, rig.VerifyOptions{})
	if c := check(t, got, "addresses"); c.State != probe.Fail || !strings.Contains(c.Saw, "eu-west-1b") {
		t.Errorf("%+v", c)
	}
	if c := check(t, got, "connect"); c.State != probe.Pass || got.Answers[0].Zone != "eu-west-1a" {
		t.Errorf("%+v, %+v", c, got.Answers)
	}
	v.DNS.Set("eu-west-1b.front."+rigtest.Zone, netip.MustParseAddr("127.0.0.1"))
	if got := v.verify(t, rig.VerifyOptions{}); !got.OK {
		t.Errorf("%q", got.Failures())
	}
	v.DNS.Fault("eu-west-1b.front."+rigtest.Zone, sim.DNSFault("servfail"))
	v.DNS.FaultResolver("eu-west-1b.front."+rigtest.Zone, sim.DNSFault("servfail"))
	if c := check(t, v.verify(t, rig.VerifyOptions{}), "addresses"); c.State != probe.Fail || !strings.Contains(c.Saw, "servfail") {
		t.Errorf("%+v", c)
	}
}

func TestAGroupThatNobodyForwardsToIsAFailure(t *testing.T) {
	v := newVerified(t)
	v.elb.Listeners = v.elb.Listeners[:1]
	if c := check(t, v.verify(t, rig.VerifyOptions{}), "addresses"); c.State != probe.Fail || !strings.Contains(c.Saw, "no load balancer") {
		t.Errorf("%+v", c)
	}
}

// Without a function nobody puts mooring's metric, and no log is known.
func TestWithoutAFunctionItsMetricAndLogAreSkipped(t *testing.T) {
	v := newVerified(t)
	got := v.verify(t, rig.VerifyOptions{Strict: true})
	for _, name := range []string{"metric", "log", "schedule"} {
		if c := check(t, got, name); c.State != probe.Skipped || !strings.Contains(c.Saw, "--function") {
			t.Errorf("%+v", c)
		}
	}
	if !got.OK {
		t.Errorf("%q", got.Failures())
	}
}

// home is a log reader that looks as whom and where it reads.
type home struct{ region, key string }

func (h *home) Last(context.Context, string, string, time.Time, time.Time) (mooring.Report, time.Time, error) {
	return mooring.Report{}, time.Time{}, nil
}

// A function that serves a group of another account runs in its own, and so its log is there.
func TestTheLogIsReadWhereTheFunctionIs(t *testing.T) {
	v := newVerified(t)
	v.role = "arn:aws:iam::111122223333:role/ship"
	v.AWS.STS = &sim.STS{Roles: map[string]sim.Role{v.role: {}}}
	for function, want := range map[string]home{
		"mooring": {"eu-west-1", "role"},
		"arn:aws:lambda:us-east-1:111122223333:function:mooring":      {"us-east-1", "role"},
		"arn:aws:lambda:us-east-1:444455556666:function:mooring:live": {"us-east-1", "own"},
	} {
		var got home
		read := func(cfg aws.Config) rig.LogReader {
			got.region = cfg.Region
			who, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.key = "own"; strings.HasPrefix(who.AccessKeyID, "ASIA") {
				got.key = "role"
			}
			return &got
		}
		if v.verify(t, rig.VerifyOptions{Function: function, Log: read}); got != want {
			t.Errorf("%s: as %+v, want %+v", function, got, want)
		}
	}
}

func TestAFunctionIsNamedInEveryFormThatLambdaTakes(t *testing.T) {
	v := newVerified(t)
	for _, function := range []string{
		"mooring", "mooring:live", "111122223333:function:mooring", "arn:aws:lambda:eu-west-1:111122223333:function:mooring",
		"arn:aws-cn:lambda:cn-north-1:111122223333:function:mooring:7",
	} {
		got := v.verify(t, rig.VerifyOptions{Function: function, Log: func(aws.Config) rig.LogReader { return new(home) }})
		if c := check(t, got, "log"); !strings.HasPrefix(c.Saw, "/aws/lambda/mooring holds no report") {
			t.Errorf("%s: %+v", function, c)
		}
	}
}

func TestALogGroupIsNamedByItsARNToo(t *testing.T) {
	v := newVerified(t)
	for _, group := range []string{"/my/log", "arn:aws:logs:eu-west-1:111122223333:log-group:/my/log", "arn:aws:logs:eu-west-1:111122223333:log-group:/my/log:*"} {
		got := v.verify(t, rig.VerifyOptions{LogGroup: group, Log: func(aws.Config) rig.LogReader { return new(home) }})
		if c := check(t, got, "log"); !strings.HasPrefix(c.Saw, "/my/log holds no report") {
			t.Errorf("%s: %+v", group, c)
		}
	}
}

// A count of invocations is what somebody else says.
func TestInvocationsThatAreNoNumberAreNone(t *testing.T) {
	v := newVerified(t)
	for _, c := range []struct {
		values []float64 // of the last minutes
		want   probe.State
	}{
		{[]float64{math.NaN()}, probe.Fail},
		{[]float64{math.Inf(-1)}, probe.Fail},
		{[]float64{2}, probe.Pass},
		{[]float64{2, math.NaN(), math.Inf(1), math.Inf(1)}, probe.Pass},
	} {
		world := &sim.CloudWatch{}
		v.AWS.CloudWatch = world
		for i, value := range c.values {
			world.Put(sim.Datum{
				Namespace: "AWS/Lambda", Name: "Invocations", Value: value, At: time.Now().Add(-time.Duration(i) * time.Minute),
				Dimensions: map[string]string{"FunctionName": "mooring"},
			})
		}
		got := v.verify(t, rig.VerifyOptions{Function: "mooring", Log: func(aws.Config) rig.LogReader { return new(home) }})
		if got := check(t, got, "schedule"); got.State != c.want || strings.Contains(got.Saw, "-") {
			t.Errorf("%g: %+v", c.values, got)
		}
	}
}

// What is beyond the limit is not asked, and that is no success, whoever named it.
func TestMoreAddressesThanAreAskedAreNotPassedOver(t *testing.T) {
	v := newVerified(t)
	var ports []uint16
	for i := range uint16(601) {
		ports = append(ports, 20000+i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody need be asked for this
	all := rig.VerifyAll(ctx, v.configs(t), rig.Options{Log: slog.New(slog.DiscardHandler), Dial: v.DNS.Dial},
		rig.VerifyOptions{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Ports: ports})
	got := all.Bindings[0]
	if c := check(t, got, "addresses"); c.State != probe.Fail || !strings.HasPrefix(c.Saw, "1 of 601 addresses and ports were not asked") || len(got.Answers) != 600 {
		t.Errorf("%+v, %d were asked", c, len(got.Answers))
	}
}
