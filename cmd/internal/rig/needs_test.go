package rig_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/iam"
)

// policiesOf are those of everybody in a file, as text.
func policiesOf(t *testing.T, file string, d rig.Deployment) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bindings.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	configs, err := config.Load(t.Context(), func(flag string) ([]string, bool) { return []string{path}, flag == "config" },
		func(string) (string, bool) { return "", false }, func(_ context.Context, where string) ([]byte, error) { return os.ReadFile(where) })
	if err != nil {
		t.Fatal(err)
	}
	all, err := rig.NeedsOf(configs, d)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, who := range all {
		out[who.String()] = string(iam.JSON([]iam.Policy{iam.New(who.Needs...)}))
	}
	return out
}

// wantEach wants words in somebody's policy, and with a ! before them not.
func wantEach(t *testing.T, policies map[string]string, who string, words ...string) {
	t.Helper()
	for _, word := range words {
		absent, unwanted := strings.CutPrefix(word, "!")
		if strings.Contains(policies[who], absent) == unwanted {
			t.Errorf("%s: %s\n%s", who, word, policies[who])
		}
	}
}

func TestAPermissionIsWhoseInWhoseNameTheCallIsMade(t *testing.T) {
	const group = "arn:aws:elasticloadbalancing:eu-west-1:222233334444:targetgroup/far/fedcba9876543210"
	const role, other = "arn:aws:iam::222233334444:role/far", "arn:aws:iam::333344445555:role/memory"
	file := func(more string) string {
		return fmt.Sprintf("bindings: [{name: far, hostname: db.example.com, port: 1, target_group: %q, memory: 's3://state', role_arn: %q, notify: 'eventbridge:ops', memory_sse: 'aws:kms:1234'%s}]", group, role, more)
	}
	for more, keeps := range map[string]string{
		"": role, ", memory_role_arn: none": "process", ", memory_role_arn: '" + other + "'": other, ", profile: ops, memory_role_arn: none": "profile:ops",
	} {
		policies := policiesOf(t, file(more), rig.Deployment{})
		wantEach(t, policies, keeps, "arn:aws:s3:::state/mooring/far/fedcba9876543210/1.json", "kms:GenerateDataKey")
		wantEach(t, policies, role, group, "arn:aws:events:eu-west-1:222233334444:event-bus/ops", "!sts:AssumeRole")
		for who := range policies {
			if who != keeps {
				wantEach(t, policies, who, "!s3:", "!kms:")
			}
			if !strings.HasPrefix(who, "arn:") {
				wantEach(t, policies, who, "sts:AssumeRole", role, "!elasticloadbalancing")
			}
		}
	}
}

// A key may be named in three ways, and is in the account of who calls.
func TestAKeyIsNamedByItsARNItsIDOrItsAlias(t *testing.T) {
	file := func(key string) string {
		return fmt.Sprintf("bindings: [{name: web, hostname: a.example.com, target_group: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef', memory: 's3://state', memory_sse: %q}]", key)
	}
	for key, want := range map[string][]string{
		"aws:kms": {"!kms:"},
		"AES256":  {"!kms:"},
		"none":    {`"arn:aws:kms:eu-west-1:111122223333:key/default"`},
		"aws:kms:arn:aws:kms:us-east-1:222233334444:key/1234": {`"arn:aws:kms:us-east-1:222233334444:key/1234"`, "s3.us-east-1.amazonaws.com", "!ResourceAliases"},
		"aws:kms:1234":        {`"arn:aws:kms:eu-west-1:111122223333:key/1234"`, "s3.eu-west-1.amazonaws.com"},
		"aws:kms:alias/state": {`"arn:aws:kms:eu-west-1:111122223333:key/*"`, `"alias/state"`},
		"aws:kms:arn:aws:kms:us-east-1:222233334444:alias/state": {`"arn:aws:kms:us-east-1:222233334444:key/*"`, `"alias/state"`},
	} {
		wantEach(t, policiesOf(t, file(key), rig.Deployment{Key: "default"}), "process", want...)
	}
}

// A front calls AWS for nothing but to tell, and of many bindings each policy fits.
func TestTheExamplesHavePolicies(t *testing.T) {
	for name, identities := range map[string]int{"front.yaml": 0, "one-port.yaml": 1, "forty-bindings.yaml": 4} {
		configs := example(t, name)
		all, err := rig.NeedsOf(configs, rig.Deployment{Daemon: true})
		if err != nil || len(all) != identities {
			t.Errorf("%s: %d identities, %v", name, len(all), err)
		}
		for _, who := range all {
			for _, p := range iam.New(who.Needs...).Split(iam.MaxManaged) {
				if p.Size() > iam.MaxManaged || len(p.Statements) == 0 {
					t.Errorf("%s, %s: %d characters", name, who, p.Size())
				}
			}
		}
	}
}
