package metrics_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/metrics"
)

const group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef"

var now = time.Date(2026, 11, 23, 14, 40, 0, 5e8, time.UTC)

func addrs(n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)})
	}
	return out
}

// a round that saw five, held one back, and came through.
func report() mooring.Report {
	return mooring.Report{
		Binding: "web-443", TargetGroup: group, Resolved: addrs(5), Registered: addrs(2), Deregistered: addrs(1),
		Missing: make([]mooring.MissingReport, 3), Held: make([]mooring.HeldReport, 1), Refused: make([]mooring.RefusedReport, 2),
		Unmanaged: []string{"10.9.9.9"}, TookMS: 45, Healthy: 4,
	}
}

// read does with a line what CloudWatch does: it returns the values of the metrics that the directive defines.
func read(t *testing.T, r mooring.Report, all bool) map[string]float64 {
	t.Helper()
	line, err := metrics.EMF(r, now, all)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(line, []byte("}\n")) || bytes.Count(line, []byte("\n")) != 1 {
		t.Fatalf("not one line: %q", line)
	}
	var members map[string]json.RawMessage
	var directive struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal(line, &members); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &directive); err != nil {
		t.Fatal(err)
	}
	if directive.AWS.Timestamp != now.UnixMilli() || len(directive.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("directive %+v", directive.AWS)
	}
	d := directive.AWS.CloudWatchMetrics[0]
	if d.Namespace != "Mooring" || len(d.Dimensions) != 1 || !slices.Equal(d.Dimensions[0], []string{"Binding", "TargetGroup"}) {
		t.Errorf("namespace %q, dimensions %q", d.Namespace, d.Dimensions)
	}
	if got := string(members["Binding"]) + string(members["TargetGroup"]); got != `"web-443""targetgroup/web/0123456789abcdef"` {
		t.Errorf("dimensions %s", got)
	}
	values := map[string]float64{}
	for _, m := range d.Metrics {
		var value float64
		if err := json.Unmarshal(members[m.Name], &value); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if want := map[bool]string{true: "Milliseconds", false: "Count"}[m.Name == "RoundDuration"]; m.Unit != want {
			t.Errorf("%s is counted in %q", m.Name, m.Unit)
		}
		values[m.Name] = value
	}
	if len(members) != len(values)+3 {
		t.Errorf("members beyond the metrics: %q", slices.Sorted(maps.Keys(members)))
	}
	return values
}

func TestARoundIsFourMetricsAndTheRestOnRequest(t *testing.T) {
	four := map[string]float64{"ResolvedAddresses": 5, "HealthyTargets": 4, "RoundFailures": 0, "HeldRemovals": 1}
	if got := read(t, report(), false); !maps.Equal(got, four) {
		t.Errorf("got %v, want %v", got, four)
	}
	maps.Copy(four, map[string]float64{
		"Registered": 2, "Deregistered": 1, "Missing": 3, "Refused": 2, "Unmanaged": 1, "RoundDuration": 45,
	})
	if got := read(t, report(), true); !maps.Equal(got, four) {
		t.Errorf("got %v, want %v", got, four)
	}
}

func TestEveryRoundThatDidNotComeThroughIsAFailure(t *testing.T) {
	for what, spoil := range map[string]func(*mooring.Report){
		"error":        func(r *mooring.Report) { r.Error = "list targets: no" },
		"inconclusive": func(r *mooring.Report) { r.Inconclusive = "timeout" },
	} {
		r := report()
		spoil(&r)
		if got := read(t, r, false)["RoundFailures"]; got != 1 {
			t.Errorf("%s: RoundFailures is %g", what, got)
		}
	}
}

func TestWhatIsNotKnownIsNotSaidToBeZero(t *testing.T) {
	r := report()
	r.Resolved, r.Inconclusive = nil, "timeout: 10.0.0.2:53"
	if got := read(t, r, false); got["HealthyTargets"] != 4 || has(got, "ResolvedAddresses") {
		t.Errorf("nobody answered: %v", got)
	}
	r = mooring.Report{Binding: "web-443", TargetGroup: group, Resolved: addrs(5), Error: "list targets: throttled"}
	if got := read(t, r, true); got["ResolvedAddresses"] != 5 || has(got, "HealthyTargets") || has(got, "HeldRemovals") || has(got, "Unmanaged") {
		t.Errorf("the group was not read: %v", got)
	}
	r.Plan.Memory.Hostnames = []string{"alb.example.com"}
	r.Error, r.Healthy = "save: no", 0
	if got := read(t, r, false); !has(got, "HealthyTargets") {
		t.Errorf("the group was read, and nobody is healthy: %v", got)
	}
}

func has(m map[string]float64, name string) bool { _, ok := m[name]; return ok }

func TestADimensionThatCloudWatchWouldDropIsAnError(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("x", 1025)} {
		r := report()
		r.Binding = name
		if line, err := metrics.EMF(r, now, false); err == nil {
			t.Errorf("binding of %d bytes: %s", len(name), line)
		}
		r = report()
		r.TargetGroup = name
		if line, err := metrics.EMF(r, now, false); err == nil {
			t.Errorf("group of %d bytes: %s", len(name), line)
		}
	}
}
