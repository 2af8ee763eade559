package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTerraformTakesTheExamplesAsTheyAre(t *testing.T) {
	b := newBench(t)
	b.run(".", "fmt", "-check", "-recursive", "-diff", "terraform")
	for _, folder := range folders(t)[2:] {
		at := "terraform/examples/" + filepath.Base(folder)
		if strings.HasSuffix(at, "/two-ports") {
			continue // it makes a target group, which the stand-in has not
		}
		b.run(at, "init", "-input=false", "-no-color")
		b.run(at, "validate", "-no-color")
	}
}

// The whole of it: Terraform plans every case, applies it, and finds nothing more to do; each function's environment is a
// configuration of mooring, and each policy the one that is written down.
func TestTerraformMakesOfTheInputsWhatMooringTakes(t *testing.T) {
	b := newBench(t)
	b.copy("testdata/cases", "case")
	b.write("case/function.zip", "an archive")
	b.run("case", "init", "-input=false", "-no-color")
	first := b.plan("case")
	b.run("case", "apply", "-input=false", "-no-color", "plan")
	again := b.plan("case")
	for _, c := range again.Changes {
		if !slices.Equal(c.Change.Actions, []string{"no-op"}) {
			t.Errorf("the second plan wants to %v %s", c.Change.Actions, c.Address)
		}
	}
	program := mooring(t)
	checkEnvironments(t, again, program)
	checkPolicies(t, again, program)
	checkFunctions(t, first)
}

func checkEnvironments(t *testing.T, p planned, program string) {
	t.Helper()
	want := map[string]string{
		"one": "1 binding", "older": "1 binding", "names": "1 binding", "many": "8 bindings", "unknown": "1 binding", "unknown_older": "1 binding",
		"forms": "3 bindings",
	}
	for name, words := range want {
		cmd := exec.CommandContext(t.Context(), program, "config", "check")
		environ, size, _ := environment(t, p, name)
		cmd.Env = environ
		if size > 4096 { // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
			t.Errorf("%s: the variables have %d bytes", name, size)
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), words) {
			t.Errorf("%s: %v, want %s\n%s", name, err, words, out)
		}
		checkAlarms(t, p, name, string(out))
	}
}

// environment is that of a case's function, with the configuration itself where that is on S3, and how many bytes it has.
func environment(t *testing.T, p planned, name string) (environ []string, size int, where string) {
	t.Helper()
	environ = []string{"AWS_REGION=eu-west-1"}
	block := p.after(t, "module."+name+".aws_lambda_function.this")["environment"].([]any)[0].(map[string]any)
	for variable, value := range block["variables"].(map[string]any) {
		text := value.(string)
		size += len(variable) + len(text)
		if variable == "MOORING_CONFIG" && strings.HasPrefix(text, "s3://") {
			object := p.after(t, "module."+name+".aws_s3_object.config[0]")
			where = fmt.Sprintf("s3://%s/%s", object["bucket"], object["key"])
			if text != where {
				t.Errorf("%s: the configuration is at %s, and looked for at %s", name, where, text)
			}
			text = object["content"].(string)
		}
		environ = append(environ, variable+"="+text)
	}
	return environ, size, where
}

// The alarms of a binding watch the metrics that it has: by its name, as mooring tells it, and by its group.
func checkAlarms(t *testing.T, p planned, name, bindings string) {
	t.Helper()
	for _, c := range p.Changes {
		if !strings.HasPrefix(c.Address, "module."+name+".aws_cloudwatch_metric_alarm.") || c.Change.After["namespace"] != "Mooring" {
			continue
		}
		of := c.Change.After["dimensions"].(map[string]any)
		if binding := fmt.Sprint(of["Binding"]); !strings.Contains(bindings, binding) || !regexp.MustCompile("^targetgroup/[a-z0-9-]+/[0-9a-f]{16}$").MatchString(fmt.Sprint(of["TargetGroup"])) {
			t.Errorf("%s watches %v, and mooring has\n%s", c.Address, of, bindings)
		}
	}
}

// A case's policy is the one that is written down, and allows what `mooring iam-policy` says of the same configuration, and
// nothing else but what Lambda itself asks of a function in a VPC, with a key, or with a destination of failures.
func checkPolicies(t *testing.T, p planned, program string) {
	t.Helper()
	own := []string{"JoinVPC", "JoinVPCByLambdaOnly", "ReadVariables", "TellOfFailures"}
	policies := p.Outputs["policies"].After.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		text := policies[name].(string)
		written(t, name, text)
		environ, _, where := environment(t, p, name)
		function := p.after(t, "module."+name+".aws_lambda_function.this")
		args := []string{"iam-policy", "--for", "function", "--log-group", "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/" + function["function_name"].(string)}
		if where != "" {
			args = append(args, "--config-at", where)
		}
		if key, ok := function["kms_key_arn"].(string); ok {
			args = append(args, "--kms-key", key)
		}
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = environ
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		got, want := allowed(t, text, own), allowed(t, string(out), nil)
		for what := range got {
			if !want[what] {
				t.Errorf("%s: the module allows more: %s", name, what)
			}
		}
		for what := range want {
			if !got[what] {
				t.Errorf("%s: the module does not allow: %s", name, what)
			}
		}
	}
}

func written(t *testing.T, name, policy string) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(policy), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	file := "testdata/policies/" + name + ".json"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s", file, &got)
	}
}

// allowed is a policy taken apart: each action on each resource, with its conditions.
func allowed(t *testing.T, policy string, but []string) map[string]bool {
	t.Helper()
	var parsed struct {
		Statement []struct {
			Sid              string
			Action, Resource []string
			Condition        map[string]map[string][]string
		}
	}
	if err := json.Unmarshal([]byte(policy), &parsed); err != nil {
		t.Fatalf("%v\n%s", err, policy)
	}
	out := map[string]bool{}
	for _, s := range parsed.Statement {
		if slices.Contains(but, s.Sid) {
			continue
		}
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				out[fmt.Sprintf("%s on %s where %v", action, resource, s.Condition)] = true
			}
		}
	}
	return out
}

func checkFunctions(t *testing.T, p planned) {
	t.Helper()
	trust := p.after(t, "module.one.aws_iam_role.schedule[0]")["assume_role_policy"].(string)
	if !strings.Contains(trust, `{"aws:SourceAccount":"111122223333","aws:SourceArn":"arn:aws:scheduler:eu-west-1:111122223333:schedule-group/default"}`) {
		t.Errorf("the schedule's role trusts %s", trust)
	}
	for address, want := range map[string]map[string]any{
		"module.one.aws_lambda_function.this": {
			"function_name": "mooring", "runtime": "provided.al2023", "handler": "bootstrap", "timeout": 60.0, "reserved_concurrent_executions": -1.0,
		},
		"module.many.aws_lambda_function.this":  {"timeout": 75.0, "role": "arn:aws:iam::111122223333:role/mooring", "reserved_concurrent_executions": 1.0},
		"module.older.aws_lambda_function.this": {"function_name": "web-nlb-tg-to-alb", "s3_bucket": "archives", "s3_key": "mooring.zip"},
		"module.many.aws_lambda_function_event_invoke_config.this": {
			"maximum_retry_attempts": 0.0, "maximum_event_age_in_seconds": 60.0,
		},
		"module.many.aws_s3_bucket.memory[0]":                           {"bucket": "many-names-111122223333-eu-west-1"},
		"module.one.aws_cloudwatch_metric_alarm.not_scheduled[0]":       {"treat_missing_data": "breaching", "period": 60.0},
		`module.many.aws_cloudwatch_metric_alarm.held["writer"]`:        {"treat_missing_data": "notBreaching", "period": 300.0, "evaluation_periods": 12.0},
		`module.unknown.aws_cloudwatch_metric_alarm.failing["web-443"]`: {"evaluation_periods": 10.0},
		`module.unknown_older.aws_cloudwatch_metric_alarm.failing["0"]`: {"datapoints_to_alarm": 10.0},
		"module.older.aws_cloudwatch_event_rule.schedule[0]":            {"name": "web-nlb-tg-to-alb-trigger"},
		"module.one.aws_scheduler_schedule.this[0]":                     {"state": "ENABLED"},
		"module.older.aws_lambda_permission.schedule[0]":                {"principal": "events.amazonaws.com"},
		"module.one.aws_s3_bucket_public_access_block.memory[0]":        {"block_public_acls": true, "restrict_public_buckets": true},
		"module.one.aws_cloudwatch_log_group.function":                  {"name": "/aws/lambda/mooring", "retention_in_days": 30.0},
	} {
		after := p.after(t, address)
		for attribute, value := range want {
			if after[attribute] != value {
				t.Errorf("%s: %s is %v, want %v", address, attribute, after[attribute], value)
			}
		}
	}
	for _, c := range p.Changes {
		if strings.HasPrefix(c.Address, "module.older.aws_s3_bucket") || strings.HasPrefix(c.Address, "module.names.aws_cloudwatch_metric_alarm") {
			t.Errorf("%s is made, and was not wanted", c.Address)
		}
	}
}

// Whatever is said wrong is answered in words, at once and before anything is made.
func TestTheModuleSaysWhatIsWrongWithItsInputs(t *testing.T) {
	b := newBench(t)
	for _, file := range []string{"main.tf", "inputs.tf"} {
		text, err := os.ReadFile("testdata/faults/" + file)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.TrimSuffix(file, ".tf")
		b.write(at+"/"+file, string(text))
		if at == "inputs" {
			b.write(at+"/local.tf", "locals {\n  group = \"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef\"\n}\n")
		}
		b.write(at+"/function.zip", "an archive")
		b.run(at, "init", "-input=false", "-no-color")
		said, err := b.try(at, "plan", "-input=false", "-no-color")
		if err == nil {
			t.Fatalf("%s: taken\n%s", file, said)
		}
		answers := strings.Split(strings.Join(strings.Fields(strings.ReplaceAll(said, "│", "")), " "), "Error: ")
		wanted := regexp.MustCompile(`(?m)^# (.+)\nmodule "(.+)"`).FindAllStringSubmatch(string(text), -1)
		if len(wanted) < 10 {
			t.Fatalf("%s: %d faults", file, len(wanted))
		}
		for _, want := range wanted {
			whose := fmt.Sprintf("in module %q:", want[2])
			if at == "main" { // where the resource is named, and not whose it is
				whose = ""
			}
			if !slices.ContainsFunc(answers, func(one string) bool { return strings.Contains(one, want[1]) && strings.Contains(one, whose) }) {
				t.Errorf("%s: of %s nobody said %q:\n%s", file, want[2], want[1], said)
			}
		}
	}
}

// What a state of the trussworks module holds stays where it is: the example's moved blocks find all of it, and only the
// policy that mooring has no use for goes.
func TestMovingFromTrussworksKeepsWhatIsThere(t *testing.T) {
	b := newBench(t)
	b.copy("testdata/older", "older")
	b.run("older", "init", "-input=false", "-no-color")
	b.run("older", "apply", "-auto-approve", "-input=false", "-no-color")
	state, err := os.ReadFile(b.path("older/terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	const at = "terraform/examples/from-trussworks"
	b.write(at+"/terraform.tfstate", string(state))
	b.run(at, "init", "-input=false", "-no-color")
	p := b.plan(at, "-var=alb_dns_name=internal-app-1.eu-west-1.elb.amazonaws.com", "-var=status_s3_bucket=state", "-var=lambda_s3_bucket=archives",
		"-var=nlb_target_group_arn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef")
	goes := map[string]bool{
		"module.nlb_tg_to_alb.aws_iam_policy.main":                                                 true,
		"module.nlb_tg_to_alb.module.updater.aws_iam_role_policy_attachment.user_policy_attach[0]": true,
	}
	moved := 0
	for _, c := range p.Changes {
		if c.Previous != "" {
			moved++
		}
		if deletes := slices.Contains(c.Change.Actions, "delete"); deletes != goes[c.Address] {
			t.Errorf("%s: %v", c.Address, c.Change.Actions)
		}
	}
	if moved != 7 {
		t.Errorf("%d resources are moved", moved)
	}
}

// mooring builds the program.
func mooring(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "mooring")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/mooring")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
