package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A drawing is a fate in the making.
type drawing struct {
	Fate
	rng     *rand.Rand
	hosts   *rand.Rand // draws what came later, so that a seed goes on to bring what it brought before
	round   int
	elapsed time.Duration

	faulty float64 // chance that a call fails
	cached bool    // the name is asked through a resolver
	pool   []netip.Addr
	names  []string
	was    map[string][][]netip.Addr // what each name has held, the present last
	ahead  map[int][]string          // what is to come of what was
}

// DrawFate draws what a seed brings in a span of time.
func DrawFate(seed uint64, span time.Duration) Fate {
	d := &drawing{
		Fate: Fate{Seed: seed}, rng: rand.New(rand.NewPCG(seed, 7)), hosts: rand.New(rand.NewPCG(seed, 11)), //nolint:gosec // a world is to be repeatable
		names: []string{"app.example.com"}, was: map[string][][]netip.Addr{}, ahead: map[int][]string{},
	}
	for i := range 60 {
		d.pool = append(d.pool, netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(10 + i/3)}))
	}
	interval := time.Duration(20+d.rng.IntN(100)) * time.Second
	d.drawWorld(interval)
	for rests := 1; d.elapsed < span; d.elapsed += interval {
		d.round++
		for _, command := range d.ahead[d.round] {
			d.say("%s", command)
		}
		if d.elapsed > span*time.Duration(rests)/3 {
			rests++
			d.say("settle")
		}
		d.happen()
		d.drawRun()
	}
	d.Fate = d.lasting(d.round)
	return d.Fate
}

func (d *drawing) say(format string, args ...any) {
	d.Turns = append(d.Turns, Turn{d.round, fmt.Sprintf(format, args...)})
}

// oneIn is true once in n times.
func (d *drawing) oneIn(n int) bool { return d.rng.IntN(n) == 0 }

func (d *drawing) drawWorld(interval time.Duration) {
	world := fmt.Sprintf("world interval=%s rounds=0", interval)
	d.faulty = []float64{0, 0.01, 0.03, 0.08}[d.rng.IntN(4)]
	world += fmt.Sprintf(" faulty=%g", d.faulty)
	if d.oneIn(2) {
		world += " deadline=45s"
	}
	if !d.oneIn(10) { // else each memory is read back from its stored form, which takes its time
		world += " values=yes"
	}
	if d.oneIn(5) {
		world += " skewed=yes"
	}
	d.say("%s", world)
	if d.oneIn(6) {
		d.names = append(d.names, "old.example.com")
		d.say("bind %s", strings.Join(d.names, " "))
	}
	d.drawPolicy(d.drawZone())
	d.drawGroup()
	for _, name := range d.names {
		d.hold(name, d.some(1+d.rng.IntN(30)))
	}
}

// drawZone tells whether each answer holds everything.
func (d *drawing) drawZone() (whole bool) {
	zone := "dns"
	answers := 8
	if !d.oneIn(3) {
		answers = 1 + d.rng.IntN(13)
	}
	switch d.rng.IntN(8) {
	case 0:
		d.cached, d.pool = true, d.pool[:15] // few, for a cache proves an absence slowly
		zone += fmt.Sprintf(" cache=1m resolvers=%d serve-stale=%s", 1+d.rng.IntN(3), []string{"yes", "no"}[d.rng.IntN(2)])
	case 1:
		whole, answers = true, 60
	case 2:
		zone += " max-lookups=3"
	case 3, 4:
		zone += " all=yes"
	}
	d.say("%s answers=%d", zone, answers)
	return whole
}

func (d *drawing) drawPolicy(whole bool) {
	policy := ""
	if whole {
		policy += " profile=whole"
	}
	policy += []string{" mode=add-only", " adopt=all", " mode=observe", "", "", "", "", "", "", "", "", ""}[d.rng.IntN(12)]
	if d.oneIn(16) { // whatever is not seen may leave at once
		policy += " adopt=all misses=1 hold=0s"
	} else if d.oneIn(2) {
		policy += fmt.Sprintf(" misses=%d hold=%dm max-leave=%s min-targets=%d",
			1+d.rng.IntN(6), d.rng.IntN(4), []string{"10%", "34%", "100%"}[d.rng.IntN(3)], 1+d.rng.IntN(4))
	}
	if d.oneIn(8) {
		policy += fmt.Sprintf(" max-targets=%d", 4+d.rng.IntN(20))
	}
	if policy != "" {
		d.say("policy%s", policy)
	}
}

func (d *drawing) drawGroup() {
	d.say("group healthy-after=%ds drain=%ds cross-zone=%s",
		90*d.rng.IntN(4), 150*d.rng.IntN(3), []string{"off", "unknown", "on", "on"}[d.rng.IntN(4)])
}

// some draws n different addresses.
func (d *drawing) some(n int) []netip.Addr {
	out := slices.Clone(d.pool)
	d.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// hold says what a name holds from now on.
func (d *drawing) hold(name string, addrs []netip.Addr) {
	addrs = slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
	addrs = slices.Compact(addrs)
	d.was[name] = append(d.was[name], addrs)
	d.say("name host=%s addrs=%s", name, Ranges(addrs, ","))
}

// happen draws what befalls the world before a round.
func (d *drawing) happen() {
	if d.oneIn(6) {
		d.move()
	}
	if d.faulty == 0 {
		return
	}
	switch event := d.rng.IntN(40); event {
	case 0:
		d.say("operator register=10.0.1.%d", 200+d.rng.IntN(20))
	case 13:
		d.say("operator port=8443 register=%s", d.some(1)[0])
	case 14:
		d.rename()
	case 15, 16:
		d.view()
	case 17, 18:
		d.say("dns behind=none skew=0s sticky=0s hosts=1 light=none failing=none added=none hidden=none cut=no")
	case 1:
		d.say("hand deregister=%d", d.rng.IntN(1000))
	case 2, 3, 4:
		d.say("group sick=%s", Ranges(d.some(d.rng.IntN(30)), ","))
	case 5:
		d.say("group refuse=%s", d.some(1)[0])
	case 6:
		d.say("memory %s", Accidents()[d.rng.IntN(len(Accidents()))])
	case 7:
		if d.oneIn(2) {
			hours := d.rng.IntN(6)
			d.elapsed += time.Duration(hours) * time.Hour
			d.say("idle %dh", hours)
		}
	case 8, 9, 10, 11:
		d.say("repair")
	case 19, 20:
		d.trouble()
	case 21:
		d.reconfigure()
	case 12:
		d.say("edit %s=%d", []string{"pause", "resume", "adopt", "forget", "release"}[d.rng.IntN(5)], d.rng.IntN(1000))
	}
}

// view lets the servers of the zone disagree, fail, repeat themselves, or lie.
func (d *drawing) view() {
	servers, ways := 1+d.rng.IntN(4), Oddities()
	way := ways[d.rng.IntN(len(ways))]
	odd := Odd(d.rng, way, servers, d.pool)
	if way == "sticky" {
		odd = append(odd, OddHosts(d.hosts))
	}
	d.say("dns servers=%d %s", servers, strings.Join(odd, " "))
}

// rename moors one more hostname, or one fewer, in the middle of it all.
func (d *drawing) rename() {
	if len(d.names) > 1 {
		d.names = d.names[:1]
	} else {
		d.names = append(d.names, "old.example.com")
	}
	d.say("bind %s", strings.Join(d.names, " "))
	if name := d.names[len(d.names)-1]; len(d.was[name]) == 0 {
		d.hold(name, d.some(1+d.rng.IntN(12)))
	}
}

// move changes what a name holds.
func (d *drawing) move() {
	name := d.names[d.rng.IntN(len(d.names))]
	was := d.was[name]
	now := slices.Clone(was[len(was)-1])
	d.rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
	switch d.rng.IntN(7) {
	case 0: // scale out
		now = append(now, d.some(1+d.rng.IntN(5))...)
	case 1: // scale in
		now = now[:max(1, len(now)-1-d.rng.IntN(5))]
	case 2: // one is replaced
		now = append(now[1:], d.some(1)...)
	case 3: // all of it is
		now = d.some(1 + d.rng.IntN(12))
	case 4: // those of some time ago return
		now = slices.Clone(was[d.rng.IntN(len(was))])
	case 5: // one leaves, dies later, and then somebody else has its address
		d.later(1+d.rng.IntN(5), "group dies=%s", now[0])
		d.later(6+d.rng.IntN(20), "group taken=%s", now[0])
		now = append(now[1:], d.some(1)...)
	case 6: // one dies first, and is named for a while
		d.say("group dies=%s", now[0])
		d.later(8+d.rng.IntN(20), "group lives=%s", now[0])
		return
	}
	d.hold(name, now[:min(len(now), 30)])
}

// later says what will be so many rounds from now.
func (d *drawing) later(rounds int, format string, args ...any) {
	at := d.round + rounds
	d.ahead[at] = append(d.ahead[at], fmt.Sprintf(format, args...))
}

// drawRun draws what befalls a round itself.
func (d *drawing) drawRun() {
	if d.oneIn(4) {
		d.say("aside")
	}
	if d.faulty == 0 {
		return
	}
	d.drawFaults("")
	if !d.oneIn(3) {
		return
	}
	at := Points()[d.rng.IntN(len(Points()))]
	long := time.Duration(1+d.rng.IntN(20)) * time.Second
	if d.oneIn(3) {
		long = time.Duration(1+d.rng.IntN(120)) * time.Minute
	}
	switch what := []string{"crash", "pause", "duplicate", "step", "return"}[d.rng.IntN(5)]; what {
	case "step":
		d.say("step at=%s by=%s for=%s", at, []time.Duration{long, -long}[d.rng.IntN(2)], long)
	case "pause":
		d.say("pause at=%s for=%s", at, long)
	case "duplicate":
		d.say("duplicate at=%s for=%s", at, long)
		d.drawFaults(" run=rival")
	default:
		d.say("%s at=%s", what, at)
	}
}

func (d *drawing) drawFaults(whose string) {
	var faults strings.Builder
	for _, m := range moments() {
		if d.rng.Float64() < d.faulty {
			of := FaultsOf(m.call())
			fmt.Fprintf(&faults, " %s=%s", m, of[d.rng.IntN(len(of))])
		}
	}
	if faults.Len() > 0 {
		d.say("once%s%s", whose, &faults)
	}
	if d.skewed() && d.oneIn(2) {
		d.say("clock by=%s%s", time.Duration(d.rng.IntN(4*3600)-2*3600)*time.Second, whose)
	}
}

// skewed tells whether the machines of this world disagree about the time.
func (d *drawing) skewed() bool { return strings.Contains(d.Turns[0].Command, "skewed=yes") }
