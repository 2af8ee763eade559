package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/lookup"
	"mooring/internal/metrics"
	"mooring/internal/probe"
)

// VerifyOptions say what verify looks at, and how.
type VerifyOptions struct {
	Addrs []netip.Addr // to ask, instead of those that the load balancers have
	Ports []uint16     // to ask, instead of those of their listeners

	Host    string        // the name that clients use; "": the binding's first hostname
	Scheme  string        // auto (or ""), tcp, http or https
	Path    string        // of the request; "": /
	Expect  probe.Codes   // status codes that are well; none: 200-399
	Timeout time.Duration // of each address; 0: 5 s
	Strict  bool          // what could not be looked at counts as a failure

	Function string // the Lambda function that runs the rounds, by name or ARN; "": not looked at
	LogGroup string // where its log is; "": the function's own

	// Log reads logs; nil: they are not looked at. It is not made here, so that the function need not carry that client.
	Log func(aws.Config) LogReader
}

// A LogReader finds the last report of a binding in a log group. The report's Binding is "" where there is none.
type LogReader interface {
	Last(ctx context.Context, group, binding string, from, to time.Time) (mooring.Report, time.Time, error)
}

// VerifyActions are the AWS actions that [Verify] calls, and where each can be narrowed to a resource what that is.
// All of them only read.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func VerifyActions() []Action {
	return []Action{
		{"elasticloadbalancing:DescribeTargetHealth", "*", "targets"},
		{"elasticloadbalancing:DescribeTargetGroups", "*", "addresses"},
		{"elasticloadbalancing:DescribeLoadBalancers", "*", "addresses"},
		{"elasticloadbalancing:DescribeListeners", "*", "addresses"},
		{"ec2:DescribeSubnets", "*", "targets of IPv6 groups"},
		{"cloudwatch:GetMetricData", "*", "metric, schedule"},
		{"logs:FilterLogEvents", "log-group", "log, schedule"},
	}
}

// An Action is one that a policy may have to allow.
type Action struct {
	Name     string // as in IAM
	Resource string // *: AWS allows nothing narrower; log-group: the log group's ARN
	For      string // what cannot be looked at without it
}

// probesAtOnce is how many addresses of one binding are asked at the same time: so the 150 of 50 listeners in three zones
// are given up in 25 s, and a gate of shift waits 30 s.
const probesAtOnce = 32

// Verify looks whether a binding serves its clients: it asks each fixed address, and compares the name, the targets, the
// metric and the log. It changes nothing. What could not be looked at is in the verdict too.
func Verify(ctx context.Context, c config.Config, o Options, v VerifyOptions) probe.Verdict {
	s := probe.Sight{
		Binding: c.Binding, Now: time.Now(), Strict: v.Strict,
		Host: v.Host, HostGiven: v.Host != "", Expect: v.Expect,
	}
	if s.Host == "" && len(c.Binding.Hostnames) > 0 {
		s.Host = c.Binding.Hostnames[0]
	}
	if len(s.Expect) == 0 {
		s.Expect = probe.Codes{{200, 399}}
	}
	(&verification{config: c, options: o.shared(), wants: v, sight: &s}).gather(ctx)
	return probe.Judge(s)
}

// VerifyAll verifies bindings, a few at a time.
func VerifyAll(ctx context.Context, configs []config.Config, o Options, v VerifyOptions) probe.Summary {
	o = o.shared()
	verdicts := make([]probe.Verdict, len(configs))
	places := make(chan struct{}, atOnce)
	var all mooring.Tasks
	for i, c := range configs {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			verdicts[i] = Verify(ctx, c, o, v)
		})
	}
	all.Wait()
	return probe.NewSummary(verdicts...)
}

// A verification gathers what is judged afterwards.
type verification struct {
	config  config.Config
	options Options
	wants   VerifyOptions
	sight   *probe.Sight

	as    aws.Config // as whom AWS is called
	home  aws.Config // as whom what the function left is read
	group *elb.Group // nil: of a front, or where it cannot be had
}

func (v *verification) gather(ctx context.Context) {
	finder, err := v.open(ctx)
	s := v.sight
	s.Binding = v.config.Binding
	if err != nil {
		s.Group.Err, s.Places.Err, s.Metric.Err, s.Log.Err = err, err, err, err
	}
	var reads mooring.Tasks
	reads.Go(func() { v.look(ctx, finder) })
	reads.Go(func() { v.ask(ctx) })
	if err == nil {
		reads.Go(func() { v.readMetric(ctx) })
		reads.Go(func() { v.readLog(ctx) })
	}
	reads.Wait()
}

// open makes the two ends of the binding. A front's targets are in the process that is the front.
func (v *verification) open(ctx context.Context) (lookup.Config, error) {
	c := &v.config
	if c.Embedded() {
		v.sight.Group.Skip = "the targets of a front are in its process: its /metrics has them"
		if v.wants.LogGroup == "" {
			return finderOf(*c, frontScope(*c), v.options), nil
		}
	}
	var err error
	if v.as, err = v.options.Clients.as(ctx, c.AWS, config.GroupRegion(c.Binding.TargetGroup)); err == nil {
		v.home, err = v.homeOf(ctx)
	}
	if err != nil || c.Embedded() {
		return finderOf(*c, frontScope(*c), v.options), err
	}
	group, err := groupOf(ctx, v.as, c, v.options.Limiter)
	if err != nil {
		return finderOf(*c, nil, v.options), err
	}
	v.group = group
	return finderOf(*c, scopeOf(*c, group), v.options), nil
}

// homeOf is where the function is. It runs in an account and a region of its own, which its ARN names; the binding's role is
// of the group's account. A function that is only named is looked for where the group's is.
func (v *verification) homeOf(ctx context.Context) (aws.Config, error) {
	function, group := strings.Split(v.wants.Function, ":"), strings.Split(v.config.Binding.TargetGroup, ":")
	if len(function) < 7 || len(group) < 6 {
		return v.as, nil
	}
	home := v.as
	if who := v.config.AWS; who.RoleARN != "" && function[4] != group[4] {
		who.RoleARN, who.ExternalID = "", ""
		var err error
		if home, err = v.options.Clients.as(ctx, who, ""); err != nil {
			return home, err
		}
	}
	home.Region = function[3]
	return home, nil
}

// look looks the name up, and lists the targets. Who is in the group and not seen is looked for, as in a round.
func (v *verification) look(ctx context.Context, finder lookup.Config) {
	s := v.sight
	ctx, cancel := context.WithTimeout(ctx, RoundLimit)
	defer cancel()
	listed := make(chan struct{})
	var reads mooring.Tasks
	reads.Go(func() {
		defer close(listed)
		if v.group != nil {
			s.Group.Targets, s.Group.Err = v.group.Targets(ctx)
		}
	})
	s.Observation = lookup.New(finder).Find(ctx, func(ctx context.Context) []netip.Addr {
		select {
		case <-listed:
			return registeredOn(s.Group.Targets, s.Binding.Port)
		case <-ctx.Done():
			return nil
		}
	})
	reads.Wait()
}

func registeredOn(targets []mooring.Target, port uint16) (out []netip.Addr) {
	for _, t := range targets {
		if t.Port == port && t.Registered() {
			out = append(out, t.Addr)
		}
	}
	return out
}

// ask asks each fixed address on each port.
func (v *verification) ask(ctx context.Context) {
	var targets []probe.Target
	for _, p := range v.places(ctx) {
		for _, port := range p.ports {
			targets = append(targets, probe.Target{
				Addr: netip.AddrPortFrom(p.addr, port), Zone: p.zone, Host: v.sight.Host,
				Scheme: v.wants.Scheme, Path: cmp.Or(v.wants.Path, "/"), Timeout: v.wants.Timeout,
			})
		}
	}
	slices.SortFunc(targets, func(a, b probe.Target) int { return a.Addr.Compare(b.Addr) })
	targets = slices.CompactFunc(targets, func(a, b probe.Target) bool { return a.Addr == b.Addr })
	if more := len(targets) - maxProbes; more > 0 {
		tooMany := fmt.Errorf("%d of %d addresses and ports were not asked, for it is at most %d: say which with --address and --listener-port", more, len(targets), maxProbes)
		v.sight.Places.Err = errors.Join(tooMany, v.sight.Places.Err)
		targets = targets[:maxProbes]
	}
	v.sight.Results = probe.All(ctx, targets, probesAtOnce)
}

// maxProbes is how many addresses and ports are asked of one binding: 50 listeners in six zones are 300.
const maxProbes = 600

// readMetric reads the last value of the metric that counts the name's addresses.
func (v *verification) readMetric(ctx context.Context) {
	m := &v.sight.Metric
	c := v.config
	series, as := metrics.Resolved(c.Binding.Name, c.Binding.TargetGroup), v.home
	m.Expected = v.wants.Function != ""
	switch {
	case c.Embedded():
		m.Skip = "only the function puts it"
		return
	case c.Legacy != nil && c.Legacy.IPCount:
		series, as, m.Expected = oldMetric(*c.Legacy).Series(), v.as, true // the group's role puts it
	}
	m.Name = series.Namespace + " " + series.Name
	now := v.sight.Now
	points, err := metrics.Read(ctx, metrics.Connect(as), series, now.Add(-probe.Lately), now.Add(time.Minute))
	if m.Err = err; len(points) > 0 {
		m.Found, m.Value, m.At = true, points[0].Value, points[0].At
	}
}

// readLog reads the last report in the log, and how often the function was invoked where that is not known from it.
func (v *verification) readLog(ctx context.Context) {
	s := v.sight
	l, name := &s.Log, functionName(v.wants.Function)
	l.Group = logGroupName(v.wants.LogGroup)
	switch {
	case v.config.Embedded() && l.Group == "":
		l.Skip = "a front is no function's: --log-group names the log of mooring watch"
		return
	case l.Group == "" && name != "":
		l.Group = "/aws/lambda/" + name
	}
	if l.Group == "" || v.wants.Log == nil {
		l.Skip = "not looked at: name the function with --function"
		return
	}
	l.Report, l.At, l.Err = v.wants.Log(v.home).Last(ctx, l.Group, s.Binding.Name, s.Now.Add(-probe.Lately), s.Now.Add(time.Minute))
	l.Found = l.Err == nil && l.Report.Binding != ""
	if l.Found || name == "" {
		return
	}
	points, err := metrics.Read(ctx, metrics.Connect(v.home), metrics.Invocations(name), s.Now.Add(-probe.Lately), s.Now.Add(time.Minute))
	s.Runs.Asked, s.Runs.Err = true, err
	for _, p := range points {
		if p.Value >= 1 { // and not NaN
			s.Runs.Count += int(min(p.Value, 1e6))
		}
	}
}

// logGroupName is the name in a log group's ARN, arn:aws:logs:REGION:ACCOUNT:log-group:NAME and perhaps :*, or the name itself.
func logGroupName(name string) string {
	if _, rest, ok := strings.Cut(name, ":log-group:"); ok {
		name = strings.TrimSuffix(rest, ":*")
	}
	return name
}

// functionName is the name in any form that Lambda takes: NAME, ACCOUNT:function:NAME or an ARN, each with or without
// :VERSION or :ALIAS.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
func functionName(name string) string {
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		name = rest
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}
