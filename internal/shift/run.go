package shift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// A Zone holds the records of one name. [*Name] is one.
type Zone interface {
	Records(ctx context.Context) ([]Set, error)
	Change(ctx context.Context, changes []types.Change, comment string) (id string, err error)
	Synced(ctx context.Context, id string) (bool, error)
}

const (
	// Every is how long after one look at the gates the next one is.
	Every = 10 * time.Second
	// Patience is how many looks in a row must find a gate shut, so that one lost packet is no rollback.
	Patience = 3

	checkTime = 30 * time.Second // of one gate
	spread    = 60 * time.Second // within which a change generally reaches all name servers
)

var (
	// ErrChanged is that somebody else changed the records meanwhile.
	ErrChanged = errors.New("somebody else changed the records meanwhile")
	// ErrGate is that a gate stayed shut.
	ErrGate = errors.New("a gate is shut")
)

// A Runner carries out a plan.
type Runner struct {
	Zone  Zone
	Gates []Gate
	Wait  time.Duration // after each step while the gates are watched; with 0 they are looked at once
	Tell  func(text string)
}

// An Outcome is where a run has left a name.
type Outcome struct {
	Percent    int  // of the answers lead to the NLB
	Done       int  // steps of the plan
	RolledBack bool // a gate was shut, and the original is back
	Restored   bool // the original is back
}

// Run does a plan's steps. Before the first that moves traffic, or that ends the way back, the gates must be open; where one is shut after a step, the
// plan's rollback is done. An interruption (the end of ctx) ends it between two changes, never within one. Whatever
// happens, the records say where it stands, and a plan that is made of them goes on from there.
func (r *Runner) Run(ctx context.Context, p Plan) (Outcome, error) {
	out := Outcome{Percent: p.From.Percent}
	if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Watch || s.Kind == Finish }) {
		if err := r.open(ctx); err != nil {
			return out, fmt.Errorf("nothing was changed: %w", err)
		}
	}
	from := p.From.Sets
	for _, step := range p.Steps {
		if err := context.Cause(ctx); err != nil {
			return out, err
		}
		if step.Kind != Hold {
			if err := r.apply(ctx, from, step.Sets, string(step.Kind)+" "+percent(step)); err != nil {
				if errors.Is(err, errMade) {
					out.Percent, out.Restored = step.Percent, step.Kind == Restore
				}
				return out, fmt.Errorf("%s: %w", percent(step), err)
			}
		}
		out.Percent, out.Restored = step.Percent, step.Kind == Restore
		from = step.Sets
		if step.Watch {
			if err := r.watch(ctx, r.Wait); err != nil {
				return r.failed(ctx, p, out, from, err)
			}
		}
		out.Done++
	}
	return out, nil
}

// failed ends a run after a step, with a rollback where a gate is shut.
func (r *Runner) failed(ctx context.Context, p Plan, out Outcome, from []Set, err error) (Outcome, error) {
	if !errors.Is(err, ErrGate) || p.Rollback == nil {
		return out, err
	}
	r.Tell("back to the original: " + err.Error())
	back := r.apply(ctx, from, p.Rollback.Sets, "rollback")
	if back != nil && !errors.Is(back, errMade) {
		return out, errors.Join(err, fmt.Errorf("the way back failed: %w", back))
	}
	out.Percent, out.RolledBack, out.Restored = 0, true, true
	return out, errors.Join(err, back)
}

// open looks at every gate once: nothing has begun that one lost packet could end.
func (r *Runner) open(ctx context.Context) error {
	var shut []error
	for _, gate := range r.Gates {
		seen, err := check(ctx, gate)
		if err != nil {
			shut = append(shut, fmt.Errorf("%w: %s: %w", ErrGate, gate.Name, err))
			continue
		}
		r.Tell(gate.Name + ": " + seen)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(shut...)
}

// watch looks at the gates for so long, and until none is in doubt: a gate that is shut is looked at [Patience] times, and
// no step ends before that is clear.
func (r *Runner) watch(ctx context.Context, wait time.Duration) error {
	end := time.Now().Add(wait)
	shut := make([]int, len(r.Gates))
	said := make([]string, len(r.Gates))
	for {
		doubt := false
		for i, gate := range r.Gates {
			seen, err := check(ctx, gate)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err == nil {
				shut[i] = 0
				r.sayOnce(&said[i], gate.Name+": "+seen)
				continue
			}
			doubt, shut[i] = true, shut[i]+1
			r.sayOnce(&said[i], fmt.Sprintf("%s, %d of %d: %v", gate.Name, shut[i], Patience, err))
			if shut[i] >= Patience {
				return fmt.Errorf("%w, %d looks in a row: %s: %w", ErrGate, Patience, gate.Name, err)
			}
		}
		left := time.Until(end)
		if left <= 0 && !doubt {
			return nil
		}
		if left <= 0 || left > Every || doubt {
			left = Every
		}
		if err := pause(ctx, left); err != nil {
			return err
		}
	}
}

func check(ctx context.Context, g Gate) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return g.Check(ctx)
}

// sayOnce tells what has not been told last.
func (r *Runner) sayOnce(last *string, text string) {
	if *last != text {
		*last = text
		r.Tell(text)
	}
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func percent(s Step) string { return fmt.Sprintf("%d %%", s.Percent) }
