package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"mooring"
)

// A World is a name, a target group and a memory, and the truth about them. Any number of processes may run
// in it at once. It breaks in every way that [Fault] names, and it checks the promises of docs/promises.md
// after every call that changes the group.
//
// The exported fields are set before the first round. Time is the caller's: inside a testing/synctest bubble
// it is [time.Now] and a sleep; a player of scripts turns the hands itself.
type World struct {
	Seed    uint64
	Binding mooring.Binding
	Policy  mooring.Policy
	Decide  func(mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) mooring.Plan
	Group   *TargetGroup
	Zone    Zone

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) // nil: no call takes any time
	Fault func(*Process, Call) Fault           // nil: nothing ever fails
	// NewFinder brings a process a finder of its own, which looks up over [Process.Dial]; nil: the world's. Wire says what
	// each of its looks meets; nil: nothing but what Fault says of the call.
	NewFinder func(*Process) mooring.Finder
	Wire      func(*Process) WirePlan

	CrossZone mooring.CrossZone // what Inspect says; the group itself knows the truth
	Skewed    bool              // processes disagree about the time

	mu      sync.Mutex
	truth   map[string][]change
	live    map[netip.Addr]time.Time // in some name since then
	shown   map[netip.Addr]bool      // by any answer, ever
	cache   map[string]copied
	store   storage
	elder   *Older        // whose state mooring reads; nil: nobody's
	view    []TargetState // an older description, for stale ones
	ledger  map[netip.Addr]absence
	calls   int // that changed the group
	changes []Change
	edits   int // by operators
	events  []string
	reached map[string]int
	broken  []string
}

// notAdmitted is in a subnet of the group, and not in the CIDRs that the policy admits.
var notAdmitted = netip.MustParseAddr("10.1.0.9")

// A change is what a name holds from then on.
type change struct {
	at    time.Time
	addrs []netip.Addr
}

// NewWorld returns a calm world: one name, three zones, a group that turns healthy at once.
func NewWorld(seed uint64, now func() time.Time) *World {
	w := &World{
		Seed: seed, Now: now, Decide: mooring.Decide, Policy: mooring.DefaultPolicy(), CrossZone: mooring.CrossZoneOn,
		Binding: mooring.Binding{Name: "web-443", Hostnames: []string{"app.example.com"}, Port: 443, TargetGroup: "web"},
		Zone:    Zone{Answer: 8, MaxLookups: 200, MaxConfirm: 600},
		Group:   &TargetGroup{ARN: "web", Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443, CrossZone: true},
		truth:   map[string][]change{}, live: map[netip.Addr]time.Time{}, shown: map[netip.Addr]bool{},
		cache: map[string]copied{}, ledger: map[netip.Addr]absence{}, reached: map[string]int{},
	}
	for i, zone := range []string{"a", "b", "c"} {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)
		w.Group.Subnets = append(w.Group.Subnets, Subnet{ID: "subnet-" + zone, Prefix: prefix, Zone: zone})
	}
	w.Group.Subnets = append(w.Group.Subnets, Subnet{ID: "subnet-d", Prefix: netip.PrefixFrom(notAdmitted, 24).Masked(), Zone: "c"})
	w.Policy.Admit = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}
	return w
}

// SetTruth makes the name hold these addresses and no others, as of now.
func (w *World) SetTruth(name string, addrs []netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	addrs = slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
	w.truth[name] = append(w.truth[name], change{w.Now(), slices.Compact(addrs)})
	all := w.all()
	for a := range w.live {
		if !slices.Contains(all, a) {
			delete(w.live, a)
		}
	}
	for _, a := range all {
		if _, ok := w.live[a]; !ok {
			w.live[a] = w.Now()
		}
	}
	w.note("%s is %s", name, words(addrs))
}

// Truth returns the addresses of all the names that are bound.
func (w *World) Truth() []netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all()
}

func (w *World) all() []netip.Addr {
	var all []netip.Addr
	for _, name := range w.Binding.Hostnames {
		all = append(all, w.at(name, w.Now())...)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// at returns what a name held at some time.
func (w *World) at(name string, when time.Time) []netip.Addr {
	for i, c := range slices.Backward(w.truth[name]) {
		if i == 0 || !c.at.After(when) {
			return c.addrs
		}
	}
	return nil
}

// Targets returns what the group truly holds.
func (w *World) Targets() []mooring.Target { return targetsOf(w.Group.Describe(w.Now())) }

func targetsOf(states []TargetState) []mooring.Target {
	out := make([]mooring.Target, 0, len(states))
	for _, s := range states {
		out = append(out, mooring.Target{Addr: s.Addr, Port: s.Port, Zone: s.Zone, Health: mooring.Health(s.State), Reason: s.Reason})
	}
	return out
}

// ByHand lets an operator change the group behind mooring's back.
func (w *World) ByHand(register bool, addr netip.Addr, port uint16) error {
	change := w.Group.Deregister
	if register {
		change = w.Group.Register
	}
	w.mu.Lock()
	w.note("an operator changes %s (register: %t)", netip.AddrPortFrom(addr, port), register)
	w.mu.Unlock()
	return change(w.Now(), []TargetDescription{{Addr: addr, Port: port}})
}

// Adjust changes the group's settings and the health of its targets while rounds run.
func (w *World) Adjust(change func(*TargetGroup)) {
	w.Group.Adjust(func(g *TargetGroup) {
		if g.Sick == nil {
			g.Sick, g.Refuse = map[netip.Addr]bool{}, map[netip.Addr]string{}
		}
		change(g)
	})
}

// Calls counts the calls that changed the group, and Saves those that changed the store.
func (w *World) Calls() int { w.mu.Lock(); defer w.mu.Unlock(); return w.calls }

// A Change is a call that changed the group.
type Change struct {
	At       time.Time
	Register bool
	Addrs    []netip.Addr
}

// Changes returns the calls that changed the group, oldest first.
func (w *World) Changes() []Change { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.changes) }

// Saves counts the writes that took effect.
func (w *World) Saves() int { w.mu.Lock(); defer w.mu.Unlock(); return w.store.saves }

// Broken returns the promises that were broken, with the time and the address.
func (w *World) Broken() []string { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.broken) }

// Reached counts how often each fault, guard and crash point was met.
func (w *World) Reached() map[string]int { w.mu.Lock(); defer w.mu.Unlock(); return w.reached }

// Transcript tells what happened, one line an event.
func (w *World) Transcript() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.events, "\n")
}

// note writes a line of the transcript; the caller holds the lock.
func (w *World) note(format string, args ...any) {
	w.events = append(w.events, w.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (w *World) meet(what string) { w.reached[what]++ }

// chance returns a source of its own for each user, so that the order in which goroutines run changes nothing.
func (w *World) chance(user string) *rand.Rand {
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, w.Seed)
	_, _ = h.Write([]byte(user))
	return rand.New(rand.NewPCG(w.Seed, h.Sum64())) //nolint:gosec // a world is to be repeatable
}

func words(addrs []netip.Addr) string {
	out := make([]string, 0, len(addrs))
	for _, a := range addrs {
		out = append(out, a.String())
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, " ")
}
