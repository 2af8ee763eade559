package deploytest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/cmd/internal/rig"
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

func text(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
