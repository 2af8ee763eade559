package deploytest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// Events that schedules send where a target has no input of its own:
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
const (
	SchedulerEvent = `{"version":"0","id":"d32c5cc2-1c1d-4c5d-bf5e-0f8b1e1d9d7b","detail-type":"Scheduled Event","source":"aws.scheduler",` +
		`"account":"111122223333","time":"2026-11-26T08:00:00Z","region":"eu-west-1","resources":["arn:aws:scheduler:eu-west-1:111122223333:schedule/default/mooring"],"detail":"{}"}`
	RuleEvent = `{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events",` +
		`"account":"111122223333","time":"2026-11-26T08:00:00Z","region":"eu-west-1","resources":["arn:aws:events:eu-west-1:111122223333:rule/mooring"],"detail":{}}`
)

// RolePolicies are those of the function's role, each as IAM takes it; none where the role is somebody else's.
func (s *Stack) RolePolicies() (out []string, err error) {
	role, made := s.Resources["LambdaIAMRole"]
	if !made {
		return nil, nil
	}
	policies, _ := role.Properties["Policies"].([]any)
	for _, one := range policies {
		policy, _ := one.(map[string]any)
		text, err := json.Marshal(policy["PolicyDocument"])
		if err != nil {
			return nil, fmt.Errorf("policy %v: %w", policy["PolicyName"], err)
		}
		out = append(out, string(text))
	}
	return out, nil
}

// Event is what the stack's one schedule sends to the function each minute. It is an error if there is none that is on, or if
// there are two.
func (s *Stack) Event() (string, error) {
	var events []string
	for _, id := range s.IDs("AWS::Scheduler::Schedule") {
		if s.Resources[id].Properties["State"] == "ENABLED" {
			events = append(events, SchedulerEvent)
		}
	}
	for _, id := range s.IDs("AWS::Events::Rule") {
		if s.Resources[id].Properties["State"] == "ENABLED" {
			events = append(events, RuleEvent)
		}
	}
	if len(events) != 1 {
		return "", fmt.Errorf("%d schedules are on", len(events))
	}
	return events[0], nil
}

// Fire lets the schedule invoke the function once: the built one, in the environment that the stack made, in a world of
// [rigtest.New]. It returns what came of it, and the function's log. The function may do what these policies of its role
// allow, and the test fails if it does more; without any it may do what is generated for its environment. Everybody else
// may do everything afterwards.
func Fire(t testing.TB, w *rigtest.World, made Made, event string, role []string) (rigtest.Outcome, string) {
	t.Helper()
	if made.Handler != "bootstrap" || made.Runtime != "provided.al2023" {
		t.Fatalf("this is not the built function: %s on %s", made.Handler, made.Runtime)
	}
	api := rigtest.NewRuntimeAPI(t)
	if api.Left = time.Duration(made.Timeout) * time.Second; api.Left == 0 {
		api.Left = 3 * time.Second // Lambda's default
	}
	env := append(w.AWSEnvironment(), made.Variables()...)
	judge := w.Judge()
	if len(role) > 0 {
		env = append(env, "AWS_ACCESS_KEY_ID="+functionKey)
		attach(t, judge, functionKey, role...)
	}
	f := w.Function(t, api, env...)
	outcome := f.Invoke(t, event)
	f.End()
	attach(t, judge, "", everything)
	return outcome, f.Log.String()
}

// functionKey is the key that Lambda gives to a function that has a role.
const functionKey = "ASIAFUNCTION"

// everything is the policy of who tests.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func attach(t testing.TB, judge *sim.IAM, who string, policies ...string) {
	t.Helper()
	if err := judge.Attach(who, policies...); err != nil {
		t.Fatal(err)
	}
}
