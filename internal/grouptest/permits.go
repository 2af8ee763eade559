package grouptest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mooring"
)

func (s Subject) nothing(ctx context.Context) error {
	asked := 0
	permit := func() error { asked++; return nil }
	for _, nobody := range [][]mooring.Target{nil, {}} {
		out, err := s.Group.Register(ctx, nobody, permit)
		if err != nil || len(out.Registered)+len(out.Refused) > 0 {
			return fmt.Errorf("register nobody: %+v, error %w", out, orNone(err))
		}
		gone, err := s.Group.Deregister(ctx, nobody, permit)
		if err != nil || len(gone) > 0 {
			return fmt.Errorf("deregister nobody: %v, error %w", names(gone), orNone(err))
		}
	}
	if asked > 0 {
		return fmt.Errorf("asked for %d permits", asked)
	}
	return s.holds(ctx, nil)
}

var errNotNow = errors.New("the plan is old")

// denied has been permitted the same before: a permit holds for one change.
func (s Subject) denied(ctx context.Context) error {
	before := s.Targets[:1]
	never := func() error { return errNotNow }
	return inOrder(
		func() error { return s.register(ctx, s.Targets[:2]) },
		func() error { return s.deregister(ctx, s.Targets[1:2]) },
		func() error {
			out, err := s.Group.Register(ctx, s.Targets, never)
			return none("register", out.Registered, err, errNotNow)
		},
		func() error { return s.holds(ctx, before) },
		func() error {
			gone, err := s.Group.Deregister(ctx, s.Targets, never)
			return none("deregister", gone, err, errNotNow)
		},
		func() error { return s.holds(ctx, before) },
	)
}

// withdrawn permits the first call. Whatever the group takes for one: who is confirmed is changed, who is not is as
// before, and there is an error if somebody is not.
func (s Subject) withdrawn(ctx context.Context) error {
	out, err := s.Group.Register(ctx, s.Many, once())
	if err := part("register", out.Registered, s.Many, err); err != nil {
		return err
	}
	if err := s.holds(ctx, out.Registered); err != nil {
		return err
	}
	if err := s.register(ctx, s.Many); err != nil {
		return err
	}
	gone, err := s.Group.Deregister(ctx, s.Many, once())
	if err := part("deregister", gone, s.Many, err); err != nil {
		return err
	}
	return s.holds(ctx, slices.DeleteFunc(slices.Clone(s.Many), func(t mooring.Target) bool {
		return slices.ContainsFunc(gone, func(g mooring.Target) bool { return name(g) == name(t) })
	}))
}

// once permits one change.
func once() mooring.Permit {
	asked := false
	return func() error {
		if asked {
			return errNotNow
		}
		asked = true
		return nil
	}
}

// part wants that somebody was confirmed, and an error if not everybody was.
func part(what string, confirmed, all []mooring.Target, err error) error {
	switch {
	case len(confirmed) == 0:
		return fmt.Errorf("%s: nobody is confirmed, error %w", what, orNone(err))
	case len(confirmed) < len(all) && !errors.Is(err, errNotNow):
		return fmt.Errorf("%s: %d of %d confirmed, error %w, want the permit's", what, len(confirmed), len(all), orNone(err))
	case len(confirmed) == len(all) && err != nil:
		return fmt.Errorf("%s: all confirmed, and yet %w", what, err)
	}
	return nil
}

func (s Subject) ended(ctx context.Context) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	before := s.Targets[:1]
	return inOrder(
		func() error { return s.register(ctx, before) },
		func() error {
			out, err := s.Group.Register(over, s.Targets, allowed)
			return none("register", out.Registered, err, context.Canceled)
		},
		func() error {
			gone, err := s.Group.Deregister(over, s.Targets, allowed)
			return none("deregister", gone, err, context.Canceled)
		},
		func() error { return s.holds(ctx, before) },
	)
}

// endedList takes an error or the whole list: who reads a part of it for all of it would count the rest as lost.
func (s Subject) endedList(ctx context.Context) error {
	if err := s.register(ctx, s.Targets); err != nil {
		return err
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	targets, err := s.Group.Targets(over)
	if err != nil {
		return same("listed beside an error", targets, nil)
	}
	return same("listed", targets, s.Targets)
}

func orNone(err error) error {
	if err == nil {
		return errors.New("none")
	}
	return err
}
