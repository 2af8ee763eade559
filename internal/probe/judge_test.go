package probe_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/probe"
)

var now = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)

func addrs(texts ...string) (out []netip.Addr) {
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

func healthy(addr string) mooring.Target {
	return mooring.Target{Addr: netip.MustParseAddr(addr), Port: 443, Health: mooring.HealthHealthy}
}

// well is a binding of which all is well.
func well() probe.Sight {
	cert := probe.Certificate{Names: []string{host}, From: now.Add(-time.Hour), Until: now.Add(2000 * time.Hour), DaysLeft: 83, Matches: true, Trusted: true}
	seen := addrs("10.0.0.1", "10.0.0.2")
	return probe.Sight{
		Binding: mooring.Binding{Name: "web-443", Port: 443}, Now: now, Host: host, HostGiven: true, Expect: probe.Codes{{200, 399}},
		Places: probe.Places{Balancers: 1, Static: 1, Zones: 1, Ports: []uint16{443}},
		Results: []probe.Result{{
			Addr: netip.MustParseAddr("203.0.113.1"), Port: 443, Scheme: probe.HTTPS, Connected: true, Status: 200, ConnectMS: 1.5, Certificate: &cert,
		}},
		Observation: mooring.Observation{Answers: []mooring.Answer{{Addrs: seen}}},
		Group:       probe.Group{Targets: []mooring.Target{healthy("10.0.0.1"), healthy("10.0.0.2")}},
		Metric:      probe.Metric{Name: "Mooring ResolvedAddresses", Expected: true, Found: true, Value: 2, At: now.Add(-time.Minute)},
		Log:         probe.Log{Group: "/aws/lambda/mooring", Found: true, At: now.Add(-time.Minute), Report: mooring.Report{Binding: "web-443", Resolved: seen}},
	}
}

// denied is an error that knows what is missing.
type denied struct{}

func (denied) Error() string     { return "it is denied" }
func (denied) Statement() string { return `{"Effect":"Allow"}` }

func TestWhereAllIsWellEveryCheckPasses(t *testing.T) {
	s := well()
	s.Strict = true
	v := probe.Judge(s)
	for _, c := range v.Checks {
		if c.State != probe.Pass || c.Saw == "" || c.Hint != "" {
			t.Errorf("%+v", c)
		}
	}
	if !v.OK || len(v.Failures()) != 0 || len(v.Checks) != 8 {
		t.Errorf("%+v", v)
	}
}

// Each line spoils one thing, and one check alone must say so.
func TestEachCheckSeesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(*probe.Sight)
		check string
		state probe.State
		saw   string
	}{
		{"no load balancer", func(s *probe.Sight) { s.Places = probe.Places{} }, "addresses", probe.Fail, "no load balancer"},
		{"no listener", func(s *probe.Sight) { s.Places.Ports = nil }, "addresses", probe.Fail, "no listener"},
		{"a zone left DNS", func(s *probe.Sight) { s.Places.Gone = []string{"eu-west-1b"} }, "addresses", probe.Fail, "eu-west-1b"},
		{"not allowed", func(s *probe.Sight) { s.Places.Err = denied{} }, "addresses", probe.Unknown, "denied"},
		{
			"refused", func(s *probe.Sight) {
				s.Results = append(s.Results, probe.Result{Addr: addrs("203.0.113.2")[0], Port: 443, Error: "connect: refused"})
			},
			"connect", probe.Fail, "203.0.113.2:443 connect: refused",
		},
		{
			"no IPv6 here", func(s *probe.Sight) {
				s.Results = append(s.Results, probe.Result{Addr: addrs("2001:db8::1")[0], Port: 443, NoRoute: true})
			},
			"connect", probe.Unknown, "2001:db8::1",
		},
		{"some were not asked", func(s *probe.Sight) {
			s.Places.Given, s.Places.Err = true, errors.New("5 of 605 were not asked")
		}, "addresses", probe.Fail, "5 of 605"},
		{"503", func(s *probe.Sight) { s.Results[0].Status = 503 }, "answer", probe.Fail, "503"},
		{"no answer", func(s *probe.Sight) { s.Results[0].Error = "request: no answer in time" }, "answer", probe.Fail, "no answer"},
		{"expired", func(s *probe.Sight) { s.Results[0].Certificate.Until = now.Add(-time.Hour) }, "certificate", probe.Fail, "expired"},
		{"not yet valid", func(s *probe.Sight) { s.Results[0].Certificate.From = now.Add(time.Hour) }, "certificate", probe.Fail, "valid only from"},
		{"another name", func(s *probe.Sight) { s.Results[0].Certificate.Matches = false }, "certificate", probe.Fail, "not for www"},
		{"another name, unasked", func(s *probe.Sight) { s.Results[0].Certificate.Matches, s.HostGiven = false, false }, "certificate", probe.Warn, "is for www"},
		{"untrusted", func(s *probe.Sight) { s.Results[0].Certificate.Trusted = false }, "certificate", probe.Warn, "not trusted"},
		{"ends soon", func(s *probe.Sight) { s.Results[0].Certificate.DaysLeft = 3 }, "certificate", probe.Warn, "3 days"},
		{"missing", func(s *probe.Sight) { s.Group.Targets = s.Group.Targets[:1] }, "targets", probe.Fail, "missing 10.0.0.2"},
		{"no such group", func(s *probe.Sight) { s.Group = probe.Group{Err: errors.New("there is no target group")} }, "targets", probe.Fail, "no target group"},
		{"no such log", func(s *probe.Sight) { s.Log.Err = errors.New("there is no log group") }, "log", probe.Fail, "no log group"},
		{"on another port", func(s *probe.Sight) { s.Group.Targets[1].Port = 80 }, "targets", probe.Fail, "missing 10.0.0.2"},
		{"draining", func(s *probe.Sight) { s.Group.Targets[1].Health = mooring.HealthDraining }, "targets", probe.Fail, "missing 10.0.0.2"},
		{"unhealthy", func(s *probe.Sight) { s.Group.Targets[1].Health = mooring.HealthUnhealthy }, "targets", probe.Fail, "not healthy 10.0.0.2"},
		{"extra", func(s *probe.Sight) {
			s.Group.Targets = append(s.Group.Targets, healthy("10.0.0.9"))
		}, "targets", probe.Warn, "extra 10.0.0.9"},
		{"targets not allowed", func(s *probe.Sight) { s.Group = probe.Group{Err: denied{}} }, "targets", probe.Unknown, "denied"},
		{"another count", func(s *probe.Sight) { s.Metric.Value = 3 }, "metric", probe.Fail, "was 3 at 07:59:00"},
		{"no datapoint", func(s *probe.Sight) { s.Metric.Found = false }, "metric", probe.Fail, "no datapoint"},
		{"nobody puts it", func(s *probe.Sight) { s.Metric.Found, s.Metric.Expected = false, false }, "metric", probe.Skipped, "--function"},
		{"metric not allowed", func(s *probe.Sight) { s.Metric.Err = denied{} }, "metric", probe.Unknown, "denied"},
		{"others in the log", func(s *probe.Sight) { s.Log.Report.Resolved = addrs("10.0.0.1", "10.0.0.3") }, "log", probe.Fail, "10.0.0.3"},
		{"a failed round", func(s *probe.Sight) { s.Log.Report.Error = "list targets: no" }, "log", probe.Fail, "list targets"},
		{"long ago", func(s *probe.Sight) { s.Log.At = now.Add(-4 * time.Minute) }, "schedule", probe.Fail, "4m0s ago"},
	} {
		s := well()
		c.spoil(&s)
		v := probe.Judge(s)
		for _, check := range v.Checks {
			if check.Name != c.check {
				if check.State != probe.Pass {
					t.Errorf("%s: also %+v", c.what, check)
				}
				continue
			}
			if check.State != c.state || !strings.Contains(check.Saw, c.saw) ||
				strings.Contains(check.Saw, "denied") && !strings.Contains(check.Hint, `{"Effect":"Allow"}`) {
				t.Errorf("%s: %+v", c.what, check)
			}
		}
		if v.OK != (c.state != probe.Fail) {
			t.Errorf("%s: ok is %t", c.what, v.OK)
		}
		s.Strict = true
		if strict := probe.Judge(s); strict.OK != (c.state == probe.Skipped) {
			t.Errorf("%s: ok is %t when strict", c.what, strict.OK)
		}
	}
}

// Where nobody was asked nothing was verified, and an exit code of 0 would say that all is well.
func TestWhereNobodyCouldBeAskedNothingIsVerified(t *testing.T) {
	for saw, results := range map[string][]probe.Result{
		"there was no address to ask":                  nil,
		"this machine has no way to [2001:db8::1]:443": {{Addr: addrs("2001:db8::1")[0], Port: 443, NoRoute: true}},
	} {
		s := well()
		s.Results = results
		v := probe.Judge(s)
		if v.OK || len(v.Failures()) != 1 || v.Failures()[0] != "connect: "+saw || v.Checks[2].Saw != "nobody took a connection" {
			t.Errorf("%s: %q, %+v", saw, v.Failures(), v.Checks)
		}
	}
}

// Of many failures the first are named, and none is cut off in its middle.
func TestManyFailuresAreTold(t *testing.T) {
	s := well()
	for i := range 1000 {
		s.Results = append(s.Results, probe.Result{Addr: netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), Port: 443, Error: "connect: connection refused"})
	}
	c := probe.Judge(s).Checks[1]
	if !strings.HasPrefix(c.Saw, "1000 of 1001: 10.9.0.0:443 connect: connection refused; ") || !strings.HasSuffix(c.Saw, "; and 997 more") {
		t.Errorf("%q", c.Saw)
	}
}

func TestAnInconclusiveLookupIsNoReasonToBlameTheFunction(t *testing.T) {
	s := well()
	s.Observation.Inconclusive = "timeout: 10.0.0.53:53"
	s.Metric.Value, s.Log.Report.Resolved = 3, addrs("10.0.0.7")
	v := probe.Judge(s)
	if len(v.Failures()) != 1 || v.Checks[4].State != probe.Fail {
		t.Errorf("%v", v.Failures())
	}
	for _, c := range v.Checks[5:7] {
		if c.State != probe.Unknown {
			t.Errorf("%+v", c)
		}
	}
}

// A log that may not be read leaves the count of invocations.
func TestTheScheduleIsSeenInTheInvocationsToo(t *testing.T) {
	for _, c := range []struct {
		runs probe.Runs
		want probe.State
	}{
		{probe.Runs{Asked: true, Count: 4}, probe.Pass},
		{probe.Runs{Asked: true}, probe.Fail},
		{probe.Runs{Asked: true, Err: errors.New("no")}, probe.Unknown}, // what is denied can be mended
		{probe.Runs{}, probe.Unknown},
	} {
		s := well()
		s.Log, s.Runs = probe.Log{Group: "g", Err: denied{}}, c.runs
		if got := probe.Judge(s).Checks[7]; got.State != c.want {
			t.Errorf("%+v: %+v", c.runs, got)
		}
	}
	s := well()
	s.Log = probe.Log{Group: "g"}
	if got := probe.Judge(s).Checks[7]; got.State != probe.Fail {
		t.Errorf("nothing in the log: %+v", got)
	}
	s.Log = probe.Log{Skip: "name the function"}
	if got := probe.Judge(s); got.Checks[7].State != probe.Skipped || got.Checks[6].State != probe.Skipped || !got.OK {
		t.Errorf("not asked for: %+v", got.Checks)
	}
}

func TestNothingThatOthersSayReachesATerminal(t *testing.T) {
	s := well()
	s.Results[0].Certificate.Names, s.Results[0].Certificate.Matches = []string{"\x1b[2Jevil"}, false
	s.Log.Report.Error = "line\none \x1b[31m" + strings.Repeat("x", 1000)
	var out strings.Builder
	v := probe.Judge(s)
	if err := v.WriteText(&out, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b") || len(out.String()) > 3000 {
		t.Errorf("%q", out.String())
	}
	if len(v.Failures()) != 2 || strings.Contains(v.Failures()[1], "\n") {
		t.Errorf("%q", v.Failures())
	}
}
