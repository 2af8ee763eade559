package rig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mooring/internal/config"
)

// A Lease is held by one process at a time. That two lead is safe all the same: each save of a memory is conditional.
type Lease interface {
	// Hold takes the lease or keeps it, and tells whether it is held. An error means that this is not known.
	Hold(ctx context.Context) (held bool, err error)
	// Release gives it up, so that another may take it at once.
	Release(ctx context.Context) error
}

const (
	// LeaseLife is how long a lease outlives its last renewal.
	LeaseLife = time.Minute
	// leaseEvery is how often the holder renews it, and leaseTime how long each call may take.
	leaseEvery = 20 * time.Second
	leaseTime  = 10 * time.Second
	// How often who stands by looks for it, and so how long a released lease lies there: on S3 a look is one GET and
	// no PUT, and a file costs nothing.
	lookEveryS3   = 2 * time.Second
	lookEveryFile = time.Second
)

// A place is where the memories of some bindings are kept, and as whom: what two daemons may share. Daemons that keep
// other bindings there do not share it, for each would have to wait for one that does not do its work.
type place struct {
	memory config.Memory
	who    config.AWS
	share  string // which bindings they are
}

func placeOf(c config.Config) place {
	if c.Embedded() {
		return place{} // whoever listens at the address leads
	}
	switch c.Memory.Kind {
	case "s3":
		return place{memory: c.Memory, who: memoryIdentity(c)}
	case "file":
		at := place{memory: config.Memory{Kind: c.Memory.Kind, Dir: c.Memory.Dir}}
		if dir, err := filepath.Abs(c.Memory.Dir); err == nil {
			at.memory.Dir = dir
		}
		return at
	default:
		return place{} // nothing is shared
	}
}

// placesOf are the places of bindings, each with its share: a fingerprint of all bindings that are kept there.
func placesOf(configs []config.Config) []place {
	keys := map[place][]string{}
	for _, c := range configs {
		at := placeOf(c)
		keys[at] = append(keys[at], fmt.Sprintf("%s %d", c.Binding.TargetGroup, c.Binding.Port))
	}
	out := make([]place, 0, len(configs))
	for _, c := range configs {
		at := placeOf(c)
		if at != (place{}) {
			sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(keys[at])), "\n")))
			at.share = hex.EncodeToString(sum[:8])
		}
		out = append(out, at)
	}
	return out
}

// A standing is whether this process leads at a place.
type standing string

const (
	unknown standing = "" // not yet
	leading standing = "leading"
	standby standing = "standby"
)

// A tenure is this process's share in a place.
type tenure struct {
	lease   func(context.Context) (Lease, error)
	kind    string // of the place
	name    string // for the log
	stop    context.CancelFunc
	over    chan struct{}
	decided func(standing)

	had     Lease // once made
	stands  standing
	failing time.Time // since when the calls fail; zero while they do not
	without bool      // it leads without the lease
}

// keep holds the lease until the context ends. Where that fails, this process leads: two leaders are safe, and none is not.
func (t *tenure) keep(ctx context.Context, log *slog.Logger) {
	defer close(t.over)
	for {
		held, err := t.hold(ctx)
		if ctx.Err() != nil {
			return
		}
		leads := held || err != nil && t.despairs()
		if leads && err != nil && !t.without {
			log.LogAttrs(ctx, slog.LevelWarn, "the lease is not to be had, so this process leads without it",
				slog.String("memory", t.name), slog.String("error", err.Error()))
		}
		t.without = leads && err != nil
		if err == nil {
			t.failing = time.Time{}
		}
		t.stand(ctx, leads, log)
		timer := time.NewTimer(t.rest())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// despairs tells whether a call that failed makes this process lead. Who stands by looks so often that one failure among the
// looks says little: another holds the lease, and would have to be silent for longer.
func (t *tenure) despairs() bool {
	if t.failing.IsZero() {
		t.failing = time.Now()
	}
	return t.stands != standby || time.Since(t.failing) >= leaseEvery
}

// rest is the time to the next call.
func (t *tenure) rest() time.Duration {
	switch {
	case t.stands == leading:
		return leaseEvery
	case t.kind == "file":
		return lookEveryFile
	default:
		return lookEveryS3
	}
}

func (t *tenure) hold(ctx context.Context) (held bool, err error) {
	defer func() { // the process keeps bindings of other places too
		if v := recover(); v != nil {
			held, err = false, fmt.Errorf("panic: %v", v)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	if t.had == nil {
		lease, err := t.lease(ctx)
		if err != nil {
			return false, err
		}
		t.had = lease
	}
	return t.had.Hold(ctx)
}

func (t *tenure) stand(ctx context.Context, leads bool, log *slog.Logger) {
	now := standby
	if leads {
		now = leading
	}
	if now == t.stands {
		return
	}
	t.stands = now
	log.LogAttrs(ctx, slog.LevelInfo, "who leads", slog.String("memory", t.name), slog.String("status", string(now)))
	t.decided(now)
}

// end gives the lease up. It is called once, after the last round.
func (t *tenure) end(ctx context.Context, log *slog.Logger) {
	t.stop()
	<-t.over
	if t.had == nil || t.stands != leading {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
	defer cancel()
	if err := t.had.Release(ctx); err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "the lease was not released, and will run out by itself",
			slog.String("memory", t.name), slog.String("error", err.Error()))
	}
}
