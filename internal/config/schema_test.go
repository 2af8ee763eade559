package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"mooring/internal/config"
)

var update = flag.Bool("update", false, "rewrite docs/mooring.schema.json")

const published = "../../docs/mooring.schema.json"

func sameConfig(a, b config.Config) bool { return reflect.DeepEqual(a, b) }

func TestThePublishedSchemaIsTheSettings(t *testing.T) {
	if *update {
		if err := os.WriteFile(published, config.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	on, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(on, config.Schema()) {
		t.Error("docs/mooring.schema.json is not what the settings make: go test ./internal/config -run Schema -update")
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4) // so that the schema's own $schema must be there
	if err := c.AddResource("mooring.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("mooring.schema.json")
}

// validate does as an editor would: it reads the YAML as JSON, and asks the schema.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s.Validate(doc)
}

func TestTheExamplesLoadAndAreValid(t *testing.T) {
	s := schema(t)
	for name, bindings := range map[string]int{"one-port.yaml": 1, "front.yaml": 2, "forty-bindings.yaml": 40} {
		text, err := os.ReadFile("../../examples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if cs := mustFile(t, string(text)); len(cs) != bindings {
			t.Errorf("%s: %d bindings", name, len(cs))
		}
	}
}

func TestTheFortyBindingsAreInThreeAccounts(t *testing.T) {
	text, err := os.ReadFile("../../examples/forty-bindings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	groups, roles, regions := map[string]bool{}, map[string]bool{}, map[string]bool{}
	zoneID, second := false, false
	for _, c := range mustFile(t, string(text)) {
		groups[strings.Split(c.Binding.TargetGroup, ":")[4]] = true
		roles[c.AWS.RoleARN] = true
		regions[config.GroupRegion(c.Binding.TargetGroup)] = true
		zoneID = zoneID || strings.Contains(c.Zone, "-az")
		second = second || c.Interval.Seconds() == 1 && c.Policy.Answers == "whole"
		if c.AWS.Region != "" && c.AWS.Region != config.GroupRegion(c.Binding.TargetGroup) {
			t.Errorf("%s: region %s beside %s", c.Binding.Name, c.AWS.Region, c.Binding.TargetGroup)
		}
	}
	if len(groups) != 3 || len(roles) != 3 || len(regions) != 3 || !zoneID || !second {
		t.Errorf("accounts %v, roles %v, regions %v, a zone's id %t, a database each second %t", groups, roles, regions, zoneID, second)
	}
}

// setIn is a file with one binding, in which this is set too.
func setIn(key, value string) string { return fmt.Sprintf("%s  %s: %s\n", one, key, value) }

func TestTheSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	s := schema(t)
	for _, group := range []string{"tcp://127.0.0.1:8443", "'tcp://[fd00::1]:1'", "tcp://:65535"} {
		text := "bindings: [{hostname: a.example.com, memory: none, port: 443, target_group: " + group + ", front_drain_delay: 0s, front_max_flows: 5}]"
		mustFile(t, text)
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", group, err)
		}
	}
	for key, values := range map[string][]string{
		"port":        {"443", `"443"`},
		"max_leave":   {"0.34", "34%", `"0.5"`, "1"},
		"misses":      {"3", `"3"`},
		"hold":        {"90s", "1m30s", "0s", "1.5m"},
		"interval":    {"1s", "1h"},
		"answers":     {"whole"},
		"resolver":    {"10.0.0.2:53", "[10.0.0.2, 10.0.0.3]"},
		"admit":       {"[10.0.0.0/8]"},
		"notify":      {"stdout", "[stdout, eventbridge:default]"},
		"memory_sse":  {"none", "AES256", "aws:kms:alias/x"},
		"zone":        {"use1-az1"},
		"region":      {"us-gov-west-1"},
		"name":        {"web-443"},
		"role_arn":    {"arn:aws:iam::111122223333:role/x"},
		"external_id": {`"123"`},

		"miss_probability":   {"1e-12", `"1e-12"`, "0.01"},
		"memory_owner":       {"111122223333", `"111122223333"`},
		"memory_role_arn":    {"none"},
		"memory_external_id": {"x\n  memory_role_arn: arn:aws:iam::111122223333:role/x"},
	} {
		for _, v := range values {
			text := setIn(key, v)
			if key == "external_id" {
				text += "  role_arn: arn:aws:iam::111122223333:role/x\n"
			}
			mustFile(t, text)
			if err := validate(t, s, text); err != nil {
				t.Errorf("%s: %s: %v", key, v, err)
			}
		}
	}
}

func TestTheSchemaRefusesWrongTypesAndUnknownKeysAsTheLoaderDoes(t *testing.T) {
	s := schema(t)
	refused := func(text string) {
		t.Helper()
		if err := validate(t, s, text); err == nil {
			t.Errorf("the schema takes\n%s", text)
		}
		if _, err := file(t, text); err == nil {
			t.Errorf("the loader takes\n%s", text)
		}
	}
	for _, setting := range config.Settings() {
		wrong := []string{"true", "{a: b}", "[[a]]", "[]", "null", "", `""`}
		if !setting.Repeatable {
			wrong = append(wrong, "[a]")
		}
		if setting.Value != "PORT" && setting.Value != "N" {
			wrong = append(wrong, "17")
		}
		for _, v := range wrong {
			key := setting.Key()
			if slices.Contains([]string{"hostname", "target_group", "memory"}, key) {
				refused(strings.Replace(one, key+": ", "x: &x\n  "+key+": "+v+" #", 1)) // in place of the right one
				continue
			}
			refused(setIn(key, v))
			refused("defaults: {" + key + ": " + v + "}\n" + one)
		}
	}
	for _, text := range slices.Concat(slices.Collect(maps.Values(map[string][]string{
		"keys":  {setIn("max_leafe", "1"), setIn("port_", "1"), one + "version: 1\n", "defaults: {name: x}\n" + one},
		"shape": {"bindings: {}", "bindings: []", "bindings: [a]", "{}", "[]", "defaults: []\n" + one, "defaults:\n" + one},
		"words": {setIn("mode", "upsert"), setIn("port", "0"), setIn("port", "70000"), setIn("port", "1.5"), setIn("max_leave", "2"), setIn("hold", "90"), setIn("name", "a b")},
	}))...) {
		refused(text)
	}
}
