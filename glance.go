package mooring

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// groupLife is how long a reading of the group is good for while nothing happens.
const groupLife = 30 * time.Second

// Glance looks at the name alone, between rounds that follow each other closely. It tells whether that is enough: the
// group was read a short while ago, the last round left nothing open that another could close, and the name shows what
// it showed then or, when the glance is inconclusive, nothing else. Then the report is the last one's, as of now. Else a
// round must be run.
func (k *Keeper) Glance(ctx context.Context, last Report, read time.Time) (Report, bool) {
	began := time.Now()
	if last.Targets == nil || last.Err != nil || began.Sub(read) >= groupLife || last.open() && last.Inconclusive == "" {
		return Report{}, false
	}
	o := k.Finder.Find(ctx, func(context.Context) []netip.Addr { return nil })
	now := o.Addrs()
	news := func(a netip.Addr) bool { return !slices.Contains(last.Resolved, a) }
	switch {
	case slices.ContainsFunc(now, news):
		return Report{}, false
	case o.conclusive() && (len(now) != len(last.Resolved) || last.open() || last.unsettled):
		return Report{}, false
	}
	last.Inconclusive, last.Glance, last.TookMS = o.Inconclusive, true, time.Since(began).Milliseconds()
	if last.Inconclusive == "" && !o.conclusive() {
		last.Inconclusive = "empty: nothing was observed"
	}
	return last, true
}

// open tells whether a round has something to follow up: what it changed, or in mode sync and observe somebody who is
// missing and may leave by the next rounds. What waits for its time, or for somebody else, is looked at now and then.
func (r Report) open() bool {
	switch {
	case len(r.Registered)+len(r.Deregistered) > 0:
		return true
	case r.Plan.Paused != Pause{} || r.Planned != nil && len(r.Planned.Deregister) > 0:
		return false
	default:
		return slices.ContainsFunc(r.Held, func(h HeldReport) bool { return !strings.HasPrefix(h.Reason, "add-only") })
	}
}
