package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"text/template"
	"time"

	"mooring"
	"mooring/internal/sim"
)

//go:embed comparison.md.tmpl
var document string

// render returns the document, its charts, and the counts that both are made of, by their names below docs.
func (s *study) render() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, chart := range s.charts() {
		files["comparison/"+name+".svg"] = chart
	}
	counts, err := s.counts()
	if err != nil {
		return nil, err
	}
	files[countsName] = counts
	t, err := template.New("comparison").Option("missingkey=error").Funcs(s.words()).Parse(document)
	if err != nil {
		return nil, fmt.Errorf("read the document's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, s.tables()); err != nil {
		return nil, fmt.Errorf("fill the document's template: %w", err)
	}
	files["comparison.md"] = out.Bytes()
	return files, nil
}

// words are what the document's sentences are made of, so that they say what the code does.
func (s *study) words() template.FuncMap {
	policy := mooring.DefaultPolicy()
	return template.FuncMap{
		"of":        s.of,
		"span":      span,
		"thousands": thousands,
		"minutes":   func(d time.Duration) int { return int(d / time.Minute) },
		"stayed":    func(o *outcome) string { return decimal(o.dead()) },
		"waited":    func(o *outcome) string { return minutes(o.wait()) },
		"ancestor":  ancestor,
		"aday":      func(o *outcome) string { return thousands(o.aday(o.DNS)) },
		"policy":    func() mooring.Policy { return policy },
		"percent":   func(share float64) int { return int(math.Round(share * 100)) },
		"rate":      func(n int) string { return number(sim.WrongRemovals(n, answerSize, 10, 3, year)) },
		"constants": func() map[string]any {
			return map[string]any{
				"Answer": answerSize, "Servers": sim.ContestServers, "Drain": sim.DrainFor, "Healthy": sim.HealthyAfter,
				"Serves": sim.StillServes, "Needed": sim.NeededFor, "Behind": behindBy, "Linger": lingerLong,
				"Phases": replacedPhases, "Replaced": replacedMinutes, "Lives": scaledPhases, "ScaledIn": scaledInMinutes,
				"Grown": grownMinutes, "TroubleDays": troubleDays,
			}
		},
	}
}

// ancestor is one of the older functions.
func ancestor(name string) (sim.Ancestor, error) {
	for _, a := range sim.Ancestors() {
		if a.Name == name {
			return a, nil
		}
	}
	return sim.Ancestor{}, fmt.Errorf("no older function is called %q", name)
}

// tables are the tables of the document, by the names that its template has for them.
func (s *study) tables() map[string]string {
	return map[string]string{
		"Steady":       grid("addresses", sizes(steady), s.rates(steady)),
		"SteadyLowest": s.lowestTable(steady),
		"Formula":      formulaTable(),
		"Cached":       grid("addresses", sizes(cached), s.rates(cached)),
		"CachedLowest": s.lowestTable(cached),
		"Replaced":     s.tablesOf(replaced),
		"Lingers":      s.tablesOf(lingers),
		"ScaleIn":      grid("addresses", scaleRows(scaleIn), s.stayed(scaleIn)),
		"ScaleOut":     grid("addresses", scaleRows(scaleOut), s.waited(scaleOut)),
		"Harm":         grid("trouble", classNames(), s.harm),
		"Delay":        grid("trouble", classNames(), s.delay),
		"Calls":        s.calls(),
	}
}

// lowestTable is the table of the lowest capacities, over the same time for all contenders of a row.
func (s *study) lowestTable(section string) string {
	within := map[string]int{}
	for _, j := range s.jobs {
		if j.section == section {
			within[j.row] = j.contests[0].Within
		}
	}
	rows := [][]string{append([]string{"addresses", "in"}, contenders()...)}
	for _, row := range sizes(section) {
		line := []string{row, span(within[row])}
		for _, who := range contenders() {
			line = append(line, fmt.Sprintf("%.2f", s.of(section, row, who).Lowest))
		}
		rows = append(rows, line)
	}
	return table(rows)
}

// tablesOf is the table of one of the sections of replacements.
func (s *study) tablesOf(section string) string {
	corner := "addresses"
	if section == lingers {
		corner = "minutes for which the old hosts answer"
	}
	return grid(corner, sizes(section), s.serving(section))
}

// sizes are the rows of a section.
func sizes(section string) (rows []string) {
	var ns []int
	switch section {
	case steady:
		for _, d := range steadyDays {
			ns = append(ns, d.n)
		}
	case cached:
		ns = cachedSizes
	case replaced:
		ns = replacedSizes
	case lingers:
		ns = lingerMinutes
	}
	for _, n := range ns {
		rows = append(rows, strconv.Itoa(n))
	}
	return rows
}

func scaleRows(section string) (rows []string) {
	if section == scaleOut {
		for _, c := range scaledOut {
			rows = append(rows, scaleName(c.from, c.to, 0))
		}
		return rows
	}
	for _, c := range scaledIn {
		rows = append(rows, scaleName(c.from, c.to, c.cache))
	}
	return rows
}

func classNames() (rows []string) {
	for _, c := range classes {
		rows = append(rows, c.name)
	}
	return rows
}

// formulaTable is what the formula says of lookups and misses, at a run a minute.
func formulaTable() string {
	columns := []struct{ lookups, misses int }{{10, 3}, {50, 3}, {20, 5}, {50, 5}, {50, 10}}
	head := []string{"addresses"}
	for _, c := range columns {
		head = append(head, fmt.Sprintf("%d lookups, %d misses", c.lookups, c.misses))
	}
	rows := [][]string{head}
	for _, n := range []int{16, 20, 24, 32, 48, 64, 100, 200} {
		row := []string{strconv.Itoa(n)}
		for _, c := range columns {
			row = append(row, number(sim.WrongRemovals(n, answerSize, c.lookups, c.misses, year)))
		}
		rows = append(rows, row)
	}
	return table(rows)
}
