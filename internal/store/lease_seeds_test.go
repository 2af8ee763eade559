package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring/internal/sim"
	"mooring/internal/store"
)

// A late S3 does something before and after each call, however long that takes: as if the process were stopped.
type late struct {
	store.S3API
	before, after func()
}

func (l late) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if l.before != nil {
		l.before()
	}
	return l.S3API.GetObject(ctx, in, o...)
}

func (l late) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	out, err := l.S3API.PutObject(ctx, in, o...)
	if l.after != nil {
		l.after()
	}
	return out, err
}

// A stage is where several want one lease. It notes until when each believes to hold it.
type stage struct {
	mu      sync.Mutex
	until   map[int]time.Time
	changes int
	faults  []string
}

// held notes the outcome of a call that began at the time began.
func (s *stage) held(who int, held bool, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.until, who)
	if !held {
		return
	}
	now := time.Now()
	for other, until := range s.until {
		if until.After(now) {
			s.faults = append(s.faults, fmt.Sprintf("%d took it at %s, and %d holds it until %s", who, now, other, until))
		}
	}
	if len(s.until) > 0 {
		s.changes++
	}
	s.until[who] = began.Add(life)
}

// act is the life of one daemon: it asks each third of the lease's life, and is stopped now and then, also within calls.
func (s *stage) act(ctx context.Context, who int, api store.S3API, r *rand.Rand) {
	pause := func() {
		switch r.IntN(30) {
		case 0:
			wait(time.Duration(r.Int64N(int64(3 * life))))
		default:
			wait(time.Duration(r.Int64N(int64(life / 20))))
		}
	}
	open := func() *store.S3Lease { return newLease(late{api, pause, pause}, fmt.Sprint(who)) }
	lease := open()
	for ctx.Err() == nil {
		began := time.Now()
		held, err := lease.Hold(ctx)
		s.held(who, err == nil && held, began)
		switch r.IntN(40) {
		case 0: // killed, and started again
			lease = open()
		case 1:
			s.held(who, false, began)
			_ = lease.Release(ctx) // it may fail; then its life must run out
		case 2:
			wait(time.Duration(r.Int64N(int64(3 * life))))
		}
		wait(life / 3)
	}
}

// TestNeverDoTwoHoldALease lets three daemons want one lease for a quarter of an hour, in many worlds.
func TestNeverDoTwoHoldALease(t *testing.T) {
	worlds, changes := 40, 0
	if testing.Short() {
		worlds = 20
	}
	for seed := range worlds {
		synctest.Test(t, func(t *testing.T) {
			world, api := virtualS3()
			for n := range 20 {
				world.Inject("", "", 5+n, sim.S3Fault{})
				world.Inject("", "", 1, []sim.S3Fault{{LoseReply: true}, sim.S3SlowDown, sim.S3Busy}[n%3])
			}
			s := &stage{until: map[int]time.Time{}}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
			defer cancel()
			var all sync.WaitGroup
			for who := range 3 {
				all.Go(func() { s.act(ctx, who, api, rand.New(rand.NewPCG(uint64(seed), uint64(who)))) })
			}
			all.Wait()
			for _, f := range s.faults {
				t.Errorf("seed %d: %s", seed, f)
			}
			changes += s.changes
			world.Heal()
			last := newLease(api, "last")
			for range 7 { // two lives and a third
				if held, err := last.Hold(t.Context()); err == nil && held {
					return
				}
				wait(life / 3)
			}
			t.Errorf("seed %d: nobody else wants it, and it is not held", seed)
		})
	}
	if changes < worlds {
		t.Errorf("it changed hands %d times in %d worlds: they tell nothing", changes, worlds)
	}
}
