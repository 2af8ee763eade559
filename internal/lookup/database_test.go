package lookup_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"mooring"
	"mooring/internal/lookup"
	"mooring/internal/sim"
)

// A database's cluster endpoint is an alias of the instance that writes, in the same zone, for five seconds.
const (
	rdsZone  = "eu-west-1.rds.amazonaws.com"
	cluster  = "shop.cluster-c0ffee1234ab." + rdsZone
	writer   = "shop-1.c0ffee1234ab." + rdsZone
	reader   = "shop-2.c0ffee1234ab." + rdsZone
	rdsTTL   = 5 * time.Second
	writerIP = "10.0.3.7"
	readerIP = "10.0.4.8"
)

func database(t *testing.T) (*sim.DNS, lookup.Config) {
	t.Helper()
	d := world(t, sim.DNSConfig{Zones: []string{rdsZone}, TTL: rdsTTL})
	d.Set(writer, addr(writerIP))
	d.Set(reader, addr(readerIP))
	d.Alias(cluster, writer)
	c := config(d, cluster)
	c.Whole = true
	return d, c
}

func TestADatabasesFlipIsSeenByTheNextLook(t *testing.T) {
	t.Parallel()
	d, c := database(t)
	f := finder(c)
	for _, holder := range []string{writer, reader, writer} {
		d.Alias(cluster, holder)
		o := f.Find(t.Context(), track(addr(writerIP), addr(readerIP)))
		wantConclusive(t, o)
		wantDNS(t, o, "authoritative")
		wantAddrs(t, o, []netip.Addr{addr(map[string]string{writer: writerIP, reader: readerIP}[holder])})
	}
}

func TestARenamedDatabaseIsGoneForAWhileAndThatCountsAgainstNobody(t *testing.T) {
	t.Parallel()
	d, c := database(t)
	f := finder(c)
	wantConclusive(t, f.Find(t.Context(), track()))
	d.Remove(cluster)
	wantClass(t, f.Find(t.Context(), track(addr(writerIP))), lookup.NXDomain, cluster)
	d.Alias(cluster, reader)
	o := f.Find(t.Context(), track(addr(writerIP)))
	wantConclusive(t, o)
	wantAddrs(t, o, []netip.Addr{addr(readerIP)})
}

// The zone of a publicly accessible database shows its public address to the world, and the resolver of its VPC the
// private one: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
func TestAPubliclyAccessibleDatabaseIsAskedOfTheResolverOfItsVPC(t *testing.T) {
	t.Parallel()
	d, c := database(t)
	d.Set(writer, addr("52.1.2.3"))
	d.SetPrivate(cluster, addr(writerIP))
	o := find(t, c)
	wantConclusive(t, o)
	wantDNS(t, o, "resolver")
	wantAddrs(t, o, []netip.Addr{addr(writerIP)})

	c.Mode = lookup.Authoritative
	wantClass(t, find(t, c), lookup.Tainted, cluster)
}

func TestWhatAGoroutineOfALookPanicsWithIsTheLooksOwn(t *testing.T) {
	t.Parallel()
	_, c := database(t)
	c.Admits = func(netip.Addr) bool { panic("no such judge") }
	defer func() {
		if p, ok := recover().(*mooring.Panic); !ok || p.Value != "no such judge" || len(p.Stack) == 0 {
			t.Errorf("recovered %v", p)
		}
	}()
	finder(c).Find(t.Context(), func(context.Context) []netip.Addr { return nil })
	t.Error("nothing happened")
}
