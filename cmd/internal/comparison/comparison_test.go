package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// partial is a study of a few sections, lived in a moment.
func partial(t *testing.T, wanted func(job) bool) *study {
	t.Helper()
	s := newStudy(1)
	var jobs []job
	for _, j := range s.jobs {
		if wanted(j) {
			jobs = append(jobs, j)
		}
	}
	s.jobs = jobs
	if err := s.live(2, io.Discard); err != nil {
		t.Fatal(err)
	}
	return s
}

func committed(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// What can be lived in a moment is lived anew: a document that tells of other code is worth nothing.
func TestTheDocumentIsOfThisCode(t *testing.T) {
	t.Parallel()
	s := partial(t, func(j job) bool { return j.section == lingers || j.section == replaced })
	doc := committed(t, "comparison.md")
	for what, part := range map[string]string{
		"the formula's table":            formulaTable(),
		"the table of hosts that linger": s.tablesOf(lingers),
		"the table of replacements":      s.tablesOf(replaced),
	} {
		if !strings.Contains(doc, part) {
			t.Errorf("docs/comparison.md does not have %s; run `make comparison`:\n%s", what, part)
		}
	}
	if chart := string(s.replacementChart("16")); chart != committed(t, "comparison/full-replacement.svg") {
		t.Error("docs/comparison/full-replacement.svg is not of this code; run `make comparison`")
	}
}

func TestTheDocumentCanBeWritten(t *testing.T) {
	t.Parallel()
	s := newStudy(1)
	for _, j := range s.jobs {
		s.outcomes[j.place] = &outcome{Minutes: day, Lives: 1}
		s.outcomes[j.place].Capacity = make([]float64, 240)
	}
	files, err := s.render()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 5 || strings.Contains(string(files["comparison.md"]), "<no value>") {
		t.Errorf("%d files: %s", len(files), files["comparison.md"])
	}
}

// The older functions fail as it was foreseen, and mooring holds.
func TestTheComparisonSaysWhatWasForeseen(t *testing.T) {
	t.Parallel()
	s := partial(t, func(j job) bool { return j.section == replaced && j.row != "100" && j.row != "48" })
	for _, row := range []string{"4", "16"} {
		for _, who := range []string{"v1", "v2", "v3 each minute", "monitor"} {
			if o := s.of(replaced, row, who); o.Lowest > 0 {
				t.Errorf("%s of %s addresses serves %.2f at the worst", who, row, o.Lowest)
			}
		}
		if o := s.of(replaced, row, mooringName); o.Lowest < 1 || o.Wrong > 0 {
			t.Errorf("mooring of %s addresses serves %.2f at the worst, %d wrong", row, o.Lowest, o.Wrong)
		}
	}
	if rate, _ := yearly(steady, 24, "v3 each minute"); rate < 30 || rate > 100 {
		t.Errorf("of 24 addresses %.0f are wrongly removed a year, want some tens", rate)
	}
}

// One run of ten lookups misses 24 addresses rarely, and three in a row more rarely: some tens a year, as counted.
func TestACountThatIsFarFromItsFormulaIsRefused(t *testing.T) {
	t.Parallel()
	s := newStudy(1)
	for _, j := range s.jobs {
		s.outcomes[j.place] = &outcome{Minutes: 365 * day}
	}
	at := place{steady, "24", "v3 each minute"}
	s.outcomes[at].Wrong = 65
	if s.jobs = []job{{place: at}}; s.check() != nil {
		t.Errorf("65 are refused: %v", s.check())
	}
	s.outcomes[at].Wrong = 650
	if s.check() == nil {
		t.Error("650 are not refused")
	}
}

func TestTheChartsAreReadableByAll(t *testing.T) {
	for _, name := range []string{"healthy-dns", "one-cache", "full-replacement", "caution"} {
		svg := committed(t, "comparison/"+name+".svg")
		for _, must := range []string{"<title id=", "<desc id=", `role="img"`, "prefers-color-scheme: dark"} {
			if !strings.Contains(svg, must) {
				t.Errorf("%s has no %s", name, must)
			}
		}
		for _, never := range []string{"<script", "href", "@font-face", "@import", "NaN", "Inf"} {
			if strings.Contains(svg, never) {
				t.Errorf("%s has %s", name, never)
			}
		}
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestNumbersAreForPeople(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 5e-20: "< 1e-12", 3e-12: "3e-12", 0.0082: "0.0082", 2.31: "2.3", 65.4: "65", 88712: "89,000", 2.41e6: "2,400,000"} {
		if got := number(x); got != want {
			t.Errorf("%g is written %q, want %q", x, got, want)
		}
	}
}
