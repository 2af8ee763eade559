package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
)

// A story collects what happened to whom, so that those who share a fate share a line.
type story struct {
	order []string
	whom  map[string][]netip.Addr
}

func (s *story) tell(addr netip.Addr, fate string) {
	if s.whom == nil {
		s.whom = map[string][]netip.Addr{}
	}
	if _, ok := s.whom[fate]; !ok {
		s.order = append(s.order, fate)
	}
	s.whom[fate] = append(s.whom[fate], addr)
}

// String writes a line a fate: a sign, the addresses, and the rest of the fate.
func (s *story) String() string {
	var out strings.Builder
	for _, fate := range s.order {
		addrs := s.whom[fate]
		slices.SortFunc(addrs, netip.Addr.Compare)
		sign, rest, _ := strings.Cut(fate, " ")
		fmt.Fprintf(&out, "  %s %s %s\n", sign, ranges(addrs), rest)
	}
	return out.String()
}

// tellRound is the transcript of a round.
func (p *Player) tellRound(number int, r mooring.Report) string {
	var s story
	why := map[netip.Addr]string{}
	for _, m := range r.Plan.Missing {
		why[m.Addr] = m.String()
	}
	for _, a := range r.Registered {
		s.tell(a, "+ registered")
	}
	for _, a := range r.Deregistered {
		s.tell(a, "- deregistered: "+why[a])
	}
	for _, h := range r.Held {
		s.tell(h.Addr, "~ held by "+h.Reason)
	}
	for _, f := range r.Refused {
		until := ""
		if !f.Until.IsZero() {
			until = fmt.Sprintf("; set aside for %s", f.Until.Sub(p.now).Round(time.Second))
		}
		s.tell(f.Addr, "! refused: "+f.Reason+until)
	}
	if o := r.Others; o != nil {
		for _, step := range o.Steps {
			s.tell(step.Addr, fmt.Sprintf("* %s by another, which is %s: %s", step.Action, step.Verdict, step.Why))
		}
	}
	if planned := r.Planned; planned != nil {
		for _, a := range planned.Register {
			s.tell(a, "+ would be registered")
		}
		for _, a := range planned.Deregister {
			s.tell(a, "- would be deregistered: "+why[a])
		}
	}
	if o := r.Others; o != nil {
		for _, open := range o.Overdue {
			s.tell(open.Addr, fmt.Sprintf("* still to be %sed by another, for %s", open.Action, p.now.Sub(open.Since).Round(time.Second)))
		}
	}
	out := s.String()
	for _, u := range r.Unmanaged {
		out += "  ? " + u + " is not ours and stays\n"
	}
	for _, w := range r.Warnings {
		out += "  warning: " + w + "\n"
	}
	if r.Inconclusive != "" {
		out += "  inconclusive: " + r.Inconclusive + "\n"
	}
	if r.Error != "" {
		out += "  error: " + r.Error + "\n"
	}
	if out == "" {
		out = "  nothing to do\n"
	}
	return fmt.Sprintf("round %d at %s: %d resolved\n%s", number, p.clock(), len(r.Resolved), out)
}

// tellGroup is the group as it truly is.
func (p *Player) tellGroup() string {
	var s story
	for _, t := range p.world.Targets() {
		fate := fmt.Sprintf("= %s, zone %s", t.Health, t.Zone)
		if t.Port != p.world.Binding.Port {
			fate += fmt.Sprintf(", port %d", t.Port)
		}
		s.tell(t.Addr, fate)
	}
	if out := s.String(); out != "" {
		return "group at " + p.clock() + ":\n" + out
	}
	return "group at " + p.clock() + ": empty\n"
}

// tellMemory is what is remembered, without times.
func (p *Player) tellMemory() string {
	m, err := p.world.Memory()
	if err != nil {
		return fmt.Sprintf("memory: %v\n", err)
	}
	if m.Version == 0 {
		return "memory: none\n"
	}
	var s story
	for _, e := range m.Addresses {
		switch {
		case !e.GoneSince.IsZero():
			s.tell(e.Addr, "= gone")
		case e.Missed > 0:
			s.tell(e.Addr, fmt.Sprintf("= missed %d, since %s ago", e.Missed, p.now.Sub(e.MissingSince).Round(time.Second)))
		default:
			s.tell(e.Addr, "= ours")
		}
	}
	for _, r := range m.Refused {
		s.tell(r.Addr, fmt.Sprintf("! set aside for %s, refused %d times", r.Until.Sub(p.now).Round(time.Second), r.Times))
	}
	return fmt.Sprintf("memory: revision %d of %s\n%s", m.Revision, strings.Join(m.Hostnames, ", "), s.String())
}

// tellMissing is who is counted as missing, and what there is against them.
func (p *Player) tellMissing() string {
	m, err := p.world.Memory()
	if err != nil {
		return fmt.Sprintf("missing: %v\n", err)
	}
	var s story
	for _, e := range m.Addresses {
		if e.Missed > 0 {
			since := p.now.Sub(e.MissingSince).Round(time.Second)
			s.tell(e.Addr, fmt.Sprintf("= missed %d, since %s ago, with %.1f nats of evidence", e.Missed, since, e.Evidence))
		}
	}
	if out := s.String(); out != "" {
		return "missing at " + p.clock() + ":\n" + out
	}
	return "missing at " + p.clock() + ": none\n"
}
