package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mooring"
)

// Memory keeps the stored form in this process. Its zero value is empty and ready.
// It may be used by several goroutines.
type Memory struct {
	mu   sync.Mutex
	body []byte // nil: nothing was saved yet
}

var _ mooring.Store = (*Memory)(nil)

// Load implements [mooring.Store].
func (s *Memory) Load(context.Context) (mooring.Memory, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.body == nil {
		return mooring.Memory{}, "", nil
	}
	m, err := mooring.DecodeMemory(s.body)
	if err != nil {
		return mooring.Memory{}, "", fmt.Errorf("read memory: %w", err)
	}
	return m, tagOf(s.body), nil
}

// Save implements [mooring.Store].
func (s *Memory) Save(_ context.Context, m mooring.Memory, tag string) (string, error) {
	body, err := m.Encode()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current := ""
	if s.body != nil {
		current = tagOf(s.body)
	}
	if tag != current {
		return "", fmt.Errorf("save memory: %w", mooring.ErrConflict)
	}
	s.body = body
	return tagOf(body), nil
}

// None keeps nothing: by it a binding only adds, for without memory nobody can be proved absent.
type None struct{}

var _ mooring.Store = None{}

// Load implements [mooring.Store]. It is no error to have chosen this.
func (None) Load(context.Context) (mooring.Memory, string, error) {
	return mooring.Memory{Unusable: "there is none, by configuration: nobody leaves"}, "", nil
}

// Save implements [mooring.Store]. It always fails.
func (None) Save(context.Context, mooring.Memory, string) (string, error) {
	return "", errors.New("save memory: there is none, by configuration")
}
