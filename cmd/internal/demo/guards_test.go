package demo_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mooring"
	"mooring/cmd/internal/demo"
)

// shown are the guards whose absence the demo's story shows: without one of them, requests through the fixed address fail.
var shown = []string{"misses", "hold", "evidence", "min-targets", "max-leave", "make-before-break"}

// unshown are the others, and why the story goes well without them.
var unshown = map[string]string{
	"add-only":                 "the demo's mode is sync",
	"inconclusive":             "evidence is gathered in conclusive rounds only, and a removal has a second look that must be conclusive too",
	"memory":                   "without a memory nobody was missed before, so misses and hold keep everybody",
	"make-before-break (zone)": "a front has no zones",
}

// calm has fewer requests, for a machine that does other things too; of such plays only a few are under way at a time.
var (
	calm   = demo.Config{Speed: demo.UsualSpeed, Work: 400 * time.Millisecond, Stop: true}
	atOnce = make(chan struct{}, 3)
)

func play(t *testing.T, c demo.Config) (s demo.Summary) {
	t.Helper()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	s, err := playOnce(t.Context(), c)
	if err != nil {
		t.Error(err)
	}
	return s
}

func TestStoryGoesWellWithAllGuardsAndFailsWithoutOne(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		if err := play(t, calm).Err(); err != nil {
			t.Errorf("with all guards: %v", err)
		}
	})
	for _, guard := range mooring.Guards() {
		switch {
		case slices.Contains(shown, guard.Name):
			all.Go(func() { failsWithout(t, guard.Name) })
		case unshown[guard.Name] == "":
			t.Errorf("guard %s: does the demo's story show it? If not, why?", guard.Name)
		}
	}
}

// failsWithout plays the story without one guard. What goes by too fast for a busy machine to see is tried again, and what
// such a machine is too slow for proves nothing.
func failsWithout(t *testing.T, guard string) {
	c := calm
	c.Decide = mooring.DecideWith(slices.DeleteFunc(mooring.Guards(), func(g mooring.Guard) bool { return g.Name == guard }))
	for range 3 {
		s := play(t, c)
		if s.First != nil && !strings.HasPrefix(s.First.What, "no answer within") {
			t.Logf("without %s, after %s: %v", guard, s.Elapsed, s.Err())
			return
		}
	}
	t.Errorf("without %s no request failed", guard)
}
