package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"mooring/internal/sim"
)

// Each of these worlds breaks one assumption, and its check says so.
func TestAWorldInWhichAnAssumptionIsWrongIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*testWorld)
		want  []string
	}{
		{"a server that shows but nine nodes", func(w *testWorld) { w.real.dns.SetAt(0, testName, w.stack.Nodes[:9]...) }, []string{"D1   differs", "D2   differs", "D3   holds"}},
		{"an all.NAME without a node", func(w *testWorld) { w.real.dns.SetAll(testName, w.stack.Nodes[1:]...) }, []string{"D1   holds", "D3   differs"}},
		{"no all.NAME", func(w *testWorld) { w.real.dns.Fault("all."+testName, sim.DNSNXDomain) }, []string{"D3   differs"}},
		{"a server without authority", func(w *testWorld) { w.real.dns.FaultAt(1, testName, sim.DNSNotAuthoritative) }, []string{"D1   not tried", "D4   differs"}},
		{"a short TTL", func(w *testWorld) { w.real.dns.SetTTL(testName, 30*time.Second) }, []string{"D5   differs"}},
		{"port 53 is closed", func(w *testWorld) {
			dial := w.m.dial
			w.m.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if addr != w.env["MOORING_E2E_RESOLVER"] {
					return nil, errors.New("connection refused")
				}
				return dial(ctx, network, addr)
			}
		}, []string{"D1   not tried", "D2   not tried", "D4   differs"}},
	} {
		w := newTestWorld(t, 24)
		w.env["MOORING_E2E_ANSWERS"] = "240"
		c.spoil(w)
		if err := w.m.command(t.Context(), []string{"names", testName}); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, words := range c.want {
			if report := w.file("report.txt"); !strings.Contains(report, words) {
				t.Errorf("%s: not %q:\n%s", c.name, words, report)
			}
		}
	}
}

func TestAnAccountInWhichAnAssumptionIsWrongIsFound(t *testing.T) {
	t.Parallel()
	refused := func(action, code, message string) sim.AWSFault {
		return sim.AWSFault{Action: action, Status: 400, Code: code, Message: message}
	}
	for _, c := range []struct {
		name  string
		fault sim.AWSFault
		want  []string
	}{
		{"registering takes another permission", sim.AWSFault{Action: "RegisterTargets", Denied: true, When: func(c sim.AWSCall) bool {
			return len(c.Form) > 0 && c.Form.Get("Targets.member.2.Id") == ""
		}}, []string{"G9   differs", "G4   differs"}},
		{"other words about zones", refused("RegisterTargets", "ValidationError", "no"), []string{"G2   differs", "G3   differs", "G4   differs", "G5   differs", "G12  differs"}},
		{"removing what is not there fails", refused("DeregisterTargets", "InvalidTarget", "no such target"), []string{"G10  differs", "G12  differs"}},
		{"writes that take no conditions", sim.AWSFault{Action: "PutObject", Status: 501, Code: "NotImplemented"}, []string{"S1   differs", "S2   differs"}},
		{"nobody may list", sim.AWSFault{Action: "DescribeTargetHealth", Denied: true}, []string{"G1   not tried", "could not be finished", "G5   not tried"}},
	} {
		w := newTestWorld(t, 2)
		w.real.aws.Inject(c.fault)
		if err := w.m.command(t.Context(), []string{"run"}); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, words := range c.want {
			if report := w.file("report.txt"); !strings.Contains(report, words) {
				t.Errorf("%s: not %q:\n%s", c.name, words, report)
			}
		}
		if got := w.commands(); got[len(got)-1] != "destroy" {
			t.Errorf("%s: ran %v", c.name, got)
		}
	}
}
