package mooring

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// WriteText renders a report for people: one line an address, then the totals.
func (r Report) WriteText(w io.Writer, color bool) error {
	t := &text{color: color}
	t.header(r)
	t.additions(r)
	t.departures(r)
	for _, f := range r.Refused {
		until := ""
		if !f.Until.IsZero() {
			until = "; tried again after " + f.Until.UTC().Format(time.RFC3339)
		}
		t.line(yellow, "!", f.Addr.String(), "refused", f.Reason+until)
	}
	for _, u := range r.Unmanaged {
		t.line(dim, "?", u, "unmanaged", "not ours: it stays")
	}
	t.others(r.Others)
	t.footer(r)
	_, err := io.WriteString(w, t.String())
	return err
}

type text struct {
	strings.Builder
	color bool
}

type style string

const (
	green  style = "32"
	red    style = "31"
	yellow style = "33"
	dim    style = "2"
	bold   style = "1"
)

func (t *text) paint(s style, words string) string {
	if !t.color {
		return words
	}
	return "\x1b[" + string(s) + "m" + words + "\x1b[0m"
}

func (t *text) printf(format string, args ...any) { fmt.Fprintf(t, format, args...) }

// Printable makes a text that comes from elsewhere fit for a terminal: control characters become spaces, and so do those
// that turn the direction of writing.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

func (t *text) line(s style, sign, addr, action, why string) {
	t.printf("  %s %-15s  %-12s  %s\n", t.paint(s, sign), Printable(addr), Printable(action), Printable(why))
}

func (t *text) header(r Report) {
	t.printf("%s  %s\n", t.paint(bold, r.Binding), strings.Join(r.Hostnames, ", "))
	t.printf("  port %d of %s\n", r.Port, r.TargetGroup)
	by := ""
	if r.DNS != "" {
		by = " (" + r.DNS + ")"
	}
	t.printf("  %s resolved%s: %s\n", count(len(r.Resolved), "address", "addresses"), by, list(r.Resolved))
	t.paused(r.Paused)
	t.printf("\n")
}

// list names at most the first dozen addresses.
func list(addrs []netip.Addr) string {
	const most = 12
	var words []string
	for _, a := range addrs[:min(len(addrs), most)] {
		words = append(words, a.String())
	}
	if len(addrs) > most {
		words = append(words, fmt.Sprintf("and %d more", len(addrs)-most))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " ")
}

func (t *text) additions(r Report) {
	if r.Planned != nil {
		for _, a := range r.Planned.Register {
			t.line(green, "+", a.String(), "register", "observed")
		}
	}
	for _, a := range r.Registered {
		t.line(green, "+", a.String(), "registered", "observed")
	}
}

func (t *text) departures(r Report) {
	why := map[netip.Addr]string{}
	for _, m := range r.Plan.Missing {
		why[m.Addr] = m.String()
	}
	if r.Planned != nil {
		for _, a := range r.Planned.Deregister {
			t.line(red, "-", a.String(), "deregister", why[a])
		}
	}
	for _, a := range r.Deregistered {
		t.line(red, "-", a.String(), "deregistered", why[a])
	}
	for _, h := range r.Plan.Held {
		t.line(yellow, "~", h.Addr.String(), "held", h.Reason+leaves(h))
	}
}

// leaves says how long it takes at the least until a held target leaves.
func leaves(h Held) string {
	var parts []string
	if h.Rounds > 0 {
		parts = append(parts, count(h.Rounds, "round", "rounds"))
	}
	if h.Wait > 0 {
		parts = append(parts, h.Wait.Round(time.Second).String())
	}
	if len(parts) == 0 {
		return ""
	}
	return "; leaves in " + strings.Join(parts, " and ") + " at the earliest"
}

// others tells what somebody else did to the group, and what nobody has done.
func (t *text) others(o *OthersReport) {
	if o == nil {
		return
	}
	for _, s := range o.Steps {
		color := yellow
		if s.Verdict == StepRight {
			color = dim
		}
		t.line(color, "@", s.Addr.String(), s.Action, "by another, "+s.Verdict+": "+s.Why)
	}
	for _, d := range o.Overdue {
		t.line(yellow, "@", d.Addr.String(), d.Action, "overdue: nobody has done it, this binding would have at "+d.Since.UTC().Format(time.RFC3339))
	}
}

func (t *text) footer(r Report) {
	for _, w := range r.Warnings {
		t.printf("  %s %s\n", t.paint(yellow, "warning:"), Printable(w))
	}
	if r.Inconclusive != "" {
		t.printf("  %s %s\n", t.paint(yellow, "inconclusive:"), Printable(r.Inconclusive))
	}
	if r.Error != "" {
		t.printf("  %s %s\n", t.paint(red, "error:"), Printable(r.Error))
	}
	leaving := len(r.Deregistered)
	verb, sums := "Done", []string{fmt.Sprintf("%d registered", len(r.Registered)), fmt.Sprintf("%d deregistered", leaving)}
	if r.Planned != nil {
		leaving = len(r.Planned.Deregister)
		verb, sums = "Plan", []string{fmt.Sprintf("%d to register", len(r.Planned.Register)), fmt.Sprintf("%d to deregister", leaving)}
	}
	sums = append(sums, fmt.Sprintf("%d held", len(r.Held)), fmt.Sprintf("%d refused", len(r.Refused)),
		fmt.Sprintf("%d unchanged", max(0, r.Plan.Ours-leaving-len(r.Held))))
	t.printf("%s: %s.\n", t.paint(bold, verb), strings.Join(sums, ", "))
	if r.Paused != "" {
		t.printf("%s: nothing of it is done until mooring resume.\n", t.paint(yellow, "Paused"))
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
