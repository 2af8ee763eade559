package front

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A target is one place where flows go. The front's lock guards it.
type target struct {
	at      netip.AddrPort
	health  mooring.Health
	reason  string
	good    int // checks in a row that succeeded,
	bad     int // or failed
	flows   map[*flow]bool
	picked  uint64             // when it was last given a flow, by the front's count
	mute    int                // flows in a row that it took and ended without a word, since its last check
	unwatch context.CancelFunc // ends its health checks
	gone    *time.Timer        // when its drain ends
}

// maxTargets is as many as a target group holds.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html
const maxTargets = 1000

var errClosed = errors.New("the front is closed")

// Register adds targets. A draining one comes back, with the flows it has.
func (f *Front) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	var out mooring.Outcome
	if err := f.may(ctx, targets, permit); err != nil {
		return out, fmt.Errorf("register at the front: %w", err)
	}
	ours := machine()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return out, fmt.Errorf("register at the front: %w", errClosed)
	}
	for _, t := range targets {
		if why := f.refuses(t, ours); why != "" {
			out.Refused = append(out.Refused, mooring.Refused{Target: t, Reason: why})
			continue
		}
		f.add(keyOf(t))
		out.Registered = append(out.Registered, t)
	}
	if len(f.targets) > 0 {
		f.begin()
	}
	return out, nil
}

// Deregister lets targets drain: they get no new flow, and those they have may go on for the drain delay.
func (f *Front) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := f.may(ctx, targets, permit); err != nil {
		return nil, fmt.Errorf("deregister at the front: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed && len(targets) > 0 {
		return nil, fmt.Errorf("deregister at the front: %w", errClosed)
	}
	for _, t := range targets {
		if known := f.targets[keyOf(t)]; known != nil && known.health != mooring.HealthDraining {
			f.drain(known)
		}
	}
	return slices.Clone(targets), nil
}

// may tells whether something may be changed. Where there is nothing to change, nobody is asked.
func (f *Front) may(ctx context.Context, targets []mooring.Target, permit mooring.Permit) error {
	switch {
	case len(targets) == 0:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return permit()
	}
}

func keyOf(t mooring.Target) netip.AddrPort { return netip.AddrPortFrom(t.Addr.Unmap(), t.Port) }

func (f *Front) refuses(t mooring.Target, ours []netip.Addr) string {
	key := keyOf(t)
	switch addr := key.Addr(); {
	case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast():
		return "no address of a host"
	case t.Port == 0:
		return "port 0"
	case here.leadsTo(key, ours):
		return "a front of this process listens there"
	case f.targets[key] == nil && len(f.targets) >= maxTargets:
		return fmt.Sprintf("it has %d targets, the most it takes", maxTargets)
	default:
		return ""
	}
}

func (f *Front) add(at netip.AddrPort) {
	t := f.targets[at]
	switch {
	case t == nil:
		t = &target{at: at, flows: map[*flow]bool{}}
		f.targets[at] = t
	case t.health != mooring.HealthDraining:
		return
	default:
		t.gone.Stop()
	}
	t.health, t.reason, t.good, t.bad = mooring.HealthInitial, "no health check has ended yet", 0, 0
	ctx, cancel := context.WithCancel(f.alive)
	t.unwatch = cancel
	f.working.Go(func() { f.watchHealth(ctx, t) })
}

func (f *Front) drain(t *target) {
	t.unwatch()
	t.health, t.reason = mooring.HealthDraining, "deregistered"
	t.gone = time.AfterFunc(f.settings.DrainDelay, func() { f.drained(t) })
	f.forget(t)
}

// drained ends the drain of a target. It may have come back while its timer fired.
func (f *Front) drained(t *target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.health != mooring.HealthDraining || f.targets[t.at] != t {
		return
	}
	t.cut()
	delete(f.targets, t.at)
}

// forget drops a draining target that has no flows left.
func (f *Front) forget(t *target) {
	if t.health == mooring.HealthDraining && len(t.flows) == 0 && f.targets[t.at] == t {
		t.gone.Stop()
		delete(f.targets, t.at)
	}
}

func (f *Front) listed() []mooring.Target {
	out := make([]mooring.Target, 0, len(f.targets))
	for _, t := range f.targets {
		out = append(out, mooring.Target{Addr: t.at.Addr(), Port: t.at.Port(), Health: t.health, Reason: t.reason})
	}
	slices.SortFunc(out, func(a, b mooring.Target) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port))
	})
	return out
}

// pick gives a flow to the target with the fewest flows, of equals to the one whose turn is longest ago. Only healthy
// targets get flows; where there are none, all that are registered do.
func (f *Front) pick(fl *flow) *target {
	f.mu.Lock()
	defer f.mu.Unlock()
	failOpen := !f.anyHealthy()
	var best *target
	for _, t := range f.targets {
		takes := t.health == mooring.HealthHealthy || failOpen && t.health != mooring.HealthDraining
		if takes && !slices.Contains(fl.tried, t.at) && (best == nil || t.before(best)) {
			best = t
		}
	}
	if best != nil {
		f.picks++
		best.picked = f.picks
		best.flows[fl] = true
		fl.tried = append(fl.tried, best.at)
	}
	return best
}

// suspicious is how many flows a target must have ended without a word to come after all others. As it has the fewest
// flows of all, it would be given nearly every new one, and its checks only show that it takes connections.
const suspicious = 3

func (t *target) before(o *target) bool {
	return cmp.Or(compareBool(t.mute >= suspicious, o.mute >= suspicious), cmp.Compare(len(t.flows), len(o.flows)), cmp.Compare(t.picked, o.picked)) < 0
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func (f *Front) anyHealthy() bool {
	for _, t := range f.targets {
		if t.health == mooring.HealthHealthy {
			return true
		}
	}
	return false
}

// leave takes a flow from its target.
func (f *Front) leave(t *target, fl *flow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(t.flows, fl)
	switch {
	case fl.out.Load() > 0:
		t.mute = 0
	case fl.dropped.Load():
		t.mute++
	}
	f.forget(t)
}

// cut resets the flows that were connected with the target. Those that are being connected find another one.
func (t *target) cut() {
	for fl := range t.flows {
		if fl.attached() {
			fl.reset()
		}
	}
}

func (f *Front) noteHealth(t *target) {
	at, health, reason := t.at.String(), string(t.health), t.reason
	f.note(func() {
		f.log.LogAttrs(f.alive, slog.LevelInfo, "a target's health changed", slog.String("front", f.Addr().String()),
			slog.String("target", at), slog.String("health", health), slog.String("reason", reason))
	})
}
