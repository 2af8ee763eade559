package demo

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

func (p sheet) title(int) []row {
	left := row{}.add(strong, "mooring").add(usual, "  ").add(fresh, p.Fixed).add(faint, " → ").add(usual, p.Name)
	return []row{ends(left, row{}.add(faint, clockText(p.Elapsed)), p.width)}
}

// progress is a bar with the story's numbers at its right. The bar has what they leave.
func (p sheet) progress(int) []row {
	numbers := []string{
		fmt.Sprintf("step %d of %d", p.Step, p.Steps),
		fmt.Sprintf("%s at %sx", clockText(p.Clock), strconv.FormatFloat(p.Speed, 'g', 3, 64)),
		countText(p.Rounds, "round"),
		countText(p.Changes, "change"),
	}
	const leastBar = 10
	n := len(numbers)
	for n > 1 && len(strings.Join(numbers[:n], " · "))+2+leastBar > p.width {
		n--
	}
	text := row{}.add(usual, numbers[0])
	for _, number := range numbers[1:n] {
		text = text.add(faint, " · ").add(usual, number)
	}
	width := p.width - text.width() - 2
	if width < leastBar {
		return []row{text}
	}
	done := width * btoi(p.Done)
	if !p.Done && p.Steps > 0 {
		done = int(float64(width) * min(max(float64(p.Step)/float64(p.Steps), 0), 1))
	}
	bar := row{}.add(fresh, times("━", done)).add(faint, times("─", width-done))
	return []row{append(bar.add(usual, "  "), text...)}
}

// chapter has a line of air above it where it leaves one.
func (p sheet) chapter(lines int) []row {
	const airy = 3
	out := wrap(strong, p.Chapter, p.width, lines)
	if lines >= airy && len(out) < lines {
		return append([]row{nil}, out...)
	}
	return out
}

// tallies are the two clients side by side: the problem next to its solution.
func (p sheet) tallies(lines int) []row {
	const between = 2
	half := (p.width - between) / 2
	left := tallyRows("fixed address", "with mooring", p.Front, half)
	right := tallyRows("pinned addresses", "without", p.Pinned, p.width-between-half)
	out := make([]row, min(lines, len(left)))
	for i := range out {
		out[i] = append(left[i].fill(half).add(usual, "  "), right[i]...)
	}
	return out
}

func tallyRows(name, remark string, t Tally, width int) []row {
	mark, color := "✓ ", good
	if t.Failures > 0 {
		mark, color = "✗ ", bad
	}
	requests, failures := countText(t.Requests, "request"), mark+countText(t.Failures, "failure")
	short := mark + thousandsText(t.Failures) + " failed"
	var numbers row
	for _, pair := range [][2]string{ // the first that fits
		{requests, failures + percentText(t)},
		{requests, failures},
		{requests, short},
		{thousandsText(t.Requests), short},
		{"", short + " of " + thousandsText(t.Requests)},
		{"", mark + thousandsText(t.Failures) + " of " + thousandsText(t.Requests)},
	} {
		left, right := row{}.add(strong, pair[0]), row{}.add(color, pair[1])
		numbers = append(left.fill(max(width-right.width(), 0)), right...)
		if left.width()+2*btoi(pair[0] != "")+right.width() <= width {
			break
		}
	}
	return []row{headingIfWide(name, remark, width), numbers.cut(width), shareBar(t, width)}
}

// headingIfWide leaves the remark out where it would squeeze the name.
func headingIfWide(name, remark string, width int) row {
	if width < len("── ")+len(name)+len(remark)+4 {
		remark = ""
	}
	return heading(name, row{}.add(faint, remark), width)
}

// shareBar is a line whose failed part differs in its shape too.
func shareBar(t Tally, width int) row {
	if t.Requests <= 0 {
		return row{}.add(faint, times("─", width))
	}
	failed := 0
	if t.Failures > 0 { // a single one is seen
		failed = max(int(float64(width)*min(float64(t.Failures)/float64(t.Requests), 1)), min(width, 1))
	}
	return row{}.add(good, times("━", width-failed)).add(gone, times("×", failed))
}

// decisions are the last ones, the newest at the bottom.
func (p sheet) decisions(lines int) []row {
	var doubt row
	if p.Doubt != "" {
		doubt = row{}.add(wary, "last round inconclusive: "+p.Doubt).cut(p.width - len("── decisions ─ "))
	}
	out := []row{heading("decisions", doubt, p.width)}
	if len(p.Decisions) == 0 {
		return append(out, row{}.add(faint, "none yet"))
	}
	for _, d := range p.Decisions[max(len(p.Decisions)-(lines-1), 0):] {
		out = append(out, p.decision(d))
	}
	return out
}

func (p sheet) decision(d Decision) row {
	color, sign := usual, "  "
	switch d.Action {
	case "registered":
		color, sign = good, "+ "
	case "deregistered":
		color, sign = gone, "- "
	case "held":
		color, sign = wary, "~ "
	}
	r := row{}.add(faint, fmt.Sprintf("%6s  ", clockText(d.At)))
	r = append(r, row{}.add(color, sign+d.Action).fill(len("- deregistered"))...)
	left := p.width - r.width() - 4
	named := fewAddrs(d.Addrs, 4)
	for most := 3; most > 0 && len([]rune(named+d.Why)) > left; most-- { // the reason matters more
		named = fewAddrs(d.Addrs, most)
	}
	return r.add(usual, "  "+named).add(faint, "  "+d.Why).cut(p.width)
}

// fewAddrs names at most so many addresses, and counts the others.
func fewAddrs(addrs []netip.Addr, most int) string {
	var words []string
	for _, a := range addrs[:min(len(addrs), most)] {
		words = append(words, a.String())
	}
	text := strings.Join(words, " ")
	if len(addrs) > most {
		text += fmt.Sprintf(" +%d more", len(addrs)-most)
	}
	return text
}

func (p sheet) footer(int) []row {
	right := row{}.add(strong, p.leave).add(faint, " quit")
	left := row{}.add(faint, "at most: a live address missing "+secondsText(p.LongestMissing)+
		", a dead one registered "+secondsText(p.LongestStale))
	if left.width()+2+right.width() > p.width {
		left = row{}.add(faint, "missing "+secondsText(p.LongestMissing)+", stale "+secondsText(p.LongestStale)+" at most")
	}
	return []row{ends(left, right, p.width)}
}

// heading is a rule with a name at its left and a remark at its right.
func heading(name string, remark row, width int) row {
	left := row{}.add(faint, "── ").add(usual, name).add(usual, " ")
	if remark.width() == 0 {
		return left.add(faint, times("─", width-left.width())).cut(width)
	}
	rule := width - left.width() - remark.width() - 1
	return append(left.add(faint, times("─", rule)).add(usual, " "), remark...).cut(width)
}

// clockText is a duration as minutes and seconds, with hours where there are any.
func clockText(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

func secondsText(d time.Duration) string {
	return strconv.FormatFloat(max(d, 0).Seconds(), 'f', 1, 64) + " s"
}

func countText(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousandsText(n) + " " + noun + "s"
}

func thousandsText(n int) string {
	digits := strconv.Itoa(max(n, 0))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percentText is the failed share. What is not nothing never reads as nothing.
func percentText(t Tally) string {
	if t.Requests <= 0 || t.Failures <= 0 {
		return ""
	}
	share := 100 * float64(t.Failures) / float64(t.Requests)
	return fmt.Sprintf(" (%.1f %%)", cmp.Or(math.Round(share*10)/10, 0.1))
}
