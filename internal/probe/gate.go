package probe

import (
	"errors"
	"strings"
	"time"
)

// CatchUp is how long a gate stays open while the group is behind the name: a round finds an address within a minute, and
// its first five health checks come every 30 s by default.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
const CatchUp = 5 * time.Minute

// A Gate says of one verdict after the other whether clients may be sent to a binding. Its zero value has seen none.
//
// It is open only where the fixed addresses are known, each took a connection, and nothing failed; a verdict may be OK
// without that. Once it was open, it bears for as long as [CatchUp] what each round mends: a load balancer that gets more
// nodes, as it does while traffic moves to it, has addresses that are not registered or not healthy yet, and harms nobody.
type Gate struct {
	open   bool
	behind time.Time // since when; zero: it is not
}

// Judge says in a line what was seen, and why the gate is shut. While nothing changes it says the same, without figures.
func (g *Gate) Judge(v Verdict, now time.Time) (saw string, err error) {
	var pass, late []string
	var shut, lags error
	for _, c := range v.Checks {
		why := errors.New(c.Name + ": " + c.Saw)
		switch {
		case c.State == Pass:
			pass = append(pass, c.Name)
		case c.State == Fail && v.lags(c.Name):
			lags = errors.Join(lags, why)
			late = append(late, "; not yet "+c.Name+": "+c.Saw)
		case c.State == Fail, c.Name == "addresses", c.Name == "connect":
			shut = errors.Join(shut, why)
		}
	}
	switch {
	case lags == nil:
		g.behind, g.open = time.Time{}, g.open || shut == nil
	case g.behind.IsZero():
		g.behind = now
	}
	if lags != nil && (!g.open || now.Sub(g.behind) >= CatchUp) {
		shut = errors.Join(shut, lags)
	}
	return strings.Join(pass, ", ") + " pass" + strings.Join(late, ""), shut
}

// lags tells whether a check that failed says nothing of clients: the function's traces, and the targets while one of them
// is healthy.
func (v Verdict) lags(check string) bool {
	switch check {
	case "metric", "log", "schedule":
		return true
	case "targets":
		return len(v.Targets.Healthy) > 0
	default:
		return false
	}
}
