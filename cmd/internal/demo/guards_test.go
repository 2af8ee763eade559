package demo_test

import (
	"slices"
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

// calm has fewer requests, for a machine that does other things too.
var calm = demo.Config{Work: 400 * time.Millisecond, Stop: true}

func TestStoryGoesWellWithAllGuardsAndFailsWithoutOne(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		s, err := demo.Run(t.Context(), calm)
		if err != nil || s.Err() != nil {
			t.Errorf("with all guards: %v, %v", err, s.Err())
		}
	})
	for _, guard := range mooring.Guards() {
		if !slices.Contains(shown, guard.Name) {
			if unshown[guard.Name] == "" {
				t.Errorf("guard %s: does the demo's story show it? If not, why?", guard.Name)
			}
			continue
		}
		all.Go(func() {
			// What must be too fast for a busy machine is tried again.
			for range 3 {
				c := calm
				c.Decide = mooring.DecideWith(slices.DeleteFunc(mooring.Guards(), func(g mooring.Guard) bool { return g.Name == guard.Name }))
				s, err := demo.Run(t.Context(), c)
				if err != nil {
					t.Errorf("without %s: %v", guard.Name, err)
					return
				}
				if s.Front.Failures > 0 {
					t.Logf("without %s, after %s: %v", guard.Name, s.Elapsed, s.Err())
					return
				}
			}
			t.Errorf("without %s no request failed", guard.Name)
		})
	}
}
