package front

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// A process is what all fronts of one share: its open files, and that none may lead to another.
type process struct {
	most func() int // flows that its files are enough for

	mu     sync.Mutex
	flows  int
	fronts []*Front
}

var here = process{most: sync.OnceValue(affordable)}

// enter takes a share of the files for a flow, if one is left.
func (p *process) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flows >= p.most() {
		return false
	}
	p.flows++
	return true
}

func (p *process) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flows--
}

func (p *process) opened(f *Front) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fronts = append(p.fronts, f)
}

func (p *process) closed(f *Front) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fronts = slices.DeleteFunc(p.fronts, func(o *Front) bool { return o == f })
}

// leadsTo tells whether flows to at would come back to one of the fronts. ours are the addresses of this machine, for
// those that listen on all.
func (p *process) leadsTo(at netip.AddrPort, ours []netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.fronts, func(f *Front) bool {
		own := netip.AddrPortFrom(f.Addr().Addr().Unmap(), f.Addr().Port())
		switch {
		case at.Port() != own.Port():
			return false
		case !own.Addr().IsUnspecified():
			return at.Addr() == own.Addr()
		case own.Addr().Is4() && !at.Addr().Is4():
			return false
		default:
			return at.Addr().IsLoopback() || slices.Contains(ours, at.Addr())
		}
	})
}

// machine are the addresses of this machine. Where they cannot be had, the limit of flows ends what goes round.
func machine() (out []netip.Addr) {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, prefix.Addr().Unmap())
		}
	}
	return out
}
