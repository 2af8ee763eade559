package mooring

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// A Binding is one or more hostnames and a port, moored to one target group.
type Binding struct {
	Name        string   // what reports and metrics call it; unique in a configuration
	Hostnames   []string // fully qualified, without the trailing dot; the union of their addresses is moored
	Port        uint16   // the port of every target; always sent to the group
	TargetGroup string   // the target group's ARN, or tcp://ADDR:PORT
}

// A Mode says how much a round may change.
type Mode string

// The modes of a binding.
const (
	ModeSync    Mode = "sync"     // registers and deregisters
	ModeAddOnly Mode = "add-only" // never deregisters
	ModeObserve Mode = "observe"  // remembers and reports, calls nothing that changes the group
)

// Adopt says which targets of the group are ours.
type Adopt string

// The ways to own a target.
const (
	AdoptSeen Adopt = "seen" // what we registered or ever observed for this binding
	AdoptAll  Adopt = "all"  // also everything else on our port
)

// Answers says what one answer of the name holds.
type Answers string

// The kinds of answers.
const (
	AnswersSampled Answers = "sampled" // some of the addresses, as a load balancer's name gives
	AnswersWhole   Answers = "whole"   // all of them, as a name with one holder gives
)

// A Policy holds the numbers by which [Decide] judges.
// Its zero value is not usable: start from [DefaultPolicy].
type Policy struct {
	Mode    Mode
	Adopt   Adopt
	Answers Answers

	Misses          int           // conclusive rounds in a row without an address before it may leave
	Hold            time.Duration // and at least this long since its first miss
	MissProbability float64       // and at most this chance that a live address had stayed unseen all the while
	MaxLeave        float64       // share of our targets, 0 < share ≤ 1, that leaves in a round; one always may
	MinTargets      int           // targets of ours that always stay, at least 1
	HoldMax         time.Duration // a healthy target is kept by make-before-break for at most this long
	MaxTargets      int           // at most so many addresses are registered
	RefuseMin       time.Duration // a refused target is set aside this long,
	RefuseMax       time.Duration // doubling to this

	Admit []netip.Prefix // the only addresses that may be registered
}

// DefaultPolicy returns the policy for names that show some of their addresses at a time.
//
// The admitted addresses are those that a Network Load Balancer takes: RFC 1918 and RFC 6598, and of IPv6 what
// can be routed at all, since an IPv6 group takes the addresses of its VPC (a finder knows those):
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
func DefaultPolicy() Policy {
	return Policy{
		Mode:    ModeSync,
		Adopt:   AdoptSeen,
		Answers: AnswersSampled,

		Misses:          3,
		Hold:            90 * time.Second,
		MissProbability: 1e-11,
		MaxLeave:        0.34,
		MinTargets:      1,
		HoldMax:         30 * time.Minute,
		MaxTargets:      256,
		RefuseMin:       10 * time.Minute,
		RefuseMax:       6 * time.Hour,

		Admit: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("172.16.0.0/12"),
			netip.MustParsePrefix("192.168.0.0/16"),
			netip.MustParsePrefix("100.64.0.0/10"),
			netip.MustParsePrefix("2000::/3"),
			netip.MustParsePrefix("fc00::/7"),
		},
	}
}

// WholePolicy returns the policy for names with one holder, whose every fresh answer holds everything.
// Leaving the old holder registered is then the harm, so it leaves sooner, and as soon as the new one is registered.
func WholePolicy() Policy {
	p := DefaultPolicy()
	p.Answers = AnswersWhole
	p.Misses = 2
	p.Hold = 10 * time.Second
	p.MaxLeave = 1
	return p
}

// Threshold is the evidence, in nats, that proves an absence: -ln(MissProbability).
func (p Policy) Threshold() float64 { return -math.Log(p.MissProbability) }

// RoundShare is the evidence, in nats, that one round gathers against a missing address from plain answers:
// enough that Misses rounds prove the absence, and never less than the fifth that must come from the current round.
func (p Policy) RoundShare() float64 {
	return p.Threshold() / float64(min(max(p.Misses, 1), currentShare))
}

// Admits tells whether addr may be a target.
// Loopback, link-local, multicast and unspecified addresses never may.
func (p Policy) Admits(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.Zone() != "" || addr.IsLoopback() || addr.IsMulticast() || addr.IsUnspecified() ||
		addr.IsLinkLocalUnicast() || addr == broadcast {
		return false
	}
	for _, prefix := range p.Admit {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// Validate reports every fault of the policy at once.
func (p Policy) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(p.Mode == ModeSync || p.Mode == ModeAddOnly || p.Mode == ModeObserve, "mode %q: want sync, add-only or observe", p.Mode)
	check(p.Adopt == AdoptSeen || p.Adopt == AdoptAll, "adopt %q: want seen or all", p.Adopt)
	check(p.Answers == AnswersSampled || p.Answers == AnswersWhole, "answers %q: want sampled or whole", p.Answers)
	check(p.Misses >= 1 && p.Misses <= maxMisses, "misses %d: want 1 to %d rounds", p.Misses, maxMisses)
	check(p.Hold >= 0 && p.Hold <= maxHold, "hold %s: want 0s to %s", p.Hold, maxHold)
	check(p.MissProbability >= 1e-300 && p.MissProbability <= 0.1, "miss-probability %g: want 1e-300 to 0.1", p.MissProbability)
	check(p.MaxLeave > 0 && p.MaxLeave <= 1, "max-leave %g: want a share above 0 and at most 1 (or 100%%)", p.MaxLeave)
	check(p.MinTargets >= 1, "min-targets %d: want at least 1, for an empty group serves nobody", p.MinTargets)
	check(p.HoldMax >= p.Hold, "hold-max %s: want at least hold (%s)", p.HoldMax, p.Hold)
	check(p.MaxTargets >= p.MinTargets && p.MaxTargets <= maxTargets, "max-targets %d: want %d to %d", p.MaxTargets, p.MinTargets, maxTargets)
	check(p.RefuseMin > 0 && p.RefuseMax >= p.RefuseMin, "refuse %s to %s: want a positive range", p.RefuseMin, p.RefuseMax)
	check(len(p.Admit) > 0, "admit: want at least one CIDR")
	return errors.Join(faults...)
}

const (
	maxMisses = 1000
	maxHold   = 30 * time.Minute // counts whose latest miss is older than two hours start again

	// currentShare is how many rounds, at the most, a proof of absence may be spread over when zone servers answer:
	// a fifth of it must come from the current round, so that no forged memory removes anybody alone.
	currentShare = 5
)
