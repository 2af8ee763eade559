package sim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// An Ancestor is one of the functions that mooring replaces, as it is published: how it asks, how it judges and what it
// makes of errors. A run takes no time.
type Ancestor struct {
	Name    string
	Every   int // minutes between its runs, by its template
	Lookups int // of one run; it ends at the first answer of fewer than eight
	Misses  int
	First   Rule // what it remembers before its first run

	// What its code makes of the world, beside its rule.
	steady bool // asks the first of the zone's servers, and the next one where that fails
	tough  bool // goes on where the group cannot be described or a registration fails
	blind  bool // asks its resolver, takes a failure for an empty answer, and its own record for the group
	single bool // deregisters by a call for each target
	back   bool // registers whoever is draining and was not resolved in the run before
	reads  int  // calls of a run to where its memory is
	writes int
}

// Away is in how many runs after a removal a target cannot return, because it drains and counts as registered.
func (a Ancestor) Away() int {
	if a.back {
		return 0
	}
	return max(0, int(DrainFor/time.Minute)/a.Every-1)
}

// Ancestors returns the functions of 2018, 2021 and 2020 as AWS published them, that of 2020 once more with a run a
// minute, and the monitor of AWS's landing zones.
//
// Whom they ask is what their code does. Those of 2018 and 2021 look up the names of the zone's servers in each run, put
// them into a Python set, and ask in its order: the first one, and the next only where it fails. That order is by the
// hashes of the names: Python 2.7 hashes alike in every process, Python 3 alike for as long as a process lives, which on
// Lambda is some hours (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). That of 2020 draws
// one of the servers it was given for each lookup, and ends its run where that one fails. The monitor calls getaddrinfo, so
// that a resolver does the asking, and tries the zone's other server where one fails.
func Ancestors() []Ancestor {
	v3 := Ancestor{Name: "v3", Every: 5, Lookups: 10, Misses: 3, First: Rule2020{}, reads: 2, writes: 1}
	eager := v3
	eager.Name, eager.Every = "v3 each minute", 1
	return []Ancestor{
		{Name: "v1", Every: 1, Lookups: 50, Misses: 3, First: Rule2018{}, steady: true, tough: true, single: true, back: true, reads: 2, writes: 2},
		{Name: "v2", Every: 1, Lookups: 50, Misses: 3, First: Rule2021{}, steady: true, tough: true, reads: 2, writes: 1},
		v3, eager,
		{Name: "monitor", Every: 1, Lookups: 1, Misses: 1, First: RuleMonitor{}, blind: true, back: true, reads: 1, writes: 1},
	}
}

// A forebear is an ancestor at work in a world.
type forebear struct {
	Ancestor
	*lane
	rng     *rand.Rand
	memory  Rule
	shuffle []int // of the addresses behind the name, for drawing some of them
}

// run is one invocation, among these troubles.
func (f *forebear) run(t Trouble) {
	listed, ok := f.list(t)
	if !ok {
		return
	}
	resolved, ok := f.resolve(t)
	if !ok {
		return // it exits, or fails, or says that it failed
	}
	f.State += f.reads
	memory := f.memory
	if t.of(CallLoad) != "" {
		if f.blind {
			return // it cannot read which groups there are
		}
		memory = f.First // any error counts as a first run
	}
	register, deregister, next := memory.Judge(resolved, listed, f.Misses)
	registered := f.change(register, t.of(CallRegister), f.w.Group.Register)
	if !registered && !f.tough {
		return
	}
	if r, ok := next.(Rule2021); ok && len(register) > 0 {
		if !registered {
			r.Active = memory.(Rule2021).Active
			next = r
		} else {
			f.State++ // the active list as well
		}
	}
	if !f.change(deregister, t.of(CallDeregister), f.w.Group.Deregister) && !f.tough {
		return
	}
	if f.single {
		f.ELB += max(0, len(deregister)-1)
	}
	f.State += f.writes
	f.memory = next
}

// list lists the group, whatever its targets' port and state.
func (f *forebear) list(t Trouble) (listed []netip.Addr, ok bool) {
	if f.blind {
		return nil, true
	}
	f.ELB++
	if t.of(CallDescribe) == FailError {
		return nil, f.tough
	}
	f.watch()
	for _, s := range f.states {
		listed = append(listed, s.Addr)
	}
	return listed, true
}

// change makes one call for all of them. Where it fails, it fails whole.
func (f *forebear) change(addrs []netip.Addr, fault Fault, do func(time.Time, []TargetDescription) error) bool {
	if len(addrs) == 0 {
		return true
	}
	f.ELB++
	if fault == FailError {
		return false
	}
	var targets []TargetDescription
	for _, a := range addrs {
		targets = append(targets, TargetDescription{Addr: a, Port: f.w.Binding.Port})
	}
	f.called = true
	return do(f.w.Now(), targets) == nil
}

// resolve asks until an answer is not full. What the servers are asked is counted, a failure as one question.
func (f *forebear) resolve(t Trouble) (resolved []netip.Addr, ok bool) {
	if t.of(CallFind).inconclusive() && t.Server == EveryServer {
		f.DNS++
		return nil, f.blind
	}
	now, late := f.truth(0), []netip.Addr(nil)
	if t.of(CallFind) == FailStale {
		late = f.truth(f.w.Zone.lag())
	}
	seen := map[bool][]bool{false: make([]bool, len(now)), true: make([]bool, len(late))}
	for range f.Lookups {
		server, ok := f.server(t)
		if f.DNS++; !ok {
			return nil, false
		}
		stale, truth := t.at(server) == FailStale, now
		if stale {
			truth = late
		}
		if n := f.answer(truth, seen[stale]); n < fullAnswer {
			break
		}
	}
	return union(marked(now, seen[false]), marked(late, seen[true])), true
}

// server is the one that answers a lookup. It is false where the run ends because that one fails.
func (f *forebear) server(t Trouble) (server int, ok bool) {
	if !f.steady {
		server = f.rng.IntN(ContestServers)
	}
	if !t.at(server).inconclusive() {
		return server, true
	}
	if f.steady {
		f.DNS++
	}
	return 1 - server, f.steady || f.blind
}

// answer marks the addresses of one answer, and returns how many they are.
func (f *forebear) answer(truth []netip.Addr, seen []bool) int {
	if f.w.Zone.Cache > 0 {
		q := question{w: f.w, zone: f.w.zone(), name: f.w.Binding.Hostnames[0], rng: f.rng}
		copied, _ := q.cached() // a resolver of a contest always has one
		addrs := copied.Addrs
		for _, a := range addrs {
			if i, ok := slices.BinarySearchFunc(truth, a, netip.Addr.Compare); ok {
				seen[i] = true
			}
		}
		return len(addrs)
	}
	if len(f.shuffle) != len(truth) {
		f.shuffle = f.shuffle[:0]
		for i := range truth {
			f.shuffle = append(f.shuffle, i)
		}
	}
	n := min(f.w.Zone.Answer, len(truth))
	for i := range n {
		j := i + f.rng.IntN(len(truth)-i)
		f.shuffle[i], f.shuffle[j] = f.shuffle[j], f.shuffle[i]
		seen[f.shuffle[i]] = true
	}
	return n
}

// truth is what the servers hold, those that are behind by so much.
func (f *forebear) truth(behind time.Duration) []netip.Addr {
	when := f.w.Now().Add(-behind)
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	return f.w.at(f.w.Binding.Hostnames[0], when)
}

func marked(addrs []netip.Addr, seen []bool) (out []netip.Addr) {
	for i, a := range addrs {
		if seen[i] {
			out = append(out, a)
		}
	}
	return out
}
