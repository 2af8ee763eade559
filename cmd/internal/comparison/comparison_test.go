package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring/internal/sim"
)

func committed(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// remembered is the whole study, with what docs has of its counts.
func remembered(t *testing.T) *study {
	t.Helper()
	s := newStudy(1)
	if err := s.recall([]byte(committed(t, countsName))); err != nil {
		t.Fatalf("docs/%s is not of this code; run `make comparison`: %v", countsName, err)
	}
	return s
}

// Every table, sentence and chart is made anew of the counts, which agree with the formulas and break no promise.
func TestTheDocumentShowsWhatWasCounted(t *testing.T) {
	t.Parallel()
	s := remembered(t)
	if err := s.check(); err != nil {
		t.Error(err)
	}
	files, err := s.render()
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range files {
		if string(body) != committed(t, name) {
			t.Errorf("docs/%s is not of this code and docs/%s; run `make comparison`", name, countsName)
		}
	}
}

// What can be lived in a moment is lived anew: a document that tells of other code is worth nothing.
func TestTheCountsAreOfThisCode(t *testing.T) {
	t.Parallel()
	s, anew := remembered(t), newStudy(1)
	anew.jobs = slices.DeleteFunc(anew.jobs, func(j job) bool { return j.weight() > moment })
	if err := anew.live(2, io.Discard); err != nil {
		t.Fatal(err)
	}
	lived := map[place]bool{} // of any row
	for _, j := range anew.jobs {
		lived[place{strings.TrimPrefix(j.section, beginning), "", j.who}] = true
		if was, is := s.outcomes[j.place], anew.outcomes[j.place]; !reflect.DeepEqual(was, is) {
			t.Errorf("%s, %s, %s: docs/%s has\n%+v, and this code makes\n%+v; run `make comparison`", j.section, j.row, j.who, countsName, was, is)
		}
	}
	t.Logf("%d of %d are lived anew", len(anew.jobs), len(s.jobs))
	for _, section := range []string{steady, cached, replaced, lingers, scaleIn, scaleOut, trouble} {
		for _, who := range contenders() {
			if !lived[place{section, "", who}] {
				t.Errorf("nothing of %q is lived anew by %s", section, who)
			}
		}
	}
}

// Counts of another plan are refused: another number of days, a place too many or too few.
func TestCountsOfAnotherPlanAreRefused(t *testing.T) {
	t.Parallel()
	s := remembered(t)
	short := newStudy(1)
	short.jobs = short.jobs[1:]
	counts, err := s.counts()
	if err != nil {
		t.Fatal(err)
	}
	if short.recall(counts) == nil {
		t.Error("a place too many is not refused")
	}
	if newStudy(2).recall(counts) == nil {
		t.Error("half of the days are not refused")
	}
	s.jobs = s.jobs[1:]
	if counts, err = s.counts(); err != nil {
		t.Fatal(err)
	}
	if newStudy(1).recall(counts) == nil {
		t.Error("a place too few is not refused")
	}
}

func TestTheDocumentCanBeWritten(t *testing.T) {
	t.Parallel()
	s := newStudy(1)
	for _, j := range s.jobs {
		s.outcomes[j.place] = &outcome{Minutes: day, Lives: 1}
		s.outcomes[j.place].Capacity = make([]float64, 36)
	}
	files, err := s.render()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 6 || strings.Contains(string(files["comparison.md"]), "<no value>") {
		t.Errorf("%d files: %s", len(files), files["comparison.md"])
	}
}

// The older functions fail as it was foreseen, and mooring holds.
func TestTheComparisonSaysWhatWasForeseen(t *testing.T) {
	t.Parallel()
	s := remembered(t)
	for _, row := range sizes(replaced) {
		for _, who := range []string{"v1", "v2", "v3 each minute", "monitor"} {
			if o := s.of(replaced, row, who); o.Best > 0 {
				t.Errorf("%s of %s addresses serves %.2f at the worst of its best phase", who, row, o.Best)
			}
		}
		if o := s.of(replaced, row, mooringName); o.Lowest < 1 || o.Wrong > 0 {
			t.Errorf("mooring of %s addresses serves %.2f at the worst, %d wrong", row, o.Lowest, o.Wrong)
		}
	}
	for _, j := range s.jobs {
		o := s.of(j.section, j.row, j.who)
		if j.who == mooringName && !strings.HasPrefix(j.section, beginning) && (o.Wrong > 0) != (j.row == "all servers 10 min behind") {
			t.Errorf("%s, %s: mooring removes %d wrongly", j.section, j.row, o.Wrong)
		}
	}
	if rate, _ := yearly(steady, 24, "v3 each minute"); rate < 30 || rate > 100 {
		t.Errorf("of 24 addresses %.0f are wrongly removed a year, want some tens", rate)
	}
}

// The sentences that have no figure of their own.
func TestWhatTheDocumentSaysInWordsIsSo(t *testing.T) {
	t.Parallel()
	s := remembered(t)
	in := func(row, who string) *outcome { return s.of(trouble, row, who) }
	for what, holds := range map[string]bool{
		"v3 is not misled where all servers are behind, and the others are": in("all servers 10 min behind", "v3").Wrong == 0 &&
			in("all servers 10 min behind", mooringName).Wrong == in("all servers 10 min behind", "v2").Wrong,
		"v3's schedule spares it a full replacement":               s.of(replaced, "16", "v3").Lowest == 1,
		"whether v3 does, where hosts answer for less, is luck":    s.of(lingers, "8", "v3").Lowest == 0 && s.of(lingers, "8", "v3").Best == 1,
		"a deleted memory is worst for mooring, not for v1 and v2": in("the memory is deleted", mooringName).dead() > 100 && in("the memory is deleted", "v2").dead() < 1,
		"one server that fails harms only v3's additions": in("one server fails", "v2").wait() < time.Minute &&
			in("one server fails", "monitor").Wrong == 0 && in("one server fails", "v3").wait() > in("none", "v3").wait(),
		"where all fails only the monitor removes":           in("the resolver fails", "monitor").Wrong > 0 && in("the resolver fails", "v3").Wrong == 0,
		"v1 and v2 are misled by their own server only":      in("one server 10 min behind: v1's and v2's", "v1").Wrong > 0 && in("one server 10 min behind: the other", "v1").Wrong == 0,
		"a list that fails keeps new addresses from mooring": in("the group cannot be listed", mooringName).wait() > in("the group cannot be listed", "v2").wait(),
		"mooring asks more than v2 from some size on": s.of(steady, "32", mooringName).DNS/s.of(steady, "32", mooringName).Minutes < 50 &&
			s.of(steady, "48", mooringName).DNS/s.of(steady, "48", mooringName).Minutes > 50,
	} {
		if !holds {
			t.Error(what + ": it is not so")
		}
	}
}

// One run of ten lookups misses 24 addresses rarely, and three in a row more rarely: some tens a year, as counted. Behind a
// cache it is some thousands a week.
func TestACountThatIsFarFromItsFormulaIsRefused(t *testing.T) {
	t.Parallel()
	s := newStudy(1)
	for _, c := range []struct {
		at       place
		days     int
		ok, lies []int
	}{
		{place{steady, "24", "v3 each minute"}, 365, []int{65, 40}, []int{650, 6}},
		{place{steady, "16", "v1"}, 60, []int{0}, []int{1}},
		{place{cached, "24", "v1"}, 7, []int{23_893}, []int{17_127, 30_000}},
		{place{cached, "24", "v2"}, 7, []int{17_127}, []int{23_893, 10_000}},
		{place{steady, "24", mooringName}, 30, []int{0}, []int{1}},
		{place{cached, "8", mooringName}, 14, []int{0}, []int{1}},
	} {
		s.jobs = []job{{place: c.at}}
		for _, n := range append(c.ok, c.lies...) {
			s.outcomes[c.at] = &outcome{Minutes: c.days * day, Result: sim.Result{Wrong: n, Tally: sim.Tally{DNS: 30 * c.days * day}}}
			if err := s.check(); (err == nil) != slices.Contains(c.ok, n) {
				t.Errorf("%+v, %d: %v", c.at, n, err)
			}
		}
	}
}

func TestHelpIsAnAnswerAndMoreArgumentsAreAnError(t *testing.T) {
	for _, arg := range []string{"-h", "--help"} {
		var answer, progress strings.Builder
		if err := run([]string{arg}, &answer, &progress); err != nil || !strings.HasPrefix(answer.String(), "Usage: comparison ") || progress.Len() > 0 {
			t.Errorf("%s: %v, answers %q and says %q", arg, err, answer.String(), progress.String())
		}
	}
	for _, args := range [][]string{{"docs"}, {"-out", t.TempDir(), "more"}, {"-depth", "3"}} {
		var answer, progress strings.Builder
		if err := run(args, &answer, &progress); err == nil || !strings.HasPrefix(progress.String(), "Usage: comparison ") || answer.Len() > 0 {
			t.Errorf("%q: %v, answers %q and says %q", args, err, answer.String(), progress.String())
		}
	}
}

func TestACellShowsBothEndsOfItsPhases(t *testing.T) {
	never := sim.Result{Lowest: 0.5, Settled: -1}
	for want, results := range map[string][]sim.Result{
		"1.00, 9 min":                       {{Lowest: 1, Settled: 9}, {Lowest: 1, Settled: 9}},
		"0.00 to 1.00, 11 to 15 min":        {{Lowest: 1, Settled: 11}, {Lowest: 0, Settled: 15}, {Lowest: 0.5, Settled: 12}},
		"0.50, never, 4 wrong":              {never, {Lowest: 0.5, Settled: -1, Wrong: 4}},
		"0.50 to 0.75, 7 min to never":      {never, {Lowest: 0.75, Settled: 7}, {Lowest: 0.75, Settled: 8}},
		"0.25 to 0.50, 0 min to never":      {{Lowest: 0.25}, never},
		"0.20 to 0.30, 0 to 3 min, 3 wrong": {{Lowest: 0.2, Wrong: 1}, {Lowest: 0.3, Settled: 3, Wrong: 2}},
	} {
		o := &outcome{}
		for _, r := range results {
			o.add(sim.Contest{}, r)
		}
		s := &study{outcomes: map[place]*outcome{{replaced, "4", "v3"}: o}}
		if got := s.serving(replaced)("4", "v3"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
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
