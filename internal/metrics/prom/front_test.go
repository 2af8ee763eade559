package prom_test

import (
	"strings"
	"testing"

	"mooring/internal/metrics/prom"
)

func TestAFrontIsToldAsItIsNowAndNoLongerWhenItIsGone(t *testing.T) {
	m := prom.New("1.2.3", func() int { return 0 })
	now := []prom.Front{{
		Binding: "web", Flows: 3, Accepted: 70, In: 1 << 40, Out: 5, FailOpen: true,
		Targets: map[string]int{"healthy": 2, "draining": 1}, Refused: map[string]uint64{"limit": 4},
	}, {Binding: "db"}}
	m.Fronts(func() []prom.Front { return now })
	expect(t, scrape(t, m),
		`mooring_front_flows{binding="web"} 3`, `mooring_front_flows_total{binding="web"} 70`,
		`mooring_front_bytes_total{binding="web",direction="in"} 1.099511627776e+12`, `mooring_front_bytes_total{binding="web",direction="out"} 5`,
		`mooring_front_targets{binding="web",state="healthy"} 2`, `mooring_front_targets{binding="web",state="draining"} 1`,
		`mooring_front_targets{binding="web",state="initial"} 0`, `mooring_front_targets{binding="web",state="unhealthy"} 0`,
		`mooring_front_refusals_total{binding="web",reason="limit"} 4`, `mooring_front_refusals_total{binding="web",reason="no-target"} 0`,
		`mooring_front_refusals_total{binding="web",reason="unreachable"} 0`, `mooring_front_fail_open{binding="web"} 1`,
		`mooring_front_flows{binding="db"} 0`, `mooring_front_fail_open{binding="db"} 0`)
	now = now[1:]
	if text := mine(scrape(t, m)); strings.Contains(text, `"web"`) || !strings.Contains(text, `mooring_front_flows{binding="db"} 0`) {
		t.Errorf("of a front that is gone:\n%s", text)
	}
}
