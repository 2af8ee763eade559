package helm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// An object is one of Kubernetes, or a part of one.
type object = map[string]any

func valuesOf(t *testing.T, text string) object {
	t.Helper()
	out := object{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// try renders the chart, as `helm install web` would.
func try(t *testing.T, values object) (map[string]string, error) {
	t.Helper()
	loaded, err := loader.LoadDir(chart)
	if err != nil {
		t.Fatal(err)
	}
	top, err := util.ToRenderValues(loaded, values, common.ReleaseOptions{Name: "web", Namespace: "network", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(loaded, top)
}

// A release is what one set of values makes, by kind. The chart makes no two of a kind.
type release map[string]object

func render(t *testing.T, values object) release {
	t.Helper()
	files, err := try(t, values)
	if err != nil {
		t.Fatal(err)
	}
	out := release{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for part := range strings.SplitSeq(text, "\n---") {
			one := object{}
			if err := yaml.UnmarshalStrict([]byte(part), &one); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, part)
			}
			if len(one) == 0 {
				continue
			}
			kind := one["kind"].(string)
			if out[kind] != nil {
				t.Errorf("two of %s", kind)
			}
			if one["apiVersion"] == nil || at(one, "metadata", "name") == nil || at(one, "metadata", "labels", "app.kubernetes.io/instance") != "web" {
				t.Errorf("%s: no version, name or label:\n%s", kind, part)
			}
			out[kind] = one
		}
	}
	return out
}

// at goes down into a value by keys and indices. It is nil where there is nothing.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(object)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// examples are the values in ci, by their file's name.
func examples(t *testing.T) map[string]object {
	t.Helper()
	files, err := filepath.Glob(chart + "/ci/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	out := map[string]object{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".yaml")] = valuesOf(t, string(text))
	}
	return out
}
