package store

import (
	"context"
	"fmt"

	"mooring"
)

// A Legacy finds what an older function left; nil where there is nothing. It never writes.
type Legacy interface {
	Find(ctx context.Context) (*mooring.Import, error)
}

// Importing returns inner with what legacy finds in the Import of a first run: one round trip more, and never again.
// Only what may be readable a moment later fails a first run, for a first run is not repeated.
//
// The store it returns has a method Older beside, which reads what the older function remembers now:
//
//	Older(context.Context) (*mooring.Import, error)
func Importing(inner mooring.Store, legacy Legacy) mooring.Store { return &importing{inner, legacy} }

type importing struct {
	mooring.Store
	legacy Legacy
}

// Load implements [mooring.Store]. Where no memory is kept, every run would be the first, so nothing is taken over.
func (s *importing) Load(ctx context.Context) (mooring.Memory, string, error) {
	m, tag, err := s.Store.Load(ctx)
	if err != nil || tag != "" || m.Unusable != "" {
		return m, tag, err
	}
	if m.Import, err = s.Older(ctx); err != nil {
		return mooring.Memory{}, "", err
	}
	return m, "", nil
}

// Older reads what the older function remembers now; nil where there is nothing.
func (s *importing) Older(ctx context.Context) (*mooring.Import, error) {
	found, err := s.legacy.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what an older function left: %w", err)
	}
	return found, nil
}
