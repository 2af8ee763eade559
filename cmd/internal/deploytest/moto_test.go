package deploytest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

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

func TestMotoMakesAStackOfAFile(t *testing.T) {
	t.Parallel()
	cloud := deploytest.Connect(t, mototest.Endpoint(t))
	cloud.Package("packages", "mooring-lambda-arm64.zip")
	for stack, c := range map[string]deploytest.Case{"inline": cases()["a file inline"], "on-s3": cases()["a file on S3"]} {
		made := cloud.Create(stack, cloudformation.Mooring, c.Parameters)
		c.Name = stack
		want := environment(resolve(t, c))
		if got := cloud.Function(made["LambdaFunction"]).Variables(); want["MOORING_CONFIG"] == "" || !slices.Contains(got, "MOORING_CONFIG="+want["MOORING_CONFIG"]) {
			t.Errorf("%s: %q, want %v", stack, got, want)
		}
	}
}

func TestTheStacksScheduleBringsTheGroupInStep(t *testing.T) {
	t.Parallel()
	w := rigtest.New(t, "mooring/cmd/mooring-lambda", sim.DNSConfig{Seed: 5})
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: scripted(t, w), RequireExplicitExec: true})
}

// scripted are the commands of testdata/script: those of [deploytest.Commands], and
//
//	name N                                          the addresses 1 to N are behind the world's name
//	nobody                                          the name does not exist any more
//	targets N                                       fails unless the first N are registered, and no others
//	metric NAMESPACE map[DIMENSION:V] METRIC=V...   fails unless these are the last values
func scripted(t *testing.T, w *rigtest.World) map[string]func(*testscript.TestScript, bool, []string) {
	cmds := deploytest.Commands(t, w, mototest.Endpoint(t))
	cmds["name"] = func(_ *testscript.TestScript, _ bool, args []string) {
		w.DNS.Set(rigtest.Name, rigtest.Addrs(1, atoi(args[0]))...)
	}
	cmds["targets"] = func(ts *testscript.TestScript, _ bool, args []string) {
		if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, atoi(args[0]))) {
			ts.Fatalf("registered: %s", rigtest.Strings(got))
		}
	}
	cmds["nobody"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		w.DNS.Fault(rigtest.Name, sim.DNSNXDomain)
		w.DNS.FaultResolver(rigtest.Name, sim.DNSNXDomain)
	}
	cmds["metric"] = func(ts *testscript.TestScript, _ bool, args []string) {
		for _, want := range args[2:] {
			last := ""
			for _, d := range w.CloudWatch.Data() {
				if d.Namespace == args[0] && fmt.Sprint(d.Dimensions) == args[1] && strings.HasPrefix(want, d.Name+"=") {
					last = fmt.Sprint(d.Name, "=", d.Value)
				}
			}
			if last != want {
				ts.Fatalf("%q, want %s, of %+v", last, want, w.CloudWatch.Data())
			}
		}
	}
	return cmds
}
