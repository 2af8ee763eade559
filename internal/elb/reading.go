package elb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mooring"
)

// believedFor is how long a denial is believed, for permissions are mended, and how long an address that is in
// none of the subnets is: subnets are added.
const believedFor = 10 * time.Minute

// A reading is something that a process reads once. What came is kept; that it may not be read is believed for a
// while; what failed is read again by who asks next.
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
	at    time.Time // when it was over
}

// start returns the attempt that is under way or kept, or begins one. An attempt belongs to nobody: it outlives
// the context it began with, and ends by the time limit of its calls.
func (r *reading[T]) start(ctx context.Context) *flight[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || !r.last.stands() {
		r.last = r.begin(ctx, nil)
	}
	return r.last
}

// renew is start, but for what has been kept for long: that is read again, and kept on where this fails.
func (r *reading[T]) renew(ctx context.Context) *flight[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.last == nil || !r.last.stands():
		r.last = r.begin(ctx, nil)
	case r.last.done() && r.last.old():
		r.last = r.begin(ctx, r.last)
	}
	return r.last
}

func (r *reading[T]) begin(ctx context.Context, former *flight[T]) *flight[T] {
	f := &flight[T]{over: make(chan struct{})}
	go func() {
		defer close(f.over)
		defer func() { // it belongs to no round that could die of it
			if v := recover(); v != nil {
				f.err, f.at = fmt.Errorf("panic: %v", v), time.Now().Round(0)
			}
		}()
		f.value, f.err = r.read(context.WithoutCancel(ctx))
		if f.err != nil && former != nil {
			f.value, f.err = former.value, nil
		}
		f.at = time.Now().Round(0) // the monotonic clock stands still while a function is frozen
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
	return !f.done() || f.err == nil || errors.Is(f.err, mooring.ErrDenied) && !f.old()
}

func (f *flight[T]) old() bool { return time.Now().Round(0).Sub(f.at) >= believedFor }

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
