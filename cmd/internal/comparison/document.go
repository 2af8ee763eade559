package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"text/template"

	"mooring/internal/sim"
)

//go:embed comparison.md.tmpl
var document string

// render returns the document and its charts, by their names below docs.
func (s *study) render() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, chart := range s.charts() {
		files["comparison/"+name+".svg"] = chart
	}
	t, err := template.New("comparison").Option("missingkey=error").Funcs(template.FuncMap{
		"of": s.of, "span": span, "stayed": func(o *outcome) string { return fmt.Sprintf("%.1f", o.dead()) },
	}).Parse(document)
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

// tables are the tables of the document, by the names that its template has for them.
func (s *study) tables() map[string]string {
	return map[string]string{
		"Steady":       grid("addresses", sizes(steady), s.rates(steady)),
		"SteadyLowest": grid("addresses", sizes(steady), func(row, who string) string { return fmt.Sprintf("%.2f", s.of(steady, row, who).Lowest) }),
		"Formula":      formulaTable(),
		"Cached":       grid("addresses", sizes(cached), s.rates(cached)),
		"CachedLowest": grid("addresses", sizes(cached), func(row, who string) string { return fmt.Sprintf("%.2f", s.of(cached, row, who).Lowest) }),
		"Replaced":     s.tablesOf(replaced),
		"Lingers":      s.tablesOf(lingers),
		"ScaleIn":      grid("addresses", scaleRows(scaleIn), s.stayed(scaleIn)),
		"ScaleOut":     grid("addresses", scaleRows(scaleOut), s.waited(scaleOut)),
		"Harm":         grid("trouble", classNames(), s.harm),
		"Delay":        grid("trouble", classNames(), s.delay),
		"Calls":        s.calls(),
	}
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
			row = append(row, number(sim.WrongRemovals(n, 8, c.lookups, c.misses, year)))
		}
		rows = append(rows, row)
	}
	return table(rows)
}
