package shift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mooring"
)

const (
	applyTime = 2 * time.Minute  // of a change with every look at what became of it
	syncTime  = 30 * time.Minute // changes can take as long in rare cases: ChangeResourceRecordSets in Route 53's API reference
	tries     = 3                // of a change that nothing came of
	retryWait = 5 * time.Second
	syncFirst = 2 * time.Second // between questions whether a change is in sync; doubled up to syncMost
	syncMost  = 15 * time.Second
)

// errMade is that a change was made, and what comes after it failed.
var errMade = errors.New("the change was made")

// apply makes one batch that leads from what is expected to what is wanted, and waits until all name servers have it. A
// change that was begun is not interrupted. What is there is read before and, where the answer tells nothing, after: so a
// lost answer is no doubt for long, and nothing is changed that somebody else has changed.
func (r *Runner) apply(ctx context.Context, expected, wanted []Set, comment string) error {
	id, err := r.change(context.WithoutCancel(ctx), expected, wanted, comment)
	if err != nil {
		return err
	}
	if id == "" {
		r.Tell("the records are as wanted; waiting for the name servers")
		if err := pause(ctx, spread); err != nil {
			return fmt.Errorf("%w: %w", errMade, err)
		}
		return nil
	}
	if err := r.sync(ctx, id); err != nil {
		return fmt.Errorf("%w: %w", errMade, err)
	}
	return nil
}

// change returns the id of the change; "" where the records are as wanted, and it is not known since when.
func (r *Runner) change(ctx context.Context, expected, wanted []Set, comment string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, applyTime)
	defer cancel()
	var last error
	for try := 0; ; try++ {
		listed, err := r.listed(ctx, wanted)
		switch {
		case err != nil && last != nil:
			return "", fmt.Errorf("could not confirm the change: %w; %w", last, err)
		case err != nil:
			return "", err
		case SameSets(listed, wanted):
			return "", nil
		case !SameSets(listed, expected):
			return "", errors.Join(ErrChanged, last)
		case try == tries, refused(last): // nothing came of it, and nothing would
			return "", last
		}
		id, err := r.Zone.Change(ctx, Changes(listed, wanted), "mooring shift: "+comment)
		if err == nil || errors.Is(err, mooring.ErrDenied) {
			return id, err
		}
		last = fmt.Errorf("change records: %w", err)
		doubt := "no answer to rely on"
		if refused(err) {
			doubt = "refused, unless an earlier try came through"
		}
		r.Tell(fmt.Sprintf("%s: %v; reading what is there", doubt, err))
		if err := pause(ctx, retryWait); err != nil {
			return "", fmt.Errorf("could not confirm the change: %w; %w", last, err)
		}
	}
}

// refused tells errors that come again however often the same is asked for.
func refused(err error) bool {
	code := codeOf(err)
	return code == "InvalidChangeBatch" || code == "InvalidInput" || code == "NoSuchHostedZone"
}

// listed are the sets of the types that are to be changed.
func (r *Runner) listed(ctx context.Context, wanted []Set) ([]Set, error) {
	all, err := r.Zone.Records(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(s Set) bool {
		return !slices.ContainsFunc(wanted, func(w Set) bool { return w.Type == s.Type })
	}), nil
}

// sync waits until all name servers have a change. What Route 53 does not answer meanwhile is asked again.
func (r *Runner) sync(ctx context.Context, id string) error {
	began := time.Now()
	wait := syncFirst
	for {
		done, err := r.Zone.Synced(ctx, id)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, mooring.ErrDenied):
			return fmt.Errorf("follow change %s: %w", id, err)
		case err == nil && done:
			r.Tell(fmt.Sprintf("in sync on all name servers after %s", time.Since(began).Round(time.Second)))
			return nil
		case time.Since(began) > syncTime:
			return errors.Join(fmt.Errorf("change %s is not in sync after %s", id, syncTime), err)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, syncMost)
	}
}
