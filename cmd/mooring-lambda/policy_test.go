package main_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/iam"
	"mooring/internal/sim"
)

// The function in the original's environment, with the policy that is made for it: nothing is denied, and all of it is needed,
// but the log, which Lambda itself writes.
func TestTheFunctionIsAllowedWhatItDoesAndNothingIsAllowedInVain(t *testing.T) {
	w := world(t, sim.DNSConfig{Seed: 7})
	w.Group.Adjust(func(g *sim.TargetGroup) {
		g.LoadBalancers = []sim.LoadBalancer{{ARN: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/front/0123456789abcdef", Zones: []string{"eu-west-1a"}}}
	})
	env := append(w.OriginalEnvironment(), "MOORING_HOLD=0s")
	guard := guarded(t, w, env)
	f := run(t, w, newRuntimeAPI(t), env...)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	for round := range 4 {
		if r := f.invoke(t, `{"source":"aws.events","detail-type":"Scheduled Event"}`); r.failed {
			t.Fatal(r.body)
		}
		if round == 0 {
			w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
		}
	}
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 2)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
	for _, x := range guard.Denied() {
		t.Errorf("denied: %s on %s", x.Action, x.Resource)
	}
	for _, unused := range guard.Unused() {
		if !strings.Contains(unused, "WriteLogs") {
			t.Errorf("never needed: %s", unused)
		}
	}
}

// guarded gives the function's role the policy of its environment.
func guarded(t *testing.T, w *rigtest.World, env []string) *sim.IAM {
	t.Helper()
	variables := map[string]string{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		variables[name] = value
	}
	configs, err := config.Load(t.Context(), func(string) ([]string, bool) { return nil, false }, func(name string) (string, bool) {
		v, ok := variables[name]
		return v, ok
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := rig.NeedsOf(configs, rig.Deployment{LogGroup: "/aws/lambda/mooring"})
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	policy, err := json.Marshal(iam.New(all[0].Needs...))
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.IAM = &sim.IAM{}
	if err := w.AWS.IAM.Attach("", string(policy)); err != nil {
		t.Fatal(err)
	}
	return w.AWS.IAM
}
