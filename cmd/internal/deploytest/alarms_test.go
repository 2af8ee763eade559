package deploytest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/cmd/internal/deploytest"
	"mooring/internal/metrics"
)

// emitted are the names of metrics that the function writes of a binding by default, and their dimensions.
func emitted(t *testing.T, binding, group string) (names []string, dimensions map[string]string) {
	t.Helper()
	line, err := metrics.EMF(mooring.Report{Binding: binding, TargetGroup: group}, time.Unix(0, 0), false)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	directive := got["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)
	if directive["Namespace"] != metrics.Namespace {
		t.Fatal(directive)
	}
	for _, m := range directive["Metrics"].([]any) {
		names = append(names, m.(map[string]any)["Name"].(string))
	}
	dimensions = map[string]string{}
	for _, d := range directive["Dimensions"].([]any)[0].([]any) {
		dimensions[d.(string)] = fmt.Sprint(got[d.(string)])
	}
	return names, dimensions
}

// of Lambda's own metrics: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
var ofLambda = []string{"Invocations", "Errors", "Duration"}

// A watched metric is one that an alarm looks at.
type watched struct {
	namespace, name string
	dimensions      map[string]string
}

func watchedBy(t *testing.T, alarm map[string]any) (out []watched) {
	t.Helper()
	metric := func(m map[string]any) {
		w := watched{fmt.Sprint(m["Namespace"]), fmt.Sprint(m["MetricName"]), map[string]string{}}
		list, _ := m["Dimensions"].([]any)
		for _, d := range list {
			w.dimensions[fmt.Sprint(d.(map[string]any)["Name"])] = fmt.Sprint(d.(map[string]any)["Value"])
		}
		out = append(out, w)
	}
	if alarm["MetricName"] != nil {
		metric(alarm)
	}
	list, _ := alarm["Metrics"].([]any)
	for _, q := range list {
		query := q.(map[string]any)
		if stat, ok := query["MetricStat"].(map[string]any); ok {
			metric(stat["Metric"].(map[string]any))
			continue
		}
		if m := insights.FindStringSubmatch(fmt.Sprint(query["Expression"])); m != nil {
			w := watched{m[2], m[1], map[string]string{}}
			if m[3] != m[4] {
				t.Errorf("%s: grouped by others than it selects", m[0])
			}
			for name := range strings.SplitSeq(m[3], ", ") {
				w.dimensions[name] = ""
			}
			out = append(out, w)
		}
	}
	return out
}

// insights is a query over all bindings:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
var insights = regexp.MustCompile(`^SELECT MIN\((\w+)\) FROM SCHEMA\((\w+), (.+?)\) GROUP BY (.+)$`)

func TestEveryAlarmWatchesAMetricThatTheFunctionHas(t *testing.T) {
	each(t, func(t *testing.T, s *deploytest.Stack) {
		for _, id := range s.IDs("AWS::CloudWatch::Alarm") {
			list := watchedBy(t, s.Resources[id].Properties)
			if len(list) == 0 {
				t.Errorf("%s watches nothing", id)
			}
			for _, w := range list {
				if w.namespace == "AWS/Lambda" {
					if !slices.Contains(ofLambda, w.name) || !maps.Equal(w.dimensions, map[string]string{"FunctionName": "mooring-LambdaFunction"}) {
						t.Errorf("%s: %v", id, w)
					}
					continue
				}
				c := bindings(t, environment(s))[0]
				names, dimensions := emitted(t, c.Binding.Name, c.Binding.TargetGroup)
				if s.Conditions["Many"] {
					dimensions = map[string]string{"Binding": "", "TargetGroup": ""}
				}
				if w.namespace != metrics.Namespace || !slices.Contains(names, w.name) || !maps.Equal(w.dimensions, dimensions) {
					t.Errorf("%s watches %v; the function has %v of %v", id, w, names, dimensions)
				}
			}
		}
	})
}

func TestAlarmsDoNotFlapAndKnowWhatSilenceMeans(t *testing.T) {
	silence := map[string]string{
		"NoRoundAlarm": "breaching", "ScheduleAlarm": "breaching", // no invocation has no metric
		"BindingAlarm": "notBreaching", "HeldAlarm": "notBreaching", // silence is what the others are for; Terraform's do the same
	}
	minutes := map[string]int{"NoRoundAlarm": 5, "ScheduleAlarm": 5, "BindingAlarm": 10, "HeldAlarm": 60}
	each(t, func(t *testing.T, s *deploytest.Stack) {
		ids := s.IDs("AWS::CloudWatch::Alarm")
		if !s.Conditions["MakeAlarms"] {
			if len(ids) > 0 || len(s.IDs("AWS::SNS::Topic")) > 0 {
				t.Errorf("made: %v", ids)
			}
			return
		}
		if want := slices.Sorted(maps.Keys(silence)); !slices.Equal(ids, want) {
			t.Fatalf("alarms: %v", ids)
		}
		for _, id := range ids {
			p := s.Resources[id].Properties
			if p["TreatMissingData"] != silence[id] || p["EvaluationPeriods"] != p["DatapointsToAlarm"] {
				t.Errorf("%s: %v", id, p)
			}
			all, _ := json.Marshal(p)
			period := regexp.MustCompile(`"Period":(\d+)`).FindSubmatch(all)
			if period == nil || fmt.Sprint(p["EvaluationPeriods"]) != fmt.Sprint(minutes[id]*60/atoi(string(period[1]))) {
				t.Errorf("%s does not wait for %d minutes: %s", id, minutes[id], all)
			}
		}
	})
}

func atoi(text string) (n int) {
	_, _ = fmt.Sscan(text, &n)
	return n
}

func TestAlarmsTellWhoAsked(t *testing.T) {
	told := map[string]string{
		"the original's of 2021": "[]",
		"telling":                "[arn:aws:sns:eu-west-1:111122223333:mooring-AlarmTopic arn:aws:sns:eu-west-1:111122223333:alarms]",
	}
	for name, want := range told {
		s := resolve(t, cases()[name])
		for _, id := range s.IDs("AWS::CloudWatch::Alarm") {
			p := s.Resources[id].Properties
			if fmt.Sprint(p["AlarmActions"]) != want || fmt.Sprint(p["OKActions"]) != want {
				t.Errorf("%s: %s tells %v and %v", name, id, p["AlarmActions"], p["OKActions"])
			}
		}
	}
	if s := resolve(t, cases()["telling"]); fmt.Sprint(s.Resources["AlarmTopic"].Properties["Subscription"]) != "[map[Endpoint:ops@example.com Protocol:email]]" {
		t.Error(s.Resources["AlarmTopic"])
	}
}

const document = "../../../docs/deploy-cloudformation.md"

func TestEveryAlarmLeadsToASectionThatSaysWhatToDo(t *testing.T) {
	page, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	s := resolve(t, originals())
	for _, id := range s.IDs("AWS::CloudWatch::Alarm") {
		description := fmt.Sprint(s.Resources[id].Properties["AlarmDescription"])
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
		if len(description) > 1024 || !strings.HasSuffix(description, "docs/deploy-cloudformation.md#"+strings.ToLower(id)) {
			t.Errorf("%s: %s", id, description)
		}
		if !strings.Contains(string(page), "\n### "+id+"\n") {
			t.Errorf("%s has no section %s", document, id)
		}
	}
}

func TestTheDashboardIsJSONAndShowsMetricsThatTheFunctionHas(t *testing.T) {
	each(t, func(t *testing.T, s *deploytest.Stack) {
		overview, ok := s.Resources["Overview"]
		if ok != s.Conditions["MakeDashboard"] {
			t.Fatal(ok)
		}
		if !ok {
			return
		}
		body := fmt.Sprint(overview.Properties["DashboardBody"])
		var dashboard struct{ Widgets []map[string]any }
		if err := json.Unmarshal([]byte(body), &dashboard); err != nil || len(dashboard.Widgets) != 4 {
			t.Fatalf("%v: %s", err, body)
		}
		c := bindings(t, environment(s))[0]
		names, dimensions := emitted(t, c.Binding.Name, c.Binding.TargetGroup)
		shown := regexp.MustCompile(`\\"([A-Z][A-Za-z]+)\\"`).FindAllStringSubmatch(body, -1)
		for _, m := range shown {
			if !slices.Contains(names, m[1]) {
				t.Errorf("it shows %s", m[1])
			}
		}
		if one := strings.Contains(body, `TargetGroup=\"`+dimensions["TargetGroup"]+`\"`); len(shown) != 4 || one != s.Conditions["One"] {
			t.Errorf("%d metrics: %s", len(shown), body)
		}
	})
}
