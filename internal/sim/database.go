package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A Database is a world whose name has one holder, as a cluster's endpoint has: its servers are asked directly, and the
// name follows the writer. A daemon with a round a second keeps the group. What befalls it follows from the seed.
type Database struct {
	*World
	Daemon *Daemon

	Flips        int
	Registered   time.Duration // the longest that a new holder waited,
	Deregistered time.Duration // and that an old one stayed, times of trouble aside

	rng      *rand.Rand
	pool     []netip.Addr
	troubles []trouble
	holders  []holder
}

// A trouble is some time in which calls fail.
type trouble struct {
	from, to time.Time
	call     Call
	fault    Fault
}

// A holder has the name from one time to another; an invalid address is nobody.
type holder struct {
	addr     netip.Addr
	from, to time.Time
}

// The bounds of what is promised for names with one holder, at a round a second.
const (
	registerWithin = 2 * time.Second
	leaveWithin    = 15 * time.Second
)

// NewDatabase draws the database of a seed.
func NewDatabase(seed uint64) *Database {
	d := &Database{World: NewWorld(seed, time.Now)}
	d.rng = d.chance("database")
	d.KeepValues()
	admit := d.Policy.Admit
	d.Policy = mooring.WholePolicy()
	d.Policy.Admit = admit
	d.Binding = mooring.Binding{Name: "db-5432", Hostnames: []string{"db.example.com"}, Port: 5432, TargetGroup: "db"}
	d.Zone.Answer, d.Zone.Lag = 60, 8*time.Second
	d.Sleep, d.Fault = sleep, d.fate
	d.Group.Port, d.Group.HealthyAfter = 5432, d.upTo(90*time.Second, 180*time.Second)
	d.Group.DrainFor = time.Duration(d.rng.IntN(2)) * 5 * time.Minute
	for i := range 5 {
		d.pool = append(d.pool, netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(10 + i)}))
	}
	d.Daemon = d.NewDaemon("watch", time.Second)
	return d
}

func (d *Database) upTo(least, most time.Duration) time.Duration {
	return least + time.Duration(d.rng.Int64N(int64(most-least)))
}

func (d *Database) pass(t time.Duration) { sleep(context.Background(), t) }

// hold gives the name to an address, or to nobody.
func (d *Database) hold(addr netip.Addr) {
	var addrs []netip.Addr
	if addr.IsValid() {
		addrs = []netip.Addr{addr}
	}
	d.SetTruth(d.Binding.Hostnames[0], addrs)
	if n := len(d.holders); n > 0 {
		d.holders[n-1].to = time.Now()
	}
	d.holders = append(d.holders, holder{addr: addr, from: time.Now()})
}

func (d *Database) holds() netip.Addr { return d.holders[len(d.holders)-1].addr }

// other is an instance that does not hold the name.
func (d *Database) other() netip.Addr {
	for {
		if a := d.pool[d.rng.IntN(len(d.pool))]; a != d.holds() {
			return a
		}
	}
}

// Live lives through so many events and returns the promises that were broken.
func (d *Database) Live(ctx context.Context, events int) []string {
	d.hold(d.pool[0])
	d.Daemon.Start(ctx)
	d.pass(d.upTo(3*time.Second, 10*time.Second))
	for range events {
		d.happen()
		d.pass(d.upTo(18*time.Second, 50*time.Second))
	}
	d.pass(30 * time.Second)
	d.Daemon.Stop()
	d.hold(netip.Addr{}) // the last one's time is over
	d.judge()
	return d.Broken()
}

// happen lets something happen to the database.
func (d *Database) happen() {
	old := d.holds()
	switch d.rng.IntN(7) {
	case 0: // a failover; the old writer still passes its health checks for a while
		d.hold(d.other())
	case 1: // it is dead, and comes back as a reader
		d.sick(old, true)
		d.pass(d.upTo(0, 5*time.Second))
		d.hold(d.other())
		d.pass(d.upTo(0, 20*time.Second))
		d.sick(old, false)
	case 2: // blue/green: both live, the name is deleted and made anew
		d.deleted()
		d.hold(d.other())
	case 3: // renamed, and back
		d.deleted()
		d.hold(old)
	case 4: // two failovers within seconds
		d.hold(d.other())
		d.pass(d.upTo(0, 4*time.Second))
		d.hold(d.other())
	case 5: // one of the zone's servers does not know yet
		d.befall(CallFind, FailStaleServer, d.Zone.Lag)
		d.hold(d.other())
	case 6: // something else fails in the same seconds
		call := []Call{CallFind, CallDescribe, CallSave, CallLoad, CallRegister, CallDeregister}[d.rng.IntN(6)]
		fault := FailError
		if call == CallFind {
			fault = []Fault{FailTimeout, FailServfail, FailFewServers}[d.rng.IntN(3)]
		}
		d.befall(call, fault, d.upTo(0, 4*time.Second))
		d.hold(d.other())
	}
}

func (d *Database) deleted() {
	gone := d.upTo(time.Second, 8*time.Second)
	d.befall(CallFind, FailNXDomain, gone)
	d.hold(netip.Addr{})
	d.pass(gone)
}

func (d *Database) sick(addr netip.Addr, is bool) {
	d.Adjust(func(g *TargetGroup) { g.Sick[addr] = is })
}

func (d *Database) befall(c Call, f Fault, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.troubles = append(d.troubles, trouble{time.Now(), time.Now().Add(long), c, f})
}

func (d *Database) fate(_ *Process, c Call) Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.troubles {
		if t.call == c && time.Now().Before(t.to) {
			return t.fault
		}
	}
	return ""
}

// judge compares what was done with the bounds.
func (d *Database) judge() {
	for i, h := range d.holders {
		if !h.addr.IsValid() {
			continue
		}
		if i > 0 {
			d.Flips++
		}
		d.judgeArrival(h)
		if i+1 < len(d.holders) {
			d.judgeLeaving(h, d.holders[i+1:])
		}
	}
}

// judgeArrival: a new holder is registered within two seconds.
func (d *Database) judgeArrival(h holder) {
	from := d.untroubled(h.from, registerWithin, func(t trouble) bool { return t.fault != FailStaleServer })
	at, ok := d.became(h.addr, true, h.from)
	if !ok || at.After(from.Add(registerWithin)) {
		if h.to.After(from.Add(registerWithin)) {
			d.broke(fmt.Sprintf("P22 one holder: %s had the name since %s and was not registered within %s", h.addr, h.from.UTC().Format(clock), registerWithin))
		}
		return
	}
	d.Registered = max(d.Registered, at.Sub(from))
}

// judgeLeaving: an old holder is gone within fifteen seconds, unless it holds the name again.
func (d *Database) judgeLeaving(h holder, next []holder) {
	back := next[len(next)-1].from
	for _, n := range next {
		if n.addr == h.addr {
			back = n.from
			break
		}
	}
	from := d.untroubled(h.to, leaveWithin, func(trouble) bool { return true })
	at, ok := d.became(h.addr, false, h.to)
	if !ok || at.After(from.Add(leaveWithin)) {
		if back.After(from.Add(leaveWithin)) {
			d.broke(fmt.Sprintf("P22 one holder: %s had the name until %s and was not deregistered within %s", h.addr, h.to.UTC().Format(clock), leaveWithin))
		}
		return
	}
	d.Deregistered = max(d.Deregistered, at.Sub(from))
}

const clock = "15:04:05.000"

// untroubled is when a time of so long, without trouble of the kind, begins at the earliest.
func (d *Database) untroubled(from time.Time, long time.Duration, kind func(trouble) bool) time.Time {
	for _, t := range d.troubles {
		if kind(t) && t.from.Before(from.Add(long)) && t.to.After(from) {
			from = t.to
		}
	}
	return from
}

// became is when an address came to be registered, or not to be: at a time itself, if it was so then.
func (d *Database) became(addr netip.Addr, registered bool, when time.Time) (time.Time, bool) {
	is := false
	for _, c := range d.changes {
		if c.At.After(when) && is == registered {
			break
		}
		if !slices.Contains(c.Addrs, addr) {
			continue
		}
		is = c.Register
		if is == registered && c.At.After(when) {
			return c.At, true
		}
	}
	return when, is == registered
}

func (d *Database) broke(why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note("BROKEN %s", why)
	d.broken = append(d.broken, why)
}
