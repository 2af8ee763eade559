package elb

import (
	"context"
	"errors"
	"sync"

	"mooring"
)

// A reading is something that a process reads once. What came is kept, and so is that it may not be read;
// what failed is read again by who asks next.
type reading[T any] struct {
	read func(context.Context) (T, error)

	mu   sync.Mutex
	last *flight[T]
}

// A flight is one attempt to read. Its value and error stand once it is over.
type flight[T any] struct {
	over  chan struct{}
	value T
	err   error
}

// start returns the attempt that is under way or kept, or begins one. An attempt belongs to nobody: it outlives
// the context it began with, and ends by the time limit of its calls.
func (r *reading[T]) start(ctx context.Context) *flight[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && r.last.stands() {
		return r.last
	}
	f := &flight[T]{over: make(chan struct{})}
	r.last = f
	go func() {
		defer close(f.over)
		f.value, f.err = r.read(context.WithoutCancel(ctx))
	}()
	return f
}

// peek returns the latest attempt, or nil.
func (r *reading[T]) peek() *flight[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (f *flight[T]) stands() bool {
	return !f.done() || f.err == nil || errors.Is(f.err, mooring.ErrDenied)
}

func (f *flight[T]) done() bool {
	select {
	case <-f.over:
		return true
	default:
		return false
	}
}

func (f *flight[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-f.over:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// failure is why the attempt failed, if it is over and did.
func (f *flight[T]) failure() error {
	if f == nil || !f.done() {
		return nil
	}
	return f.err
}
