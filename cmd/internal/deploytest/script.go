package deploytest

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mooring/cmd/internal/rigtest"
	"mooring/deploy/cloudformation"
)

// packages is the bucket with the function's archive.
const packages = "packages"

// Commands are for scripts in a world of [rigtest.New], with moto's endpoint:
//
//	stack NAME [PARAMETER=VALUE...]  makes a stack of mooring.yaml, or updates it. Without other parameters it is for the world's
//	                                 name, group and bucket. Then $FUNCTION, $LOG_GROUP and $FUNCTION_ROLE are what it made
//	fire NAME                        lets its schedule invoke the function once; fails unless a round came through, with ! if one
//	                                 did. Log and metrics are where AWS would have them. It may do what the stack's role may
func Commands(t testing.TB, w *rigtest.World, moto string) map[string]func(*testscript.TestScript, bool, []string) {
	t.Helper()
	if err := Join(w, moto); err != nil {
		t.Fatal(err)
	}
	s := stacks{t: t, world: w, cloud: Connect(t, w.URL), of: map[string]made{}}
	Connect(t, moto).Package(packages, "mooring-lambda-arm64.zip")
	return map[string]func(*testscript.TestScript, bool, []string){"stack": s.stack, "fire": s.fire}
}

type stacks struct {
	t     testing.TB
	world *rigtest.World
	cloud Cloud
	of    map[string]made // by name
}

// made is one of them.
type made struct {
	ids   map[string]string
	event string
	role  []string // the function's policies
}

// For are the parameters of mooring.yaml for a world's name, group and bucket.
func For() map[string]string {
	return map[string]string{
		"InternalALBDNSName": rigtest.Name, "ALBListenerPort": fmt.Sprint(rigtest.Port), "NLBTargetGroupARN": rigtest.ARN,
		"S3BucketName": rigtest.Bucket, "PackageBucket": packages,
	}
}

func (s *stacks) stack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: stack NAME [PARAMETER=VALUE...]")
	}
	name, parameters := args[0], For()
	for _, pair := range args[1:] {
		parameter, v, _ := strings.Cut(pair, "=")
		parameters[parameter] = v
	}
	template, err := Parse(cloudformation.Mooring)
	ts.Check(err)
	resolved, err := template.Resolve(Case{Parameters: maps.Clone(parameters), Name: name})
	ts.Check(err)
	event, err := resolved.Event()
	ts.Check(err)
	role, err := resolved.RolePolicies()
	ts.Check(err)
	action := s.cloud.Create
	if _, there := s.of[name]; there {
		action = s.cloud.Update
	}
	m := made{ids: action(name, cloudformation.Mooring, parameters), event: event, role: role}
	s.of[name] = m
	ts.Setenv("FUNCTION", m.ids["LambdaFunction"])
	ts.Setenv("LOG_GROUP", m.ids["LogGroup"])
	ts.Setenv("FUNCTION_ROLE", m.ids["LambdaIAMRole"])
}

func (s *stacks) fire(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || s.of[args[0]].ids == nil {
		ts.Fatalf("usage: fire NAME, of a stack")
	}
	m := s.of[args[0]]
	outcome, log := Fire(s.t, s.world, s.cloud.Function(m.ids["LambdaFunction"]), m.event, m.role)
	s.cloud.Record(m.ids["LambdaFunction"], m.ids["LogGroup"], outcome, log)
	ts.Logf("%s", outcome.Body)
	if outcome.Failed != neg {
		ts.Fatalf("failed is %t:\n%s", outcome.Failed, log)
	}
}
