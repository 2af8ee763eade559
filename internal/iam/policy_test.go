package iam_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"mooring/internal/iam"
)

const (
	group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
	other = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/db/fedcba9876543210"
)

// everything is a need of every kind.
func everything() iam.Need {
	object := func(use iam.Use, key string) iam.Object { return iam.Object{Use: use, Bucket: "state", Key: key} }
	return iam.Need{
		Group: group, Mode: iam.Sync,
		Objects: []iam.Object{
			object(iam.ForMemory, "mooring/web/0123456789abcdef/443.json"), object(iam.ForLease, "mooring/watch-*.lease"),
			object(iam.ForOlderState, "old/active_ip.json"), object(iam.ForOlderStateToo, "old/pending_ip.json"), object(iam.ForConfiguration, "bindings.yaml"),
		},
		Keys:       []iam.Key{{ARN: "arn:aws:kms:eu-west-1:111122223333:key/1", Service: "s3.eu-west-1.amazonaws.com"}},
		Items:      []iam.Item{{Table: "arn:aws:dynamodb:eu-west-1:111122223333:table/t", Key: group + " db.example.com"}},
		Namespaces: []string{"AWS/ApplicationELB"},
		Topics:     []string{"arn:aws:sns:eu-west-1:111122223333:changes"},
		Buses:      []iam.Bus{{ARN: "arn:aws:events:eu-west-1:111122223333:event-bus/ops"}},
		Roles:      []string{"arn:aws:iam::222233334444:role/mooring"},
		LogGroups:  []string{"arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/mooring"},
	}
}

func TestEachModeMayDoWhatItDoesAndNoMore(t *testing.T) {
	for mode, want := range map[iam.Mode][]string{
		iam.Sync:    {"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"},
		iam.AddOnly: {"elasticloadbalancing:RegisterTargets"},
		iam.Observe: nil,
	} {
		var got []string
		for _, s := range iam.New(iam.Need{Group: group, Mode: mode}).Statements {
			if s.Resources[0] != "*" {
				got = append(got, s.Actions...)
			} else if s.Conditions == nil || len(s.Why) == 0 {
				t.Errorf("%s: %s on * without a condition or a reason", mode, s.Actions)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v may be done to the group, want %v", mode, got, want)
		}
	}
}

func TestBindingsShareStatementsAndTheirOrderDoesNotMatter(t *testing.T) {
	web, db := everything(), iam.Need{Group: other, Mode: iam.Sync, Namespaces: []string{"AWS/NetworkELB"}}
	observed := iam.Need{Group: strings.Replace(other, "/db/", "/dc/", 1), Mode: iam.AddOnly}
	one, two := iam.New(web, db, observed, web), iam.New(observed, db, web)
	if string(iam.JSON([]iam.Policy{one})) != string(iam.JSON([]iam.Policy{two})) {
		t.Error("another order, another policy")
	}
	text := string(iam.JSON([]iam.Policy{one}))
	for _, want := range []string{`"aws:RequestedRegion":["eu-west-1","us-east-1"]`, `"cloudwatch:namespace":["AWS/ApplicationELB","AWS/NetworkELB"]`, `"ChangeTargets2"`} {
		if !strings.Contains(strings.Join(strings.Fields(text), ""), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if got := len(iam.New(web, db).Statements); got != len(iam.New(web).Statements) {
		t.Errorf("%d statements with another binding of the same kind", got)
	}
}

// What can be called and what can be allowed are the same actions.
func TestThePolicyOfEverythingHasTheActionsOfAllCalls(t *testing.T) {
	want := iam.Implied()
	for _, c := range iam.Calls() {
		if c.For == "" {
			want = append(want, c.Action)
		}
	}
	slices.Sort(want)
	if got := iam.New(everything()).Actions(); !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("the policy has  %v\nthe calls have %v", got, slices.Compact(want))
	}
}

func TestALetterThatStandsForOthersStandsForItself(t *testing.T) {
	if got := iam.Literal("a*b?c$d${e}"); got != "a${*}b${?}c${$}d${$}{e}" {
		t.Error(got)
	}
}

func TestAPolicyThatIsTooLongIsMadeSeveral(t *testing.T) {
	var needs []iam.Need
	for i := range 200 {
		needs = append(needs, iam.Need{
			Group: fmt.Sprintf("arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-%d/%016x", i, i), Mode: iam.Sync,
			Objects: []iam.Object{{Bucket: "state", Key: fmt.Sprintf("mooring/web-%d/%016x/443.json", i, i)}},
		})
	}
	whole := iam.New(needs...)
	parts := whole.Split(iam.MaxManaged)
	if least := whole.Size()/iam.MaxManaged + 1; len(parts) < 2 || len(parts) > least+1 {
		t.Errorf("%d characters make %d policies", whole.Size(), len(parts))
	}
	before, after := map[string]int{}, map[string]int{}
	count := func(p iam.Policy, in map[string]int) {
		for _, s := range p.Statements {
			for _, a := range s.Actions {
				for _, r := range s.Resources {
					in[a+" "+r]++
				}
			}
		}
	}
	count(whole, before)
	for _, p := range parts {
		count(p, after)
		raw, err := json.Marshal(p)
		if err != nil || len(raw) > iam.MaxManaged || p.Size() != len(raw) {
			t.Errorf("%d characters, and %d by its own count, error %v", len(raw), p.Size(), err)
		}
	}
	if len(before) != len(after) || len(before) != 5+200*4 {
		t.Errorf("%d permissions became %d", len(before), len(after))
	}
	if one := iam.New(needs[0]); len(one.Split(iam.MaxManaged)) != 1 {
		t.Error("a short one is made several")
	}
}

// Each form says the same, and the comments are where they can be.
func TestTheThreeFormsSayTheSame(t *testing.T) {
	odd := everything()
	odd.Objects[0].Key = iam.Literal(`a "b" ${c} %{d} *`)
	policies := []iam.Policy{iam.New(odd), iam.New(iam.Need{Group: other, Mode: iam.AddOnly})}
	var list []map[string]any
	if err := json.Unmarshal(iam.JSON(policies), &list); err != nil || len(list) != 2 {
		t.Fatalf("%d policies, %v", len(list), err)
	}
	text := iam.CloudFormation("About.", policies)
	var template struct {
		Resources map[string]struct {
			Properties struct {
				PolicyDocument map[string]any `yaml:"PolicyDocument"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"MooringPolicy", "MooringPolicy2"} {
		if got, want := fmt.Sprint(template.Resources[name].Properties.PolicyDocument), fmt.Sprint(list[i]); got != want {
			t.Errorf("CloudFormation says\n%s\nJSON says\n%s", got, want)
		}
	}
	for _, form := range []string{string(text), string(iam.Terraform("About.", policies))} {
		if !strings.Contains(form, "# About.") || !strings.Contains(form, "# AWS has no resources for these actions.") {
			t.Errorf("no comments in\n%s", form)
		}
	}
	for _, want := range []string{`a \"b\" $${$}{c} %%{d} $${*}`, `data "aws_iam_policy_document" "mooring_2"`} {
		if hcl := string(iam.Terraform("About.", policies)); !strings.Contains(hcl, want) {
			t.Errorf("no %s in\n%s", want, hcl)
		}
	}
	if len(iam.Comments(policies)) == 0 {
		t.Error("no comments beside JSON")
	}
}

func TestTerraformHasNothingToFormat(t *testing.T) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("Terraform is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, "fmt", "-check", "-diff", "-")
	cmd.Stdin = strings.NewReader(string(iam.Terraform("About.", []iam.Policy{iam.New(everything())})))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What people do beside the rounds has permissions of its own.
func TestAPurposeBesideTheRoundsHasItsOwnCallsAlone(t *testing.T) {
	for _, c := range []iam.Call{
		{For: "look", Action: "elasticloadbalancing:DescribeListeners"},
		{For: "look", Action: "route53:ChangeResourceRecordSets", Writes: true, On: func(n iam.Need) []string { return []string{n.Group + "/x"} }},
	} {
		defer iam.WithCall(c)()
	}
	need := everything()
	need.For = "look"
	p := iam.New(need, iam.Need{Roles: need.Roles})
	if got := p.Actions(); !slices.Equal(got, []string{"elasticloadbalancing:DescribeListeners", "route53:ChangeResourceRecordSets", "sts:AssumeRole"}) {
		t.Errorf("%v", got)
	}
	if !slices.Equal(iam.Purposes(), []string{"look"}) || p.Statements[2].Resources[0] != group+"/x" || p.Statements[1].Resources[0] != "*" || len(p.Statements[1].Why) != 1 {
		t.Errorf("%v: %s", iam.Purposes(), iam.JSON([]iam.Policy{p}))
	}
	if rounds := iam.New(everything()).Actions(); slices.Contains(rounds, "elasticloadbalancing:DescribeListeners") {
		t.Errorf("the rounds may %v", rounds)
	}
}
