package shift_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"mooring/internal/shift"
)

// A story is one name and how it is shifted, in virtual time.
type story struct {
	t         *testing.T
	zone      *fakeZone
	originals []shift.Set
	shut      func() error // what the gate says; nil: it is open
	said      []string
	wait      time.Duration
}

func tell(t *testing.T, play func(*testing.T, *story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		originals := []shift.Set{alias(types.RRTypeA, albName), alias(types.RRTypeAaaa, albName)}
		play(t, &story{t: t, originals: originals, zone: &fakeZone{sets: slices.Clone(originals), pending: 2}, wait: 10 * time.Minute})
	})
}

func (s *story) runner() *shift.Runner {
	return &shift.Runner{
		Zone: s.zone, Wait: s.wait, Tell: func(text string) { s.said = append(s.said, text) },
		Gates: []shift.Gate{{Name: "gate", Check: func(context.Context) (string, error) {
			if s.shut != nil {
				if err := s.shut(); err != nil {
					return "", err
				}
			}
			return "open", nil
		}}},
	}
}

func (s *story) forward(ctx context.Context) (shift.Outcome, error) {
	p, err := shift.Forward(read(s.t, s.zone.sets), balancer(), steps)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.runner().Run(ctx, p)
}

func (s *story) isOriginal() {
	s.t.Helper()
	if !reflect.DeepEqual(s.zone.sets, s.originals) {
		s.t.Errorf("there are %+v", s.zone.sets)
	}
}

func TestATripThereAndBackTakesAsLongAsItsSteps(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		began := time.Now()
		var seen []string
		s.zone.seen = func(sets []shift.Set) { seen = append(seen, shares(sets)) }
		out, err := s.forward(t.Context())
		if err != nil || out.Percent != 100 || out.Done != 5 {
			t.Fatalf("%+v, %v", out, err)
		}
		want := []string{"A 1, AAAA 1", "A 5, AAAA 5", "A 25, AAAA 25", "A 50, AAAA 50", "A 100, AAAA 100"}
		if !slices.Equal(seen, want) {
			t.Errorf("%q", seen)
		}
		if took := time.Since(began); took < 50*time.Minute || took > 52*time.Minute {
			t.Errorf("it took %s", took)
		}
		p, err := shift.Backward(read(t, s.zone.sets), []int{50, 100})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := s.runner().Run(t.Context(), p); err != nil || !out.Restored || out.Percent != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		s.isOriginal()
	})
}

// One lost packet is no rollback, and three looks in a row are.
func TestAGateThatStaysShutTakesEverythingBack(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		looks, shut := 0, errors.New("none of 4 targets is healthy")
		s.shut = func() error {
			looks++
			if looks == 10 || looks > 20 && shares(s.zone.sets) == "A 5, AAAA 5" {
				return shut
			}
			return nil
		}
		var seen []string
		s.zone.seen = func(sets []shift.Set) { seen = append(seen, shares(sets)) }
		out, err := s.forward(t.Context())
		if want := []string{"A 1, AAAA 1", "A 5, AAAA 5", "A simple, AAAA simple"}; !slices.Equal(seen, want) {
			t.Errorf("%q", seen)
		}
		if !errors.Is(err, shift.ErrGate) || !errors.Is(err, shut) || !out.RolledBack || !out.Restored || out.Percent != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		s.isOriginal()
		if text := strings.Join(s.said, "\n"); !strings.Contains(text, "gate, 1 of 3: none") || !strings.Contains(text, "back to the original") {
			t.Error(text)
		}
	})
}

// A step does not end while a gate is in doubt, however short its wait is.
func TestAStepDoesNotEndInDoubt(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		s.wait = 0
		s.shut = func() error {
			if strings.HasPrefix(shares(s.zone.sets), "A 1,") {
				return errors.New("shut")
			}
			return nil
		}
		if out, err := s.forward(t.Context()); !out.RolledBack || !errors.Is(err, shift.ErrGate) {
			t.Fatalf("%+v, %v", out, err)
		}
		s.isOriginal()
	})
}

func TestNothingIsChangedWhileAGateIsShut(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		s.shut = func() error { return errors.New("in ALARM: app-5xx") }
		out, err := s.forward(t.Context())
		if !errors.Is(err, shift.ErrGate) || out.RolledBack || s.zone.batches != 0 || !strings.Contains(err.Error(), "nothing was changed") {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
	})
}

// An interruption ends a run between two changes; the next goes on from the weights, and the way back is open.
func TestAnInterruptedRunGoesOnFromTheWeights(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
		defer cancel()
		out, err := s.forward(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || out.Percent != 25 || out.RolledBack {
			t.Fatalf("%+v, %v", out, err)
		}
		if got := shares(s.zone.sets); got != "A 25, AAAA 25" {
			t.Fatal(got)
		}
		before := s.zone.batches
		out, err = s.forward(t.Context())
		if err != nil || out.Percent != 100 || s.zone.batches != before+2 {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches-before)
		}
		if out, err := s.runner().Run(t.Context(), shift.Back(read(t, s.zone.sets))); err != nil || !out.Restored {
			t.Fatalf("%+v, %v", out, err)
		}
		s.isOriginal()
	})
}

// A change that was begun is not interrupted: the run ends when it is made, and knows it.
func TestAChangeIsNotInterrupted(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		ctx, cancel := context.WithCancel(t.Context())
		s.zone.before = func(batch int) error {
			if batch == 1 {
				cancel()
			}
			return nil
		}
		out, err := s.forward(ctx)
		if !errors.Is(err, context.Canceled) || out.Percent != 1 || shares(s.zone.sets) != "A 1, AAAA 1" {
			t.Fatalf("%+v, %v, %s", out, err, shares(s.zone.sets))
		}
	})
}

// An answer that was lost is no doubt for long: what is there is read.
func TestALostAnswerIsLookedUp(t *testing.T) {
	lost := errors.New("connection reset by peer")
	tell(t, func(t *testing.T, s *story) { // the change was made
		s.zone.after = func(batch int) error {
			if batch == 3 {
				return lost
			}
			return nil
		}
		if out, err := s.forward(t.Context()); err != nil || out.Percent != 100 || s.zone.batches != 5 {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
	})
	tell(t, func(t *testing.T, s *story) { // it was not
		s.zone.before = func(batch int) error {
			if batch == 3 {
				return lost
			}
			return nil
		}
		if out, err := s.forward(t.Context()); err != nil || out.Percent != 100 || s.zone.batches != 6 {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
	})
	tell(t, func(t *testing.T, s *story) { // never
		s.zone.before = func(int) error { return lost }
		if out, err := s.forward(t.Context()); !errors.Is(err, lost) || out.Percent != 0 || s.zone.batches != 3 {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
		s.isOriginal()
	})
}

// Of two that change the same records one wins, and the other changes nothing.
func TestWhatSomebodyElseChangedIsNotOverwritten(t *testing.T) {
	theirs := []shift.Set{values(types.RRTypeA, 300, "192.0.2.7"), alias(types.RRTypeAaaa, albName)}
	tell(t, func(t *testing.T, s *story) { // between the look and the change
		s.zone.before = func(batch int) error {
			if batch == 1 {
				s.zone.sets = slices.Clone(theirs)
			}
			return nil
		}
		out, err := s.forward(t.Context())
		if !errors.Is(err, shift.ErrChanged) || out.RolledBack || !reflect.DeepEqual(s.zone.sets, theirs) {
			t.Fatalf("%+v, %v, %+v", out, err, s.zone.sets)
		}
	})
	tell(t, func(t *testing.T, s *story) { // between two steps
		looks := 0
		s.shut = func() error {
			if shares(s.zone.sets) == "A 5, AAAA 5" {
				if looks++; looks == 20 {
					s.zone.sets = slices.Clone(theirs)
				}
			}
			return nil
		}
		if out, err := s.forward(t.Context()); !errors.Is(err, shift.ErrChanged) || out.Percent != 5 || !reflect.DeepEqual(s.zone.sets, theirs) {
			t.Fatalf("%+v, %v, %+v", out, err, s.zone.sets)
		}
	})
}

// What Route 53 refuses for good is not asked for again and again.
func TestARefusedBatchChangesNothing(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		s.zone.before = func(int) error { return &smithy.GenericAPIError{Code: "InvalidChangeBatch", Message: "no"} }
		if _, err := s.forward(t.Context()); err == nil || s.zone.batches != 1 || !strings.Contains(err.Error(), "InvalidChangeBatch") {
			t.Fatalf("%v, %d batches", err, s.zone.batches)
		}
		if said := strings.Join(s.said, "\n"); !strings.Contains(said, "refused, unless an earlier try came through: ") || strings.Contains(said, "no answer") {
			t.Errorf("said:\n%s", said)
		}
		s.isOriginal()
	})
}

func TestNoStepBeginsBeforeAllServersHaveTheLast(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		s.zone.pending = 1000
		out, err := s.forward(t.Context())
		if err == nil || !strings.Contains(err.Error(), "not in sync after 30m0s") || s.zone.batches != 2 || !out.RolledBack {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
		s.isOriginal() // and what cannot be watched is taken back
	})
}

// Going back, a gate stops the run where it stands: there is no better place to go.
func TestOnTheWayBackAGateStopsTheRun(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		if _, err := s.forward(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := shift.Backward(read(t, s.zone.sets), []int{50, 100})
		if err != nil {
			t.Fatal(err)
		}
		s.shut = func() error {
			if shares(s.zone.sets) == "A 50, AAAA 50" {
				return errors.New("in ALARM")
			}
			return nil
		}
		if out, err := s.runner().Run(t.Context(), p); !errors.Is(err, shift.ErrGate) || out.Percent != 50 || out.RolledBack {
			t.Fatalf("%+v, %v", out, err)
		}
	})
}

// After the last step nobody is sent back by Route 53, so it is not done while the NLB serves nobody.
func TestNothingIsFinishedWhileAGateIsShut(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		if _, err := s.forward(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := shift.End(read(t, s.zone.sets), balancer())
		if err != nil {
			t.Fatal(err)
		}
		s.shut = func() error { return errors.New("none of 4 targets is healthy") }
		before := s.zone.batches
		if _, err := s.runner().Run(t.Context(), p); !errors.Is(err, shift.ErrGate) || s.zone.batches != before {
			t.Fatalf("%v, %d batches", err, s.zone.batches-before)
		}
	})
}
