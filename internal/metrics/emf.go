// Package metrics renders a report as CloudWatch metrics: as a line of embedded metrics, and as the one metric
// that the older functions put.
package metrics

import (
	"encoding/json"
	"fmt"
	"time"

	"mooring"
)

// Namespace holds the embedded metrics.
const Namespace = "Mooring"

// maxDimension is how long a dimension's value may be:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const maxDimension = 1024

// A metric is one value of a report.
type metric struct {
	name, unit string
	value      int64
}

// EMF renders a report as one line of CloudWatch's embedded metric format, with its newline. It must be written to the
// log as it is, with nothing before it. The dimensions are Binding and TargetGroup; the latter is
// targetgroup/NAME/ID, as in AWS's own metrics of the group.
//
// The metrics are RoundFailures (0 or 1: the binding has an error or was inconclusive), ResolvedAddresses,
// HealthyTargets and HeldRemovals; with all also Registered, Deregistered, Missing, Refused, Unmanaged and RoundDuration.
// What the round does not know is left out, for a 0 would be a statement: ResolvedAddresses when nobody answered,
// and everything about the group when it could not be read.
func EMF(r mooring.Report, now time.Time, all bool) ([]byte, error) {
	group := groupName(r.TargetGroup)
	for _, value := range []string{r.Binding, group} {
		if value == "" || len(value) > maxDimension {
			return nil, fmt.Errorf("render metrics of binding %.64q: a dimension of %d bytes: want 1 to %d", r.Binding, len(value), maxDimension)
		}
	}
	line := map[string]any{"Binding": r.Binding, "TargetGroup": group}
	var defined []map[string]string
	for _, m := range metricsOf(r, all) {
		line[m.name] = m.value
		defined = append(defined, map[string]string{"Name": m.name, "Unit": m.unit})
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace":  Namespace,
			"Dimensions": [][]string{{"Binding", "TargetGroup"}},
			"Metrics":    defined,
		}},
	}
	body, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("render metrics of %s: %w", r.Binding, err)
	}
	return append(body, '\n'), nil
}

func metricsOf(r mooring.Report, all bool) []metric {
	count := func(name string, n int) metric { return metric{name, "Count", int64(n)} }
	failed := 0
	if !r.OK() {
		failed = 1
	}
	out := []metric{count("RoundFailures", failed)}
	if len(r.Resolved) > 0 || r.Inconclusive == "" {
		out = append(out, count("ResolvedAddresses", len(r.Resolved)))
	}
	known := judged(r)
	if known {
		out = append(out, count("HealthyTargets", r.Healthy), count("HeldRemovals", len(r.Held)))
	}
	if !all {
		return out
	}
	out = append(out, count("Registered", len(r.Registered)), count("Deregistered", len(r.Deregistered)))
	if known {
		out = append(out, count("Missing", len(r.Missing)), count("Refused", len(r.Refused)), count("Unmanaged", len(r.Unmanaged)))
	}
	return append(out, metric{"RoundDuration", "Milliseconds", r.TookMS})
}

// judged tells whether the round came as far as its decision: before that it knows nothing of the group.
func judged(r mooring.Report) bool {
	return r.Error == "" || len(r.Plan.Memory.Hostnames) > 0
}
