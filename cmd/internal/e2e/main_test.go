package main

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

func TestNobodyRunsWhatIsNotACommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"walk"}, {"run", "now"}, {"names"}, {"replay"}, {"cost", "500"}, {"--verbose"}} {
		w := newTestWorld(t, 2)
		if err := w.m.command(t.Context(), args); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
		if w.errs.String() != usage || w.out.String() != "" {
			t.Errorf("%v: said %s%s", args, &w.out, &w.errs)
		}
	}
}

func TestWhoAsksForHelpGetsIt(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-h"}, {"--help"}, {"help"}, {"run", "--help"}, {"names", "-h"}} {
		w := newTestWorld(t, 2)
		if err := w.m.command(t.Context(), args); err != nil || w.out.String() != usage || w.errs.String() != "" || len(w.commands()) > 0 {
			t.Errorf("%v: %v, said %s%s, ran %v", args, err, &w.out, &w.errs, w.commands())
		}
	}
	for _, words := range []string{"Exit codes: 0 done, also where an assumption differs", "2 the command line", "MOORING_E2E_LCUS"} {
		if !strings.Contains(usage, words) {
			t.Errorf("help does not say %q", words)
		}
	}
}

func TestTheCostIsThatOfTheUnitsThatAreAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lcus, words string }{{"", "0.0450"}, {"500", "4.0450"}, {" 0 ", "0.0450"}} {
		w := newTestWorld(t, 2)
		w.env = map[string]string{"MOORING_E2E_LCUS": c.lcus} // no consent is needed
		if err := w.m.command(t.Context(), []string{"cost"}); err != nil || !strings.Contains(w.out.String(), c.words) {
			t.Errorf("%q: %v\n%s", c.lcus, err, &w.out)
		}
	}
	w := newTestWorld(t, 2)
	w.env["MOORING_E2E_LCUS"] = "99"
	if err := w.m.command(t.Context(), []string{"cost"}); !errors.Is(err, errUnits) {
		t.Errorf("99: %v", err)
	}
	w.env["MOORING_E2E_LCUS"], w.env["MOORING_E2E"] = "500", "no"
	if err := w.m.command(t.Context(), []string{"run"}); !errors.Is(err, errConsent) || !strings.Contains(w.errs.String(), "4.0450") {
		t.Errorf("without consent: %v\n%s", err, &w.errs)
	}
}

func TestOnlyLoadBalancersNamesAreTriedByThemselves(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".", "com", "localhost", "www.example.com", "amazonaws.com", "elb.amazonaws.com", "eu-west-1.elb.amazonaws.com", "a.b.eu-west-1.elb.amazonaws.com",
		"web-1.eu-west-1.elb.amazonaws.com.example.com", "db.eu-west-1.rds.amazonaws.com", "-x",
	} {
		w := newTestWorld(t, 2)
		if err := w.m.command(t.Context(), []string{"names", name}); !errors.Is(err, errName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{testName, "web-0123456789abcdef.elb.eu-west-1.amazonaws.com", "web-1.cn-north-1.elb.amazonaws.com.cn"} {
		if !balancerName.MatchString(name) {
			t.Errorf("%s is not taken for a load balancer's", name)
		}
	}
	w := newTestWorld(t, 2)
	if err := w.m.command(t.Context(), []string{"names", strings.ToUpper(testName) + "."}); err != nil {
		t.Errorf("as a resolver may write it: %v", err)
	}
	if report := w.file("report.txt"); !strings.Contains(report, "(source: fake, name servers only)") {
		t.Errorf("the report does not say whose answers these are:\n%s", report)
	}
	if said := w.out.String(); !strings.Contains(said, "asked are the 4 name servers of eu-west-1.elb.amazonaws.com that "+w.env["MOORING_E2E_RESOLVER"]+" tells of") {
		t.Errorf("nobody is told who is asked:\n%s", said)
	}
}

func TestWhereNothingCouldBeTriedThereIsNoReport(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	w.env["MOORING_E2E_RESOLVER"] = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 1).String()
	if err := w.m.command(t.Context(), []string{"names", testName}); !errors.Is(err, errUntried) {
		t.Errorf("%v", err)
	}
	if w.holds(filepath.Join("out")) {
		t.Error("a report of nothing is written")
	}
}
