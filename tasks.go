package mooring

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Tasks are goroutines of one round. What one of them panics with, Wait panics with, so that it is the round that
// dies of it and not the process, which may keep other bindings. The zero value is ready; it must not be copied.
type Tasks struct {
	all  sync.WaitGroup
	mu   sync.Mutex
	died *Panic
}

// Go runs f in a goroutine of its own.
func (t *Tasks) Go(f func()) {
	t.all.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.died = panicOf(v)
			}
		}()
		f()
	})
}

// Wait waits for all of them, and panics with a [*Panic] if one of them did.
func (t *Tasks) Wait() {
	t.all.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.died != nil {
		panic(t.died)
	}
}

// A Panic is what a goroutine died of, and where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// panicOf keeps the stack of the goroutine that panicked first.
func panicOf(v any) *Panic {
	if p, ok := v.(*Panic); ok {
		return p
	}
	return &Panic{Value: v, Stack: debug.Stack()}
}

// A task is one goroutine that others may wait for.
type task struct {
	over chan struct{}
	died *Panic
}

func background(f func()) *task {
	t := &task{over: make(chan struct{})}
	go func() {
		defer close(t.over)
		defer func() {
			if v := recover(); v != nil {
				t.died = panicOf(v)
			}
		}()
		f()
	}()
	return t
}

// join waits for the task, and panics if it did.
func (t *task) join() {
	<-t.over
	if t.died != nil {
		panic(t.died)
	}
}

// wait waits for all of them, and tells whether they came before the context ended.
func wait(ctx context.Context, all ...*task) bool {
	for _, t := range all {
		select {
		case <-t.over:
			t.join()
		case <-ctx.Done():
			return false
		}
	}
	return true
}
