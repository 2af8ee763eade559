package rig

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/lookup"
)

// A fixedPlace is an address by which clients reach a group, with the ports that lead to it there.
type fixedPlace struct {
	addr  netip.Addr
	zone  string
	ports []uint16
}

// places are where clients connect to, as far as that is known, and notes what was found. What is given goes before what
// can be read, which is not read where both are given.
func (v *verification) places(ctx context.Context) []fixedPlace {
	p, given := &v.sight.Places, v.wants
	if len(given.Addrs) > 0 && len(given.Ports) > 0 {
		p.Given, p.Err, p.Static, p.Ports = true, nil, len(given.Addrs), given.Ports
		return given.at(given.Ports, "")
	}
	if v.config.Embedded() {
		return v.frontPlaces()
	}
	if v.group == nil {
		return nil // why is known
	}
	balancers, err := v.group.Serving(ctx)
	p.Err, p.Balancers = err, len(balancers)
	var out []fixedPlace
	for _, lb := range balancers {
		ports := lb.Ports
		if len(given.Ports) > 0 {
			ports = given.Ports
		}
		p.Ports = append(p.Ports, ports...)
		if len(given.Addrs) > 0 {
			out = append(out, given.at(ports, "")...)
			continue
		}
		out = append(out, v.placesOf(ctx, lb, ports)...)
	}
	slices.Sort(p.Ports)
	p.Ports = slices.Compact(p.Ports)
	distinct := map[netip.Addr]bool{}
	for _, one := range out {
		distinct[one.addr] = true
	}
	p.Static = len(distinct)
	return out
}

// at are the given addresses with these ports.
func (o VerifyOptions) at(ports []uint16, zone string) (out []fixedPlace) {
	for _, a := range o.Addrs {
		out = append(out, fixedPlace{a, zone, ports})
	}
	return out
}

// frontPlaces is where a front listens. One that listens at all addresses of its machine does not say at which.
func (v *verification) frontPlaces() []fixedPlace {
	p, given, listen := &v.sight.Places, v.wants, v.config.Front.Listen
	addrs, ports := given.Addrs, given.Ports
	if len(addrs) == 0 && !listen.Addr().IsUnspecified() {
		addrs = []netip.Addr{listen.Addr()}
	}
	if len(ports) == 0 {
		ports = []uint16{listen.Port()}
	}
	p.Balancers, p.Static, p.Ports = 1, len(addrs), ports
	return VerifyOptions{Addrs: addrs}.at(ports, "")
}

// placesOf are a load balancer's addresses: those that were given to it, or else those that its names have. A Network Load
// Balancer's zones have names of their own, ZONE.NAME, which lose their addresses with their last healthy target.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html
func (v *verification) placesOf(ctx context.Context, lb elb.Balancer, ports []uint16) (out []fixedPlace) {
	if len(ports) == 0 {
		return nil
	}
	p := &v.sight.Places
	zones := lb.Zones
	if lb.Network {
		p.Zones += len(zones)
	} else {
		zones = []elb.BalancerZone{{}}
	}
	found, failed := make([][]netip.Addr, len(zones)), make([]error, len(zones))
	var lookups mooring.Tasks
	for i, z := range zones {
		if found[i] = z.Addrs; len(z.Addrs) == 0 {
			lookups.Go(func() { found[i], failed[i] = v.resolve(ctx, strings.TrimPrefix(z.Name+"."+lb.DNSName, ".")) })
		}
	}
	lookups.Wait()
	for i, z := range zones {
		if p.Err = errors.Join(p.Err, failed[i]); failed[i] == nil && len(found[i]) == 0 && lb.Network {
			p.Gone = append(p.Gone, z.Name)
		}
		for _, a := range found[i] {
			out = append(out, fixedPlace{a, z.Name, ports})
		}
	}
	return out
}

// resolve looks up a load balancer's name, each of whose answers holds all. A name without an address is no error.
func (v *verification) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	c := v.config
	c.Binding.Hostnames = []string{name}
	unicast := func(a netip.Addr) bool { return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() }
	finder := finderOf(c, func(context.Context) (lookup.Scope, error) { return lookup.Scope{Admits: unicast}, nil }, v.options)
	finder.Whole, finder.Admits = true, unicast
	seen := lookup.New(finder).Find(ctx, func(context.Context) []netip.Addr { return nil })
	addrs := seen.Addrs()
	switch class, _, _ := strings.Cut(seen.Inconclusive, ":"); {
	case len(addrs) > 0 || class == "empty" || class == "nxdomain":
		return addrs, nil
	default:
		return nil, fmt.Errorf("look up %s: %s", name, seen.Inconclusive)
	}
}

// resolveTime is how long looking up one zone's name may take.
const resolveTime = 10 * time.Second
