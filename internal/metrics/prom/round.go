package prom

import (
	"time"

	"mooring"
)

// How rounds end.
const (
	resultOK           = "ok"
	resultInconclusive = "inconclusive"
	resultError        = "error"
	resultGlance       = "glance"
)

func resultOf(r mooring.Report) string {
	switch {
	case r.Error != "":
		return resultError
	case r.Inconclusive != "":
		return resultInconclusive
	case r.Glance:
		return resultGlance
	default:
		return resultOK
	}
}

// round leaves what the round does not know as it was: a 0 would be a statement.
func (m *Metrics) round(r mooring.Report, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known != nil && !m.known[r.Binding] {
		return
	}
	m.rounds.WithLabelValues(r.Binding, resultOf(r)).Inc()
	m.last.WithLabelValues(r.Binding).Set(unix(now))
	if r.OK() {
		m.success.WithLabelValues(r.Binding).Set(unix(now))
	}
	if len(r.Resolved) > 0 || r.Inconclusive == "" && r.Error == "" {
		m.resolved.WithLabelValues(r.Binding).Set(float64(len(r.Resolved)))
	}
	if r.Glance {
		return
	}
	m.duration.WithLabelValues(r.Binding).Observe(float64(r.TookMS) / 1000)
	m.registered.WithLabelValues(r.Binding).Add(float64(len(r.Registered)))
	m.deregistered.WithLabelValues(r.Binding).Add(float64(len(r.Deregistered)))
	m.group(r)
}

func (m *Metrics) group(r mooring.Report) {
	if r.Targets != nil {
		for state, n := range states(r) {
			m.targets.WithLabelValues(r.Binding, state).Set(float64(n))
		}
	}
	if r.Error != "" && len(r.Plan.Memory.Hostnames) == 0 {
		return // it did not come as far as its decision
	}
	m.missing.WithLabelValues(r.Binding).Set(float64(len(r.Missing)))
	m.held.WithLabelValues(r.Binding).Set(float64(len(r.Held)))
	m.refused.WithLabelValues(r.Binding).Set(float64(len(r.Refused)))
	m.unmanaged.WithLabelValues(r.Binding).Set(float64(len(r.Unmanaged)))
	m.memory.WithLabelValues(r.Binding).Set(truth(!r.Unremembered))
	m.paused.WithLabelValues(r.Binding).Set(truth(r.Paused != ""))
}

// states counts the targets on the binding's port by their health.
func states(r mooring.Report) map[string]int {
	const unknown = "unknown" // newer than this program
	out := map[string]int{unknown: 0}
	for _, h := range []mooring.Health{
		mooring.HealthInitial, mooring.HealthHealthy, mooring.HealthUnhealthy, mooring.HealthUnhealthyDraining,
		mooring.HealthUnused, mooring.HealthDraining, mooring.HealthUnavailable,
	} {
		out[string(h)] = 0
	}
	for _, t := range r.Targets {
		state := string(t.Health)
		if _, ok := out[state]; !ok {
			state = unknown
		}
		if t.Port == r.Port {
			out[state]++
		}
	}
	return out
}
