package mooring_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/sim"
)

// What the lists of mutants leave out one at a time must be every guard, every arrow of a round and every row of the
// policy: else something is trusted that nobody proved.
func TestTheMutantsCoverEveryGuardArrowAndRowOfThePolicy(t *testing.T) {
	var covered []string
	files, _ := filepath.Glob("testdata/mutants/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if things, ok := strings.CutPrefix(strings.TrimSpace(line), "covers "); ok {
				covered = append(covered, strings.Split(things, ", ")...)
			}
		}
	}
	var needed []string
	for _, g := range mooring.Guards() {
		needed = append(needed, "guard "+g.Name)
	}
	for _, p := range sim.Points() {
		needed = append(needed, "arrow "+string(p))
	}
	for _, row := range []string{
		"misses", "hold", "miss-probability", "max-leave", "make-before-break", "min-targets", "hold-max", "max-targets",
		"adopt", "refuse", "admit", "mode", "answers", "dns", "draining", "port",
	} {
		needed = append(needed, "policy "+row)
	}
	for _, what := range needed {
		if !slices.Contains(covered, what) {
			t.Errorf("no mutant leaves out: %s", what)
		}
	}
}
