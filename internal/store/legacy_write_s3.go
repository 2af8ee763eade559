package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
)

const (
	// legacyQuiet is for how long nobody else may have written the objects before they are replaced. The functions write
	// in each of their runs, which are one to five minutes apart.
	legacyQuiet = 10 * time.Minute
	// legacyLook is how long what was last seen of the objects is believed.
	legacyLook = time.Hour
	// A write that failed is tried again after a minute, and then ever later. A new state is tried at once.
	legacyRetryMin = time.Minute
	legacyRetryMax = time.Hour
)

// A LegacyWriter keeps an older function's objects as that function would have left them. It may be used by several
// goroutines.
type LegacyWriter struct {
	objects objects
	c       LegacyWriteConfig

	mu     sync.Mutex
	wanted legacyState   // that was tried last
	hold   time.Time     // nothing is tried before
	next   time.Time     // not looked at again before, unless another state is wanted; zero: at once
	retry  time.Duration // after the next failure; 0: the last attempt did not fail
	told   bool          // that somebody else writes them
}

// NewLegacyWriter keeps the objects by api. An unknown format is an error, and so is a missing setting.
func NewLegacyWriter(api S3API, c LegacyWriteConfig) (*LegacyWriter, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &LegacyWriter{objects: objects{api, c.Bucket, c.Owner}, c: c}, nil
}

// ConnectLegacyWriter keeps the objects by a client of its own, as [ConnectS3API] makes it.
func ConnectLegacyWriter(cfg aws.Config, c LegacyWriteConfig) (*LegacyWriter, error) {
	c.Partition = cmp.Or(c.Partition, Partition(cfg.Region))
	return NewLegacyWriter(ConnectS3API(cfg), c)
}

// Write makes the objects what the function would remember, given what mooring does. Where that has not changed, nothing
// is written, and the objects are read once an hour only. What could not be written is tried again after a minute, and then
// ever later; another state is tried after a minute.
//
// All objects are left alone where somebody else wrote one of them in the last ten minutes, for then the function itself is at
// work: that is an error once. They are also left alone where one was not written for this binding and is unreadable, is marked
// as another binding's, or holds targets that were not taken over: that is an error once an hour.
func (w *LegacyWriter) Write(ctx context.Context, m mooring.Memory) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, state := w.c.Now(), w.c.state(m)
	if now.Before(w.hold) || state.same(w.wanted) && now.Before(w.next) {
		return nil
	}
	w.wanted = state
	err := w.settle(ctx, state, m, now)
	return w.judge(err, now)
}

// judge decides when to look again, and what is an error.
func (w *LegacyWriter) judge(err error, now time.Time) error {
	alone := leftAloneError{}
	switch {
	case err == nil:
		w.hold, w.next, w.retry, w.told = time.Time{}, now.Add(legacyLook), 0, false
		return nil
	case errors.Is(err, errOvertaken):
		w.hold, w.next = time.Time{}, time.Time{}
		return nil
	case errors.As(err, &alone):
		told := w.told && alone.once
		w.hold, w.next, w.retry, w.told = alone.until, alone.until, 0, alone.once
		if told {
			return nil
		}
	default:
		w.retry = min(max(2*w.retry, legacyRetryMin), legacyRetryMax)
		w.hold, w.next = now.Add(legacyRetryMin), now.Add(w.retry)
	}
	return fmt.Errorf("the older function's state (%s) is not kept true: %w", w.c.Format, err)
}

// errOvertaken is that another round wrote first. The next one sees what is there.
var errOvertaken = errors.New("another round wrote it first")

// A leftAloneError is why an object is not replaced, and until when it is not looked at again.
type leftAloneError struct {
	why   string
	until time.Time
	once  bool // it is said once, for it will pass
}

func (e leftAloneError) Error() string { return e.why }

// settle reads the objects and writes those that are not as they should be.
func (w *LegacyWriter) settle(ctx context.Context, state legacyState, m mooring.Memory, now time.Time) error {
	bodies := w.c.bodies(state, now)
	found, errs := make([]left, len(bodies)), make([]error, len(bodies))
	var all mooring.Tasks
	for i, b := range bodies {
		all.Go(func() { found[i], errs[i] = w.look(ctx, b.key) })
	}
	all.Wait()
	if err := cmp.Or(errs...); err != nil {
		return err
	}
	for i, l := range found {
		if err := w.yield(bodies[i], l, m, now); err != nil {
			return err
		}
	}
	for i, b := range bodies {
		if b.holds(found[i]) {
			continue
		}
		if err := w.put(ctx, b, found[i], m.Revision); err != nil {
			return err
		}
	}
	return nil
}

// look reads an object. One that is denied may be missing, as [S3.Load] says.
func (w *LegacyWriter) look(ctx context.Context, key string) (left, error) {
	found, err := (&legacyObjects{objects: w.objects}).get(ctx, key)
	if err = cmp.Or(err, found.bad); err != nil {
		return left{}, fmt.Errorf("read %s: %w", w.at(key).url(), err)
	}
	return found, nil
}

// yield leaves an object to whose it is: to the function that wrote it a moment ago, to another binding, to a round that has
// seen a later memory, and to people where it is not understood, or not known to be of no more use.
func (w *LegacyWriter) yield(b legacyBody, l left, m mooring.Memory, now time.Time) error {
	if !l.found {
		return nil
	}
	url, fresh := w.at(b.key).url(), now.Sub(l.modified) < legacyQuiet
	if l.writer != "" {
		revision, binding := unmark(l.writer)
		switch {
		case binding != w.binding():
			return lasting(now, "%s is kept true for another binding (%.300q), so it is left as it is: only one can have it; if that one is gone, delete the object", url, binding)
		case fresh && revision > m.Revision:
			return errOvertaken
		}
		return nil
	}
	var was mooring.Import
	err := b.read(l.object, &was)
	strangers := untaken(was, m)
	switch {
	case fresh:
		return leftAloneError{once: true, until: l.modified.Add(legacyQuiet), why: fmt.Sprintf(
			"%s was written by somebody else at %s, so it is left as it is: if the older function still runs, stop it; "+
				"when nobody has written it for %s, it is kept true again", url, l.modified.Format(time.RFC3339), legacyQuiet)}
	case err != nil:
		return lasting(now, "%s is unreadable (%.200s) and was not written by mooring, so it is left as it is: look at it, and delete it or move it away", url, err)
	case len(strangers) > 0:
		return lasting(now, "%s was not taken over, and is left as it is: %d of its targets are registered and not ours, the first of them %s; "+
			"give those that are to leave one day to mooring adopt, or delete the object", url, len(strangers), strangers[0])
	}
	return nil
}

// lasting is what only people can change.
func lasting(now time.Time, format string, args ...any) error {
	return leftAloneError{why: fmt.Sprintf(format, args...), until: now.Add(legacyLook)}
}

// binding is whose state it is.
func (w *LegacyWriter) binding() string { return w.c.TargetGroup + ":" + strconv.Itoa(int(w.c.Port)) }

// mark is the metadata of what is written: the memory that it is made of, and for which binding.
func (w *LegacyWriter) mark(revision uint64) string {
	return strconv.FormatUint(revision, 10) + " " + w.binding()
}

// unmark reads a mark. What is none is nobody's binding.
func unmark(writer string) (revision uint64, binding string) {
	number, binding, _ := strings.Cut(writer, " ")
	revision, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, writer
	}
	return revision, binding
}

// holds tells whether mooring wrote the object, and it says what it should. What the function itself wrote is replaced also
// where it says the same, so that a later write of the function is known by its lack of the mark.
func (b legacyBody) holds(l left) bool {
	var got mooring.Import
	return l.found && l.writer != "" && b.read(l.object, &got) == nil &&
		slices.Equal(got.Addrs, b.want.Addrs) && maps.Equal(got.Missed, b.want.Missed)
}

// put replaces what was seen, and nothing else.
func (w *LegacyWriter) put(ctx context.Context, b legacyBody, seen left, revision uint64) error {
	at := w.at(b.key)
	in, err := at.putInput(seen.etag, w.mark(revision))
	if err != nil {
		return fmt.Errorf("write %s: %w", at.url(), err)
	}
	_, err = w.objects.put(ctx, in, b.body)
	switch {
	case err == nil:
		return nil
	case isCode(err, "PreconditionFailed") && seen.denied: // so it is there
		err = newDenied("s3:GetObject", at.arn(), err)
	case isCode(err, "PreconditionFailed") || isCode(err, "ConditionalRequestConflict") || isCode(err, "NoSuchKey"):
		return errOvertaken
	case isCode(err, "AccessDenied"):
		err = newDenied("s3:PutObject", at.arn(), err)
	}
	return fmt.Errorf("write %s: %w", at.url(), err)
}

// at is an object, as a memory would be in its place.
func (w *LegacyWriter) at(key string) S3Config {
	return S3Config{Bucket: w.c.Bucket, Key: key, SSE: w.c.SSE, Owner: w.c.Owner, Partition: w.c.Partition}
}
