// Package helm lints the chart of deploy/helm and renders it, with Helm's own code.
package helm

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
)

var update = flag.Bool("update", false, "write what the chart takes over from elsewhere anew")

const chart = "../../deploy/helm/mooring"

func TestTheChartIsLintedWithoutAWord(t *testing.T) {
	for name, values := range examples(t) {
		result := lint.RunAll(chart, values, "network")
		for _, m := range result.Messages {
			if m.Severity > support.InfoSev { // --strict
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestEveryManifestIsWhole(t *testing.T) {
	want := map[string][]string{
		"s3":    {"ConfigMap", "Deployment", "ServiceAccount"},
		"front": {"ConfigMap", "Deployment", "NetworkPolicy"},
		"all": {
			"ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "PrometheusRule", "Service",
			"ServiceAccount", "ServiceMonitor",
		},
	}
	for name, values := range examples(t) {
		got := render(t, values)
		kinds := []string{}
		for kind := range got {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		if !slices.Equal(kinds, want[name]) {
			t.Errorf("%s makes %v, want %v", name, kinds, want[name])
		}
		labels, selector := at(got["Deployment"], "spec", "template", "metadata", "labels").(object), at(got["Deployment"], "spec", "selector", "matchLabels").(object)
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s: the deployment does not select its own pods by %s", name, key)
			}
		}
	}
}

// Nothing runs as root, writes to the image's files, or can become more than it is.
func TestThePodMayDoLittle(t *testing.T) {
	for name, values := range examples(t) {
		pod := at(render(t, values)["Deployment"], "spec", "template", "spec")
		for _, want := range []struct {
			path  []any
			value any
		}{
			{[]any{"automountServiceAccountToken"}, false},
			{[]any{"securityContext", "runAsNonRoot"}, true},
			{[]any{"securityContext", "runAsUser"}, 65532.0},
			{[]any{"securityContext", "seccompProfile", "type"}, "RuntimeDefault"},
			{[]any{"containers", 0, "securityContext", "allowPrivilegeEscalation"}, false},
			{[]any{"containers", 0, "securityContext", "readOnlyRootFilesystem"}, true},
			{[]any{"containers", 0, "securityContext", "runAsNonRoot"}, true},
			{[]any{"containers", 0, "securityContext", "capabilities", "drop", 0}, "ALL"},
			{[]any{"containers", 0, "securityContext", "capabilities", "add"}, nil},
			{[]any{"containers", 0, "securityContext", "privileged"}, nil},
			{[]any{"containers", 1}, nil},
			{[]any{"containers", 0, "livenessProbe", "httpGet", "path"}, "/healthz"},
			{[]any{"containers", 0, "readinessProbe", "httpGet", "path"}, "/readyz"},
			{[]any{"containers", 0, "volumeMounts", 0, "readOnly"}, true},
		} {
			if got := at(pod, want.path...); !reflect.DeepEqual(got, want.value) {
				t.Errorf("%s: %v is %v, want %v", name, want.path, got, want.value)
			}
		}
	}
}

// What is set shows where it must.
func TestValuesReachTheirPlaces(t *testing.T) {
	all := examples(t)
	s3, front, everything := render(t, all["s3"]), render(t, all["front"]), render(t, all["all"])
	pod := []any{"spec", "template", "spec"}
	for _, want := range []struct {
		of    release
		kind  string
		path  []any
		value any
	}{
		{s3, "Deployment", []any{"spec", "replicas"}, 1.0},
		{s3, "Deployment", []any{"spec", "strategy"}, nil},
		{s3, "Deployment", append(pod, "terminationGracePeriodSeconds"), 75.0},
		{s3, "Deployment", append(pod, "volumes", 1), nil},
		{s3, "Deployment", append(pod, "containers", 0, "image"), "mooring:0.1.0"},
		{s3, "Deployment", append(pod, "containers", 0, "env", 0, "value"), "eu-west-1"},
		{s3, "Deployment", append(pod, "containers", 0, "args"), []any{"watch", "--config", "/etc/mooring/bindings.yaml", "--listen", ":9090"}},
		{s3, "Deployment", append(pod, "serviceAccountName"), "web-mooring"},
		{s3, "ServiceAccount", []any{"metadata", "annotations", "eks.amazonaws.com/role-arn"}, "arn:aws:iam::111122223333:role/mooring"},
		{front, "Deployment", append(pod, "terminationGracePeriodSeconds"), 375.0},
		{front, "Deployment", append(pod, "hostNetwork"), true},
		{front, "Deployment", append(pod, "serviceAccountName"), "default"},
		{front, "Deployment", append(pod, "containers", 0, "ports", 1, "hostPort"), 8443.0},
		{front, "Deployment", append(pod, "volumes", 1, "emptyDir", "sizeLimit"), "64Mi"},
		{front, "NetworkPolicy", []any{"spec", "ingress", 1, "ports", 0, "port"}, 8443.0},
		{everything, "Deployment", []any{"spec", "strategy", "type"}, "Recreate"},
		{everything, "Deployment", append(pod, "volumes", 1, "persistentVolumeClaim", "claimName"), "web-mooring"},
		{everything, "Deployment", append(pod, "containers", 0, "volumeMounts", 1, "mountPath"), "/var/lib/mooring"},
		{everything, "PersistentVolumeClaim", []any{"spec", "storageClassName"}, "gp3"},
		{everything, "PodDisruptionBudget", []any{"spec", "maxUnavailable"}, 1.0},
		{everything, "ServiceMonitor", []any{"spec", "endpoints", 0, "path"}, "/metrics"},
		{everything, "NetworkPolicy", []any{"spec", "egress", 0, "ports", 0, "port"}, 53.0},
	} {
		if got := at(want.of[want.kind], want.path...); !reflect.DeepEqual(got, want.value) {
			t.Errorf("%s %v is %v, want %v", want.kind, want.path, got, want.value)
		}
	}
	if image := at(everything["Deployment"], append(pod, "containers", 0, "image")...).(string); !strings.HasPrefix(image, "registry.example.com/mooring@sha256:") {
		t.Errorf("image %s", image)
	}
}

// The pod is not root, and so may listen below 1024 only where its network lets everybody. In the node's network a pod may not
// set that, and the kubelet refuses one that tries: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
func TestAFrontMayListenOnALowPortWithoutBeingRoot(t *testing.T) {
	sysctls := []any{"spec", "template", "spec", "securityContext", "sysctls"}
	values := examples(t)["front"]
	if got := at(render(t, values)["Deployment"], sysctls...); got != nil {
		t.Errorf("in the node's network: %v", got)
	}
	values["hostNetwork"], values["front"] = false, object{"ports": []any{443}, "hostPort": true}
	want := []any{map[string]any{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}}
	if got := at(render(t, values)["Deployment"], sysctls...); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("in its own: %v", got)
	}
	if got := at(render(t, examples(t)["s3"])["Deployment"], sysctls...); got != nil {
		t.Errorf("without a front: %v", got)
	}
}

// Another configuration is another pod; anything else about it is not.
func TestThePodIsAnotherWhenTheConfigurationIs(t *testing.T) {
	sum := func(values object) any {
		return at(render(t, values)["Deployment"], "spec", "template", "metadata", "annotations", "checksum/config")
	}
	values := examples(t)["s3"]
	before := sum(values)
	values["region"] = "eu-central-1"
	if sum(values) != before {
		t.Error("the checksum is of more than the configuration")
	}
	values["defaults"].(object)["misses"] = 5
	if sum(values) == before {
		t.Error("the checksum is not of the configuration")
	}
}

func TestTheRenderedConfigurationIsTaken(t *testing.T) {
	program := filepath.Join(t.TempDir(), "mooring")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/mooring")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, values := range examples(t) {
		file := filepath.Join(t.TempDir(), "bindings.yaml")
		text := at(render(t, values)["ConfigMap"], "data", "bindings.yaml").(string)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), program, "config", "check", "--config", file).CombinedOutput()
		if want := fmt.Sprintf("%d binding", len(values["bindings"].([]any))); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s\nof\n%s", name, err, out, text)
		}
	}
}

func TestTheSchemaRefusesWhatIsWrong(t *testing.T) {
	for fault, values := range map[string]string{
		"no bindings":           `{}`,
		"an empty list":         `{bindings: []}`,
		"a binding's key":       `{bindings: [{hostname: a.example.com, target_grup: x}]}`,
		"a binding's value":     `{bindings: [{hostname: a.example.com, target_group: "tcp://:443", port: 443, mode: dry}]}`,
		"a value nobody has":    `{replica: 2}`,
		"a nested one":          `{image: {repo: mooring}}`,
		"a word for a number":   `{replicas: two}`,
		"a digest":              `{image: {digest: latest}}`,
		"a port":                `{listen: {port: 70000}}`,
		"a kind of volume":      `{persistence: {type: hostPath}}`,
		"a policy":              `{image: {pullPolicy: Sometimes}}`,
		"a default":             `{defaults: {hostnames: a.example.com}}`,
		"an annotation's value": `{podAnnotations: {a: 1}}`,
	} {
		given := examples(t)["s3"]
		if fault == "no bindings" {
			given = object{}
		}
		for key, value := range valuesOf(t, values) {
			given[key] = value
		}
		if _, err := try(t, given); err == nil || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

// Every value of values.yaml is in the schema, and the schema has no other.
func TestTheSchemaKnowsTheValues(t *testing.T) {
	text, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var schema object
	read(t, chart+"/values.schema.json", &schema)
	same(t, "", valuesOf(t, string(text)), schema)
}

func same(t *testing.T, where string, values, schema object) {
	t.Helper()
	properties, _ := schema["properties"].(object)
	for key, value := range values {
		if properties[key] == nil {
			t.Errorf("%s.%s is not in the schema", where, key)
		}
		if inner, ok := value.(object); ok && at(properties[key], "additionalProperties") == false && key != "defaults" && key != "resources" {
			same(t, where+"."+key, inner, properties[key].(object))
		}
	}
	for key := range properties {
		if _, ok := values[key]; !ok && key != "global" {
			t.Errorf("%s.%s is not in values.yaml", where, key)
		}
	}
}

// What the chart takes over is as it is there: the alerts, and the form of a configuration.
func TestTheChartsCopiesAreTheOriginals(t *testing.T) {
	alerts, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var schema, configuration object
	read(t, chart+"/values.schema.json", &schema)
	read(t, "../../docs/mooring.schema.json", &configuration)
	schema["$schema"], schema["$defs"] = configuration["$schema"], configuration["$defs"]
	for _, key := range []string{"bindings", "defaults"} {
		schema["properties"].(object)[key] = at(configuration, "properties", key)
	}
	var form bytes.Buffer
	encoder := json.NewEncoder(&form)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]byte{chart + "/files/alerts.yaml": alerts, chart + "/values.schema.json": form.Bytes()} {
		if *update {
			if err := os.WriteFile(file, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the original's: go -C tools test ./helm -run Originals -update", file)
		}
	}
	rules := at(render(t, examples(t)["all"])["PrometheusRule"], "spec")
	want := valuesOf(t, string(alerts))
	if !reflect.DeepEqual(rules, any(want)) {
		t.Error("the rendered rules are not the original's")
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheNotesSayWhatToDo(t *testing.T) {
	all := examples(t)
	for name, want := range map[string]string{"s3": "keeps 1 binding(s)", "front": "emptyDir", "all": "has no role by annotation"} {
		files, err := try(t, all[name])
		if notes := files["mooring/templates/NOTES.txt"]; err != nil || !strings.Contains(notes, want) {
			t.Errorf("%s: %v\n%s", name, err, notes)
		}
	}
}
