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
	backTime  = 30 * time.Minute // of trying to give the original back
	backMost  = time.Minute      // between two tries, doubled from retryWait
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
	RolledBack bool // a gate was shut, or a step could not be watched, and the original is back
	Stuck      bool // the same, and the original could not be given back
	Restored   bool // the original is back
}

// Run does a plan's steps. Before the first that moves traffic, or that ends the way back, the gates must be open; where one
// is shut after a step, the plan's rollback is done. An interruption (the end of ctx) ends it between two changes, never within one. Whatever
// happens, the records say where it stands, and a plan that is made of them goes on from there.
func (r *Runner) Run(ctx context.Context, p Plan) (Outcome, error) {
	out := Outcome{Percent: p.From.Percent}
	if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Watch || s.Kind == Finish }) {
		if err := r.open(ctx, p.Steps[0]); err != nil {
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
				err = fmt.Errorf("%s: %w", percent(step), err)
				if !errors.Is(err, errMade) {
					return out, err
				}
				out.Percent, out.Restored = step.Percent, step.Kind == Restore
				if ctx.Err() != nil {
					return out, err
				}
				return r.takeBack(ctx, p, out, step.Sets, err)
			}
		}
		out.Percent, out.Restored = step.Percent, step.Kind == Restore
		from = step.Sets
		if step.Watch {
			if err := r.watch(ctx, step); errors.Is(err, ErrGate) {
				return r.takeBack(ctx, p, out, from, err)
			} else if err != nil {
				return out, err
			}
		}
		out.Done++
	}
	return out, nil
}

// takeBack ends a run after a step whose gates are shut, or that cannot be watched: it is not known to be in sync. It does the
// plan's rollback, where there is one.
func (r *Runner) takeBack(ctx context.Context, p Plan, out Outcome, from []Set, err error) (Outcome, error) {
	if p.Rollback == nil {
		return out, err
	}
	r.Tell("back to the original: " + err.Error())
	back := r.back(ctx, from, p.Rollback.Sets)
	if back != nil && !errors.Is(back, errMade) {
		out.Stuck = true
		return out, errors.Join(err, fmt.Errorf("the way back failed: %w", back))
	}
	out.Percent, out.RolledBack, out.Restored = 0, true, true
	return out, errors.Join(err, back)
}

// back gives the original back, and keeps at it for long: clients are worse off where they are. What somebody else changed
// meanwhile, and what Route 53 refuses for good, no repetition mends.
func (r *Runner) back(ctx context.Context, from, to []Set) error {
	began, wait := time.Now(), retryWait
	for {
		err := r.apply(ctx, from, to, "rollback")
		if err == nil || errors.Is(err, errMade) || errors.Is(err, ErrChanged) || refused(err) {
			return err
		}
		if time.Since(began) > backTime {
			return fmt.Errorf("given up after %s: %w", time.Since(began).Round(time.Second), err)
		}
		r.Tell(fmt.Sprintf("the way back failed, and is tried again in %s: %v", wait, err))
		if interrupted := pause(ctx, wait); interrupted != nil {
			return errors.Join(interrupted, err)
		}
		wait = min(2*wait, backMost)
	}
}

// gates are those that a step stands behind.
func (r *Runner) gates(s Step) []Gate {
	return slices.DeleteFunc(slices.Clone(r.Gates), func(g Gate) bool { return g.Shared && s.Percent == 100 })
}

// open looks at every gate once: nothing has begun that one lost packet could end.
func (r *Runner) open(ctx context.Context, first Step) error {
	var shut []error
	for _, gate := range r.gates(first) {
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
func (r *Runner) watch(ctx context.Context, step Step) error {
	gates, end := r.gates(step), time.Now().Add(r.Wait)
	shut := make([]int, len(gates))
	said := make([]string, len(gates))
	for {
		doubt := false
		for i, gate := range gates {
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
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, fmt.Errorf("no answer within %s", checkTime))
	defer cancel()
	seen, err := g.Check(ctx)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return seen, err
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
