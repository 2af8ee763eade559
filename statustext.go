package mooring

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText renders a status for people: one line an address, then what is known of the binding.
func (s Status) WriteText(w io.Writer, color bool) error {
	t := &text{color: color}
	t.printf("%s  %s\n", t.paint(bold, s.Binding), strings.Join(s.Hostnames, ", "))
	t.printf("  %s of %s\n", portWords(s.Port), s.TargetGroup)
	t.paused(s.Paused)
	t.printf("\n")
	var ours, healthy, missing, refused int
	for _, a := range s.Addresses {
		t.address(s, a)
		ours += btoi(a.Ours)
		healthy += btoi(a.Ours && a.Health == HealthHealthy)
		missing += btoi(a.Absence != nil)
		refused += btoi(a.Refused != "")
	}
	for _, a := range s.Unmanaged {
		t.address(s, a)
	}
	if len(s.Addresses)+len(s.Unmanaged) > 0 {
		t.printf("\n")
	}
	if s.Another != "" {
		t.printf("  %s another program manages the same targets: %s\n", t.paint(yellow, "warning:"), Printable(s.Another))
	}
	t.history(s)
	if s.Error != "" {
		t.printf("  %s %s\n", t.paint(red, "error:"), Printable(s.Error))
	}
	t.printf("%s: %d ours, %d healthy, %d missing, %d refused, %d unmanaged.\n", t.paint(bold, "Status"),
		ours, healthy, missing, refused, len(s.Unmanaged))
	_, err := io.WriteString(w, t.String())
	return err
}

func portWords(port uint16) string {
	if port == 0 {
		return "the own port"
	}
	return fmt.Sprintf("port %d", port)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// paused says what nobody should overlook.
func (t *text) paused(p string) {
	if p != "" {
		t.printf("  %s\n", t.paint(yellow, Printable(p)))
	}
}

// address is one line about one address.
func (t *text) address(s Status, a AddressStatus) {
	color, sign := green, "="
	switch {
	case a.Refused != "":
		color, sign = yellow, "!"
	case a.Absence != nil:
		color, sign = yellow, "~"
	case !a.Ours:
		color, sign = dim, "?"
	case a.Health == "":
		color, sign = dim, "."
	case a.Health != HealthHealthy:
		color, sign = yellow, "="
	}
	var parts []string
	if a.Zone != "" {
		parts = append(parts, a.Zone)
	}
	switch {
	case a.Absence != nil:
		parts = append(parts, a.Absence.tell(s.At))
	case !a.Ours && a.Refused == "":
		parts = append(parts, unownedWords(s))
	case !a.Since.IsZero():
		parts = append(parts, "ours for "+span(s.At.Sub(a.Since)))
	}
	if a.HealthReason != "" {
		parts = append(parts, a.HealthReason)
	}
	if a.Refused != "" {
		parts = append(parts, "refused until "+a.RefusedUntil.UTC().Format(time.RFC3339)+": "+a.Refused)
	}
	t.line(color, sign, a.Addr.String(), a.health(s.GroupErr), strings.Join(parts, ", "))
}

func unownedWords(s Status) string {
	if s.Memory.Revision == 0 && s.Memory.Note != "" {
		return "no memory says whether it is ours"
	}
	return "unmanaged: not ours, it stays"
}

// health is the target's, in a word or three.
func (a AddressStatus) health(groupErr error) string {
	if groupErr != nil {
		return "not read"
	}
	return cmp.Or(string(a.Health), "not in the group")
}

// tell says since when an address is missing and when it can leave.
func (a *Absence) tell(now time.Time) string {
	text := fmt.Sprintf("missing for %s, in %s, with a chance of %.2g that it was only not seen",
		span(now.Sub(a.Since)), count(a.Missed, "round", "rounds"), a.MissProbability)
	if a.Stays != "" {
		return text + "; it stays: " + a.Stays
	}
	if a.Held != "" {
		text += "; kept by " + a.Held
	}
	return text + a.leaves()
}

// history tells what memory holds of the binding as a whole.
func (t *text) history(s Status) {
	if line := Sparkline(s.Counts, s.At, sparkColumns); line != "" {
		least, most, now := extremes(s.Counts)
		t.printf("  addresses      %s  least %d, most %d, now %d, over %s\n", line, least, most, now, span(s.At.Sub(s.Counts[0].At)))
	}
	if d := s.Last; d != nil {
		t.printf("  last decision  %s ago: %s\n", span(s.At.Sub(d.At)), Printable(d.line()))
	}
	switch m := s.Memory; {
	case m.Note != "":
		t.printf("  memory         %s\n", Printable(m.Note))
	default:
		t.printf("  memory         revision %d, saved at %s, %s ago, by %s\n", m.Revision, m.Saved.UTC().Format(time.RFC3339),
			span(s.At.Sub(m.Saved)), Printable(cmp.Or(m.Program, "unknown")))
	}
}

// line is a decision in one line.
func (d Decision) line() string {
	words := d.Action
	if d.Addr.IsValid() {
		words = d.Addr.String() + " " + words
	}
	if d.Why != "" {
		words += ": " + d.Why
	}
	if d.Program != "" {
		words += " (" + d.Program + ")"
	}
	return words
}

// span is a length of time as people say it: two units at the most.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(0, d)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	}
}

const sparkColumns = 40

// Sparkline draws counts, each of which holds until the next one, from the first of them until now: one bar a column,
// what the count was at the column's end, from an empty bar's foot so that heights compare as counts do.
func Sparkline(counts []Count, now time.Time, columns int) string {
	if len(counts) == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	_, most, _ := extremes(counts)
	from := counts[0].At
	whole := max(0, now.Sub(from))
	var line strings.Builder
	at := 0
	for column := 1; column <= columns; column++ {
		end := from.Add(time.Duration(float64(whole) * float64(column) / float64(columns)))
		for at+1 < len(counts) && !counts[at+1].At.After(end) {
			at++
		}
		bar := 0
		if most > 0 {
			bar = max(0, counts[at].N) * (len(bars) - 1) / most
		}
		line.WriteRune(bars[bar])
	}
	return line.String()
}

func extremes(counts []Count) (least, most, now int) {
	least = counts[0].N
	for _, c := range counts {
		least, most, now = min(least, c.N), max(most, c.N), c.N
	}
	return least, most, now
}
