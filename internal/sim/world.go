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

	Mirror func(context.Context, mooring.Memory) error // of every process's keeper; nil: none
	// NewFinder brings a process a finder of its own, which looks up over [Process.Dial]; nil: the world's. Wire says what
	// each of its looks meets; nil: nothing but what Fault says of the call.
	NewFinder func(*Process) mooring.Finder
	Wire      func(*Process) WirePlan

	CrossZone mooring.CrossZone // what Inspect says; the group itself knows the truth
	Skewed    bool              // processes disagree about the time
	Quiet     bool              // there is no transcript, which takes a third of the time

	mu      sync.Mutex
	truth   map[string][]change
	cache   map[string]copied
	asValue bool // a saved memory is kept as it is, and not read back from its stored form
	stores  map[place]*storage
	groups  map[string]*TargetGroup        // those that the binding had before, by ARN
	views   map[*TargetGroup][]TargetState // an older description, for stale ones
	taken   map[netip.Addr]time.Time       // by another host, since then
	transit []request                      // what the network still holds
	robbed  map[netip.Addr]time.Time       // removed by such a request
	elder   *Older                         // whose state mooring reads; nil: nobody's
	work    int                            // addresses and changes of names that were gone through,
	most    int                            // and how many may be; 0: as many as it takes
	calls   int                            // that changed the group
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
		truth:   map[string][]change{}, cache: map[string]copied{}, reached: map[string]int{},
		stores: map[place]*storage{}, groups: map[string]*TargetGroup{}, views: map[*TargetGroup][]TargetState{},
		taken: map[netip.Addr]time.Time{}, robbed: map[netip.Addr]time.Time{},
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
	addrs = slices.Compact(slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare))
	w.truth[name] = append(w.truth[name], change{w.Now(), addrs})
	for _, a := range addrs {
		delete(w.taken, a)
	}
	w.note("%s is %s", name, words(addrs))
}

// Truth returns the addresses of all the names that are bound.
func (w *World) Truth() []netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all(w.Binding.Hostnames)
}

// all are the addresses of some names now.
func (w *World) all(names []string) []netip.Addr {
	var all []netip.Addr
	for _, name := range names {
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

// liveSince tells since when an address has been in some of these names without a break, if it is now.
func (w *World) liveSince(addr netip.Addr, names []string) (since time.Time, ok bool) {
	now := w.Now()
	if !slices.Contains(w.all(names), addr) {
		return now, false
	}
	since = now
	for longer := true; longer && !w.exhausted(); {
		longer = false
		for _, name := range names {
			until := now
			w.work += len(w.truth[name])
			for _, c := range slices.Backward(w.truth[name]) {
				if slices.Contains(c.addrs, addr) && !until.Before(since) && c.at.Before(since) {
					since, longer = c.at, true
				}
				until = c.at
			}
		}
	}
	return since, true
}

// Targets returns what the group truly holds.
func (w *World) Targets() []mooring.Target { return w.holdings(w.present()) }

// present is the group that is bound now.
func (w *World) present() *TargetGroup { w.mu.Lock(); defer w.mu.Unlock(); return w.Group }

// holdings are what a group truly holds.
func (w *World) holdings(g *TargetGroup) []mooring.Target {
	w.arrive(w.Now())
	return targetsOf(g.Describe(w.Now()))
}

func targetsOf(states []TargetState) []mooring.Target {
	out := make([]mooring.Target, 0, len(states))
	for _, s := range states {
		out = append(out, mooring.Target{Addr: s.Addr, Port: s.Port, Zone: s.Zone, Health: mooring.Health(s.State), Reason: s.Reason})
	}
	return out
}

// ByHand lets an operator change the group behind mooring's back.
func (w *World) ByHand(register bool, addr netip.Addr, port uint16) error {
	w.arrive(w.Now())
	change := w.present().Deregister
	if register {
		change = w.present().Register
		w.unaside(addr)
	}
	w.mu.Lock()
	w.note("an operator changes %s (register: %t)", netip.AddrPortFrom(addr, port), register)
	w.mu.Unlock()
	return change(w.Now(), []TargetDescription{{Addr: addr, Port: port}})
}

// Adjust changes the group's settings and the health of its targets while rounds run.
func (w *World) Adjust(change func(*TargetGroup)) {
	w.present().Adjust(func(g *TargetGroup) {
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
func (w *World) Saves() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.stores {
		n += s.saves
	}
	return n
}

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
	if w.Quiet {
		return
	}
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
