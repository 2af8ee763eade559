package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
// is written, and the objects are read once an hour only.
//
// An object that somebody else wrote in the last ten minutes is left alone, and so is its pair: then the function itself
// is at work. That is an error once. An object that is unreadable, or was written longer ago, is replaced.
func (w *LegacyWriter) Write(ctx context.Context, m mooring.Memory) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, state := w.c.Now(), w.c.state(m)
	if state.same(w.wanted) && now.Before(w.next) {
		return nil
	}
	w.wanted = state
	err := w.settle(ctx, state, m.Revision, now)
	return w.judge(err, now)
}

// judge decides when to look again, and what is an error.
func (w *LegacyWriter) judge(err error, now time.Time) error {
	theirs := theirsError{}
	switch {
	case err == nil:
		w.next, w.retry, w.told = now.Add(legacyLook), 0, false
		return nil
	case errors.Is(err, errOvertaken):
		w.next = time.Time{}
		return nil
	case errors.As(err, &theirs):
		told := w.told
		w.next, w.retry, w.told = theirs.at.Add(legacyQuiet), 0, true
		if told {
			return nil
		}
	default:
		w.retry = min(max(2*w.retry, legacyRetryMin), legacyRetryMax)
		w.next = now.Add(w.retry)
	}
	return fmt.Errorf("the older function's state (%s) is not kept true: %w", w.c.Format, err)
}

// errOvertaken is that another round wrote first. The next one sees what is there.
var errOvertaken = errors.New("another round wrote it first")

// A theirsError is that somebody else wrote an object, and when.
type theirsError struct {
	url string
	at  time.Time
}

func (e theirsError) Error() string {
	return fmt.Sprintf("%s was written by somebody else at %s, so it is left as it is: if the older function still runs, stop it; "+
		"when nobody has written it for %s, it is kept true again", e.url, e.at.Format(time.RFC3339), legacyQuiet)
}

// settle reads the objects and writes those that are not as they should be.
func (w *LegacyWriter) settle(ctx context.Context, state legacyState, revision uint64, now time.Time) error {
	bodies := w.c.bodies(state, now)
	found := make([]left, len(bodies))
	for i, b := range bodies {
		var err error
		if found[i], err = w.look(ctx, b.key); err != nil {
			return err
		}
	}
	for i, l := range found {
		if err := w.yield(bodies[i].key, l, revision, now); err != nil {
			return err
		}
	}
	for i, b := range bodies {
		if b.holds(found[i]) {
			continue
		}
		if err := w.put(ctx, b, found[i], revision); err != nil {
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

// yield leaves an object to whoever else wrote it a moment ago: the function, or a round that has seen a later memory.
func (w *LegacyWriter) yield(key string, l left, revision uint64, now time.Time) error {
	if !l.found || now.Sub(l.modified) >= legacyQuiet {
		return nil
	}
	if l.writer == "" {
		return theirsError{w.at(key).url(), l.modified}
	}
	if n, err := strconv.ParseUint(l.writer, 10, 64); err == nil && n > revision {
		return errOvertaken
	}
	return nil
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
	in, err := at.putInput(seen.etag, strconv.FormatUint(revision, 10))
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
