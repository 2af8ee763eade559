// Package notify tells others of each change to a target group: one JSON event a change, to an SNS topic, to an
// EventBridge bus, or to standard output.
//
// What is told was confirmed by the group. An event that cannot be delivered is lost, and counted in the error: the
// next round looks at the group, not at what was told.
package notify

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// SchemaVersion is the version of the JSON form of [Event].
const SchemaVersion = 1

// A Change is what happened to an address.
type Change string

// The changes.
const (
	Registered   Change = "registered"
	Deregistered Change = "deregistered"
	Refused      Change = "refused" // by the group, which is tried again later
)

// An Event is one change of one target, confirmed by the group.
type Event struct {
	SchemaVersion   int        `json:"schema_version"`             // of this form: 1
	Time            time.Time  `json:"time"`                       // when the round ended
	Binding         string     `json:"binding"`                    // its name
	Hostnames       []string   `json:"hostnames"`                  // that were looked up
	Port            uint16     `json:"port"`                       // of the target
	TargetGroup     string     `json:"target_group"`               // the group's ARN
	Change          Change     `json:"change"`                     // registered, deregistered or refused
	Addr            netip.Addr `json:"addr"`                       // of the target
	Why             string     `json:"why"`                        // the reason, in words
	MissProbability *float64   `json:"miss_probability,omitempty"` // that a live address had stayed unseen all the while; of who was deregistered
	Program         string     `json:"program"`                    // the version of mooring
}

// Events are the changes that a round made, in the order in which it made them. at is when it ended.
func Events(r mooring.Report, at time.Time, program string) []Event {
	var out []Event
	tell := func(change Change, addr netip.Addr, why string, chance *float64) {
		out = append(out, Event{
			SchemaVersion: SchemaVersion, Time: at.UTC().Round(0), Binding: r.Binding, Hostnames: append([]string{}, r.Hostnames...),
			Port: r.Port, TargetGroup: r.TargetGroup, Change: change, Addr: addr, Why: why, MissProbability: chance, Program: program,
		})
	}
	for _, a := range r.Registered {
		tell(Registered, a, "observed", nil)
	}
	for _, f := range r.Refused {
		already := func(old mooring.Refusal) bool { return old.Addr == f.Addr }
		if !slices.ContainsFunc(r.Plan.Refused, already) {
			tell(Refused, f.Addr, f.Reason, nil)
		}
	}
	for _, a := range r.Deregistered {
		why, chance := "proved absent", (*float64)(nil)
		for _, m := range r.Plan.Missing {
			if m.Addr == a {
				p := math.Exp(-m.Evidence)
				why, chance = m.String(), &p
			}
		}
		tell(Deregistered, a, why, chance)
	}
	return out
}
