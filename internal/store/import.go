package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"mooring"
)

// A left is one object that an older function left, or why there is nothing in it.
type left struct {
	object
	found  bool
	denied bool
	err    error // why it is unreadable, for ever
}

// importOld reads all that older functions may have left, at the same time, and returns what was written last;
// nil where there is nothing. It never writes.
//
// What is missing or denied is passed over. What is unreadable must not stop a first run: it is passed over too,
// and the source says so. Only what may be readable a moment later is an error, for a first run is not repeated.
func (s *S3) importOld(ctx context.Context) (*mooring.Import, error) {
	active, pending := make([]left, len(s.c.Legacy)), make([]left, len(s.c.Legacy))
	errs := make([]error, 2*len(s.c.Legacy))
	var all sync.WaitGroup
	for i, pair := range s.c.Legacy {
		all.Go(func() { active[i], errs[2*i] = s.getOld(ctx, pair.Active) })
		all.Go(func() { pending[i], errs[2*i+1] = s.getOld(ctx, pair.Pending) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s.newest(active, pending), nil
}

// getOld tells what will always be so from what is an error now.
func (s *S3) getOld(ctx context.Context, key string) (left, error) {
	got, err := s.get(ctx, key, maxLegacySize)
	switch {
	case err == nil:
		return left{object: got, found: true}, nil
	case isCode(err, "NoSuchKey"):
		return left{}, nil
	case isCode(err, "AccessDenied"):
		return left{denied: true}, nil
	case isFinal(err):
		return left{err: err}, nil
	default:
		return left{}, fmt.Errorf("%s: %w", key, err)
	}
}

// newest chooses among the pairs by the younger object of each.
func (s *S3) newest(active, pending []left) *mooring.Import {
	var best *mooring.Import
	var written time.Time
	var notes []string
	for i, pair := range s.c.Legacy {
		one, unreadable := decodeOld(pair, active[i], pending[i])
		notes = append(notes, unreadable...)
		if one == nil {
			continue
		}
		if at := later(active[i].modified, pending[i].modified); best == nil || at.After(written) {
			best, written = one, at
		}
	}
	if allowed := func(l left) bool { return !l.denied }; len(active) > 0 && !slices.ContainsFunc(slices.Concat(active, pending), allowed) {
		notes = append(notes, "AWS denies reading what an older function may have left: it is not there, or s3:GetObject is missing")
	}
	if len(notes) == 0 {
		return best
	}
	if best == nil {
		best = &mooring.Import{Source: "nothing"}
	}
	best.Source += " (" + strings.Join(notes, "; ") + ")"
	return best
}

// decodeOld reads a pair; nil where nothing of it is there and readable.
func decodeOld(pair LegacyObject, active, pending left) (one *mooring.Import, unreadable []string) {
	var addrs []netip.Addr
	var missed map[netip.Addr]int
	if active.found {
		addrs, active.err = decodeActive(active.body)
	}
	if pending.found {
		missed, pending.err = decodePending(pending.body)
	}
	for _, o := range []struct {
		key string
		err error
	}{{pair.Active, active.err}, {pair.Pending, pending.err}} {
		if o.err != nil {
			unreadable = append(unreadable, fmt.Sprintf("%s unreadable: %.200s", o.key[strings.LastIndex(o.key, "/")+1:], o.err))
		}
	}
	if addrs == nil && missed == nil {
		return nil, unreadable
	}
	return &mooring.Import{Source: pair.Source, Addrs: slices.Clip(addrs), Missed: missed, At: pending.modified}, unreadable
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
