package prom_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"mooring/internal/metrics/prom"
)

func TestTheAlertRulesNameMetricsThatThereAreAndSayWhatToDo(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, d := range prom.Describe() {
		known[d.Name] = true
	}
	rules := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			rules++
			named := regexp.MustCompile(`mooring_[a-z_]+`).FindAllString(r.Expr, -1)
			if len(named) == 0 || r.For == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s is not whole: %+v", r.Alert, r)
			}
			for _, name := range named {
				if !known[name] {
					t.Errorf("%s: there is no metric %s", r.Alert, name)
				}
			}
		}
	}
	if rules < 8 {
		t.Errorf("%d rules", rules)
	}
}
