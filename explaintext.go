package mooring

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText renders an explanation for people: each decision, then what holds now and what comes next.
func (e Explanation) WriteText(w io.Writer, color bool) error {
	t := &text{color: color}
	t.printf("%s  %s\n", t.paint(bold, e.Binding), e.Addr)
	for _, d := range e.Decisions {
		t.printf("  %s  %-22s  %s\n", d.At.UTC().Format(time.RFC3339), Printable(d.Action), Printable(d.told()))
	}
	if len(e.Decisions) == 0 && e.Err == nil {
		t.printf("  no decision about it is remembered%s\n", e.sinceWhen())
	}
	t.printf("\n")
	t.printf("  now:  %s\n", Printable(e.state()))
	for _, p := range e.Prospects {
		t.printf("  next: %s\n", Printable(p))
	}
	if e.Error != "" {
		t.printf("  %s %s\n", t.paint(red, "error:"), Printable(e.Error))
	}
	_, err := io.WriteString(w, t.String())
	return err
}

func (e Explanation) sinceWhen() string {
	if e.Oldest.IsZero() {
		return ", nor about any other"
	}
	return "; the oldest one is of " + e.Oldest.UTC().Format(time.RFC3339)
}

// told is why, with the evidence and the version.
func (d ExplainedDecision) told() string {
	text := d.Why
	if d.Nats > 0 {
		text += fmt.Sprintf("; %.1f nats against it, a chance of %.2g", d.Nats, d.MissProbability)
	}
	if d.Program != "" {
		text += " (" + d.Program + ")"
	}
	return text
}

// state says in a sentence how things are.
func (e Explanation) state() string {
	var parts []string
	switch a := e.Now; {
	case !e.Known && e.Err == nil:
		return "nobody knows it"
	case a.Ours && !a.Since.IsZero():
		parts = append(parts, fmt.Sprintf("ours since %s", a.Since.UTC().Format(time.RFC3339)))
	case a.Ours:
		parts = append(parts, "ours, since everything on our port is")
	default:
		parts = append(parts, "not ours")
	}
	switch a := e.Now; {
	case e.blind:
		parts = append(parts, "the group was not read")
	case a.Health == "":
		parts = append(parts, "not in the group")
	default:
		parts = append(parts, "in the group, "+string(a.Health))
	}
	if e.Now.Zone != "" {
		parts = append(parts, "zone "+e.Now.Zone)
	}
	if e.Now.HealthReason != "" {
		parts = append(parts, e.Now.HealthReason)
	}
	if a := e.Now.Absence; a != nil {
		parts = append(parts, a.tell(e.at))
	}
	if e.Now.Refused != "" {
		parts = append(parts, "refused until "+e.Now.RefusedUntil.UTC().Format(time.RFC3339)+": "+e.Now.Refused)
	}
	return strings.Join(parts, ", ")
}
