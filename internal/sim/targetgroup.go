// Package sim is one honest world: a name whose addresses change, a target group that is slow, a store that
// conflicts, and the faults of each, with the truth at hand. It has two skins: the ports of package mooring,
// in process, for virtual time; and DNS and HTTP on loopback, for the real clients.
package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A TargetGroup behaves as a target group of a Network Load Balancer does, in memory.
// Where a rule comes from is said at the rule; "§" are the sections of the AWS documentation listed in docs/assumptions.md.
// It may be used by several goroutines. All times are the caller's.
type TargetGroup struct {
	ARN      string
	Type     string // ip, instance, alb
	Protocol string
	VPC      string
	Port     uint16
	IPv6     bool
	Subnets  []Subnet
	Unused   bool // attached to no listener: every target is unused
	Deleted  bool // every call fails, until it is made anew
	Busy     bool // every call is throttled

	CrossZone    bool          // load_balancing.cross_zone.enabled
	HealthyAfter time.Duration // from registration to the first passed health check
	DrainFor     time.Duration // deregistration_delay.timeout_seconds
	Quota        int           // targets of one group; 0: 1000
	Refuse       map[netip.Addr]string
	Sick         map[netip.Addr]bool // targets whose health checks fail
	AllNeedsAZ   bool                // "all" is not taken, a zone must be named (seen with cross-zone off)
	Attributes   map[string]string   // of the group, beside and before those above
	Others       []string            // ids that are no addresses, as groups of other types list them
	HealthCheck  HealthCheck

	LoadBalancers []LoadBalancer // that send to the group; AWS allows one

	mu      sync.Mutex
	entries map[netip.AddrPort]*entry
}

// Adjust changes the settings above while the group is in use.
func (g *TargetGroup) Adjust(change func(*TargetGroup)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// A Subnet of the group's VPC.
type Subnet struct {
	ID     string
	Prefix netip.Prefix
	Zone   string // its name, which is the account's own
	ZoneID string // the same in all accounts, such as use1-az1
}

// A TargetDescription is a target as the API names it. Port 0 is the group's port, Zone "" is to be detected.
type TargetDescription struct {
	Addr netip.Addr
	Port uint16
	Zone string
}

// A TargetState is one line of DescribeTargetHealth.
type TargetState struct {
	TargetDescription
	State, Reason, Description string
}

type entry struct {
	zone       string
	registered time.Time
	draining   time.Time // zero while it is registered
}

// An APIError is an error as AWS's API gives it.
type APIError struct {
	Status        int
	Code, Message string
}

func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func invalid(code, format string, args ...any) *APIError {
	return &APIError{Status: 400, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Register takes all targets or, where it cannot take one of them, none.
// That batches are all-or-nothing is not documented; the empty response says so, and every error seen names one target.
func (g *TargetGroup) Register(now time.Time, targets []TargetDescription) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(targets) == 0 {
		return invalid("ValidationError", "At least one target must be specified")
	}
	if err := g.unavailable(); err != nil {
		return err
	}
	zones := make([]string, len(targets))
	for i, t := range targets {
		zone, err := g.place(t)
		if err != nil {
			return err
		}
		zones[i] = zone
	}
	g.advance(now)
	added := map[netip.AddrPort]bool{}
	for _, t := range targets {
		if _, ok := g.entries[g.key(t)]; !ok {
			added[g.key(t)] = true
		}
	}
	if len(g.entries)+len(added) > g.quota() {
		return invalid("TooManyTargets", "Too many targets registered for target group '%s'", g.ARN)
	}
	if g.entries == nil {
		g.entries = map[netip.AddrPort]*entry{}
	}
	for i, t := range targets {
		key := g.key(t)
		if e, ok := g.entries[key]; ok && e.draining.IsZero() {
			continue // registering what is registered changes nothing
		}
		g.entries[key] = &entry{zone: zones[i], registered: now}
	}
	return nil
}

func (g *TargetGroup) quota() int {
	if g.Quota == 0 {
		return 1000
	}
	return g.Quota
}

func (g *TargetGroup) key(t TargetDescription) netip.AddrPort {
	port := t.Port
	if port == 0 {
		port = g.Port // defaults to the group's port
	}
	return netip.AddrPortFrom(t.Addr.Unmap(), port)
}

// place says in which zone a target is, or why the group does not take it.
func (g *TargetGroup) place(t TargetDescription) (string, error) {
	addr := t.Addr.Unmap()
	switch {
	case g.Type != "" && g.Type != "ip":
		return "", invalid("ValidationError", "The target '%s' is not valid for a target group of type '%s'", addr, g.Type)
	case addr.Is4() == g.IPv6:
		return "", invalid("ValidationError", "The IP address '%s' is not a valid %s address", addr, g.family())
	case g.Refuse[addr] != "":
		return "", invalid("InvalidTarget", "The following targets are not supported: '%s': %s", addr, g.Refuse[addr])
	case addr.Is4() && !private(addr):
		return "", invalid("InvalidTarget", "The IP address '%s' is publicly routable and not supported", addr)
	}
	if i := slices.IndexFunc(g.Subnets, func(s Subnet) bool { return s.Prefix.Contains(addr) }); i >= 0 {
		zone := g.Subnets[i].Zone
		if t.Zone == "all" {
			return "", invalid("ValidationError",
				"The IP address '%s' is within the VPC, and cannot have its Availability Zone overridden to 'all' from '%s'", addr, zone)
		}
		return zone, nil
	}
	switch {
	case t.Zone == "":
		return "", invalid("ValidationError", "The Availability Zone is required for IP address '%s' because it is not in the VPC", addr)
	case t.Zone == "all" && g.AllNeedsAZ:
		return "", invalid("ValidationError", "For IP address '%s' you must specify an Availability Zone", addr)
	case t.Zone != "all" && !slices.ContainsFunc(g.Subnets, func(s Subnet) bool { return s.Zone == t.Zone }):
		return "", invalid("ValidationError", "'%s' is not a valid Availability Zone", t.Zone)
	}
	return t.Zone, nil
}

func (g *TargetGroup) family() string {
	if g.IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
}

func private(a netip.Addr) bool {
	return slices.ContainsFunc(privateRanges, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Deregister drains targets. Those that are not registered are no error:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
func (g *TargetGroup) Deregister(now time.Time, targets []TargetDescription) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(targets) == 0 {
		return invalid("ValidationError", "At least one target must be specified")
	}
	if err := g.unavailable(); err != nil {
		return err
	}
	g.advance(now)
	for _, t := range targets {
		if e, ok := g.entries[g.key(t)]; ok && e.draining.IsZero() {
			e.draining = now
		}
	}
	g.advance(now)
	return nil
}

// Describe lists every target, draining ones too, sorted by address and port.
func (g *TargetGroup) Describe(now time.Time) []TargetState {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(now)
	out := make([]TargetState, 0, len(g.entries))
	for key, e := range g.entries {
		state, reason := g.state(key.Addr(), e, now)
		out = append(out, TargetState{
			TargetDescription: TargetDescription{Addr: key.Addr(), Port: key.Port(), Zone: e.zone},
			State:             state, Reason: reason,
		})
	}
	slices.SortFunc(out, func(a, b TargetState) int {
		return netip.AddrPortFrom(a.Addr, a.Port).Compare(netip.AddrPortFrom(b.Addr, b.Port))
	})
	return out
}

func (g *TargetGroup) state(addr netip.Addr, e *entry, now time.Time) (state, reason string) {
	switch {
	case !e.draining.IsZero():
		return "draining", "Target.DeregistrationInProgress"
	case g.Unused:
		return "unused", "Target.NotInUse"
	case now.Sub(e.registered) < g.HealthyAfter:
		return "initial", "Elb.RegistrationInProgress"
	case g.Sick[addr]:
		return "unhealthy", "Target.FailedHealthChecks"
	default:
		return "healthy", ""
	}
}

// advance drops the targets whose drain is over.
func (g *TargetGroup) advance(now time.Time) {
	for key, e := range g.entries {
		if !e.draining.IsZero() && now.Sub(e.draining) >= g.DrainFor {
			delete(g.entries, key)
		}
	}
}
