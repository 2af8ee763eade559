package mooring

import (
	"context"
	"errors"
	"fmt"
)

// editTries is how often an operator's change is tried anew when a round saved first.
const editTries = 5

// Edit changes the memory by hand, as an operator's command does, and returns what was saved. change gets the memory
// as a round would find it, with what an older function left taken over, and returns the next one.
// Where a round saves at the same time, the change is made again on what it saved.
func (k *Keeper) Edit(ctx context.Context, change func(Memory) (Memory, error)) (Memory, error) {
	var err error
	for range editTries {
		var m Memory
		if m, err = k.edit(ctx, change); !errors.Is(err, ErrConflict) {
			return m, err
		}
	}
	return Memory{}, err
}

func (k *Keeper) edit(ctx context.Context, change func(Memory) (Memory, error)) (Memory, error) {
	m, tag, err := k.Store.Load(ctx)
	switch {
	case err != nil:
		return Memory{}, fmt.Errorf("memory of %s: %w", k.Binding.Name, err)
	case m.Unusable != "":
		return Memory{}, fmt.Errorf("memory of %s: %s", k.Binding.Name, m.Unusable)
	}
	r := round{p: k.Policy, m: m, now: k.Now().UTC().Round(0)}
	next, err := change(r.starting())
	if err != nil {
		return Memory{}, err
	}
	next = k.stamp(m, next)
	if _, err := k.Store.Save(ctx, next, tag); err != nil {
		return Memory{}, fmt.Errorf("memory of %s: %w", k.Binding.Name, err)
	}
	return next, nil
}
