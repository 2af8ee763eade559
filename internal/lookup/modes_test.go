package lookup_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
)

// A clock that is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func wantDNS(t *testing.T, o mooring.Observation, want string) {
	t.Helper()
	if o.DNS() != want {
		t.Errorf("answered by %q, want %q (%s)", o.DNS(), want, o.Inconclusive)
	}
}

func TestAutoFallsBackToTheResolver(t *testing.T) {
	for _, fault := range []sim.DNSFault{sim.DNSSilent, sim.DNSRefused, sim.DNSNXDomain, sim.DNSNotAuthoritative} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			d := world(t, sim.DNSConfig{})
			d.SetPrivate(ownName, live(3)...)
			d.Fault(ownName, fault)
			c := config(d, ownName)
			o := find(t, c)
			wantConclusive(t, o)
			wantAddrs(t, o, live(3))
			wantDNS(t, o, "resolver")
			if len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], ownName) {
				t.Errorf("warnings %q", o.Warnings)
			}
			c.Mode = lookup.Authoritative
			if o := find(t, c); o.Inconclusive == "" || len(o.Addrs()) != 0 {
				t.Errorf("in mode authoritative the resolver was used: %v", o.Addrs())
			}
		})
	}
}

func TestAutoDoesNotFallBackForAServersOwnError(t *testing.T) {
	t.Parallel()
	for fault, class := range map[sim.DNSFault]lookup.Class{sim.DNSServFail: lookup.ServFail, sim.DNSTruncatedTCP: lookup.Truncated} {
		d := world(t, sim.DNSConfig{})
		d.SetPrivate(ownName, live(3)...)
		d.Fault(ownName, fault)
		wantClass(t, find(t, config(d, ownName)), class, ownName)
	}
}

func TestSplitHorizonUsesTheResolversPrivateAnswers(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, addr("52.1.2.3"), addr("52.1.2.4"))
	d.SetPrivate(ownName, live(2)...)
	o := find(t, config(d, ownName))
	wantConclusive(t, o)
	wantAddrs(t, o, live(2))
	wantDNS(t, o, "resolver")

	c := config(d, ownName)
	c.Mode = lookup.Authoritative
	wantClass(t, find(t, c), lookup.Tainted, ownName)
	d.SetPrivate(ownName, live(2)[0], addr("52.1.2.3"))
	wantClass(t, find(t, config(d, ownName)), lookup.Tainted, ownName)
}

func TestANameInNoKnownZoneIsAskedOfTheResolver(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.SetPrivate("db.intranet", live(2)...)
	o := find(t, config(d, "db.intranet"))
	wantConclusive(t, o)
	wantAddrs(t, o, live(2))
	wantDNS(t, o, "resolver")
}

func TestAZoneThatTheResolverCannotNameIsAskedOfTheResolver(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(2)...)
	d.FaultResolver(ownZone, sim.DNSServFail)
	c := config(d, ownName)
	o := find(t, c)
	wantConclusive(t, o)
	wantDNS(t, o, "resolver")
	c.Mode = lookup.Authoritative
	wantClass(t, find(t, c), lookup.ServFail, ownName)
}

func TestServersThatRefuseAreNotTakenForABlockedPort(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Servers: 2})
	d.Set(ownName, live(2)...)
	d.SetPrivate(ownName, live(2)...)
	d.FaultAt(0, ownName, sim.DNSRefused)
	d.FaultAt(1, ownName, sim.DNSSilent)
	f := finder(config(d, ownName))
	wantDNS(t, f.Find(t.Context(), track()), "resolver")
	d.FaultAt(0, ownName, sim.DNSNone)
	d.FaultAt(1, ownName, sim.DNSNone)
	wantDNS(t, f.Find(t.Context(), track()), "authoritative")
}

func TestOneTaintedAnswerOfAResolverTaintsTheRound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) { // the tainted answer comes sooner or later
		d := world(t, sim.DNSConfig{PerAnswer: 4, Seed: seed})
		d.Set(ownName, append(live(20), addr("8.8.8.8"))...)
		d.SetTTL(ownName, 0) // nothing is kept
		c := config(d, ownName)
		c.Mode = lookup.Resolver
		wantClass(t, find(t, c), lookup.Tainted, ownName)
	}
}

func TestABlockedPort53IsRememberedForTenMinutes(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	blocked := true
	var tried atomic.Int32
	c := config(d, ownName)
	c.Dial = func(ctx context.Context, network, to string) (netConn, error) {
		if blocked && !strings.HasPrefix(to, d.Resolver().Addr().String()) {
			tried.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return d.Dial(ctx, network, to)
	}
	clock := newClock()
	f := finder(c)
	f.SetNow(clock.Now)
	began := time.Now()
	o := f.Find(t.Context(), track(live(4)...))
	wantConclusive(t, o)
	wantDNS(t, o, "resolver")
	if took := time.Since(began); took > longest {
		t.Errorf("the first round took %s", took)
	}
	before := tried.Load()
	for range 3 {
		clock.pass(3 * time.Minute)
		o := f.Find(t.Context(), track())
		wantConclusive(t, o)
		wantAddrs(t, o, live(3))
		wantDNS(t, o, "resolver")
		if again := tried.Load() - before; before == 0 || again > 0 {
			t.Fatalf("a later round tried port 53 %d times, after %d in the first", again, before)
		}
	}
	blocked = false
	clock.pass(2 * time.Minute)
	wantDNS(t, f.Find(t.Context(), track()), "authoritative")
}

func TestAZoneThatAnsweredBeforeIsAskedAgainSoonAfterASilence(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := world(t, sim.DNSConfig{Now: clock.Now})
	d.Set(ownName, live(1)...)
	d.SetPrivate(ownName, live(1)...) // a resolver's copy that does not run out
	f := finder(config(d, ownName))
	f.SetNow(clock.Now)
	wantDNS(t, f.Find(t.Context(), track()), "authoritative")
	d.Fault(ownName, sim.DNSSilent)
	o := f.Find(t.Context(), track())
	wantConclusive(t, o)
	wantDNS(t, o, "resolver")

	d.Fault(ownName, sim.DNSNone)
	d.Set(ownName, live(2)[1]) // it failed over meanwhile
	clock.pass(14 * time.Second)
	wantDNS(t, f.Find(t.Context(), track()), "resolver")
	clock.pass(time.Second)
	o = f.Find(t.Context(), track())
	wantDNS(t, o, "authoritative")
	wantAddrs(t, o, live(2)[1:])
}

func TestAZoneThatOnlyRefusedBeforeIsNoneThatAnswered(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := world(t, sim.DNSConfig{Now: clock.Now})
	d.SetPrivate(ownName, live(2)...)
	f := finder(config(d, ownName))
	f.SetNow(clock.Now)
	for _, fault := range []sim.DNSFault{sim.DNSRefused, sim.DNSSilent} {
		d.Fault(ownName, fault)
		wantDNS(t, f.Find(t.Context(), track()), "resolver")
	}
	d.Forget()
	clock.pass(9 * time.Minute)
	wantDNS(t, f.Find(t.Context(), track()), "resolver")
	if n := d.Asked(ownName); n > 0 {
		t.Errorf("its servers were asked %d times within ten minutes", n)
	}
}

func TestACachesCopiesAreOneAnswer(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := world(t, sim.DNSConfig{Now: clock.Now})
	d.Set(ownName, live(24)...)
	c := config(d, ownName)
	c.Mode = lookup.Resolver
	f := finder(c)
	o := f.Find(t.Context(), track(live(24)...))
	wantConclusive(t, o)
	wantDNS(t, o, "resolver")
	if len(o.Answers) != 1 || o.Answers[0].TTL != time.Minute {
		t.Errorf("answers %v", o.Answers)
	}
	if got := d.AskedResolver(ownName); got > 4 {
		t.Errorf("asked the resolver %d times for one copy", got)
	}
	if d.Asked(ownName) != 0 {
		t.Error("the zone's servers were asked in mode resolver")
	}
	clock.pass(20 * time.Second)
	again := f.Find(t.Context(), track())
	if len(again.Answers) != 1 || again.Answers[0].TTL != 40*time.Second {
		t.Errorf("answers %v", again.Answers)
	}
	clock.pass(time.Minute)
	other := f.Find(t.Context(), track())
	if slices.Equal(other.Addrs(), o.Addrs()) {
		t.Error("the cache never ran out")
	}
	if left := leaving(o, live(24)); len(left) != 0 {
		t.Errorf("six looks at one copy, and %v would leave", left)
	}
}

func TestEveryClassOfAResolversFailureIsToldApart(t *testing.T) {
	for fault, class := range map[sim.DNSFault]lookup.Class{
		sim.DNSSilent: lookup.Timeout, sim.DNSServFail: lookup.ServFail, sim.DNSRefused: lookup.Refused,
		sim.DNSNXDomain: lookup.NXDomain, sim.DNSEmpty: lookup.Empty, sim.DNSTruncatedTCP: lookup.Truncated,
		sim.DNSWrongID: lookup.Timeout,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			d := world(t, sim.DNSConfig{})
			d.Set(ownName, live(3)...)
			d.FaultResolver(ownName, fault)
			c := config(d, ownName)
			c.Mode = lookup.Resolver
			o := find(t, c, live(3)...)
			wantClass(t, o, class, ownName)
			if !strings.Contains(o.Inconclusive, d.Resolver().String()) {
				t.Errorf("%q does not name the resolver", o.Inconclusive)
			}
		})
	}
}

func TestADeadResolverBesideALiveOneCostsOneRound(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	for _, mode := range []string{lookup.Auto, lookup.Resolver} {
		c := config(d, ownName)
		c.Mode = mode
		var tried atomic.Int32
		dead := netip.MustParseAddrPort("127.99.0.1:53")
		c.Resolvers = []netip.AddrPort{dead, d.Resolver()}
		c.Dial = func(ctx context.Context, network, to string) (netConn, error) {
			if to == dead.String() {
				tried.Add(1)
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return d.Dial(ctx, network, to)
		}
		f := finder(c)
		o := f.Find(t.Context(), track())
		wantConclusive(t, o)
		wantAddrs(t, o, live(3))
		before := tried.Load()
		wantConclusive(t, f.Find(t.Context(), track()))
		if again := tried.Load() - before; before == 0 || again > 0 {
			t.Errorf("%s: the second round asked the dead one %d times, after %d in the first", mode, again, before)
		}
	}
}

func TestTheZonesServersAreKeptForTheirTTL(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(elbName, live(8)...)
	f := finder(config(d, elbName))
	f.SetNow(clock.Now)
	for i, want := range []bool{true, false, true} {
		d.Forget()
		wantConclusive(t, f.Find(t.Context(), track(live(8)...)))
		asked := slices.ContainsFunc(d.Questions(), func(q sim.DNSQuestion) bool { return q.Resolver && q.Type == "A" })
		if asked != want {
			t.Errorf("round %d: the resolver was asked for the servers: %t", i, asked)
		}
		clock.pass(time.Duration(i) * time.Hour)
		clock.pass(time.Second)
	}
}

func TestAnIPv6GroupIsServedFromTheFirstRoundOn(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	six := []netip.Addr{addr("fd00::1"), addr("fd00::2"), addr("fd00::3")}
	d.Set(elbName, append(live(24), six...)...)
	c := config(d, elbName)
	var asked int
	var resolved [][]netip.Addr
	c.Scope = func(context.Context) (lookup.Scope, error) {
		asked++
		return lookup.Scope{IPv6: true, Admits: netip.MustParsePrefix("fd00::/64").Contains}, nil
	}
	c.Resolved = func(_ context.Context, addrs []netip.Addr) { resolved = append(resolved, addrs) }
	f := finder(c)
	for range 2 {
		o := f.Find(t.Context(), track(six...))
		wantConclusive(t, o)
		wantAddrs(t, o, six)
	}
	if asked != 1 {
		t.Errorf("the scope was asked for %d times", asked)
	}
	if len(resolved) != 2 || len(resolved[0]) != 24 || len(resolved[1]) != 3 {
		t.Errorf("resolved %v", resolved)
	}
	d.Set(elbName, append(six, addr("2001:db8::1"))...)
	wantClass(t, f.Find(t.Context(), track()), lookup.Tainted, elbName)
}

func TestAnIPv4AddressInIPv6sClothesIsNotAdmitted(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, addr("::ffff:10.0.0.1"))
	c := config(d, ownName)
	c.Scope = func(context.Context) (lookup.Scope, error) { return lookup.Scope{IPv6: true}, nil }
	wantClass(t, find(t, c), lookup.Tainted, ownName)
}

func TestAWiderScopeClearsAddressesThatWereNotAdmitted(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, addr("10.0.0.1"), addr("52.1.2.3"))
	c := config(d, ownName)
	c.Mode = lookup.Authoritative
	c.Scope = func(context.Context) (lookup.Scope, error) {
		return lookup.Scope{Admits: func(a netip.Addr) bool { return a.Is4() }}, nil
	}
	o := find(t, c)
	wantConclusive(t, o)
	if len(o.Addrs()) != 2 {
		t.Errorf("observed %v", o.Addrs())
	}
}

func TestResolvedRunsBesideTheRoundAndIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	c := config(d, ownName)
	tracked, done, calls := make(chan struct{}), false, 0
	c.Resolved = func(_ context.Context, addrs []netip.Addr) {
		calls++
		<-tracked // the round goes on meanwhile
		done = slices.Equal(addrs, live(3))
	}
	f := finder(c)
	f.Find(t.Context(), func(context.Context) []netip.Addr { close(tracked); return nil })
	if !done {
		t.Error("the round ended before it was told what it had resolved")
	}
	d.Fault(ownName, sim.DNSServFail)
	f.Find(t.Context(), track())
	if calls != 1 {
		t.Error("a failed round told what it had resolved")
	}
}

func TestARoundEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	d.Fault(ownName, sim.DNSSilent)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	o := lookup.New(config(d, ownName)).Find(ctx, track())
	wantClass(t, o, lookup.Timeout, ownName)
	if took := time.Since(began); took > 3*time.Second { // without it, 5s
		t.Errorf("took %s beyond a context of 100ms", took)
	}
}
