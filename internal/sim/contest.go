package sim

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"mooring"
)

// A Contest is some days of a name, the same for everybody who keeps a group in step with it. Each contender lives them
// in a world of its own, by a clock that is turned from minute to minute.
type Contest struct {
	Seed    uint64
	Minutes int
	Course  []Shift       // what the name holds, in order; the first of them since long before the contest began
	Linger  int           // minutes for which a host still answers when it has left the name
	Cache   time.Duration // all ask one resolver, which keeps an answer this long; 0: they ask as they were made to
	Lag     time.Duration // how far a server is behind that is stale
	Within  int           // the lowest capacity is that of so many first minutes; 0: of all
	Trouble func(minute int) Trouble
	Twice   bool // each run is invoked twice, as an event may be delivered twice
	Record  bool // the capacity of each minute is kept
}

// A Shift is what the name holds from half a minute after a minute on.
type Shift struct {
	Minute int
	Addrs  []netip.Addr // sorted
}

// A Trouble is what befalls the runs of one minute. Its zero value is none.
type Trouble struct {
	Call   Call
	Fault  Fault
	Server Server // of a fault of looking the name up: a server that fails, or is stale
	Lost   bool   // the memory has been deleted
}

// ContestServers is how many servers the zone of the name has.
const ContestServers = 2

// Server tells which of the zone's two servers a trouble is of.
type Server int

// Each of them, so that asking the other one does not help; the first one, which the functions of 2018 and 2021 keep to;
// or the other one.
const (
	EveryServer Server = iota
	FirstServer
	OtherServer
)

func (t Trouble) of(c Call) Fault {
	if t.Call == c {
		return t.Fault
	}
	return ""
}

// at is what looking the name up meets at a server.
func (t Trouble) at(server int) Fault {
	if t.Server == EveryServer || int(t.Server-FirstServer) == server {
		return t.of(CallFind)
	}
	return ""
}

// upset makes the zone's servers what the trouble makes of them.
func (t Trouble) upset(z *Zone) {
	z.Failing, z.Behind = nil, nil
	for server := range ContestServers {
		fault, behind := t.at(server), time.Duration(0)
		if fault == FailStale {
			fault, behind = "", z.lag()
		}
		z.Failing, z.Behind = append(z.Failing, fault), append(z.Behind, behind)
	}
}

// A Tally is what a contender asked for.
type Tally struct{ ELB, State, DNS int }

// warmUp is how long all of them run before anything is measured or goes wrong, in minutes.
const warmUp = 30

// Ancestor lets an older function take part.
func (c *Contest) Ancestor(a Ancestor) Result {
	return c.live(func(l *lane) (func(Trouble), int) {
		f := &forebear{Ancestor: a, rng: l.w.chance(a.Name), memory: a.First, lane: l}
		return func(t Trouble) {
			if t.Lost {
				f.memory = f.First
			}
			f.run(t)
		}, a.Every
	})
}

// Mooring lets a real Keeper with the default policy take part, a round a minute. The promises that it broke are in
// the result.
func (c *Contest) Mooring() Result {
	return c.live(func(l *lane) (func(Trouble), int) {
		m := &moored{lane: l}
		l.w.Fault, l.w.Decide = m.fault, m.decide
		return m.round, 1
	})
}

// moored runs rounds and counts what they ask for.
type moored struct {
	*lane
	number  int
	trouble Trouble
	last    *mooring.Answer // of the observation that was counted last
}

func (m *moored) round(t Trouble) {
	m.number++
	m.trouble = t
	if t.Lost {
		_ = m.w.Befall(MemoryLost) // fails only for accidents that it does not know
	}
	m.w.AdjustZone(t.upset)
	m.w.NewProcess(fmt.Sprint("run ", m.number)).Round(context.Background())
	m.broken = m.w.Broken()
}

// fault is asked once for each call, by several goroutines.
func (m *moored) fault(_ *Process, c Call) Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch c {
	case CallFind:
		return "" // the zone is upset
	case CallLoad, CallSave:
		m.State++
	default:
		m.ELB++
		m.called = m.called || c == CallRegister || c == CallDeregister
	}
	return m.trouble.of(c)
}

// decide counts the questions that were answered: each observation once, however often it is judged.
func (m *moored) decide(p mooring.Policy, mem mooring.Memory, o mooring.Observation, h mooring.Holding, now time.Time) mooring.Plan {
	m.mu.Lock()
	if len(o.Answers) > 0 && &o.Answers[0] != m.last {
		m.last = &o.Answers[0]
		m.DNS += len(o.Answers)
	}
	m.mu.Unlock()
	return mooring.Decide(p, mem, o, h, now)
}

// live lives all minutes.
func (c *Contest) live(enter func(*lane) (run func(Trouble), every int)) Result {
	l, err := c.lane()
	if err != nil {
		return Result{Broken: []string{err.Error()}}
	}
	run, every := enter(l)
	for minute := -warmUp; minute < c.Minutes; minute++ {
		l.now = start.Add(time.Duration(minute) * time.Minute)
		if minute == 0 {
			l.Result = Result{Lowest: 1}
		}
		l.bury(minute)
		if minute%every == 0 {
			var t Trouble
			if c.Trouble != nil && minute >= 0 {
				t = c.Trouble(minute)
			}
			run(t)
			l.watch()
			if c.Twice {
				run(t)
			}
		}
		l.watch()
		l.measure(minute)
		l.turn(minute)
	}
	return l.result()
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// lane is a world in which the name's first addresses have long been in the group, and healthy: it takes seven minutes
// from a registration to that, and three from a deregistration to the last new flow, the unlucky end of what AWS tells.
func (c *Contest) lane() (*lane, error) {
	l := &lane{c: c, now: start.Add(-time.Hour), came: map[netip.Addr]time.Time{}, left: map[netip.Addr]int{}}
	l.w = NewWorld(c.Seed, func() time.Time { return l.now })
	l.w.KeepValues()
	l.w.Zone.Cache, l.w.Zone.Lag = c.Cache, c.Lag
	l.w.Group.HealthyAfter, l.w.Group.DrainFor = HealthyAfter, DrainFor
	l.w.SetTruth(l.w.Binding.Hostnames[0], c.Course[0].Addrs)
	l.live = c.Course[0].Addrs
	var targets []TargetDescription
	for _, a := range l.live {
		targets = append(targets, TargetDescription{Addr: a, Port: l.w.Binding.Port})
	}
	if err := l.w.Group.Register(l.now, targets); err != nil {
		return nil, fmt.Errorf("register the first addresses: %w", err)
	}
	l.called = true
	l.watch()
	return l, nil
}

// What a load balancer takes in a contest.
const (
	HealthyAfter = 7 * time.Minute // from a registration until flows come
	DrainFor     = 5 * time.Minute
	StillServes  = 3 * time.Minute // from a deregistration until no new flows come
)

// turn changes the name, half a minute after the runs.
func (l *lane) turn(minute int) {
	for _, t := range l.c.Course[1:] {
		if t.Minute != minute {
			continue
		}
		l.now = l.now.Add(30 * time.Second)
		l.w.SetTruth(l.w.Binding.Hostnames[0], t.Addrs)
		for _, a := range minus(t.Addrs, l.live) {
			l.came[a] = l.now
			delete(l.left, a)
			l.New++
		}
		for _, a := range minus(l.live, t.Addrs) {
			l.left[a] = minute
			if _, waiting := l.came[a]; waiting {
				delete(l.came, a)
				l.New--
			}
		}
		l.live, l.turned = t.Addrs, minute
		l.called = true // who comes may still be registered
	}
}
