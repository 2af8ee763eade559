package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"mooring"
)

// A Front is what one binding's front does and did.
type Front struct {
	Binding  string
	Flows    int            // open now
	Accepted uint64         // flows that were given to a target, ever
	In, Out  uint64         // bytes from clients, and to them
	Targets  map[string]int // by health
	Refused  map[string]uint64
	FailOpen bool
}

// Fronts shows what the fronts are about, as now tells it whenever it is asked. It is called once, before anything is
// served. The series of a front that is gone are gone with it.
func (m *Metrics) Fronts(now func() []Front) { m.registry.MustRegister(fronts(now)) }

// fronts is a [prometheus.Collector].
type fronts func() []Front

var (
	frontFlows    = descOf("mooring_front_flows")
	frontAccepted = descOf("mooring_front_flows_total")
	frontBytes    = descOf("mooring_front_bytes_total")
	frontTargets  = descOf("mooring_front_targets")
	frontRefusals = descOf("mooring_front_refusals_total")
	frontFailOpen = descOf("mooring_front_fail_open")
)

func descOf(name string) *prometheus.Desc {
	d := described(name)
	return prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
}

// Describe implements [prometheus.Collector].
func (f fronts) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{frontFlows, frontAccepted, frontBytes, frontTargets, frontRefusals, frontFailOpen} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (f fronts) Collect(to chan<- prometheus.Metric) {
	for _, one := range f() {
		one.collect(to)
	}
}

// What a front's series are by, whether there is any yet or not: a first failure is an increase then.
var (
	frontStates  = []mooring.Health{mooring.HealthInitial, mooring.HealthHealthy, mooring.HealthUnhealthy, mooring.HealthDraining}
	frontReasons = []string{"limit", "no-target", "unreachable"}
)

func (f Front) collect(to chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, append([]string{f.Binding}, labels...)...)
	}
	put(frontFlows, prometheus.GaugeValue, float64(f.Flows))
	put(frontAccepted, prometheus.CounterValue, float64(f.Accepted))
	put(frontBytes, prometheus.CounterValue, float64(f.In), "in")
	put(frontBytes, prometheus.CounterValue, float64(f.Out), "out")
	for _, health := range frontStates {
		put(frontTargets, prometheus.GaugeValue, float64(f.Targets[string(health)]), string(health))
	}
	for _, reason := range frontReasons {
		put(frontRefusals, prometheus.CounterValue, float64(f.Refused[reason]), reason)
	}
	put(frontFailOpen, prometheus.GaugeValue, truth(f.FailOpen))
}
