package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// charts are the pictures of the document, by their names.
func (s *study) charts() map[string][]byte {
	return map[string][]byte{
		"healthy-dns":      s.rateChart(steady, "Live targets wrongly removed a year, healthy DNS"),
		"one-cache":        s.rateChart(cached, "Live targets wrongly removed a year, behind one caching resolver"),
		"full-replacement": s.replacementChart("16"),
		"caution":          s.cautionChart(),
	}
}

const (
	leastRate = 1e-6
	mostRate  = 1e8
)

// rateChart draws the formula as lines and what was counted as marks.
func (s *study) rateChart(section, title string) []byte {
	c := &chart{
		title: title, xlabel: "addresses behind the name", ylabel: "a year (line: formula; dot: counted; triangle: none counted, 95 % below)",
		x: axis{min: 1, max: 200, log: true}, y: axis{min: leastRate, max: mostRate, log: true},
	}
	if section == cached {
		c.x.min, c.x.max = 6, 60
	}
	for _, row := range sizes(section) {
		n, _ := strconv.Atoi(row)
		c.x.ticks = append(c.x.ticks, tick{float64(n), row})
	}
	for e := -6; e <= 8; e += 2 {
		c.y.ticks = append(c.y.ticks, tick{math.Pow(10, float64(e)), tens(e)})
	}
	var told []string
	for _, who := range contenders() {
		line := series{name: who}
		for _, row := range sizes(section) {
			n, _ := strconv.Atoi(row)
			o := s.of(section, row, who)
			rate, ok := yearly(section, n, who)
			if !ok {
				rate = o.bound(n)
			}
			if rate > leastRate {
				line.line = append(line.line, point{float64(n), rate})
			}
			if perYear := year / float64(o.Minutes); o.Wrong > 0 {
				line.marks = append(line.marks, point{float64(n), float64(o.Wrong) * perYear})
			} else {
				line.limits = append(line.limits, point{float64(n), 3 * perYear})
			}
		}
		last := sizes(section)[len(sizes(section))-1]
		o := s.of(section, last, who)
		told = append(told, fmt.Sprintf("%s: %s in %s at %s addresses", who, thousands(o.Wrong), span(o.Minutes), last))
		c.series = append(c.series, line)
	}
	c.desc = title + ", over the number of addresses, both logarithmic. " + strings.Join(told, "; ") + "."
	return c.draw()
}

func tens(e int) string {
	switch e {
	case 0:
		return "1"
	case 2:
		return "100"
	case 4:
		return "10,000"
	case 6:
		return "1 million"
	case 8:
		return "100 million"
	}
	return "1e" + strconv.Itoa(e)
}

// replacementChart draws the serving capacity, minute by minute.
func (s *study) replacementChart(row string) []byte {
	c := &chart{
		title:  "Serving capacity while all " + row + " addresses are replaced",
		xlabel: fmt.Sprintf("minutes since the replacement; the old hosts answer for %d; the worst of %d phases", lingerLong, replacedPhases), ylabel: "targets that serve, for one that is needed",
		x: axis{min: float64(around.from), max: float64(around.to)}, y: axis{min: 0, max: 1.05},
	}
	for m := around.from; m <= around.to; m += 5 {
		c.x.ticks = append(c.x.ticks, tick{float64(m), strconv.Itoa(m)})
	}
	for _, v := range []float64{0, 0.25, 0.5, 0.75, 1} {
		c.y.ticks = append(c.y.ticks, tick{v, strconv.FormatFloat(v, 'g', -1, 64)})
	}
	var told []string
	for _, who := range contenders() {
		o := s.of(replaced, row, who)
		line := series{name: who}
		for i, capacity := range o.Capacity {
			line.line = append(line.line, point{float64(around.from + i), capacity})
		}
		c.series = append(c.series, line)
		told = append(told, fmt.Sprintf("%s falls to %s", who, between(o.Lowest, o.Best)))
	}
	c.desc = "The share of the needed targets that take new flows and answer, over the minutes, in the worst of the phases. " + strings.Join(told, "; ") + "."
	return c.draw()
}

// cautionChart draws for how long dead targets stay after a scale-in, over how many leave.
func (s *study) cautionChart() []byte {
	c := &chart{
		title:  "Minutes for which a target stays whose host is gone",
		xlabel: "scale-in; the hosts are gone at once", ylabel: "minutes, average of a host",
		x: axis{min: 0, max: 7}, y: axis{min: 0, max: 70},
	}
	rows := scaleRows(scaleIn)
	for i, row := range rows {
		from, _, onlyPlain := strings.Cut(row, ", ")
		if onlyPlain {
			from += " *"
		}
		c.x.ticks = append(c.x.ticks, tick{float64(i + 1), from})
	}
	for v := 0; v <= 70; v += 10 {
		c.y.ticks = append(c.y.ticks, tick{float64(v), strconv.Itoa(v)})
	}
	for _, who := range contenders() {
		line := series{name: who}
		for i, row := range rows {
			at := point{float64(i + 1), min(70, s.of(scaleIn, row, who).dead())}
			line.line, line.marks = append(line.line, at), append(line.marks, at)
		}
		c.series = append(c.series, line)
	}
	c.desc = "After each scale-in, how long the targets stayed on average; * behind one caching resolver, where mooring is slowest. The figures are in the table."
	return c.draw()
}
