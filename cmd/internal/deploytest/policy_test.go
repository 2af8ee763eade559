package deploytest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/cmd/internal/rig"
	"mooring/deploy/cloudformation"
	"mooring/internal/config"
	"mooring/internal/iam"
)

// policy is one of the role's, as IAM takes it, without names.
func policy(t *testing.T, s *deploytest.Stack, name string) map[string]any {
	t.Helper()
	policies, _ := s.Resources["LambdaIAMRole"].Properties["Policies"].([]any)
	for _, p := range policies {
		if p := p.(map[string]any); p["PolicyName"] == name {
			return canonical(t, p["PolicyDocument"])
		}
	}
	t.Fatalf("no policy %s", name)
	return nil
}

// canonical lets texts and lists of one be the same, and sorts lists.
func canonical(t *testing.T, v any) map[string]any {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	for _, one := range out["Statement"].([]any) {
		sorted(one.(map[string]any))
	}
	return out
}

func sorted(m map[string]any) {
	for key, v := range m {
		switch v := v.(type) {
		case map[string]any:
			sorted(v)
		case []any:
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		case string:
			if key != "Sid" && key != "Effect" {
				m[key] = []any{v}
			}
		}
	}
}

// generated is what mooring iam-policy says about the same environment.
func generated(t *testing.T, configs []config.Config) map[string]any {
	t.Helper()
	needers, err := rig.NeedsOf(configs, rig.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	if len(needers) != 1 || needers[0].String() != "process" {
		t.Fatalf("%+v", needers)
	}
	return canonical(t, iam.New(needers[0].Needs...))
}

func TestThePolicyOfOneBindingIsTheGeneratedOne(t *testing.T) {
	for name, c := range cases() {
		s := resolve(t, c)
		if !s.Conditions["One"] || !s.Conditions["MakeRole"] {
			continue
		}
		ours, want := policy(t, s, "Lambda-ALBasTarget"), generated(t, bindings(t, environment(s)))
		if !reflect.DeepEqual(ours, want) {
			t.Errorf("%s:\nours %s\nwant %s", name, text(ours), text(want))
		}
	}
}

// What parameters put into a policy stands for one thing each: nothing that means more there, by a pattern or by a comma, is
// taken.
func TestNoParameterWidensThePolicy(t *testing.T) {
	template := parse(t, cloudformation.Mooring)
	for _, c := range []deploytest.Case{
		originals("InternalALBDNSName=*"),
		originals("InternalALBDNSName=a,arn:aws:s3:::other/*"),
		originals("InternalALBDNSName=${aws:username}"),
		originals("S3BucketName=*"),
		originals("S3BucketName=state-bucket/other"),
		originals("NLBTargetGroupARN=" + strings.Replace(group, "/web/", "/*/", 1)),
		originals("KMSKeyARN=arn:aws:kms:eu-west-1:111122223333:key/*"),
		originals("NotifyTopicARN=arn:aws:sns:eu-west-1:111122223333:*"),
		originals("FailureDestination=arn:aws:sqs:eu-west-1:111122223333:*"),
		originals("FailureDestination=arn:aws:sqs:*"),
		many("ConfigurationInline="+inline, "TargetGroupARNs=*"),
		many("ConfigurationInline="+inline, "TargetGroupARNs="+group+",*"),
		many("ConfigurationInline="+inline, "BindingRoleARNs=*"),
		many("ConfigurationInline="+inline, "BindingRoleARNs=arn:aws:iam::111122223333:role/a, arn:aws:iam::111122223333:role/*"),
	} {
		if _, err := template.Resolve(c); err == nil {
			t.Errorf("taken: %v", c.Parameters)
		}
	}
	for _, c := range []deploytest.Case{ // these are names that AWS gives
		originals("InternalALBDNSName=Internal-App_1.example.com.", "NotifyTopicARN=arn:aws:sns:eu-west-1:111122223333:a_b.fifo",
			"KMSKeyARN=arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef"),
		many("ConfigurationInline="+inline, "TargetGroupARNs="+group+", "+group, "BindingRoleARNs=arn:aws:iam::111122223333:role/a/b+=.@-_"),
	} {
		if _, err := template.Resolve(c); err != nil {
			t.Error(err)
		}
	}
}

// Each role is a service's, and may do what it does on nothing but its own things.
func TestRolesAreTheirServicesAndNotForEverything(t *testing.T) {
	for name, c := range cases() {
		s := resolve(t, c)
		for role, service := range map[string]string{"LambdaIAMRole": "lambda.amazonaws.com", "ScheduleRole": "scheduler.amazonaws.com"} {
			r, ok := s.Resources[role]
			if !ok {
				continue
			}
			trust := text(canonical(t, r.Properties["AssumeRolePolicyDocument"]))
			if strings.Count(trust, `"Principal"`) != 1 || !strings.Contains(trust, `"Principal":{"Service":["`+service+`"]}`) {
				t.Errorf("%s: %s may be taken by %s", name, role, trust)
			}
			for _, p := range r.Properties["Policies"].([]any) {
				for _, one := range canonical(t, p.(map[string]any)["PolicyDocument"])["Statement"].([]any) {
					sid, _ := one.(map[string]any)["Sid"].(string)
					if strings.Contains(text(one), `"Resource":"*"`) || strings.Contains(text(one), `"Resource":["*"]`) {
						if !slices.Contains([]string{"ReadGroups", "PutOldMetric", "Network", "NetworkByLambdaOnly"}, sid) {
							t.Errorf("%s: %s may do on everything %s", name, role, text(one))
						}
					}
				}
			}
		}
	}
}

// With a file the template does not know the bindings, and the memory's keys hold patterns.
func TestThePolicyOfAFileCoversTheGeneratedOne(t *testing.T) {
	for _, bucket := range []string{"", "state-bucket"} {
		s := resolve(t, many("ConfigurationInline="+inline, "S3BucketName="+bucket))
		ours := text(policy(t, s, "Lambda-ALBasTarget"))
		for _, one := range generated(t, bindings(t, environment(s)))["Statement"].([]any) {
			statement := one.(map[string]any)
			if statement["Sid"] == "ReadGroups" {
				delete(statement, "Condition") // the groups' region, which a file tells
			}
			if statement["Sid"] == "KeepMemory" {
				resource := fmt.Sprint(statement["Resource"].([]any)[0])
				place, _, _ := strings.Cut(resource, "mooring/web")
				place = strings.Replace(place, "state-bucket/mine/", "state-bucket/*/", 1)
				statement["Resource"] = []any{place + "mooring/*"}
				if bucket != "" {
					statement["Resource"] = []any{"arn:aws:s3:::state-bucket/*/mooring/*", "arn:aws:s3:::state-bucket/mooring/*"}
				}
			}
			if want := text(statement); !strings.Contains(ours, want) {
				t.Errorf("%q: no %s in\n%s", bucket, want, ours)
			}
		}
	}
}

// The pattern of a file's is no wider than the older function's names.
func TestTheObjectsOfAnOlderFunctionAreWrittenOnlyWhenItIsAskedFor(t *testing.T) {
	const at = "arn:aws:s3:::state-bucket/"
	for format, want := range map[string][]any{
		"none": nil,
		"v1":   {at + "*-active-registered-IPs/Active IP list of *.json", at + "*-pending-deregisteration-IPs/Pending deregisteration IP list of *.json"},
		"v2":   {at + "*/active_ip.json", at + "*/pending_ip.json"},
		"v3":   {at + "Tracked IP list for * - *"},
	} {
		s := resolve(t, many("ConfigurationInline="+inline, "S3BucketName=state-bucket", "WriteLegacyState="+format))
		var got []any
		for _, one := range policy(t, s, "Lambda-ALBasTarget")["Statement"].([]any) {
			if statement := one.(map[string]any); statement["Sid"] == "WriteOlderState" {
				got, _ = statement["Resource"].([]any)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", format, got)
		}
		env := environment(s)
		if env["MOORING_WRITE_LEGACY_STATE"] != strings.TrimPrefix(format, "none") {
			t.Errorf("%s: the function is told %q", format, env["MOORING_WRITE_LEGACY_STATE"])
		}
		if format == "none" {
			continue
		}
		for _, one := range generated(t, bindings(t, env))["Statement"].([]any) {
			if statement := one.(map[string]any); statement["Sid"] == "WriteOlderState" && !covers(want, statement["Resource"].([]any)) {
				t.Errorf("%s: %v does not cover %v", format, want, statement["Resource"])
			}
		}
	}
}

// covers tells whether each resource is one of the patterns', whose star is any text.
func covers(patterns, resources []any) bool {
	for _, r := range resources {
		if !slices.ContainsFunc(patterns, func(p any) bool {
			words := strings.Split(fmt.Sprint(p), "*")
			for i := range words {
				words[i] = regexp.QuoteMeta(words[i])
			}
			return regexp.MustCompile("^" + strings.Join(words, ".*") + "$").MatchString(fmt.Sprint(r))
		}) {
			return false
		}
	}
	return true
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html: Lambda makes interfaces as the function's role, and the
// function's code shall not, on whose calls alone the key is.
func TestTheFunctionsCodeMayNotTouchNetworkInterfaces(t *testing.T) {
	s := resolve(t, cases()["in a VPC, with a key"])
	denied := map[string]bool{}
	var changes []string
	for _, one := range policy(t, s, "runtime")["Statement"].([]any) {
		statement := one.(map[string]any)
		for _, action := range statement["Action"].([]any) {
			name := fmt.Sprint(action)
			switch {
			case statement["Effect"] == "Deny" && strings.Contains(text(statement["Condition"]), `"lambda:SourceFunctionArn":["arn:aws:lambda:*:111122223333:function:*"]`):
				denied[name] = true
			case strings.HasPrefix(name, "ec2:") && !strings.HasPrefix(name, "ec2:Describe"):
				changes = append(changes, name)
			}
		}
	}
	for _, name := range changes {
		if !denied[name] {
			t.Errorf("the code may %s", name)
		}
	}
	if len(changes) != 4 || len(denied) != 4 {
		t.Errorf("allowed %v, denied %v", changes, denied)
	}
}

func text(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
