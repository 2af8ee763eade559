package deploytest_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/cmd/internal/rigtest"
	"mooring/deploy/cloudformation"
	"mooring/internal/config"
	"mooring/internal/store/mototest"
)

func TestMain(m *testing.M) {
	code := rigtest.Main(m)
	if err := mototest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

const (
	alb   = "internal-app-1234567890.eu-west-1.elb.amazonaws.com"
	group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
	topic = "arn:aws:sns:eu-west-1:111122223333:changes"

	inline = `{defaults: {memory: "s3://state-bucket/mine", port: 443}, bindings: [{hostname: ` + alb + `, target_group: "` + group + `"}]}`
)

// originals are a stack's parameters as the original's template had them, with what ours asks for beside them.
func originals(more ...string) deploytest.Case {
	p := map[string]string{
		"InternalALBDNSName": alb, "NLBTargetGroupARN": group, "S3BucketName": "state-bucket", "ALBListenerPort": "443",
		"MAXDNSLookupPerInvocation": "50", "InvocationBeforeDeregistration": "3", "CWMetricFlagIPCount": "True",
		"SameVPC": "True", "Region": "us-east-1", "PackageBucket": "packages",
	}
	return with(p, more)
}

func with(p map[string]string, more []string) deploytest.Case {
	for _, pair := range more {
		name, v, _ := strings.Cut(pair, "=")
		p[name] = v
	}
	return deploytest.Case{Parameters: p}
}

func many(more ...string) deploytest.Case {
	return with(map[string]string{"PackageBucket": "packages", "TargetGroupARNs": group}, more)
}

// cases are the stacks that the template is judged by. Each must keep what every stack promises.
func cases() map[string]deploytest.Case {
	china := originals("NLBTargetGroupARN="+strings.NewReplacer("arn:aws:", "arn:aws-cn:", "eu-west-1", "cn-north-1").Replace(group),
		"InternalALBDNSName=internal-app-1234567890.cn-north-1.elb.amazonaws.com.cn", "SameVPC=False")
	china.Region = "cn-north-1"
	return map[string]deploytest.Case{
		"the original's of 2021":  originals(),
		"the original's of 2018":  originals("SameVPC="),
		"without a bucket":        originals("S3BucketName="),
		"by a rule":               originals("ScheduleBy=rule"),
		"with existing roles":     originals("RoleARN=arn:aws:iam::111122223333:role/mine", "ScheduleRoleARN=arn:aws:iam::111122223333:role/s", "FailureDestination=none"),
		"with a boundary":         originals("PermissionsBoundaryARN=arn:aws:iam::111122223333:policy/b"),
		"in a VPC, with a key":    originals("SubnetIds=subnet-1,subnet-2", "SecurityGroupIds=sg-1", "KMSKeyARN=arn:aws:kms:eu-west-1:111122223333:key/k", "S3BucketName="),
		"to watch":                originals("Mode=observe", "NotifyTopicARN="+topic),
		"never to remove":         originals("Mode=add-only"),
		"telling":                 originals("NotifyTopicARN="+topic, "AlarmEmail=ops@example.com", "AlarmTopicARN=arn:aws:sns:eu-west-1:111122223333:alarms"),
		"in silence":              originals("Alarms=false", "AlarmEmail=ops@example.com", "Dashboard=false", "FailureDestination=none", "CWMetricFlagIPCount=False"),
		"failures to a topic":     originals("FailureDestination=" + topic),
		"on Intel, in its bucket": originals("Architecture=x86_64", "PackageKey=v1/f.zip", "PackageVersion=abc"),
		"each five seconds":       originals("Interval=5s", "ReservedConcurrency=1", "MemorySize=256"),
		"back to 2018":            originals("WriteLegacyState=v1"),
		"back to 2021":            originals("WriteLegacyState=v2", "S3BucketName="),
		"in China":                china,
		"a group elsewhere":       originals("NLBTargetGroupARN=" + strings.Replace(group, "eu-west-1", "us-east-2", 1)),
		"a file on S3":            many("Configuration=s3://conf/bindings.yaml", "BindingRoleARNs=arn:aws:iam::222233334444:role/mooring"),
		"a file on S3, memory in a bucket that is named": many("Configuration=s3://conf/bindings.yaml", "S3BucketName=state-bucket", "ScheduleBy=rule"),
		"a file inline":               many("ConfigurationInline="+inline, "S3BucketName=state-bucket"),
		"a file inline, back to 2020": many("ConfigurationInline="+inline, "S3BucketName=state-bucket", "WriteLegacyState=v3"),
		"a file inline, to watch":     many("ConfigurationInline="+inline, "Mode=observe", "TargetGroupARNs="),
	}
}

func parse(t testing.TB, text string) *deploytest.Template {
	t.Helper()
	template, err := deploytest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func resolve(t testing.TB, c deploytest.Case) *deploytest.Stack {
	t.Helper()
	s, err := parse(t, cloudformation.Mooring).Resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs a test for every case.
func each(t *testing.T, test func(*testing.T, *deploytest.Stack)) {
	for name, c := range cases() {
		t.Run(name, func(t *testing.T) { test(t, resolve(t, c)) })
	}
}

func TestATemplateIsAsSmallAsCloudFormationTakesIt(t *testing.T) {
	for name, text := range map[string]string{"mooring.yaml": cloudformation.Mooring, "front.yaml": cloudformation.Front} {
		if len(text) > cloudformation.MaxBody {
			t.Errorf("%s has %d bytes, and may have %d", name, len(text), cloudformation.MaxBody)
		}
	}
}

// ignored are the parameters that are taken and not used.
var ignored = map[string]bool{"Region": true}

func TestEveryReferenceLeadsSomewhereAndEveryParameterIsUsed(t *testing.T) {
	for name, text := range map[string]string{"mooring.yaml": cloudformation.Mooring, "front.yaml": cloudformation.Front} {
		template := parse(t, text)
		r := template.References()
		for _, fault := range r.Faults {
			t.Errorf("%s: %s", name, fault)
		}
		for p := range template.Parameters {
			if r.Used[p] == (name == "mooring.yaml" && ignored[p]) {
				t.Errorf("%s: parameter %s: used is %t", name, p, r.Used[p])
			}
		}
		for c, v := range template.Conditions {
			if text := fmt.Sprint(template.Conditions); !r.Held[c] && !strings.Contains(text, c) {
				t.Errorf("%s: condition %s is not used: %v", name, c, v)
			}
		}
	}
}

func TestTheConsoleAsksForEveryParameterInAGroupWithALabel(t *testing.T) {
	for name, text := range map[string]string{"mooring.yaml": cloudformation.Mooring, "front.yaml": cloudformation.Front} {
		template := parse(t, text)
		form, _ := template.Metadata["AWS::CloudFormation::Interface"].(map[string]any)
		labels, _ := form["ParameterLabels"].(map[string]any)
		var grouped []string
		for _, g := range form["ParameterGroups"].([]any) {
			for _, p := range g.(map[string]any)["Parameters"].([]any) {
				grouped = append(grouped, p.(string))
			}
		}
		slices.Sort(grouped)
		if want := slices.Sorted(maps.Keys(template.Parameters)); !slices.Equal(grouped, want) || len(labels) != len(want) {
			t.Errorf("%s: grouped are %v, of %v, with %d labels", name, grouped, want, len(labels))
		}
		for p, declared := range template.Parameters {
			if labels[p] == nil || declared.Description == "" {
				t.Errorf("%s: %s has no label or no description", name, p)
			}
		}
	}
}

func TestWhatCannotBeIsRefusedBeforeAnythingIsMade(t *testing.T) {
	template := parse(t, cloudformation.Mooring)
	for name, c := range map[string]deploytest.Case{
		"nothing to do":          {Parameters: map[string]string{"PackageBucket": "packages"}},
		"no package":             {Parameters: map[string]string{"NLBTargetGroupARN": group, "InternalALBDNSName": alb, "ALBListenerPort": "443"}},
		"a group without a name": originals("InternalALBDNSName="),
		"one, and a file":        originals("Configuration=s3://conf/bindings.yaml"),
		"two files":              many("Configuration=s3://conf/bindings.yaml", "ConfigurationInline="+inline),
		"no target group":        originals("NLBTargetGroupARN=arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/x/0"),
		"half an interval":       originals("Interval=5m"),
		"no key":                 many("Configuration=https://conf/bindings.yaml"),
		"a key with a star":      many("Configuration=s3://conf/*"),
		"more than 4 KB":         many("ConfigurationInline=" + inline + strings.Repeat(" ", 3500)),
		"back from watching":     originals("Mode=observe", "WriteLegacyState=v2"),
		"back to 2020, its own":  originals("WriteLegacyState=v3"),
		"a role for any queue":   originals("RoleARN=arn:aws:iam::111122223333:role/mine"),
		"unknown":                originals("Colour=red"),
	} {
		if _, err := template.Resolve(c); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
}

func TestExactlyOneScheduleIsOnAndNothingIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *deploytest.Stack) {
		if _, err := s.Event(); err != nil {
			t.Error(err)
		}
		again := s.Resources["FailuresAreNotRetried"].Properties
		if fmt.Sprintln(again["MaximumRetryAttempts"], again["MaximumEventAgeInSeconds"], again["Qualifier"]) != "0 60 $LATEST\n" {
			t.Errorf("asynchronous invocations: %v", again)
		}
		for _, id := range slices.Concat(s.IDs("AWS::Scheduler::Schedule"), s.IDs("AWS::Events::Rule")) {
			p := s.Resources[id].Properties
			text := fmt.Sprint(p)
			if p["ScheduleExpression"] != "rate(1 minute)" || !strings.Contains(text, "MaximumRetryAttempts:0") || !strings.Contains(text, "MaximumEventAgeInSeconds:60") {
				t.Errorf("%s: %s", id, text)
			}
		}
		if p := s.Resources["Schedule"].Properties; p != nil && fmt.Sprint(p["FlexibleTimeWindow"]) != "map[Mode:OFF]" {
			t.Errorf("%v", p)
		}
	})
}

// environment is what the stack's function has.
func environment(s *deploytest.Stack) map[string]string {
	out := map[string]string{}
	env, _ := s.Resources["LambdaFunction"].Properties["Environment"].(map[string]any)
	for name, v := range env["Variables"].(map[string]any) {
		out[name] = fmt.Sprint(v)
	}
	return out
}

// bindings are what the configuration makes of that environment. A file on S3 is the inline one.
func bindings(t *testing.T, env map[string]string) []config.Config {
	t.Helper()
	none := func(string) ([]string, bool) { return nil, false }
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	read := func(_ context.Context, source string) ([]byte, error) { return []byte(inline), nil }
	configs, err := config.Load(t.Context(), none, lookup, read)
	if err != nil {
		t.Fatal(err)
	}
	return configs
}

func TestTheFunctionUnderstandsTheEnvironmentThatItGets(t *testing.T) {
	each(t, func(t *testing.T, s *deploytest.Stack) {
		env := environment(s)
		if unknown := config.UnknownVariables(variables(env)); len(unknown) > 0 {
			t.Errorf("it would ignore %v", unknown)
		}
		for _, c := range bindings(t, env) {
			if c.Binding.TargetGroup == "" || c.Memory.Kind != "s3" {
				t.Errorf("%+v", c)
			}
		}
		p := s.Resources["LambdaFunction"].Properties
		if p["Runtime"] != "provided.al2023" || p["Handler"] != "bootstrap" {
			t.Errorf("%v on %v", p["Handler"], p["Runtime"])
		}
		want := "60"
		if env["MOORING_INTERVAL"] != "" {
			want = "75"
		}
		if fmt.Sprint(p["Timeout"]) != want {
			t.Errorf("it has %v s", p["Timeout"])
		}
	})
}

func TestTheOriginalsParametersMakeExactlyTheOriginalsEnvironment(t *testing.T) {
	text, err := os.ReadFile("testdata/original.json")
	if err != nil {
		t.Fatal(err)
	}
	c := originals()
	ours := environment(resolve(t, c))
	delete(c.Parameters, "PackageBucket")
	original, err := parse(t, string(text)).Resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	if theirs := environment(original); !maps.Equal(ours, theirs) {
		t.Errorf("ours %v\ntheirs %v", ours, theirs)
	}
	configs := bindings(t, ours)
	if len(configs) != 1 || configs[0].Legacy == nil || configs[0].Legacy.Format != "v1" || configs[0].Legacy.Bucket != "state-bucket" {
		t.Errorf("%+v", configs)
	}
	if env := environment(resolve(t, originals("SameVPC="))); len(env) != 7 {
		t.Errorf("that of 2018 had seven variables: %v", env)
	}
}

func TestNothingIsAllowedWhereTheRoleIsSomebodyElses(t *testing.T) {
	s := resolve(t, cases()["with existing roles"])
	if roles := s.IDs("AWS::IAM::Role"); len(roles) > 0 {
		t.Errorf("made: %v", roles)
	}
	if got := s.Resources["LambdaFunction"].Properties["Role"]; got != "arn:aws:iam::111122223333:role/mine" || s.Outputs["RoleArn"] != got {
		t.Errorf("the function is %v", got)
	}
	for _, id := range resolve(t, cases()["with a boundary"]).IDs("AWS::IAM::Role") {
		if p := resolve(t, cases()["with a boundary"]).Resources[id].Properties; p["PermissionsBoundary"] == nil || p["RoleName"] != nil {
			t.Errorf("%s: %v", id, p)
		}
	}
}

// Whoever may use the key or the schedule's role may do so for this stack's purposes alone.
func TestTheKeyAndTheSchedulesRoleAreForTheirServicesAlone(t *testing.T) {
	for name, want := range map[string]string{"eu-west-1": "arn:aws:scheduler:eu-west-1:111122223333:schedule-group/default", "cn-north-1": "arn:aws-cn:scheduler:cn-north-1:111122223333:schedule-group/default"} {
		c := cases()["in a VPC, with a key"]
		suffix := ".amazonaws.com"
		if c.Region = name; name == "cn-north-1" {
			suffix += ".cn"
		}
		s := resolve(t, c)
		if trust := text(s.Resources["ScheduleRole"].Properties["AssumeRolePolicyDocument"]); !strings.Contains(trust, `{"StringEquals":{"aws:SourceAccount":"111122223333","aws:SourceArn":"`+want+`"}}`) {
			t.Error(trust)
		}
		via := `"Condition":{"StringEquals":{"kms:ViaService":["lambda.` + name + suffix + `","s3.` + name + suffix + `","sqs.` + name + suffix + `"]}}`
		if role := text(s.Resources["LambdaIAMRole"].Properties["Policies"]); strings.Count(role, "kms:GenerateDataKey") != 1 || !strings.Contains(role, via) {
			t.Errorf("want %s in %s", via, role)
		}
	}
}

func TestABucketThatTheStackMakesIsPrivateAndOutlivesIt(t *testing.T) {
	each(t, func(t *testing.T, s *deploytest.Stack) {
		ids := s.IDs("AWS::S3::Bucket")
		if !s.Conditions["MakeBucket"] {
			if len(ids) > 0 {
				t.Errorf("made: %v", ids)
			}
			return
		}
		for _, id := range []string{"StateBucket", "StateBucketPolicy"} {
			if r := s.Resources[id]; r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s is not kept", id)
			}
		}
		p := text(s.Resources["StateBucket"].Properties)
		for _, want := range []string{
			`"BlockPublicAcls":true`, `"BlockPublicPolicy":true`, `"IgnorePublicAcls":true`, `"RestrictPublicBuckets":true`,
			`BucketOwnerEnforced`, `"SSEAlgorithm"`, `"VersioningConfiguration":{"Status":"Enabled"}`, `"NoncurrentDays":30`,
		} {
			if !strings.Contains(p, want) {
				t.Errorf("no %s in %s", want, p)
			}
		}
		if tls := text(s.Resources["StateBucketPolicy"].Properties); !strings.Contains(tls, `{"aws:SecureTransport":"false"}`) || !strings.Contains(tls, `"Effect":"Deny"`) {
			t.Error(tls)
		}
		if s.Outputs["BucketName"] != "mooring-statebucket" {
			t.Error(s.Outputs["BucketName"])
		}
	})
}

func TestNoNameOfAnotherPartitionIsWrittenDown(t *testing.T) {
	s := resolve(t, cases()["in China"])
	if all := text(s.Resources) + text(s.Outputs); strings.Contains(all, "arn:aws:") {
		t.Error(all)
	}
}
