package grouptest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"mooring"
)

// vandal changes every target of a list.
func vandal(targets []mooring.Target) {
	for i := range targets {
		targets[i] = mooring.Target{Addr: netip.IPv4Unspecified(), Port: 9, Health: "broken", Zone: "broken"}
	}
}

func (s Subject) returned(ctx context.Context) error {
	out, err := s.Group.Register(ctx, slices.Clone(s.Targets), allowed)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	vandal(out.Registered[:cap(out.Registered)])
	targets, err := s.Group.Targets(ctx)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	vandal(targets[:cap(targets)])
	if err := s.holds(ctx, s.Targets); err != nil {
		return err
	}
	gone, err := s.Group.Deregister(ctx, slices.Clone(s.Targets[:2]), allowed)
	if err != nil {
		return fmt.Errorf("deregister: %w", err)
	}
	vandal(gone[:cap(gone)])
	return s.holds(ctx, s.Targets[2:])
}

// given hands in lists that the group may neither write to nor keep.
func (s Subject) given(ctx context.Context) error {
	mine := slices.Clone(s.Targets)
	if _, err := s.Group.Register(ctx, mine, allowed); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	if !slices.Equal(mine, s.Targets) {
		return fmt.Errorf("registering made %+v of %+v", mine, s.Targets)
	}
	vandal(mine)
	if err := s.holds(ctx, s.Targets); err != nil {
		return err
	}
	mine = slices.Clone(s.Targets)
	if _, err := s.Group.Deregister(ctx, mine, allowed); err != nil {
		return fmt.Errorf("deregister: %w", err)
	}
	if !slices.Equal(mine, s.Targets) {
		return fmt.Errorf("deregistering made %+v of %+v", mine, s.Targets)
	}
	vandal(mine)
	return s.holds(ctx, nil)
}

// turns is how often each caller changes its target. It ends with a registration for every other caller.
const turns = 6

// callers have a target each, and somebody looks on: every list must be one that could be.
func (s Subject) callers(ctx context.Context) error {
	crowd := s.Many[:min(len(s.Many), 16)]
	var stay []mooring.Target
	for i := range crowd {
		if i%2 == 0 {
			stay = append(stay, crowd[i])
		}
	}
	done := make(chan struct{})
	looked := make(chan error, 1)
	go func() { looked <- s.lookOn(ctx, crowd, done) }()
	err := atOnce(len(crowd), func(i int) error {
		for turn := range turns + 1 - i%2 {
			one, change := crowd[i:i+1], s.register
			if turn%2 == 1 {
				change = s.deregister
			}
			if err := change(ctx, one); err != nil {
				return err
			}
			if err := s.wantRegistered(ctx, one[0], turn%2 == 0); err != nil {
				return err
			}
		}
		return nil
	})
	close(done)
	return errors.Join(err, <-looked, s.holds(ctx, stay))
}

// lookOn lists until done is closed, once at least.
func (s Subject) lookOn(ctx context.Context, crowd []mooring.Target, done <-chan struct{}) error {
	for {
		targets, err := s.list(ctx)
		if err != nil {
			return err
		}
		for _, t := range targets {
			if !slices.ContainsFunc(crowd, func(c mooring.Target) bool { return name(c) == name(t) }) {
				return fmt.Errorf("list: %s, whom nobody has registered", name(t))
			}
		}
		select {
		case <-done:
			return nil
		default:
			runtime.Gosched()
		}
	}
}

func (s Subject) wantRegistered(ctx context.Context, target mooring.Target, want bool) error {
	t, ok, err := s.find(ctx, target)
	if err == nil && (ok && t.Registered()) != want {
		err = fmt.Errorf("%s: registered is %t right after it was confirmed to be %t", name(target), !want, want)
	}
	return err
}

// fight ends with nobody in the right, so that either is a fair result; but it must be one, and the next word counts.
func (s Subject) fight(ctx context.Context) error {
	prize := s.Targets[:1]
	err := atOnce(8, func(i int) error {
		for turn := range turns {
			change := s.register
			if (i+turn)%2 == 1 {
				change = s.deregister
			}
			if err := change(ctx, prize); err != nil {
				return err
			}
		}
		return nil
	})
	return inOrder(
		func() error { return err },
		func() error { return s.register(ctx, prize) },
		func() error { return s.holds(ctx, prize) },
		func() error { return s.deregister(ctx, prize) },
		func() error { return s.holds(ctx, nil) },
	)
}

// atOnce runs n callers at the same time.
func atOnce(n int, caller func(i int) error) error {
	errs, start := make([]error, n), make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = caller(i)
		})
	}
	close(start)
	all.Wait()
	return errors.Join(errs...)
}
