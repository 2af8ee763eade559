package lookup_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mooring/internal/lookup"
	"mooring/internal/sim"
)

type netConn = net.Conn

func TestZoneServersAreAskedOverTCPAndConnectionsAreReused(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(48)...)
	c := config(d, ownName)
	var dials atomic.Int64
	c.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
		if network == "tcp" {
			dials.Add(1)
		}
		return d.Dial(ctx, network, to)
	}
	f := finder(c)
	for range 3 {
		wantConclusive(t, f.Find(t.Context(), track()))
	}
	for _, q := range d.Questions() {
		if !q.Resolver && !q.TCP {
			t.Errorf("asked over UDP: %v", q)
		}
	}
	if asked := d.Asked(ownName); dials.Load() > 16 || asked < 100 {
		t.Errorf("%d connections for %d questions", dials.Load(), asked)
	}
}

func TestConnectionsThatWereIdleForLongAreNotTrusted(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	clock := newClock()
	c := config(d, ownName)
	var dials atomic.Int64
	c.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
		if network == "tcp" {
			dials.Add(1)
		}
		return d.Dial(ctx, network, to)
	}
	f := finder(c)
	f.SetNow(clock.Now)
	f.Find(t.Context(), track())
	before := dials.Load()
	clock.pass(time.Minute)
	f.Find(t.Context(), track())
	if dials.Load() == before {
		t.Error("connections were used after a minute's idleness")
	}
}

// A server may close a connection whenever it likes; many do so after every answer.
func TestAServerThatClosesItsConnectionsIsAskedAnew(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(24)...)
	c := config(d, ownName)
	c.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
		conn, err := d.Dial(ctx, network, to)
		if network == "tcp" && err == nil {
			conn = &oneAnswer{Conn: conn}
		}
		return conn, err
	}
	o := find(t, c)
	wantConclusive(t, o)
	wantAddrs(t, o, live(24))
}

// oneAnswer ends after its first question.
type oneAnswer struct {
	net.Conn
	asked bool
}

func (c *oneAnswer) Write(b []byte) (int, error) {
	if c.asked {
		return len(b), c.Close() // the write is taken, and no answer comes
	}
	c.asked = true
	return c.Conn.Write(b)
}

func TestWithoutTCPServersAreAskedOverUDP(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{NoTCP: true})
	d.Set(ownName, live(24)...)
	f := finder(config(d, ownName))
	for range 2 {
		o := f.Find(t.Context(), track())
		wantConclusive(t, o)
		wantAddrs(t, o, live(24))
		wantDNS(t, o, "authoritative")
	}
}

func TestWhereTCPIsSwallowedUDPHelps(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(24)...)
	c := config(d, ownName)
	var swallowed atomic.Int32
	c.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
		if network == "tcp" {
			swallowed.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return d.Dial(ctx, network, to)
	}
	f := finder(c)
	o := f.Find(t.Context(), track())
	wantConclusive(t, o)
	wantAddrs(t, o, live(24))
	wantDNS(t, o, "authoritative")
	before := swallowed.Load()
	wantConclusive(t, f.Find(t.Context(), track()))
	if again := swallowed.Load() - before; before == 0 || again > 0 {
		t.Errorf("the second round tried TCP %d times, after %d in the first", again, before)
	}
}

func TestTruncationOverUDPIsRepairedOverTCP(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{})
	d.Set(ownName, live(3)...)
	d.FaultResolver(ownName, sim.DNSTruncated)
	c := config(d, ownName)
	c.Mode = lookup.Resolver
	o := find(t, c)
	wantConclusive(t, o)
	wantAddrs(t, o, live(3))

	d.FaultResolver(ownName, sim.DNSNone)
	d.SetPrivate(ownName, live(300)...) // more than a packet takes
	o = find(t, c)
	wantConclusive(t, o)
	wantAddrs(t, o, live(300))
}

func TestWithoutTCPATruncatedAnswerIsNotUsed(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{NoTCP: true, PerAnswer: 300})
	d.Set(ownName, live(300)...)
	wantClass(t, find(t, config(d, ownName)), lookup.Truncated, ownName)
}

func TestAForgedAnswerIsIgnoredAndTheTrueOneAwaited(t *testing.T) {
	t.Parallel()
	for _, noTCP := range []bool{true, false} {
		d := world(t, sim.DNSConfig{NoTCP: noTCP})
		d.Set(ownName, live(24)...)
		d.Fault(ownName, sim.DNSForged)
		d.FaultResolver(ownName, sim.DNSForged)
		c := config(d, ownName)
		for _, mode := range []string{lookup.Authoritative, lookup.Resolver} {
			c.Mode = mode
			o := find(t, c)
			wantConclusive(t, o)
			if slices.Contains(o.Addrs(), sim.ForgedAddr) {
				t.Errorf("%s: a forged answer was used", mode)
			}
			if len(o.Addrs()) == 0 {
				t.Errorf("%s: the true answer was not awaited", mode)
			}
		}
	}
}

func TestASilentServerCostsNoSecond(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{All: true})
	d.Set(ownName, live(48)...)
	d.Set(elbName, live(48)...)
	d.FaultAt(0, ownName, sim.DNSSilent)
	d.FaultAt(0, elbName, sim.DNSSilent)
	d.FaultAt(0, "all."+elbName, sim.DNSSilent)
	for _, name := range []string{ownName, elbName} {
		began := time.Now()
		o := lookup.New(config(d, name)).Find(t.Context(), track()) // with all its patience
		wantConclusive(t, o)
		wantAddrs(t, o, live(48))
		if took := time.Since(began); took > 800*time.Millisecond {
			t.Errorf("%s: one silent server of four made the round take %s", name, took)
		}
	}
}

// A server far away takes two round trips for its first answer. Its view is waited for while it is only one of two.
func TestTheSecondServersViewIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := world(t, sim.DNSConfig{Servers: 2, All: true})
	d.Set(ownName, live(4)...)
	d.Set(elbName, live(4)...)
	for _, name := range []string{ownName, elbName, elbName, elbName, elbName, elbName} { // chance chooses who is asked what
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(d, name)
			c.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
				if strings.HasSuffix(to, ".2:53") {
					select {
					case <-time.After(500 * time.Millisecond):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				return d.Dial(ctx, network, to)
			}
			o := lookup.New(c).Find(t.Context(), track())
			wantConclusive(t, o)
			wantAddrs(t, o, live(4))
		})
	}
}

func TestResolvConf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	body := "search corp.example\nnameserver 10.0.0.2\nnameserver fd00::53\nnameserver bad\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []netip.AddrPort{netip.MustParseAddrPort("10.0.0.2:53"), netip.MustParseAddrPort("[fd00::53]:53"), netip.MustParseAddrPort("10.0.0.3:53")}
	if got := lookup.SystemResolvers(path); !slices.Equal(got, want) {
		t.Errorf("resolvers %v, want %v", got, want)
	}
	none := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	if got := lookup.SystemResolvers(path + ".none"); !slices.Equal(got, none) {
		t.Errorf("without a file: %v", got)
	}
}
