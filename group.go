package mooring

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Health is what the group says of a target.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
type Health string

// The states of a target.
const (
	HealthInitial           Health = "initial"
	HealthHealthy           Health = "healthy"
	HealthUnhealthy         Health = "unhealthy"
	HealthUnhealthyDraining Health = "unhealthy.draining"
	HealthUnused            Health = "unused"
	HealthDraining          Health = "draining"
	HealthUnavailable       Health = "unavailable"
)

// A Target is one entry of a target group. Its identity is (Addr, Port).
type Target struct {
	Addr   netip.Addr
	Port   uint16
	Zone   string // availability zone, "all", or "" where it is not known
	Health Health
	Reason string // why it is not healthy, in the group's words
}

// Registered tells whether the target takes new flows or is about to: a draining target does not.
func (t Target) Registered() bool {
	return t.Health != HealthDraining && t.Health != HealthUnhealthyDraining
}

// CrossZone says whether a load balancer node sends to targets outside its own zone.
type CrossZone string

// The states of cross-zone load balancing.
const (
	CrossZoneUnknown CrossZone = ""
	CrossZoneOn      CrossZone = "on"
	CrossZoneOff     CrossZone = "off"
)

// A Holding is what the group holds.
type Holding struct {
	Port      uint16 // the binding's port; targets on others are not ours
	Targets   []Target
	CrossZone CrossZone
}

// A Finder resolves the hostnames of one binding.
type Finder interface {
	// Find looks the hostnames up. What goes wrong makes the observation inconclusive, so there is no error.
	// When its search is over, it calls tracked at most once, for the addresses of ours that are still in the
	// group, and goes on asking while one of them is missing and not yet proved absent.
	Find(ctx context.Context, tracked func(context.Context) []netip.Addr) Observation
}

// A Permit is asked right before each call that changes the group; an error forbids that call.
type Permit func() error

// A Group holds targets.
type Group interface {
	// Targets returns everything the group holds, draining targets too.
	Targets(ctx context.Context) ([]Target, error)

	// Register adds targets; those it has already stay. A target's Zone is the one learned for it, if any.
	// Targets that the group refuses do not keep the others out and are no error: they are in the outcome.
	// An error means that some targets could not be confirmed; those in the outcome were.
	Register(ctx context.Context, targets []Target, permit Permit) (Outcome, error)

	// Deregister removes targets; those it does not have are no error.
	// It returns the targets whose removal was confirmed, also beside an error.
	Deregister(ctx context.Context, targets []Target, permit Permit) ([]Target, error)
}

// An Inspector is a [Group] with settings that bear on what may be written.
type Inspector interface {
	// Inspect is called before the first write. An error means that this binding must not write at all.
	Inspect(ctx context.Context) (Settings, error)
}

// Settings are what an inspected group says of itself.
type Settings struct {
	// CrossZone waits for the group's cross-zone attribute. It is asked only when the plan depends on it.
	CrossZone func(context.Context) CrossZone
	// Zones waits for the zones in which a load balancer of the group has a static address; nil where that is not known.
	Zones    func(context.Context) []string
	Warnings func() []string // what could not be read, and the permission that is missing
}

// An Outcome is what a registration achieved.
type Outcome struct {
	Registered []Target  // confirmed; with the zone that was accepted
	Refused    []Refused // set aside by the group, each with its reason
}

// A Refused is a target that the group did not take.
type Refused struct {
	Target Target
	Reason string
}

// A Store keeps one binding's [Memory].
type Store interface {
	// Load returns the memory and a tag for Save. Where there is none yet it returns a zero Memory
	// (with Import where an older function left something) and the tag "".
	// Any error means that the memory is unusable; [ErrMemory] and [ErrDenied] tell why.
	Load(ctx context.Context) (m Memory, tag string, err error)

	// Save replaces the memory that Load returned with tag, or creates it where tag is "",
	// and returns the new tag. [ErrConflict] means that another run saved first.
	Save(ctx context.Context, m Memory, tag string) (newTag string, err error)
}

// registered returns the targets on our port that are not draining, sorted by address.
func (h Holding) registered() []Target {
	var out []Target
	for _, t := range h.Targets {
		if t.Port == h.Port && t.Registered() {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b Target) int { return a.Addr.Compare(b.Addr) })
	return slices.CompactFunc(out, func(a, b Target) bool { return a.Addr == b.Addr }) // whoever is listed twice is one
}

// holds tells whether addr is in the group on our port, draining or not.
func (h Holding) holds(addr netip.Addr) bool {
	return slices.ContainsFunc(h.Targets, func(t Target) bool { return t.Addr == addr && t.Port == h.Port })
}

// An Import is what an older function remembered.
type Import struct {
	Source string // where it was found, for the report
	Addrs  []netip.Addr
	Missed map[netip.Addr]int // runs in a row without the address
	At     time.Time          // when the misses were last written; zero where that is not known, and then they earn no credit

	// Written is when the older function last wrote anything of it; zero where that is not known, or mooring wrote it last.
	// That it moves after mooring took over shows that the older function still runs.
	Written time.Time
}

// taken says what is taken over.
func (i Import) taken() string {
	if len(i.Addrs)+len(i.Missed) == 0 && strings.HasPrefix(i.Source, "nothing") {
		return i.Source + " is taken over from an older function"
	}
	return fmt.Sprintf("%d addresses and %d counts are taken over from %s", len(i.Addrs), len(i.Missed), i.Source)
}

// Counts tells whether the misses are young enough to count.
func (i Import) Counts(now time.Time) bool { return now.Sub(i.At) < staleMiss }
