package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mooring"
)

// legacyObjects finds what older functions left on S3.
type legacyObjects struct {
	objects objects
	traces  []trace
}

func newLegacyObjects(api S3API, c LegacyConfig) *legacyObjects {
	return &legacyObjects{objects{api, c.Bucket, c.Owner}, c.traces()}
}

// A left is one object that an older function left, or why there is nothing in it.
type left struct {
	object
	found  bool
	denied bool  // it may not be read, or it is not there and S3 does not say so
	sure   bool  // and AWS says that it is the former
	bad    error // why it is unreadable, for ever
}

// Find reads all that may be there, at the same time, and returns the trace that was written last.
//
// What is missing or denied is passed over; where all is denied, the source says so, and how sure that is. What is unreadable
// must not stop a first run: it is passed over too, and the source says so. Only what may be readable a moment later is an
// error.
func (l *legacyObjects) Find(ctx context.Context) (*mooring.Import, error) {
	var parts []part
	for _, t := range l.traces {
		parts = append(parts, t.parts...)
	}
	found, errs := make([]left, len(parts)), make([]error, len(parts))
	var all mooring.Tasks
	for i, p := range parts {
		all.Go(func() { found[i], errs[i] = l.get(ctx, p.key) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("in %s: %w", l.objects.bucket, err)
	}
	return l.newest(found), nil
}

// get tells what will always be so from what is an error now.
func (l *legacyObjects) get(ctx context.Context, key string) (left, error) {
	got, err := l.objects.get(ctx, key, maxLegacySize)
	switch {
	case err == nil:
		return left{object: got, found: true}, nil
	case isCode(err, "NoSuchKey") || saysMissing(err):
		return left{}, nil
	case isCode(err, "AccessDenied"):
		return left{denied: true, sure: saysWhat(err)}, nil
	case isFinal(err):
		return left{bad: err}, nil
	default:
		return left{}, fmt.Errorf("%s: %w", key, err)
	}
}

// newest chooses among the traces by the youngest object of each. What was found is in the traces' order.
func (l *legacyObjects) newest(found []left) *mooring.Import {
	var best *mooring.Import
	var notes notes
	var chosen, last time.Time
	all := found
	for _, l := range all {
		if l.found && l.writer == "" { // what mooring keeps true does not show that an older function runs
			last = later(last, l.modified)
		}
	}
	for _, t := range l.traces {
		one, at := t.decode(found[:len(t.parts)], &notes)
		found = found[len(t.parts):]
		if one != nil && (best == nil || at.After(chosen)) {
			best, chosen = one, at
		}
	}
	if !slices.ContainsFunc(all, func(l left) bool { return !l.denied }) {
		last := l.traces[len(l.traces)-1].parts[0]
		where := "its objects, such as s3://" + l.objects.bucket + "/" + last.key
		if slices.ContainsFunc(all, func(l left) bool { return l.sure }) {
			notes.denied("s3:GetObject", where)
		} else {
			notes.hidden("s3:GetObject", where)
		}
	}
	return notes.on(best, last)
}

// decode reads a trace; nil where nothing of it is there and readable. It returns when any of it was written.
func (t trace) decode(found []left, notes *notes) (one *mooring.Import, at time.Time) {
	out := mooring.Import{Source: t.source}
	for i, p := range t.parts {
		err := found[i].bad
		if found[i].found {
			at = later(at, found[i].modified)
			if err = p.read(found[i].object, &out); err == nil {
				one = &out
			}
		}
		if err != nil {
			notes.add(fmt.Sprintf("%s unreadable: %.200s", p.key[strings.LastIndex(p.key, "/")+1:], err))
		}
	}
	return one, at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// notes are what people should know about what was found.
type notes []string

func (n *notes) add(note string) { *n = append(*n, note) }

// hidden says that nothing is known. It is what every first run without an older function hears of a bucket that its account
// neither owns nor has in its organization, so it must not sound like a fault.
func (n *notes) hidden(action, resource string) {
	n.add("AWS does not tell whether an older function left anything, for to who may not list the bucket it denies what is missing, too; " +
		"if there was none, all is well; if there was one, grant " + action + " on " + resource + ", and run mooring import, " +
		"or name its addresses to mooring adopt")
}

// denied says that all of a state was denied. The first run is not stopped, for there may be no such state; but the memory that
// it makes is the end of taking over by itself, so people must hear how to go on.
func (n *notes) denied(action, resource string) {
	n.add("AWS denies reading all that an older function may have left, so it is not taken over, and nobody leaves who was only in it; " +
		"if there was one, grant " + action + " on " + resource + ", move the memory away if there is one by now, " +
		"and run mooring import --write, or name those addresses to mooring adopt")
}

// on puts the notes behind the source of what was found, which was last written at the time at; nil where there is
// nothing to say either.
func (n *notes) on(found *mooring.Import, at time.Time) *mooring.Import {
	if found == nil && len(*n) == 0 {
		return nil
	}
	if found == nil {
		found = &mooring.Import{Source: "nothing"}
	}
	if len(*n) > 0 {
		found.Source += " (" + strings.Join(*n, "; ") + ")"
	}
	found.Written = at
	return found
}
