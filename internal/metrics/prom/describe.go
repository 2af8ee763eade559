// Package prom shows reports, and what a daemon is about, as Prometheus metrics. It is a package of its own so that
// the function does not carry Prometheus along.
package prom

import "slices"

// A Metric is one metric as it is served. Names and units follow
// https://prometheus.io/docs/practices/naming/.
type Metric struct {
	Name   string
	Type   string // counter, gauge or histogram
	Help   string
	Labels []string
}

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// The metrics, in the order in which a reference lists them.
var metrics = []Metric{
	{"mooring_build_info", gauge, "The version of mooring, and of Go that built it; always 1.", []string{"version", "goversion"}},
	{"mooring_rounds_total", counter, "Rounds by how they ended: ok, inconclusive, error, or glance (only the name was looked at, for nothing had changed).", []string{"binding", "result"}},
	{"mooring_last_success_timestamp_seconds", gauge, "When a round or a glance last came through and was conclusive, in Unix time.", []string{"binding"}},
	{"mooring_last_round_timestamp_seconds", gauge, "When a round or a glance last ended, whatever came of it, in Unix time.", []string{"binding"}},
	{"mooring_round_duration_seconds", histogram, "How long rounds took; glances are not counted.", []string{"binding"}},
	{"mooring_targets", gauge, "Targets on the binding's port that the group held when the last round began, by health.", []string{"binding", "state"}},
	{"mooring_resolved_addresses", gauge, "Addresses that the last answered round saw behind the name.", []string{"binding"}},
	{"mooring_missing_targets", gauge, "Targets of ours that are in the group and were not seen behind the name.", []string{"binding"}},
	{"mooring_held_removals", gauge, "Missing targets that a guard keeps in the group.", []string{"binding"}},
	{"mooring_refused_targets", gauge, "Addresses that the group does not take, and that are set aside.", []string{"binding"}},
	{"mooring_unmanaged_targets", gauge, "Targets of the group that are not ours.", []string{"binding"}},
	{"mooring_registered_total", counter, "Targets whose registration was confirmed.", []string{"binding"}},
	{"mooring_deregistered_total", counter, "Targets whose deregistration was confirmed.", []string{"binding"}},
	{"mooring_memory_usable", gauge, "0 while the binding's memory cannot be read or saved: then nobody leaves.", []string{"binding"}},
	{"mooring_paused", gauge, "1 while an operator has paused the binding.", []string{"binding"}},
	{"mooring_leading", gauge, "1 while this process runs the binding's rounds, 0 while it stands by.", []string{"binding"}},
	{"mooring_front_flows", gauge, "Of a binding with a front: flows that are open.", []string{"binding"}},
	{"mooring_front_flows_total", counter, "Flows that were given to a target.", []string{"binding"}},
	{"mooring_front_bytes_total", counter, "Bytes that a front passed on: in from clients, out to them.", []string{"binding", "direction"}},
	{"mooring_front_targets", gauge, "Targets of a front, by health: initial, healthy, unhealthy or draining.", []string{"binding", "state"}},
	{"mooring_front_refusals_total", counter, "Clients that a front refused: limit (it has as many flows as it may), no-target, or unreachable (no target could be connected to).", []string{"binding", "reason"}},
	{"mooring_front_fail_open", gauge, "1 while none of a front's targets is healthy, so that all of them get flows.", []string{"binding"}},
	{"mooring_stuck_rounds", gauge, "Rounds that have not returned for twice the time that they may take.", nil},
	{"mooring_config_last_reload_successful", gauge, "1 when the configuration was last read without a fault, 0 when the old one goes on because of one.", nil},
	{"mooring_config_last_reload_success_timestamp_seconds", gauge, "When the configuration was last read without a fault, in Unix time.", nil},
	{"mooring_aws_api_calls_total", counter, "Attempts of calls to AWS, by AWS's code of the error: ok where there was none, or timeout, canceled, failed, other.", []string{"service", "operation", "code"}},
	{"mooring_aws_api_throttles_total", counter, "Attempts of calls that AWS throttled.", []string{"service", "operation"}},
	{"mooring_aws_api_call_duration_seconds", histogram, "How long attempts of calls to AWS took.", []string{"service", "operation"}},
	{"mooring_limiter_wait_seconds", histogram, "How long calls waited so that this process keeps to its share of AWS's limits; those that did not wait are not counted.", nil},
}

// Describe returns every metric of mooring's own, for a reference. Beside them are served those of the Go runtime and of
// the process, as client_golang's collectors name them.
func Describe() []Metric { return slices.Clone(metrics) }

func described(name string) Metric {
	return metrics[slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name })]
}
