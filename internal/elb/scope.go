package elb

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"mooring"
)

// A family is what the group's targets say of its address family.
type family struct {
	mu    sync.Mutex
	first chan struct{} // closed when targets were read for the first time
	read  bool
	known bool
	ipv6  bool
}

// note keeps what a list of targets says. All targets of a group are of one family:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
func (f *family) note(targets []mooring.Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(targets) > 0 {
		f.known, f.ipv6 = true, targets[0].Addr.Is6()
	}
	if !f.read {
		f.read = true
		close(f.first)
	}
}

// wait waits for the first list, and returns what the last one said that held anything.
func (f *family) wait(ctx context.Context) (ipv6, known bool) {
	select {
	case <-f.first:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ipv6, f.known
}

// Scope tells whether the group takes IPv6 addresses, and then which: those of its VPC's subnets. It waits for
// the first list of targets and asks AWS itself only where that list is empty.
//
// An IPv6 group whose subnets cannot be read has no prefixes, and no error: the group's warnings say why. Subnets
// that were read long ago are read again, for this is also asked when an address is in none of them.
// An error means that the family itself is not known.
func (g *Group) Scope(ctx context.Context) (ipv6 bool, prefixes []netip.Prefix, err error) {
	ipv6, known := g.seen.wait(ctx)
	if !known {
		d, err := g.described.start(ctx).wait(ctx)
		if err != nil {
			return false, nil, fmt.Errorf("read the address family of %s: %w", g.c.Name, err)
		}
		ipv6 = d.ipv6
	}
	if !ipv6 {
		return false, nil, nil
	}
	subnets, _ := g.subnets.renew(ctx).wait(ctx) // an error is warned of
	for _, s := range subnets {
		for _, p := range s.prefixes {
			if p.Addr().Is6() {
				prefixes = append(prefixes, p)
			}
		}
	}
	return true, prefixes, nil
}

// Port returns the group's own port.
func (g *Group) Port(ctx context.Context) (uint16, error) {
	d, err := g.described.start(ctx).wait(ctx)
	if err == nil && d.port == 0 {
		err = errors.New("the target group has none")
	}
	if err != nil {
		return 0, fmt.Errorf("read the port of %s: %w", g.c.Name, err)
	}
	return d.port, nil
}
