package mooring

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A Guard keeps targets from leaving. It judges one target at a time, knowing who was let go before it.
type Guard struct {
	Name  string
	holds func(*round, Target) (Held, bool)
}

// Guards returns the guards in their order of precedence: the first that holds a target names the reason.
//
// The order of harms behind them: losing a live target is worse than leaving a dead one, that is worse
// than churn, and that is worse than untidiness.
func Guards() []Guard {
	return []Guard{
		{"add-only", (*round).addOnly},
		{"inconclusive", (*round).inconclusive},
		{"memory", (*round).memory},
		{"misses", (*round).misses},
		{"hold", (*round).hold},
		{"evidence", (*round).proof},
		{"min-targets", (*round).minTargets},
		{"max-leave", (*round).maxLeave},
		{"make-before-break", (*round).makeBeforeBreak},
		{"make-before-break (zone)", (*round).lastOfZone},
	}
}

func (r *round) heldBy(guards []Guard, t Target) (Held, bool) {
	for _, g := range guards {
		if held, ok := g.holds(r, t); ok {
			held.Addr, held.Guard, held.Reason = t.Addr, g.Name, g.Name+": "+held.Reason
			return held, true
		}
	}
	return Held{}, false
}

// held says why, in words.
func held(format string, args ...any) (Held, bool) {
	return Held{Reason: fmt.Sprintf(format, args...)}, true
}

// addOnly: in this mode nobody leaves.
func (r *round) addOnly(Target) (Held, bool) {
	if r.p.Mode != ModeAddOnly {
		return Held{}, false
	}
	return held("the mode never deregisters")
}

// inconclusive: an error is not an observation, and counts against nobody.
func (r *round) inconclusive(Target) (Held, bool) {
	switch {
	case r.o.Inconclusive != "":
		return held("%s", r.o.Inconclusive)
	case !r.o.conclusive():
		return held("nothing was observed")
	default:
		return Held{}, false
	}
}

// memory: without it there is no telling how long an address has been away.
func (r *round) memory(Target) (Held, bool) {
	if r.m.Unusable == "" {
		return Held{}, false
	}
	return held("%s", r.m.Unusable)
}

// misses: so many conclusive rounds in a row must have missed it.
func (r *round) misses(t Target) (Held, bool) {
	missed := r.entry(t.Addr).Missed
	if missed >= r.p.Misses {
		return Held{}, false
	}
	return Held{
		Reason: fmt.Sprintf("missed in %d of %d rounds", missed, r.p.Misses),
		Rounds: max(r.p.Misses-missed, r.roundsOfProof(t)),
		Wait:   r.holdLeft(t),
	}, true
}

// hold: and so much time must have passed since the first of them.
func (r *round) hold(t Target) (Held, bool) {
	left := r.holdLeft(t)
	if left <= 0 {
		return Held{}, false
	}
	return Held{
		Reason: fmt.Sprintf("absent for %s of %s", (r.p.Hold - left).Truncate(time.Second), r.p.Hold),
		Rounds: max(1, r.roundsOfProof(t)),
		Wait:   left,
	}, true
}

// proof: and it must be next to impossible that a live address had stayed unseen all the while.
// When zone servers answer, a fifth of the proof comes from plain answers of the current round.
func (r *round) proof(t Target) (Held, bool) {
	needed, have := r.p.Threshold(), r.entry(t.Addr).Evidence
	switch {
	case !reaches(have, needed):
		h, _ := held("%.1f of %.1f nats against it", have, needed)
		h.Rounds = r.roundsOfProof(t)
		return h, true
	case !r.evidence.current:
		return held("under %.1f nats of it from this round's answers to the plain name", needed/currentShare)
	default:
		return Held{}, false
	}
}

// minTargets: so many of ours stay registered, whoever is missing. The group is never emptied.
func (r *round) minTargets(Target) (Held, bool) {
	floor := max(r.p.MinTargets, 1)
	if len(r.ours)-len(r.leaving)-1 >= floor {
		return Held{}, false
	}
	return held("%d of ours would stay, the least is %d", len(r.ours)-len(r.leaving)-1, floor)
}

// maxLeave: at most a share of our targets leaves in one round, though one always may.
func (r *round) maxLeave(Target) (Held, bool) {
	most := max(1, int(math.Floor(r.p.MaxLeave*float64(len(r.ours))+1e-9)))
	if len(r.leaving) < most {
		return Held{}, false
	}
	h, _ := held("%d of %d leave in this round, which is the most", len(r.leaving), len(r.ours))
	h.Rounds = 1
	return h, true
}

// makeBeforeBreak: a healthy target leaves only when enough healthy ones stay: as many as were healthy
// before, or as many as the name shows. A name with one holder asks less: the new one must be registered.
func (r *round) makeBeforeBreak(t Target) (Held, bool) {
	if t.Health != HealthHealthy || r.heldLong(t) {
		return Held{}, false
	}
	if r.p.Answers == AnswersWhole {
		return r.newIsRegistered()
	}
	before := healthy(r.ours)
	after := before - healthy(r.leaving) - 1
	needed := min(before, r.registrable())
	if needed == 0 {
		needed = before // nobody can take over: everything that was observed is refused
	}
	if after < needed {
		return held("%d healthy would stay, %d are needed", after, needed)
	}
	return Held{}, false
}

func (r *round) newIsRegistered() (Held, bool) {
	if len(r.add) > 0 {
		return held("%s is not registered yet", r.add[0].Addr)
	}
	return Held{}, false
}

// lastOfZone: while cross-zone is off, a zone without a healthy target loses its static address.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
func (r *round) lastOfZone(t Target) (Held, bool) {
	if r.h.CrossZone != CrossZoneOff || t.Health != HealthHealthy || r.p.Answers == AnswersWhole || r.heldLong(t) || !zoned(t) {
		return Held{}, false
	}
	inZone := func(ts []Target) (n int) {
		for _, other := range ts {
			if other.Zone == t.Zone && other.Health == HealthHealthy {
				n++
			}
		}
		return n
	}
	if inZone(r.h.Targets)-inZone(r.leaving) > 1 {
		return Held{}, false
	}
	return held("the last healthy target in %s, and cross-zone is off", t.Zone)
}

// heldLong tells whether make-before-break no longer keeps a target: an absent address that still answers
// may be somebody else's by now. The last healthy target of the group is kept nevertheless.
func (r *round) heldLong(t Target) bool {
	last := healthy(r.h.Targets)-healthy(r.leaving) <= 1
	return !last && r.now.Sub(r.missingSince(t.Addr)) >= r.p.HoldMax
}

// blind says what the guard of zones could not see.
func (r *round) blind() string {
	leaves := slices.ContainsFunc(r.leaving, func(t Target) bool { return t.Health == HealthHealthy })
	switch {
	case !leaves || r.p.Answers == AnswersWhole || r.h.CrossZone == CrossZoneOn:
		return ""
	case r.h.CrossZone == CrossZoneUnknown:
		return "make-before-break (zone) is blind: the group's cross-zone attribute was not read"
	case slices.ContainsFunc(r.leaving, func(t Target) bool { return !zoned(t) }):
		return "make-before-break (zone) is blind: the group does not say in which zones its targets are"
	default:
		return ""
	}
}

func zoned(t Target) bool { return t.Zone != "" && t.Zone != "all" }

// registrable counts the observed addresses that the group takes.
func (r *round) registrable() int { return len(r.observed) - len(r.refused) }

func healthy(targets []Target) (n int) {
	for _, t := range targets {
		if t.Health == HealthHealthy {
			n++
		}
	}
	return n
}

func (r *round) holdLeft(t Target) time.Duration {
	return max(0, r.p.Hold-r.now.Sub(r.missingSince(t.Addr)))
}

// roundsOfProof is how many more rounds like this one the proof would take; 0 where it cannot be told.
func (r *round) roundsOfProof(t Target) int {
	left := r.p.Threshold() - r.entry(t.Addr).Evidence
	if left <= 1e-9 || r.evidence.total <= 0 {
		return 0
	}
	return int(math.Ceil(left/r.evidence.total - 1e-9))
}
