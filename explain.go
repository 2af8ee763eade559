package mooring

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Explanations are what the chosen bindings know of one address, as `explain --output json` prints them.
type Explanations struct {
	SchemaVersion int           `json:"schema_version"` // of this form: 1
	OK            bool          `json:"ok"`             // group and memory of every binding were read
	Bindings      []Explanation `json:"bindings"`
}

// An Explanation is all that one binding knows of one address.
type Explanation struct {
	Binding   string              `json:"binding"`         // its name
	Addr      netip.Addr          `json:"addr"`            // the address
	Known     bool                `json:"known"`           // it is ours, in the group, set aside, or was decided about
	Decisions []ExplainedDecision `json:"decisions"`       // about it and the whole binding, oldest first
	Oldest    time.Time           `json:"oldest,omitzero"` // the oldest decision that memory holds, about any address
	Now       AddressStatus       `json:"now"`
	Prospects []string            `json:"prospects"` // what must happen until this changes
	Error     string              `json:"error"`     // what went wrong, on one line

	Err error `json:"-"` // what Error says

	blind bool // the group was not read
	at    time.Time
}

// An ExplainedDecision is a decision, with its evidence as a chance.
type ExplainedDecision struct {
	Decision
	MissProbability float64 `json:"miss_probability,omitempty"` // that a live address had stayed unseen all the while
}

// Explain reads memory and group and tells all that they hold about an address. It changes nothing.
func (k *Keeper) Explain(ctx context.Context, addr netip.Addr) Explanation {
	return k.lookUp(ctx).explain(addr)
}

// ExplanationUnread is the explanation of a binding that could not be asked, because its keeper could not be made, and why.
func ExplanationUnread(b Binding, p Policy, now time.Time, why error, addr netip.Addr) Explanation {
	return unread(b, p, now, why).explain(addr)
}

func (g *glimpse) explain(addr netip.Addr) Explanation {
	e := Explanation{
		Binding: g.b.Name, Addr: addr, Decisions: []ExplainedDecision{}, Now: g.address(addr), Err: g.err, blind: g.groupErr != nil, at: g.now,
	}
	if g.err != nil {
		e.Error = strings.Join(strings.Fields(g.err.Error()), " ")
	}
	if len(g.m.Decisions) > 0 {
		e.Oldest = g.m.Decisions[0].At
	}
	for _, d := range g.m.Decisions {
		if d.Addr != addr && d.Addr.IsValid() {
			continue
		}
		e.Known = e.Known || d.Addr == addr
		one := ExplainedDecision{Decision: d}
		if d.Nats > 0 {
			one.MissProbability = math.Exp(-d.Nats)
		}
		e.Decisions = append(e.Decisions, one)
	}
	e.Known = e.Known || slices.Contains(g.known(), addr)
	e.Prospects = g.prospects(e.Now, e.Known)
	return e
}

// prospects are sentences on what must happen until something about an address changes.
func (g *glimpse) prospects(s AddressStatus, known bool) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if why := g.stays(); why != "" && g.m.Paused != (Pause{}) {
		say("%s: it stays as it is until mooring resume", why)
	}
	inGroup := s.Health != "" && Target{Health: s.Health}.Registered()
	switch {
	case g.m.Unusable != "":
		say("nobody leaves without memory; it is registered when the name shows it")
	case !known && g.groupErr != nil:
		say("the name has not shown it in any round that memory holds; whether it is in the group is not known")
	case !known:
		say("the name has not shown it in any round that memory holds, and it is not in the group: it is registered when the name shows it")
	case s.Refused != "":
		say("the group refused it: it is tried again after %s, if the name shows it then", s.RefusedUntil.UTC().Format(time.RFC3339))
	case inGroup && !s.Ours:
		say("it is in the group and not ours: it stays; mooring adopt %s takes it over, and so does the name once it shows it", s.Addr)
	case inGroup:
		g.sayLeaving(say, s)
	case g.groupErr != nil:
		say("whether it is in the group is not known")
	default:
		say("it is registered when the name shows it")
		if !s.GoneSince.IsZero() {
			say("it is forgotten after %s, unless the name shows it", s.GoneSince.Add(forgetAfter).UTC().Format(time.RFC3339))
		}
	}
	return out
}

// sayLeaving says what it takes until a target of ours leaves, by the policy's numbers.
func (g *glimpse) sayLeaving(say func(string, ...any), s AddressStatus) {
	if why := g.stays(); why != "" {
		say("it does not leave: %s", why)
	}
	p := g.p
	a := s.Absence
	if a == nil {
		say("it leaves once it is missed in %d conclusive rounds in a row, for at least %s, with a chance of at most %.2g that it was only not seen",
			p.Misses, p.Hold, p.MissProbability)
	} else {
		say("missed in %d of %d conclusive rounds, absent for %s of %s, %.1f of %.1f nats against it (a chance of %.2g, at most %.2g is needed)",
			a.Missed, p.Misses, g.now.Sub(a.Since).Round(time.Second), p.Hold, a.Nats, p.Threshold(), a.MissProbability, p.MissProbability)
		say("it %s, if the name goes on without it; being seen once starts all of it again", strings.TrimPrefix(a.leaves(), "; "))
	}
	if a != nil && a.Held != "" {
		say("the guard that kept it last: %s", a.Held)
	}
	say("and then at least %d of ours must stay, and at most %s leave in a round", p.MinTargets, percent(p.MaxLeave))
	if s.Health == HealthHealthy && p.Answers != AnswersWhole {
		say("while it is healthy, enough healthy targets must stay without it, for at most %s; the last healthy one never leaves", p.HoldMax)
	}
}

// leaves says when it can leave at the earliest, as a round's report does.
func (a *Absence) leaves() string {
	return leaves(Held{Rounds: a.RoundsLeft, Wait: time.Duration(a.HoldLeftMS) * time.Millisecond})
}

func percent(share float64) string { return fmt.Sprintf("%.4g %%", 100*share) }
