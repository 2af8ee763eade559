package sim

import (
	"net/netip"
	"time"

	"mooring"
)

// setAside is what the checker remembers of an address that the group refused, in a round whose memory was saved.
type setAside struct{ at, until time.Time }

// offers checks P31 before a call, for one that is refused changes nothing and must not be made at all. A round that
// began before the refusal was remembered, or could not read its memory, does not know of it; and by clocks that disagree
// nothing can be told.
func (p *Process) offers(c Call, targets []mooring.Target) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if c != CallRegister || p.w.Skewed || p.rec.loadErr != nil || p.rec.memory.Version == 0 {
		return
	}
	for _, t := range targets {
		aside, ok := p.storage().aside[t.Addr]
		if ok && p.rec.began.After(aside.at) && p.w.Now().Before(aside.until) {
			p.w.breaks(p, "P31 refused is set aside", t.Addr.String()+" was offered again before its time")
		}
	}
}

// learned notes at the end of a round whom it knows to be refused; the caller holds the lock.
func (p *Process) learned() {
	if !p.rec.saved {
		return
	}
	for a := range p.rec.refused {
		p.storage().aside[a] = setAside{p.w.Now(), p.w.Now().Add(p.policy.RefuseMin - time.Minute)}
		p.w.meet("set aside")
	}
}

// unaside forgets a refusal: the group has taken the address from somebody else.
func (w *World) unaside(addr netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.stored().aside, addr)
}
