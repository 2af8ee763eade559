package deploytest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/cmd/internal/rigtest"
	"mooring/deploy/cloudformation"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

// worldly are the original's parameters for a world's name, group and bucket.
func worldly(more ...string) map[string]string {
	return originals(append([]string{"InternalALBDNSName=" + rigtest.Name, "NLBTargetGroupARN=" + rigtest.ARN, "S3BucketName=" + rigtest.Bucket}, more...)...).Parameters
}

func without(p map[string]string, name string) map[string]string {
	p = maps.Clone(p)
	delete(p, name)
	return p
}

func variables(env map[string]string) (out []string) {
	for name, v := range env {
		out = append(out, name+"="+v)
	}
	slices.Sort(out)
	return out
}

// moto makes a rule anew for each change of it, so its id is not compared; that CloudFormation changes it in place is in
// TestAnUpdateOfTheOriginalsStackKeepsAllFourResources.
func TestMotoUpdatesTheOriginalsStackToOurs(t *testing.T) {
	t.Parallel()
	cloud := deploytest.Connect(t, mototest.Endpoint(t))
	cloud.Package("exampleloadbalancer-us-east-1", "blog-posts/static-ip-for-application-load-balancer/populate_NLB_TG_with_ALB_python3.zip")
	cloud.Package("packages", "mooring-lambda-arm64.zip")
	before := cloud.Create("update", original(t), without(worldly(), "PackageBucket"))
	if old := cloud.Function(before["LambdaFunction"]); old.Handler != "populate_NLB_TG_with_ALB.lambda_handler" || len(before) != 4 {
		t.Fatalf("%+v: %v", old, before)
	}
	after := cloud.Update("update", cloudformation.Mooring, worldly())
	for _, id := range []string{"LambdaFunction", "LambdaIAMRole"} {
		if before[id] == "" || after[id] != before[id] {
			t.Errorf("%s was %s and is %s", id, before[id], after[id])
		}
	}
	made := cloud.Function(after["LambdaFunction"])
	want := resolve(t, deploytest.Case{Parameters: worldly()})
	if made.Handler != "bootstrap" || made.Runtime != "provided.al2023" || made.Timeout != 60 || !slices.Equal(made.Variables(), variables(environment(want))) {
		t.Errorf("%+v, want %v", made, environment(want))
	}
	for _, id := range []string{"ScheduledRule", "LambdaInvokePermission", "LogGroup", "FailureQueue", "Overview", "ScheduleRole"} {
		if _, ok := after[id]; !ok {
			t.Errorf("no %s", id)
		}
	}
}

func TestTheStacksScheduleBringsTheGroupInStep(t *testing.T) {
	t.Parallel()
	w := rigtest.New(t, "mooring/cmd/mooring-lambda", sim.DNSConfig{Seed: 5})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 12)...)
	// What the original left is taken over: an address of its own that is gone leaves, in the end.
	w.S3.Put(rigtest.Bucket, rigtest.Name+"/active_ip.json", []byte(`{"LoadBalancerName": "`+rigtest.Name+`", "IPList": ["10.0.0.11"], "IPCount": 1}`))
	if err := deploytest.Join(w, mototest.Endpoint(t)); err != nil {
		t.Fatal(err)
	}
	deploytest.Connect(t, mototest.Endpoint(t)).Package("packages", "mooring-lambda-arm64.zip")
	cloud := deploytest.Connect(t, w.URL)
	ids := cloud.Create("story", cloudformation.Mooring, worldly())
	made := cloud.Function(ids["LambdaFunction"])
	event, err := resolve(t, deploytest.Case{Parameters: worldly()}).Event()
	if err != nil {
		t.Fatal(err)
	}
	outcome, log := deploytest.Fire(t, w, made, event)
	if outcome.Failed || !slices.Equal(w.Registered(), rigtest.Addrs(1, 12)) {
		t.Fatalf("%+v: registered %s\n%s", outcome, rigtest.Strings(w.Registered()), log)
	}
	if w.CloudWatch == nil || w.AWS.Count("PutMetricData") == 0 {
		t.Error("the original's metric was not put")
	}
	alarm := resolve(t, deploytest.Case{Parameters: worldly()}).Resources["BindingAlarm"].Properties
	if seen := watchedIn(t, log, watchedBy(t, alarm)[0]); !seen {
		t.Errorf("no line of the log has what BindingAlarm watches:\n%s", log)
	}
}

// watchedIn tells whether a line of the log is the embedded metric that an alarm watches.
func watchedIn(t *testing.T, log string, w watched) bool {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		same := entry["_aws"] != nil && entry[w.name] != nil
		for name, v := range w.dimensions {
			same = same && fmt.Sprint(entry[name]) == v
		}
		if same {
			return true
		}
	}
	return false
}
