package prom_test

import (
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"mooring"
	"mooring/internal/metrics/prom"
)

func report(binding string) mooring.Report {
	return mooring.Report{
		Binding: binding, Port: 443, Resolved: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")},
		Registered: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, TookMS: 120,
		Held: []mooring.HeldReport{{}}, Missing: []mooring.MissingReport{{}},
		Targets: []mooring.Target{
			{Port: 443, Health: mooring.HealthHealthy}, {Port: 443, Health: "resting"}, {Port: 80, Health: mooring.HealthHealthy},
		},
	}
}

// busy is a process that has counted something in every metric.
func busy() *prom.Metrics {
	m := prom.New("1.2.3", func() int { return 0 })
	m.Bindings([]prom.Binding{{Name: "web-443", Leads: true}, {Name: "db-5432"}})
	m.Round(report("web-443"))
	m.Called(prom.Call{Service: "S3", Operation: "GetObject", Took: time.Millisecond})
	m.Called(prom.Call{Service: "S3", Operation: "GetObject", Code: "SlowDown", Throttled: true})
	m.Waited(time.Second)
	m.Loaded(true, time.Now())
	m.Fronts(func() []prom.Front { return []prom.Front{{Binding: "tcp-8443"}} })
	return m
}

func scrape(t *testing.T, m *prom.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatal(w.Body)
	}
	return w.Body.String()
}

func expect(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, mine(text))
		}
	}
}

// mine are the lines of mooring's own metrics.
func mine(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "mooring_") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestTheMetricsAreNamedAsTheFieldNamesThem(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, busy()))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "mooring_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestWhatIsDescribedIsServedAndNothingElse(t *testing.T) {
	text := scrape(t, busy())
	var served, described []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); strings.HasPrefix(line, "# TYPE mooring_") {
			served = append(served, words[2]+" "+words[3])
		}
	}
	for _, d := range prom.Describe() {
		described = append(described, d.Name+" "+d.Type)
		if d.Help == "" {
			t.Errorf("%s has no help", d.Name)
		}
		for _, l := range d.Labels {
			if !strings.Contains(text, l+`="`) {
				t.Errorf("%s has no label %s", d.Name, l)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served\n%v\ndescribed\n%v", served, described)
	}
	if !strings.Contains(text, "go_goroutines ") || !strings.Contains(text, "process_open_fds ") {
		t.Error("the runtime's and the process's own are not served")
	}
}

func TestARoundIsCounted(t *testing.T) {
	expect(t, scrape(t, busy()),
		`mooring_rounds_total{binding="web-443",result="ok"} 1`,
		`mooring_rounds_total{binding="web-443",result="error"} 0`,
		`mooring_targets{binding="web-443",state="healthy"} 1`,
		`mooring_targets{binding="web-443",state="unknown"} 1`,
		`mooring_targets{binding="web-443",state="draining"} 0`,
		`mooring_resolved_addresses{binding="web-443"} 2`,
		`mooring_held_removals{binding="web-443"} 1`,
		`mooring_registered_total{binding="web-443"} 1`,
		`mooring_round_duration_seconds_count{binding="web-443"} 1`,
		`mooring_leading{binding="web-443"} 1`,
		`mooring_leading{binding="db-5432"} 0`,
		`mooring_aws_api_calls_total{code="ok",operation="GetObject",service="S3"} 1`,
		`mooring_aws_api_calls_total{code="SlowDown",operation="GetObject",service="S3"} 1`,
		`mooring_aws_api_throttles_total{operation="GetObject",service="S3"} 1`,
	)
}

func TestWhatARoundDoesNotKnowStaysAsItWas(t *testing.T) {
	m := busy()
	m.Round(mooring.Report{Binding: "web-443", Port: 443, Error: "list targets of web-443: no"})
	m.Round(mooring.Report{Binding: "web-443", Port: 443, Inconclusive: "timeout: nobody answers", Glance: true})
	expect(t, scrape(t, m),
		`mooring_rounds_total{binding="web-443",result="error"} 1`,
		`mooring_rounds_total{binding="web-443",result="inconclusive"} 1`,
		`mooring_resolved_addresses{binding="web-443"} 2`,
		`mooring_held_removals{binding="web-443"} 1`,
		`mooring_targets{binding="web-443",state="healthy"} 1`,
		`mooring_round_duration_seconds_count{binding="web-443"} 2`,
	)
}

func TestAGlanceIsASuccessAndNoRound(t *testing.T) {
	m := prom.New("1.2.3", func() int { return 0 })
	r := report("web-443")
	r.Glance = true
	m.Round(r)
	text := scrape(t, m)
	expect(t, text, `mooring_rounds_total{binding="web-443",result="glance"} 1`)
	if strings.Contains(text, "mooring_round_duration_seconds") || strings.Contains(text, "mooring_registered_total{") {
		t.Error("it is counted as a round")
	}
	if !strings.Contains(text, "mooring_last_success_timestamp_seconds{") {
		t.Error("it is no success")
	}
}

func TestSeriesOfBindingsThatAreGoneAreDropped(t *testing.T) {
	m := busy()
	m.Bindings([]prom.Binding{{Name: "db-5432", Leads: true}})
	m.Round(report("web-443")) // its last round ends after it was removed
	text := scrape(t, m)
	if strings.Contains(text, "web-443") {
		t.Errorf("some are left:\n%s", mine(text))
	}
	expect(t, text, `mooring_leading{binding="db-5432"} 1`)
}

// Whoever answers in AWS's place could fill the memory with codes of its own.
func TestCodesThatNobodyKnowsMakeFewSeries(t *testing.T) {
	m := prom.New("1.2.3", func() int { return 0 })
	for i := range 1000 {
		m.Called(prom.Call{Service: "S3", Operation: "GetObject", Code: "E" + strings.Repeat("x", i)})
	}
	m.Called(prom.Call{Service: "S3", Operation: "GetObject", Code: "a\"b\n"})
	if n := strings.Count(scrape(t, m), "mooring_aws_api_calls_total{"); n > 60 {
		t.Errorf("%d series", n)
	}
}
