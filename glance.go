package mooring

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// groupLife is how long a reading of the group is good for while nothing happens.
const groupLife = 30 * time.Second

// Glance looks at the name alone, between rounds that follow each other closely. It tells whether that is enough: the
// last round left nothing open, it read the group a short while ago, and the name shows what it showed then or, when
// the glance is inconclusive, nothing else. Then the report is the last one's, as of now. Else a round must be run.
func (k *Keeper) Glance(ctx context.Context, last Report, read time.Time) (Report, bool) {
	began := time.Now()
	if !last.quiet() || began.Sub(read) >= groupLife {
		return Report{}, false
	}
	o := k.Finder.Find(ctx, func(context.Context) []netip.Addr { return nil })
	now := o.Addrs()
	news := func(a netip.Addr) bool { return !slices.Contains(last.Resolved, a) }
	if slices.ContainsFunc(now, news) || o.conclusive() && len(now) != len(last.Resolved) {
		return Report{}, false
	}
	last.Inconclusive, last.Glance, last.TookMS = o.Inconclusive, true, time.Since(began).Milliseconds()
	if last.Inconclusive == "" && !o.conclusive() {
		last.Inconclusive = "empty: nothing was observed"
	}
	return last, true
}

// quiet tells whether a round left nothing to be done, waited for, or looked at again soon.
func (r Report) quiet() bool {
	return r.Err == nil && (r.Inconclusive == "" || r.Glance) && r.Targets != nil && r.Plan.Memory.Unusable == "" &&
		len(r.Registered)+len(r.Deregistered)+len(r.Missing)+len(r.Held)+len(r.Refused)+r.Changes() == 0
}
