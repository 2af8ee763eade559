package probe

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText renders a verdict for people: a line for each address that was asked, and one for each check.
func (v Verdict) WriteText(w io.Writer, color bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", v.Binding, v.TargetGroup)
	fmt.Fprintf(&b, "  asked for %s\n\n", brief(v.Host))
	if len(v.Answers) > 0 {
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "  ADDRESS\tPORT\tZONE\tANSWER\tCONNECT\tTLS\tFIRST BYTE\n")
		for _, r := range v.Answers {
			fmt.Fprintf(table, "  %s\t%d\t%s\t%s\t%s\t%s\t%s\n",
				r.Addr, r.Port, orDash(brief(r.Zone)), r.words(), milliseconds(r.ConnectMS), milliseconds(r.HandshakeMS), milliseconds(r.FirstByteMS))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	for _, c := range v.Checks {
		fmt.Fprintf(&b, "  %s  %-11s  %s\n", paint(c.State, color), c.Name, c.Saw)
		if c.Hint != "" && c.State != Pass {
			fmt.Fprintf(&b, "  %-7s  %-11s  hint: %s\n", "", "", c.Hint)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// words are what an address answered.
func (r Result) words() string {
	switch {
	case r.Error != "" && !r.Connected:
		return "none"
	case r.Error != "":
		return r.Scheme + " failed"
	case r.Status == 0:
		return r.Scheme
	case r.Location != "":
		return fmt.Sprintf("%s %d to %.60s", r.Scheme, r.Status, r.Location)
	default:
		return fmt.Sprintf("%s %d", r.Scheme, r.Status)
	}
}

func milliseconds(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", ms)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// paint pads a state, and colours it on a terminal.
func paint(s State, color bool) string {
	word := fmt.Sprintf("%-7s", s)
	code := map[State]string{Pass: "32", Warn: "33", Fail: "31", Unknown: "33"}[s]
	if !color || code == "" {
		return word
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}
