package prom

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mooring"
)

// Metrics are those of one process. They may be used by several goroutines.
type Metrics struct {
	registry *prometheus.Registry
	vectors  []dropper // those by binding

	rounds, registered, deregistered            *prometheus.CounterVec
	success, last, targets, paused, leading     *prometheus.GaugeVec
	memory                                      *prometheus.GaugeVec
	resolved, missing, held, refused, unmanaged *prometheus.GaugeVec
	duration                                    *prometheus.HistogramVec
	calls, throttles                            *prometheus.CounterVec
	callDuration                                *prometheus.HistogramVec
	reloaded, reloadedAt                        *prometheus.GaugeVec
	waits                                       *prometheus.HistogramVec

	mu    sync.Mutex
	known map[string]bool // the bindings; nil: any
	codes map[string]bool // of errors
}

// A dropper forgets series.
type dropper interface {
	DeletePartialMatch(labels prometheus.Labels) int
}

// New returns the metrics of a process of this version of mooring. stuck counts the rounds that do not end, whenever
// it is asked.
func New(version string, stuck func() int) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), codes: map[string]bool{}}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.bindings()
	m.gauge("mooring_build_info").WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mooring_stuck_rounds", Help: described("mooring_stuck_rounds").Help,
	}, func() float64 { return float64(stuck()) }))
	m.reloaded = m.gauge("mooring_config_last_reload_successful")
	m.reloadedAt = m.gauge("mooring_config_last_reload_success_timestamp_seconds")
	m.calls = m.counter("mooring_aws_api_calls_total")
	m.throttles = m.counter("mooring_aws_api_throttles_total")
	m.callDuration = m.histogram("mooring_aws_api_call_duration_seconds", seconds[:len(seconds)-3])
	m.waits = m.histogram("mooring_limiter_wait_seconds", seconds)
	return m
}

// bindings makes what is counted by binding.
func (m *Metrics) bindings() {
	for name, at := range map[string]**prometheus.GaugeVec{
		"mooring_last_success_timestamp_seconds": &m.success,
		"mooring_last_round_timestamp_seconds":   &m.last,
		"mooring_targets":                        &m.targets,
		"mooring_resolved_addresses":             &m.resolved,
		"mooring_missing_targets":                &m.missing,
		"mooring_held_removals":                  &m.held,
		"mooring_refused_targets":                &m.refused,
		"mooring_unmanaged_targets":              &m.unmanaged,
		"mooring_paused":                         &m.paused,
		"mooring_memory_usable":                  &m.memory,
		"mooring_leading":                        &m.leading,
	} {
		*at = m.gauge(name)
		m.vectors = append(m.vectors, *at)
	}
	m.rounds, m.registered = m.counter("mooring_rounds_total"), m.counter("mooring_registered_total")
	m.deregistered, m.duration = m.counter("mooring_deregistered_total"), m.histogram("mooring_round_duration_seconds", seconds)
	m.vectors = append(m.vectors, m.rounds, m.registered, m.deregistered, m.duration)
}

// seconds are from a call in the same zone to the longest round.
var seconds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45, 60}

func (m *Metrics) counter(name string) *prometheus.CounterVec {
	d := described(name)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gauge(name string) *prometheus.GaugeVec {
	d := described(name)
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: d.Name, Help: d.Help}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name string, buckets []float64) *prometheus.HistogramVec {
	d := described(name)
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: buckets}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// A Binding is what the process does with one.
type Binding struct {
	Name  string
	Leads bool
}

// Bindings says which bindings there are. The series of all others are dropped, and what is still told of them is not
// counted.
func (m *Metrics) Bindings(now []Binding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.known
	m.known = map[string]bool{}
	for _, b := range now {
		m.known[b.Name] = true
		m.leading.WithLabelValues(b.Name).Set(truth(b.Leads))
		for _, result := range []string{resultOK, resultInconclusive, resultError, resultGlance} {
			m.rounds.WithLabelValues(b.Name, result) // so that the first failure is an increase
		}
		m.registered.WithLabelValues(b.Name)
		m.deregistered.WithLabelValues(b.Name)
	}
	for name := range before {
		if m.known[name] {
			continue
		}
		for _, v := range m.vectors {
			v.DeletePartialMatch(prometheus.Labels{"binding": name})
		}
	}
}

// Loaded says whether the configuration was read without a fault, and when it last was.
func (m *Metrics) Loaded(ok bool, at time.Time) {
	m.reloaded.WithLabelValues().Set(truth(ok))
	m.reloadedAt.WithLabelValues().Set(unix(at))
}

// Waited counts a wait for the limiter.
func (m *Metrics) Waited(d time.Duration) { m.waits.WithLabelValues().Observe(d.Seconds()) }

// A Call is one attempt of a call to AWS.
type Call struct {
	Service, Operation string
	Code               string // of the error; "" where there was none
	Throttled          bool
	Took               time.Duration
}

// Called counts an attempt of a call.
func (m *Metrics) Called(c Call) {
	m.calls.WithLabelValues(c.Service, c.Operation, m.code(c.Code)).Inc()
	m.callDuration.WithLabelValues(c.Service, c.Operation).Observe(c.Took.Seconds())
	throttles := m.throttles.WithLabelValues(c.Service, c.Operation)
	if c.Throttled {
		throttles.Inc()
	}
}

// The codes come from whoever answers, and each makes series of its own.
const (
	maxCodes = 50
	maxCode  = 64
)

func (m *Metrics) code(code string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case code == "":
		return "ok"
	case m.codes[code]:
	case len(m.codes) == maxCodes || !plain(code):
		return "other"
	default:
		m.codes[code] = true
	}
	return code
}

// plain tells whether a code is made as AWS's are.
func plain(code string) bool {
	for _, r := range code {
		if r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return len(code) <= maxCode
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Round counts a round or a glance.
func (m *Metrics) Round(r mooring.Report) { m.round(r, time.Now()) }
