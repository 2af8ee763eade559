package shift_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"mooring/internal/shift"
)

// shutAt shuts the gate while the name stands there.
func (s *story) shutAt(there string) {
	s.shut = func() error {
		if shares(s.zone.sets) == there {
			return errors.New("none of 4 targets is healthy")
		}
		return nil
	}
}

// Clients are in trouble where a gate is shut, so the way back is not given up while Route 53 does not answer for a while.
func TestTheWayBackIsTriedForLong(t *testing.T) {
	throttled := &smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}
	tell(t, func(t *testing.T, s *story) {
		s.shutAt("A 5, AAAA 5")
		var since time.Time
		s.zone.before = func(batch int) error {
			if batch == 3 {
				since = time.Now()
			}
			if batch >= 3 && time.Since(since) < 20*time.Minute {
				return throttled
			}
			return nil
		}
		if out, err := s.forward(t.Context()); !out.RolledBack || out.Stuck || !errors.Is(err, shift.ErrGate) {
			t.Fatalf("%+v, %v", out, err)
		}
		s.isOriginal()
		if text := strings.Join(s.said, "\n"); !strings.Contains(text, "the way back failed, and is tried again in 1m0s") {
			t.Error(text)
		}
	})
	tell(t, func(t *testing.T, s *story) { // but not for ever
		s.shutAt("A 5, AAAA 5")
		s.zone.before = func(batch int) error {
			if batch >= 3 {
				return throttled
			}
			return nil
		}
		began := time.Now()
		out, err := s.forward(t.Context())
		if !out.Stuck || out.RolledBack || out.Percent != 5 || !errors.Is(err, shift.ErrGate) || !errors.Is(err, throttled) ||
			!strings.Contains(err.Error(), "the way back failed: given up after 3") {
			t.Fatalf("%+v, %v", out, err)
		}
		if took := time.Since(began); took > 50*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
	tell(t, func(t *testing.T, s *story) { // nor against somebody's will
		ctx, cancel := context.WithCancel(t.Context())
		s.shutAt("A 1, AAAA 1")
		s.zone.before = func(batch int) error {
			if batch == 4 {
				cancel()
			}
			if batch >= 2 {
				return throttled
			}
			return nil
		}
		if out, err := s.forward(ctx); !out.Stuck || !errors.Is(err, context.Canceled) || s.zone.batches != 4 {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
	})
}

// What no repetition mends is not repeated.
func TestTheWayBackEndsWhereSomebodyElseWasThere(t *testing.T) {
	theirs := []shift.Set{values(types.RRTypeA, 300, "192.0.2.7")}
	for _, c := range []struct {
		what   string
		before func(*story) error
		is     func(error) bool
	}{
		{"changed", func(s *story) error { s.zone.sets = slices.Clone(theirs); return nil }, func(err error) bool { return errors.Is(err, shift.ErrChanged) }},
		{"refused", func(*story) error { return &smithy.GenericAPIError{Code: "InvalidChangeBatch", Message: "no"} }, func(err error) bool {
			return strings.Contains(err.Error(), "InvalidChangeBatch")
		}},
	} {
		tell(t, func(t *testing.T, s *story) {
			s.shutAt("A 1, AAAA 1")
			s.zone.before = func(batch int) error {
				if batch == 2 {
					return c.before(s)
				}
				return nil
			}
			if out, err := s.forward(t.Context()); !out.Stuck || !c.is(err) || s.zone.batches != 2 {
				t.Errorf("%s: %+v, %v, %d batches", c.what, out, err, s.zone.batches)
			}
		})
	}
	tell(t, func(t *testing.T, s *story) { // while the gate was shut
		s.shut = func() error {
			if s.zone.batches == 0 {
				return nil
			}
			s.zone.sets = slices.Clone(theirs)
			return errors.New("shut")
		}
		began := time.Now()
		if out, err := s.forward(t.Context()); !out.Stuck || !errors.Is(err, shift.ErrChanged) || s.zone.batches != 1 || time.Since(began) > 5*time.Minute {
			t.Errorf("%+v, %v, %d batches, after %s", out, err, s.zone.batches, time.Since(began))
		}
	})
}

// No batch of the way there goes without gates: the first one too makes a pair, of which Route 53 may answer with either.
func TestNoChangeGoesUnwatched(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		p, err := shift.Forward(read(t, s.zone.sets), balancer(), steps)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range p.Steps {
			if !step.Watch || step.Percent == 0 {
				t.Errorf("%+v is not watched, or moves nothing", step)
			}
		}
		looks := 0
		s.shut = func() error {
			looks++
			if looks == 1 && s.zone.batches > 0 || looks > 1 && s.zone.batches == 0 {
				t.Errorf("look %d after %d batches", looks, s.zone.batches)
			}
			if s.zone.batches == 1 {
				return errors.New("shut")
			}
			return nil
		}
		if out, err := s.forward(t.Context()); !out.RolledBack || s.zone.batches != 2 {
			t.Fatalf("%+v, %v, %d batches", out, err, s.zone.batches)
		}
		s.isOriginal()
	})
}

// Whether the shares are as they should be is a question only while there are two.
func TestTheALBsHealthIsAskedForWhileItGetsAnswers(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		run := func(dies string) (shift.Outcome, error) {
			p, err := shift.Forward(read(t, s.zone.sets), balancer(), []int{50, 100})
			if err != nil {
				t.Fatal(err)
			}
			r := s.runner()
			r.Gates = append(r.Gates, shift.Gate{Name: "weights", Shared: true, Check: func(context.Context) (string, error) {
				if shares(s.zone.sets) == dies {
					return "", errors.New("no target is healthy in idle")
				}
				return "open", nil
			}})
			return r.Run(t.Context(), p)
		}
		if out, err := run("A simple, AAAA simple"); !errors.Is(err, shift.ErrGate) || out.RolledBack || s.zone.batches != 0 {
			t.Errorf("before: %+v, %v, %d batches", out, err, s.zone.batches)
		}
		if out, err := run("A 50, AAAA 50"); !errors.Is(err, shift.ErrGate) || !out.RolledBack {
			t.Errorf("half-way: %+v, %v", out, err)
		}
		s.isOriginal()
		if out, err := run("A 100, AAAA 100"); err != nil || out.Percent != 100 {
			t.Errorf("at the end: %+v, %v", out, err)
		}
	})
}

// A gate that says nothing is shut, and the reason is told.
func TestAGateThatHangsIsShut(t *testing.T) {
	tell(t, func(t *testing.T, s *story) {
		p, err := shift.Forward(read(t, s.zone.sets), balancer(), steps)
		if err != nil {
			t.Fatal(err)
		}
		r := s.runner()
		r.Gates = []shift.Gate{{Name: "verify", Check: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}}}
		if _, err := r.Run(t.Context(), p); !errors.Is(err, shift.ErrGate) || !strings.Contains(err.Error(), "verify: no answer within 30s") || s.zone.batches != 0 {
			t.Errorf("%v, %d batches", err, s.zone.batches)
		}
	})
}
