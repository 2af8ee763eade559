package demo_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"mooring"
	"mooring/cmd/internal/demo"
)

// shown are the guards whose absence the demo's story shows, and the chapter in which requests through the fixed address
// fail without one of them.
var shown = map[string]int{"make-before-break": 2, "hold": 4, "misses": 5, "evidence": 6, "max-leave": 7, "min-targets": 10}

// unshown are the others, and why the story goes well without them. The reasons are proved in unshown_test.go.
var unshown = map[string]string{
	"add-only":                 "the demo's mode is sync",
	"inconclusive":             "such a round has no evidence of its own, without which the guard evidence holds whoever is missing",
	"memory":                   "without a memory nobody was missed before, so the guard misses holds whoever is missing",
	"make-before-break (zone)": "a front's targets have no zones, and it is no Inspector: cross-zone is never off",
}

// calm has fewer requests, for a machine that does other things too; of such plays only a few are under way at a time.
var (
	calm   = demo.Config{Speed: demo.UsualSpeed, Work: 400 * time.Millisecond, Stop: true}
	atOnce = make(chan struct{}, 3)
)

// play plays the story until a request fails or this chapter is over; 0: to its end.
func play(t *testing.T, c demo.Config, last int) demo.Summary {
	t.Helper()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := 0
	c.Tell = func(e demo.Event) {
		if e.Chapter {
			begun++
		}
		if last > 0 && begun > last {
			cancel()
		}
	}
	s, err := playOnce(ctx, c)
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
		if err := play(t, calm, 0).Err(); err != nil {
			t.Errorf("with all guards: %v", err)
		}
	})
	for _, guard := range mooring.Guards() {
		switch {
		case shown[guard.Name] > 0:
			all.Go(func() { failsWithout(t, guard.Name, shown[guard.Name]) })
		case unshown[guard.Name] == "":
			t.Errorf("guard %s: does the demo's story show it? If not, why?", guard.Name)
		}
	}
}

// failsWithout plays the story without one guard, which must be missed in this chapter: a failure in another one is an
// error, and never tried again. What goes by too fast for a busy machine to see is, and so is a time-out, which proves
// nothing.
func failsWithout(t *testing.T, guard string, chapter int) {
	c := calm
	c.Decide = mooring.DecideWith(slices.DeleteFunc(mooring.Guards(), func(g mooring.Guard) bool { return g.Name == guard }))
	for range 6 {
		switch s := play(t, c, chapter); {
		case s.First == nil:
			t.Logf("without %s no request failed up to the end of chapter %d", guard, chapter)
		case s.First.TimeOut:
			t.Logf("without %s: %v", guard, s.Err())
		case s.First.Chapter != chapter:
			t.Errorf("without %s, in chapter %d and not in %d: %v", guard, s.First.Chapter, chapter, s.Err())
			return
		default:
			t.Logf("without %s, in chapter %d, after %s: %v", guard, chapter, s.Elapsed, s.Err())
			return
		}
	}
	t.Errorf("without %s: nothing was proved in chapter %d", guard, chapter)
}
