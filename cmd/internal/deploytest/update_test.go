package deploytest_test

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/deploy/cloudformation"
)

// replaced lists, of the original's four resources, the properties whose change makes CloudFormation put another resource in the
// place of the old one ("Update requires: Replacement" in each resource's reference). All others are changed in place:
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
var replaced = map[string][]string{
	"AWS::Lambda::Function": {"FunctionName", "PackageType", "TenancyConfig"},
	"AWS::Events::Rule":     {"Name", "EventBusName"},
	"AWS::Lambda::Permission": {
		"Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn",
	},
	"AWS::IAM::Role": {"Path", "RoleName"},
}

func original(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile("testdata/original.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAnUpdateOfTheOriginalsStackKeepsAllFourResources(t *testing.T) {
	c := originals()
	delete(c.Parameters, "PackageBucket")
	old, err := parse(t, original(t)).Resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string][]string{
		"with nothing but a package": {},
		"by the rule that is there":  {"ScheduleBy=rule"},
		"to watch it first":          {"Mode=observe"},
		"on Intel, with a key":       {"Architecture=x86_64", "KMSKeyARN=arn:aws:kms:eu-west-1:111122223333:key/k"},
	} {
		updated := resolve(t, originals(more...))
		for _, id := range old.IDs("") {
			before, after := old.Resources[id], updated.Resources[id]
			if after.Type != before.Type {
				t.Errorf("%s: %s of type %s is a %q now", name, id, before.Type, after.Type)
			}
			for _, property := range replaced[before.Type] {
				if !reflect.DeepEqual(before.Properties[property], after.Properties[property]) {
					t.Errorf("%s: %s would be another one, for %s is %v and was %v", name, id, property, after.Properties[property], before.Properties[property])
				}
			}
		}
		if len(old.IDs("")) != 4 {
			t.Errorf("%v", old.IDs(""))
		}
	}
}

// A rule and a schedule change places in an update: whoever comes first is on before the other is off.
func TestNoUpdateLeavesAMomentWithoutASchedule(t *testing.T) {
	template := parse(t, cloudformation.Mooring)
	// To the schedule: the rule is turned off by an update that refers to the schedule, and so comes after it.
	description := template.Resources["ScheduledRule"].Properties["Description"].(map[string]any)["Fn::If"].([]any)
	if description[0] != "ByRule" || text(description[2]) != `{"Fn::Sub":"off: the schedule ${Schedule} invokes mooring"}` {
		t.Errorf("the rule does not wait for the schedule: %s", text(description))
	}
	// To the rule: the schedule goes because its condition does not hold any more, and what goes is deleted when all else is done:
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
	if r := template.Resources["Schedule"]; r.Condition != "ByScheduler" || r.Properties["State"] != "ENABLED" {
		t.Errorf("%+v", r)
	}
	// And either way the rule may invoke the function.
	for _, by := range []string{"scheduler", "rule"} {
		if s := resolve(t, originals("ScheduleBy="+by)); s.Resources["LambdaInvokePermission"].Type == "" || s.Resources["ScheduledRule"].Type == "" {
			t.Errorf("%s: %v", by, s.IDs(""))
		}
	}
}

func TestTheOriginalsParametersAreAllThere(t *testing.T) {
	theirs, ours := parse(t, original(t)).Parameters, parse(t, cloudformation.Mooring).Parameters
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		p, ok := ours[name]
		if !ok || p.Type != theirs[name].Type || p.Default == nil {
			t.Errorf("%s: %+v", name, p)
		}
		for _, v := range theirs[name].AllowedValues {
			c := originals(name + "=" + v.(string))
			if _, err := parse(t, cloudformation.Mooring).Resolve(c); err != nil {
				t.Errorf("%s=%v: %v", name, v, err)
			}
		}
	}
	// Whatever was chosen among the original's regions changes nothing.
	a, b := resolve(t, originals("Region=us-east-1")), resolve(t, originals("Region=ap-northeast-2"))
	if !reflect.DeepEqual(a.Resources, b.Resources) {
		t.Error("Region is not ignored")
	}
}

var _ deploytest.Case
