package main

import (
	"context"
	"sync"
	"time"
)

// A clock is the time of a walk: AWS's own, or the simulated world's, where waiting takes no time.
type clock interface {
	Now() time.Time
	Wait(context.Context, time.Duration) error
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A worldClock goes on when somebody waits, or when it is set.
type worldClock struct {
	mu sync.Mutex
	at time.Time
}

func newWorldClock() *worldClock {
	return &worldClock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (c *worldClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *worldClock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return ctx.Err()
}

// Set moves the clock, never back.
func (c *worldClock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.at) {
		c.at = at
	}
}
