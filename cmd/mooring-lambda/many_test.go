package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// twoBindings are the world's own, and one whose group is not there.
func twoBindings(w *rigtest.World, more string) []string {
	return append(w.AWSEnvironment(), fmt.Sprintf(`MOORING_CONFIG={defaults: {memory: "s3://%s", port: 443%s}, bindings: [
		{name: web, hostname: %q, target_group: %q}, {name: gone, hostname: %q, target_group: %q}]}`,
		rigtest.Bucket, more, rigtest.Name, rigtest.ARN, rigtest.Name, strings.Replace(rigtest.ARN, "/web/", "/gone/", 1)))
}

func TestOneOfTwoBindingsFailsAndTheInvocationDoesNot(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 2})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	f := w.Function(t, rigtest.NewRuntimeAPI(t), twoBindings(w, "")...)
	r := f.Invoke(t, "{}")
	got := decode(t, r.Body)
	if list, _ := got["bindings"].([]any); r.Failed || got["ok"] != false || len(list) != 2 {
		t.Errorf("%+v", r)
	}
	w.AWS.Inject(sim.AWSFault{Action: "DescribeTargetHealth", Denied: true})
	r = f.Invoke(t, "{}")
	message, _ := decode(t, r.Body)["errorMessage"].(string)
	if !r.Failed || !strings.Contains(message, "web: list targets of web") || !strings.Contains(message, "; gone: ") {
		t.Errorf("no binding came through: %+v", r)
	}
	f.End()
	failures := map[string]int{}
	for line := range strings.Lines(f.Log.String()) {
		if entry := decode(t, line); entry["RoundFailures"] == 1.0 {
			failures[fmt.Sprint(entry["Binding"])]++
		}
	}
	if failures["web"] != 1 || failures["gone"] != 2 {
		t.Errorf("each failure's own metric: %v", failures)
	}
}

func TestAnIntervalKeepsOneInvocationBusyUntilItsTimeIsNearlyOver(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 3})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	api := rigtest.NewRuntimeAPI(t)
	api.Left = 19 * time.Second // so rounds begin for 4 s
	f := w.Function(t, api, append(w.OriginalEnvironment(), "MOORING_INTERVAL=1s")...)
	changed := make(chan struct{})
	w.AWS.Inject(sim.AWSFault{Action: "RegisterTargets", Times: 1, After: func(sim.AWSCall) {
		w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...) // after the first round looked
		close(changed)
	}})
	began := time.Now()
	r := f.Invoke(t, "{}")
	took := time.Since(began)
	<-changed
	if r.Failed || took < 2*time.Second || took > 14*time.Second || len(w.Registered()) != 4 {
		t.Errorf("after %s, with %d registered: %+v", took, len(w.Registered()), r)
	}
}

func TestAnEventThatIsNotTheScheduleIsLookedIntoAgain(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 4})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	api := rigtest.NewRuntimeAPI(t)
	api.Left = 22 * time.Second // so the look after 5 s has room, and the one after 15 s has not
	f := w.Function(t, api, w.OriginalEnvironment()...)
	w.AWS.Inject(sim.AWSFault{Action: "RegisterTargets", Times: 1, After: func(sim.AWSCall) { w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...) }})
	began := time.Now()
	r := f.Invoke(t, `{"source":"aws.rds","detail-type":"RDS DB Cluster Event","detail":{"EventID":"RDS-EVENT-0071"}}`)
	if took := time.Since(began); r.Failed || took < 5*time.Second || took > 15*time.Second || len(w.Registered()) != 4 {
		t.Errorf("after %s, with %d registered: %+v", took, len(w.Registered()), r)
	}
}
