package front

import (
	"maps"
	"net/netip"

	"mooring"
)

// Stats are what a front does and did.
type Stats struct {
	Flows    int                    // open now
	FailOpen bool                   // no target is healthy, so that all get flows
	Targets  map[mooring.Health]int // now
	Accepted uint64                 // flows that were given to a target
	In, Out  uint64                 // bytes from clients, and to them; of open flows as of the last look at them
	Refused  map[string]uint64      // clients, by [RefusedLimit], [RefusedNoTarget] and [RefusedUnreachable]
}

// counts are of what is over.
type counts struct {
	accepted uint64
	in, out  int64
	refused  map[string]uint64
}

// Stats returns what the front does and did.
func (f *Front) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Stats{
		Flows: len(f.flows), Targets: map[mooring.Health]int{}, Accepted: f.counts.accepted,
		In: uint64(f.counts.in), Out: uint64(f.counts.out), Refused: maps.Clone(f.counts.refused),
	}
	for fl := range f.flows {
		s.In, s.Out = s.In+uint64(fl.in.Load()), s.Out+uint64(fl.out.Load())
	}
	registered := 0
	for _, t := range f.targets {
		s.Targets[t.health]++
		if t.health != mooring.HealthDraining {
			registered++
		}
	}
	s.FailOpen = registered > 0 && s.Targets[mooring.HealthHealthy] == 0
	return s
}

// Flows returns how many flows each target has now.
func (f *Front) Flows() map[netip.AddrPort]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[netip.AddrPort]int, len(f.targets))
	for _, t := range f.targets {
		out[t.at] = len(t.flows)
	}
	return out
}
