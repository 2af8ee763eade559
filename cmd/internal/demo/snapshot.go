// Package demo is mooring's main job on one machine: a load balancer of several nodes whose addresses change as a story
// unfolds, its zone, a front at a fixed address, the real rounds between them, and two clients: one of the fixed address,
// one that pinned the first addresses.
package demo

import (
	"net/netip"
	"time"

	"mooring"
)

// A Snapshot is the demo at one moment.
type Snapshot struct {
	Fixed   string        // the front's address
	Name    string        // the hostname
	Elapsed time.Duration // since the beginning, in wall time
	Clock   time.Duration // since the beginning, in the story's time: Elapsed times the speed
	Speed   float64
	Chapter string // what happens now, in a sentence
	Step    int    // of the story's steps, the present one, from 1
	Steps   int    // of the story
	Done    bool   // the demo is over

	Addresses []Address // in DNS, serving, or registered; sorted
	Front     Tally     // requests through the fixed address
	Pinned    Tally     // requests to the addresses that were the first
	Changes   int       // of the set of addresses that DNS shows
	Rounds    int
	Doubt     string     // why the last round was inconclusive; "" when it was not
	Decisions []Decision // the last ones, oldest first

	LongestMissing time.Duration // that an address which served and was in DNS was not registered, in wall time
	LongestStale   time.Duration // that an address which no longer served was registered, in wall time
}

// An Address is one node of the load balancer.
type Address struct {
	Addr    netip.Addr
	InDNS   bool           // its name shows it
	Serving bool           // its node takes connections
	Pinned  bool           // it is one of the first, which the other client pinned
	Health  mooring.Health // in the front; "" where it is not registered
	Flows   int            // open now, through the front
	Note    string         // why a guard holds it, or what is known against it; "" mostly
}

// A Tally counts requests.
type Tally struct {
	Requests int `json:"requests"`
	Failures int `json:"failures"`
}

// A Decision is something that a round did or held back.
type Decision struct {
	At     time.Duration // in the story's time
	Addrs  []netip.Addr
	Action string // registered, deregistered, held
	Why    string
}
