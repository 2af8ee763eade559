package deploytest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"mooring/cmd/internal/rigtest"
)

// Record does what Lambda and CloudWatch make of an invocation that has ended: its lines are in the log group, the embedded metrics
// among them are metrics, and Invocations and Errors of the function are counted.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (c Cloud) Record(function, group string, outcome rigtest.Outcome, log string) {
	c.t.Helper()
	now := time.Now()
	var events []map[string]any
	for line := range strings.Lines(log) {
		events = append(events, map[string]any{"timestamp": now.UnixMilli(), "message": strings.TrimSuffix(line, "\n")})
		c.embedded(line)
	}
	stream := fmt.Sprintf("%s/[$LATEST]%x", now.UTC().Format("2006/01/02"), now.UnixNano())
	c.logs("CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": stream})
	c.logs("PutLogEvents", map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": events})
	failed := 0.0
	if outcome.Failed {
		failed = 1
	}
	of := map[string]string{"FunctionName": function}
	c.put("AWS/Lambda", map[string]float64{"Invocations": 1, "Errors": failed}, of, now)
}

// embedded makes metrics of a line of the log, where it holds any.
func (c Cloud) embedded(line string) {
	c.t.Helper()
	var values map[string]any
	var entry struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if json.Unmarshal([]byte(line), &values) != nil || json.Unmarshal([]byte(line), &entry) != nil {
		return // what is no JSON object has no metrics
	}
	for _, directive := range entry.AWS.CloudWatchMetrics {
		metrics := map[string]float64{}
		for _, m := range directive.Metrics {
			if v, ok := values[m.Name].(float64); ok {
				metrics[m.Name] = v
			}
		}
		for _, names := range directive.Dimensions {
			dimensions := map[string]string{}
			for _, name := range names {
				dimensions[name] = fmt.Sprint(values[name])
			}
			c.put(directive.Namespace, metrics, dimensions, time.UnixMilli(entry.AWS.Timestamp))
		}
	}
}

func (c Cloud) put(namespace string, metrics map[string]float64, dimensions map[string]string, at time.Time) {
	c.t.Helper()
	form := url.Values{"Action": {"PutMetricData"}, "Version": {"2010-08-01"}, "Namespace": {namespace}}
	i := 0
	for name, v := range metrics {
		i++
		datum := fmt.Sprintf("MetricData.member.%d.", i)
		form.Set(datum+"MetricName", name)
		form.Set(datum+"Value", fmt.Sprint(v))
		form.Set(datum+"Timestamp", at.UTC().Format(time.RFC3339))
		j := 0
		for dimension, value := range dimensions {
			j++
			form.Set(fmt.Sprintf("%sDimensions.member.%d.Name", datum, j), dimension)
			form.Set(fmt.Sprintf("%sDimensions.member.%d.Value", datum, j), value)
		}
	}
	c.send(request{service: "monitoring", path: "/", kind: formType, body: form.Encode()})
}

// logs calls CloudWatch Logs.
func (c Cloud) logs(action string, in map[string]any) {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(request{service: "logs", path: "/", kind: "application/x-amz-json-1.1", target: "Logs_20140328." + action, body: string(body)})
}
