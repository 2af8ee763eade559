package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring/internal/sim"
)

func startAWS(t *testing.T, a *sim.AWS) string {
	t.Helper()
	endpoint, err := sim.StartAWS(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	return endpoint.URL
}

// post sends a form; status 0 means that the connection was closed without a reply.
func post(t *testing.T, url, form string) (status int, body string) {
	t.Helper()
	reply, err := http.Post(url, "application/x-www-form-urlencoded; charset=utf-8", strings.NewReader(form))
	if err != nil {
		return 0, ""
	}
	text, err := io.ReadAll(reply.Body)
	_ = reply.Body.Close()
	if err != nil {
		return 0, ""
	}
	return reply.StatusCode, string(text)
}

const (
	elbForm = "Version=2015-12-01&TargetGroupArn=arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web-443/73e2d6bc24d8a067&Action="
	oneIn   = "RegisterTargets&Targets.member.1.Id=10.0.1.5&Targets.member.1.Port=443"
)

func TestOneEndpointServesEveryService(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s got %s", name, body)
		})
	}
	a := &sim.AWS{ELB: named("elb"), EC2: named("ec2"), S3: named("s3"), CloudWatch: named("cloudwatch"), STS: named("sts"), SNS: named("sns"), EventBridge: named("events")}
	url := startAWS(t, a)
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct {
		method, path, kind, target, body string
		service, action                  string
	}{
		{"POST", "/", form, "", "Version=2015-12-01&Action=RegisterTargets", "elb", "RegisterTargets"},
		{"POST", "/", form, "", "Version=2016-11-15&Action=DescribeSubnets", "ec2", "DescribeSubnets"},
		{"POST", "/", form, "", "Version=2010-08-01&Action=PutMetricData", "cloudwatch", "PutMetricData"},
		{"POST", "/", "application/x-amz-json-1.0", "GraniteServiceVersion20100801.PutMetricData", "{}", "cloudwatch", "PutMetricData"},
		{"POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "application/cbor", "", "x", "cloudwatch", "PutMetricData"},
		{"POST", "/", form, "", "Version=2011-06-15&Action=AssumeRole", "sts", "AssumeRole"},
		{"POST", "/", form, "", "Version=2010-03-31&Action=Publish", "sns", "Publish"},
		{"POST", "/", "application/x-amz-json-1.1", "AWSEvents.PutEvents", "{}", "events", "PutEvents"},
		{"PUT", "/bucket/some/key", "", "", "body", "s3", "PutObject"},
		{"GET", "/bucket/some/key", "", "", "", "s3", "GetObject"},
		{"GET", "/bucket?list-type=2", "", "", "", "s3", "ListBucket"},
		{"HEAD", "/bucket/", "", "", "", "s3", "HeadBucket"},
		{"DELETE", "/bucket/key", "", "", "", "s3", "DeleteObject"},
	} {
		a.Forget()
		request, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.kind)
		if c.target != "" {
			request.Header.Set("X-Amz-Target", c.target)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		if want := c.service + " got " + c.body; c.method != "HEAD" && string(text) != want {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, text, want)
		}
		if log := a.Calls(); len(log) != 1 || log[0].Service != c.service || log[0].Action != c.action {
			t.Errorf("%s %s was logged as %+v, want %s %s", c.method, c.path, log, c.service, c.action)
		}
	}
}

func TestWhatNobodyServesIsAnError(t *testing.T) {
	url := startAWS(t, sim.NewAWS(harbour()))
	for _, form := range []string{
		"Version=2011-06-15&Action=AssumeRole", "Version=2010-08-01&Action=PutMetricData", "", elbForm + "CreateTargetGroup",
		"Version=2016-11-15&Action=DescribeInstances",
	} {
		if status, body := post(t, url, form); status != http.StatusBadRequest || !strings.Contains(body, "InvalidAction") {
			t.Errorf("%q: %d %s", form, status, body)
		}
	}
}

func TestRepliesHaveAWSsForm(t *testing.T) {
	url := startAWS(t, sim.NewAWS(harbour()))
	for _, c := range []struct {
		form   string
		status int
		words  []string
	}{
		{elbForm + oneIn, 200, []string{
			`<RegisterTargetsResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><RegisterTargetsResult></RegisterTargetsResult><ResponseMetadata><RequestId>`,
		}},
		{elbForm + "DescribeTargetHealth", 200, []string{
			"<TargetHealthDescriptions><member><HealthCheckPort>443</HealthCheckPort><TargetHealth><State>initial</State><Reason>Elb.RegistrationInProgress</Reason>",
			"<Target><Id>10.0.1.5</Id><Port>443</Port><AvailabilityZone>us-east-1a</AvailabilityZone></Target>",
		}},
		{elbForm + "DescribeTargetHealth&Targets.member.1.Id=10.0.1.9", 200, []string{"<State>unused</State><Reason>Target.NotRegistered</Reason>"}},
		{elbForm + "DescribeTargetGroups", 200, []string{
			"<TargetGroupName>web-443</TargetGroupName><Protocol>TCP</Protocol><Port>443</Port><VpcId>vpc-1</VpcId><TargetType>ip</TargetType><IpAddressType>ipv4</IpAddressType>",
		}},
		{elbForm + "DescribeTargetGroupAttributes", 200, []string{"<member><Key>load_balancing.cross_zone.enabled</Key><Value>false</Value></member>"}},
		{elbForm + "RegisterTargets", 400, []string{
			`<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>At least one target must be specified</Message></Error><RequestId>`,
		}},
		{elbForm + "RegisterTargets&Targets.member.1.Id=web", 400, []string{"&#39;web&#39; is not a valid IPv4 address"}},
		{elbForm + "RegisterTargets&Targets.member.1.Id=10.0.1.5&Targets.member.1.Port=70000", 400, []string{"Port &#39;70000&#39; is not valid"}},
		{"Version=2015-12-01&Action=DescribeTargetHealth&TargetGroupArn=web", 400, []string{"ValidationError", "not a valid target group ARN"}},
		{"Version=2015-12-01&Action=DescribeTargetGroups&TargetGroupArns.member.1=arn:aws:elasticloadbalancing:x:1:targetgroup/b/1", 400, []string{"TargetGroupNotFound"}},
		{"Version=2016-11-15&Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1", 200, []string{
			"<subnetSet><item><subnetId>subnet-a</subnetId><state>available</state><vpcId>vpc-1</vpcId><cidrBlock>10.0.1.0/24</cidrBlock>", "<availabilityZone>us-east-1b</availabilityZone>",
		}},
		{"Version=2016-11-15&Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&MaxResults=4", 400, []string{
			"<Response><Errors><Error><Code>InvalidParameterValue</Code>", "<RequestID>",
		}},
	} {
		status, body := post(t, url, c.form)
		for _, words := range c.words {
			if status != c.status || !strings.Contains(body, words) {
				t.Errorf("%s\n%d %s\nwant %d with %s", c.form, status, body, c.status, words)
			}
		}
	}
}

func TestEachFaultHitsWhatItShouldAndNoMore(t *testing.T) {
	hooks := 0
	hook := func(sim.AWSCall) { hooks++ }
	for _, c := range []struct {
		fault  sim.AWSFault
		status int
		words  string
		takes  bool // the action took effect
	}{
		{sim.AWSFault{Throttled: true}, 400, "ThrottlingException", false},
		{sim.AWSFault{Denied: true}, 403, "not authorized to perform: elasticloadbalancing:RegisterTargets", false},
		{sim.AWSFault{Status: 500}, 500, "InternalFailure", false},
		{sim.AWSFault{Lost: true}, 0, "", true},
		{sim.AWSFault{Before: hook, After: hook}, 200, "RegisterTargetsResult", true},
		{sim.AWSFault{Latency: time.Millisecond}, 200, "RegisterTargetsResult", true},
	} {
		g := harbour()
		a := sim.NewAWS(g)
		url := startAWS(t, a)
		c.fault.Action, c.fault.Skip, c.fault.Times = "RegisterTargets", 1, 1
		a.Inject(c.fault)
		var statuses []int
		var hit string
		for i, form := range []string{elbForm + "DescribeTargetHealth", elbForm + "RegisterTargets", elbForm + oneIn, elbForm + "DescribeTargetHealth"} {
			status, body := post(t, url, form)
			if statuses = append(statuses, status); i == 2 {
				hit = body
			}
		}
		if want := []int{200, 400, c.status, 200}; !slices.Equal(statuses, want) || !strings.Contains(hit, c.words) {
			t.Errorf("%+v: statuses %v and %q, want %v", c.fault, statuses, hit, want)
		}
		if took := len(g.Describe(time.Now())) == 1; took != c.takes {
			t.Errorf("%+v: took effect: %t, want %t", c.fault, took, c.takes)
		}
	}
	if hooks != 2 {
		t.Errorf("%d hooks ran, want 2", hooks)
	}
}

func TestTheDepthIsTheLongestChainOfCalls(t *testing.T) {
	call := func(start, end int) sim.AWSCall {
		at := func(ms int) time.Time { return dawn.Add(time.Duration(ms) * time.Millisecond) }
		return sim.AWSCall{Start: at(start), End: at(end)}
	}
	for _, c := range []struct {
		calls []sim.AWSCall
		want  int
	}{
		{nil, 0},
		{[]sim.AWSCall{call(0, 5), call(1, 6), call(2, 4)}, 1},
		{[]sim.AWSCall{call(0, 9), call(1, 3), call(3, 5), call(9, 10)}, 3},
		{[]sim.AWSCall{call(4, 6), call(0, 4), {Start: dawn.Add(time.Hour)}}, 2},
	} {
		if got := sim.Depth(c.calls); got != c.want {
			t.Errorf("%+v: %d, want %d", c.calls, got, c.want)
		}
	}
}
