package store

import "context"

// A Lease is held by at most one process at a time: of several daemons that share a memory, the one that leads.
//
// It only saves work. Each save of a memory is conditional, so two leaders are safe; hence a caller for whom Hold
// fails leads anyway, for a binding that nobody looks after is worse.
type Lease interface {
	// Hold takes the lease or keeps it, and tells whether it is held until the next call, which is due after a third
	// of the lease's life; who does not hold it may call sooner. An error means that this is not known.
	Hold(ctx context.Context) (held bool, err error)

	// Release gives up a lease that is held, so that another may take it at once.
	Release(ctx context.Context) error
}

// LeaseKey returns where the lease on some of the memories below prefix lives. share tells which: daemons that keep
// others have a lease of their own.
func LeaseKey(prefix, share string) string { return prefix + "mooring/watch-" + share + ".lease" }
