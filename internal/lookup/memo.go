package lookup

import (
	"context"
	"sync"
)

// A memo does each thing once in a round, however many ask for it, and at the same time.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]*call[V]
}

type call[V any] struct {
	done  chan struct{}
	value V
}

// start begins what was not begun yet.
func (m *memo[K, V]) start(r *round, key K, do func(context.Context) V) *call[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.calls[key]; ok {
		return c
	}
	if m.calls == nil {
		m.calls = map[K]*call[V]{}
	}
	c := &call[V]{done: make(chan struct{})}
	m.calls[key] = c
	r.work.Go(func() {
		defer close(c.done)
		c.value = do(r.ctx)
	})
	return c
}

// get waits for it; false when the context ended first.
func (m *memo[K, V]) get(ctx context.Context, r *round, key K, do func(context.Context) V) (V, bool) {
	c := m.start(r, key, do)
	select {
	case <-c.done:
		return c.value, true
	case <-ctx.Done():
		var none V
		return none, false
	}
}
