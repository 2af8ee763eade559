package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// table renders rows of cells; the first row is the header.
func table(rows [][]string) string {
	var out strings.Builder
	for i, row := range rows {
		out.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			out.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
	return out.String()
}

// grid renders a section: a row for each of rows, a column for each contender.
func grid(corner string, rows []string, cell func(row, who string) string) string {
	out := [][]string{append([]string{corner}, contenders()...)}
	for _, row := range rows {
		line := []string{row}
		for _, who := range contenders() {
			line = append(line, cell(row, who))
		}
		out = append(out, line)
	}
	return table(out)
}

// number writes a rate with two digits.
func number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 1e-12:
		return "< 1e-12"
	case x < 0.001:
		return strconv.FormatFloat(x, 'e', 0, 64)
	case x < 10:
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	scale := math.Pow(10, math.Floor(math.Log10(x))-1)
	return thousands(int(math.Round(x/scale) * scale))
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// span writes simulated time.
func span(minutes int) string {
	switch {
	case minutes%year == 0 || minutes >= 2*year:
		return number(float64(minutes)/year) + " years"
	case minutes >= 2*day:
		return strconv.Itoa(minutes/day) + " days"
	}
	return strconv.Itoa(minutes) + " minutes"
}

// rates is a cell of wrong removals: what the formula says of a year, and what was counted.
func (s *study) rates(section string) func(row, who string) string {
	return func(row, who string) string {
		o := s.of(section, row, who)
		return formulaCell(section, row, who, o) + fmt.Sprintf(" (%s in %s)", thousands(o.Wrong), span(o.Minutes))
	}
}

// formulaCell is what the formula says; of mooring it is a bound, from the answers that it was seen to get.
func formulaCell(section, row, who string, o *outcome) string {
	n, _ := strconv.Atoi(row)
	if rate, ok := yearly(section, n, who); ok {
		return number(rate)
	}
	if most := o.bound(n); most > 0 {
		return "< " + number(most)
	}
	return "0"
}

// bound is the most that mooring removes wrongly in a year.
func (o *outcome) bound(n int) float64 {
	if n <= answerSize {
		return 0
	}
	return sim.WrongRemovalsByEvidence(float64(o.DNS)/float64(o.Minutes)*year, answerSize, missProbability)
}

// missProbability is the default policy's.
var missProbability = mooring.DefaultPolicy().MissProbability

// serving is a cell of the lowest serving capacity, and when it was over: at the worst and at the best of all phases.
func (s *study) serving(section string) func(row, who string) string {
	return func(row, who string) string {
		o := s.of(section, row, who)
		over := fmt.Sprintf("%d min", o.Settled)
		switch {
		case o.Never == o.Lives:
			over = "never"
		case o.Never > 0:
			over = fmt.Sprintf("%d min to never", o.Soonest)
		case o.Soonest < o.Settled:
			over = fmt.Sprintf("%d to %d min", o.Soonest, o.Settled)
		}
		return between(o.Lowest, o.Best) + ", " + over + wrongly(o)
	}
}

// between writes two capacities, once where they are the same.
func between(worst, best float64) string {
	low, high := fmt.Sprintf("%.2f", worst), fmt.Sprintf("%.2f", best)
	if low == high {
		return low
	}
	return low + " to " + high
}

func wrongly(o *outcome) string {
	if o.Wrong == 0 {
		return ""
	}
	return ", " + thousands(o.Wrong) + " wrong"
}

// stayed is a cell of how long the targets stayed whose hosts were gone.
func (s *study) stayed(section string) func(row, who string) string {
	return func(row, who string) string {
		o := s.of(section, row, who)
		return fmt.Sprintf("%s min, %.2f", decimal(o.dead()), o.Lowest) + wrongly(o)
	}
}

// dead is for how many minutes a target stayed whose host was gone, on average.
func (o *outcome) dead() float64 { return float64(o.Dead) / float64(max(1, o.Gone)) }

// waited is a cell of how long new addresses waited.
func (s *study) waited(section string) func(row, who string) string {
	return func(row, who string) string {
		o := s.of(section, row, who)
		cell := fmt.Sprintf("%s, %s", minutes(o.wait()), minutes(o.Longest))
		if o.Waiting > 0 {
			cell += fmt.Sprintf(", %d never", o.Waiting)
		}
		return cell
	}
}

// wait is how long a new address waited until it was registered, on average.
func (o *outcome) wait() time.Duration { return o.Waited / time.Duration(max(1, o.New-o.Waiting)) }

// decimal writes minutes: one place after the point, and none where there are a thousand.
func decimal(x float64) string {
	if x >= 1000 {
		return thousands(int(math.Round(x)))
	}
	return fmt.Sprintf("%.1f", x)
}

func minutes(d time.Duration) string { return fmt.Sprintf("%.1f", d.Minutes()) }

// harm is a cell of wrong removals and the lowest capacity.
func (s *study) harm(row, who string) string {
	o := s.of(trouble, row, who)
	return fmt.Sprintf("%s, %.2f", thousands(o.Wrong), o.Lowest)
}

// delay is a cell of how long dead targets stayed and new addresses waited.
func (s *study) delay(row, who string) string {
	o := s.of(trouble, row, who)
	cell := fmt.Sprintf("%s, %s", decimal(o.dead()), minutes(o.wait()))
	if o.Waiting > 0 {
		cell += fmt.Sprintf(", %d never", o.Waiting)
	}
	return cell
}

// aday is how many of something there were in a day.
func (o *outcome) aday(n int) int { return int(math.Round(float64(n) * day / float64(o.Minutes))) }

// calls is the table of what each of them asks for in a day.
func (s *study) calls() string {
	places := []struct{ title, section, row string }{
		{"4 to 8 addresses that change", trouble, classes[0].name}, {"24 that stay", steady, "24"}, {"100 that stay", steady, "100"},
	}
	head := []string{""}
	for _, p := range places {
		head = append(head, p.title+": ELBv2", "memory", "DNS")
	}
	rows := [][]string{head}
	for _, who := range contenders() {
		row := []string{who}
		for _, p := range places {
			o := s.of(p.section, p.row, who)
			for _, n := range []int{o.ELB, o.State, o.DNS} {
				row = append(row, thousands(o.aday(n)))
			}
		}
		rows = append(rows, row)
	}
	return table(rows)
}
