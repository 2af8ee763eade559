package main_test

import (
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// Every function of these tests runs with the policy that is made for its environment. In the original's environment all of it is
// needed too, but for the log, which Lambda itself writes.
func TestTheFunctionIsAllowedWhatItDoesAndNothingIsAllowedInVain(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 7})
	w.Group.Adjust(func(g *sim.TargetGroup) {
		g.LoadBalancers = []sim.LoadBalancer{{ARN: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/front/0123456789abcdef", Zones: []string{"eu-west-1a"}}}
	})
	env := append(w.OriginalEnvironment(), "MOORING_HOLD=0s")
	f := w.Function(t, rigtest.NewRuntimeAPI(t), env...)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	for round := range 4 {
		if r := f.Invoke(t, `{"source":"aws.events","detail-type":"Scheduled Event"}`); r.Failed {
			t.Fatal(r.Body)
		}
		if round == 0 {
			w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
		}
	}
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 2)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
	for _, unused := range w.AWS.IAM.Unused() {
		if !strings.Contains(unused, "WriteLogs") {
			t.Errorf("never needed: %s", unused)
		}
	}
}
