package front

import (
	"maps"
	"net"
	"slices"
	"time"
)

// A trace is what a flow had done when it was last looked at.
type trace struct {
	moved  int64 // bytes, in both directions
	queued int   // bytes that the kernel keeps for a side that is slow to take them
	at     time.Time
}

// looks is how often a flow is looked at within its idle time-out, and mostLook the longest time between two looks.
const (
	looks    = 8
	mostLook = 15 * time.Second
)

// watchIdle ends flows on which nothing moves.
func (f *Front) watchIdle() {
	for f.pause(min(f.numbers().IdleTimeout/looks, mostLook)) {
		now := time.Now()
		for _, fl := range f.openFlows() {
			if idle := fl.look(now); idle >= f.numbers().IdleTimeout {
				fl.reset()
			}
		}
	}
}

// look tells for how long nothing moved on the flow, and has the bytes counted until the next look.
func (fl *flow) look(now time.Time) time.Duration {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.server == nil || fl.dead {
		return 0 // whoever dials has a limit
	}
	seen := trace{moved: fl.in.Load() + fl.out.Load(), queued: queued(fl.client) + queued(fl.server), at: now}
	if fl.trace.at.IsZero() || seen.moved != fl.trace.moved || seen.queued != fl.trace.queued {
		fl.trace = seen
	}
	for _, c := range []*net.TCPConn{fl.client, fl.server} {
		_ = c.SetReadDeadline(now) // carry counts, and goes on
	}
	return now.Sub(fl.trace.at)
}

// openFlows returns the flows that are open.
func (f *Front) openFlows() []*flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.flows))
}
