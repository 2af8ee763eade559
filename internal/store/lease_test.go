package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring/internal/sim"
	"mooring/internal/store"
	"mooring/internal/store/mototest"
)

const life = 30 * time.Second

var leaseKey = store.LeaseKey("alb.example.com/", "0123")

// inside answers within the process, so that time may be virtual.
type inside struct{ handler http.Handler }

func (i inside) Do(r *http.Request) (reply *http.Response, err error) {
	defer func() {
		if recover() != nil {
			reply, err = nil, io.ErrUnexpectedEOF // the server closed the connection
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	i.handler.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// virtualS3 is a simulated S3 with an empty bucket, and the real SDK's client for it.
func virtualS3() (*sim.S3, *s3.Client) {
	world := &sim.S3{}
	world.CreateBucket(bucket)
	cfg := client("http://s3.example.com")
	cfg.HTTPClient = inside{world}
	return world, store.ConnectS3API(cfg)
}

func newLease(api store.S3API, holder string) *store.S3Lease {
	return store.NewS3Lease(api, store.S3Config{Bucket: bucket, Key: leaseKey}, holder, life)
}

// hold wants the lease to be held, or not to be.
func hold(t *testing.T, l store.Lease, want bool) {
	t.Helper()
	if held, err := l.Hold(t.Context()); err != nil || held != want {
		t.Fatalf("held %t, error %v; want %t", held, err, want)
	}
}

func release(t *testing.T, l store.Lease) {
	t.Helper()
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func wait(d time.Duration) { <-time.After(d) }

func TestOfSeveralDaemonsOneLeadsUntilItReleases(t *testing.T) {
	for name, open := range map[string]func(*testing.T) func(holder string) store.Lease{
		"s3": func(t *testing.T) func(string) store.Lease {
			_, cfg := startS3(t)
			return func(holder string) store.Lease { return newLease(store.ConnectS3API(cfg), holder) }
		},
		"moto": func(t *testing.T) func(string) store.Lease {
			onMoto(t)
			api := store.ConnectS3API(client(mototest.Endpoint(t)))
			c := store.S3Config{Bucket: bucket, Key: store.LeaseKey(fmt.Sprintf("%d/", motoKeys.Add(1)), "0123")}
			return func(holder string) store.Lease { return store.NewS3Lease(api, c, holder, life) }
		},
		"file": func(t *testing.T) func(string) store.Lease {
			dir := t.TempDir()
			return func(string) store.Lease { return store.NewFileLease(dir, leaseKey) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			lease := open(t)
			a, b, c := lease("a"), lease("b"), lease("a") // two of one name
			hold(t, a, true)
			hold(t, b, false)
			hold(t, c, false)
			hold(t, a, true)
			release(t, b)
			hold(t, c, false)
			release(t, a)
			hold(t, b, true)
			hold(t, a, false)
			release(t, b)
			hold(t, b, true)
		})
	}
}

func TestToStandByCostsOneReadACallAndNoWrite(t *testing.T) {
	world, cfg := startS3(t)
	api := store.ConnectS3API(cfg)
	hold(t, newLease(api, "a"), true)
	b, before := newLease(api, "b"), len(world.Calls())
	for range 10 {
		hold(t, b, false)
	}
	calls := world.Calls()[before:]
	if len(calls) != 10 || slices.ContainsFunc(calls, func(c sim.S3Call) bool { return c.Method != http.MethodGet }) {
		t.Errorf("ten calls of Hold made %+v", calls)
	}
}

func TestAfterADeathAnotherLeadsWithinTwoLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for died := time.Second; died < life/3; died += 2 * time.Second {
			_, api := virtualS3()
			a, b := newLease(api, "a"), newLease(api, "b")
			hold(t, b, true)
			release(t, b)
			hold(t, a, true)
			last := time.Now()
			wait(died) // a is heard of no more; b asks at another moment of each third
			for held := false; !held; wait(life / 3) {
				var err error
				if held, err = b.Hold(t.Context()); err != nil {
					t.Fatal(err)
				}
				switch since := time.Since(last); {
				case held && since < life:
					t.Fatalf("taken over after %s, when it was still held", since)
				case !held && since > 2*life-life/3:
					t.Fatalf("not taken over after %s", since)
				}
			}
			hold(t, a, false)
		}
	})
}

func TestAHolderThatWasStoppedLearnsThatItLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, api := virtualS3()
		a, b := newLease(api, "a"), newLease(api, "b")
		hold(t, a, true)
		hold(t, b, false)
		wait(life)
		hold(t, b, true)
		wait(10 * time.Minute) // b is stopped too
		hold(t, a, false)
		hold(t, b, true) // nobody took it meanwhile: a saw b's write only now
		hold(t, a, false)
	})
}

func TestAHolderThatWasStoppedInTheMiddleOfACallLearnsThatItLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, api := virtualS3()
		b := newLease(api, "b")
		stopped := false
		a := newLease(late{S3API: api, after: func() {
			if stopped {
				return
			}
			stopped = true // with the reply to its write on the way
			hold(t, b, false)
			wait(life)
			hold(t, b, true)
		}}, "a")
		hold(t, a, false)
		hold(t, b, true)
	})
}

func TestWhatIsReadIsAsYoungAsTheReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, api := virtualS3()
		a := newLease(api, "a")
		hold(t, a, true)
		first := true
		b := newLease(late{S3API: api, before: func() {
			if first { // between b's question and the answer a writes again
				first = false
				wait(life / 10)
				hold(t, a, true)
			}
		}}, "b")
		hold(t, b, false)
		wait(life - life/20)
		hold(t, b, false)
	})
}

func TestALeaseWhoseReplyIsLostIsOurs(t *testing.T) {
	world, cfg := startS3(t)
	api := store.ConnectS3API(cfg)
	a, b := newLease(api, "a"), newLease(api, "b")
	for range 2 { // to create, then to keep
		world.Inject(http.MethodPut, leaseKey, 1, sim.S3Fault{LoseReply: true})
		hold(t, a, true)
	}
	world.Inject(http.MethodPut, leaseKey, -1, sim.S3Fault{LoseReply: true})
	if held, err := a.Hold(t.Context()); err == nil || held {
		t.Errorf("held %t, and no reply ever came", held)
	}
	world.Heal()
	hold(t, a, true)
	world.Inject(http.MethodPut, leaseKey, 1, sim.S3Fault{LoseReply: true})
	release(t, a)
	hold(t, b, true)
	release(t, a) // it is no longer a's
	hold(t, b, true)
}

func TestALeaseThatWasDeletedIsMadeAgain(t *testing.T) {
	world, cfg := startS3(t)
	a, b := newLease(store.ConnectS3API(cfg), "a"), newLease(store.ConnectS3API(cfg), "b")
	hold(t, a, true)
	world.Delete(bucket, leaseKey)
	hold(t, b, true)
	hold(t, a, false)
	world.Delete(bucket, leaseKey)
	release(t, b)
	hold(t, a, true)
}

func TestAConflictingOperationCostsNoLease(t *testing.T) {
	world, cfg := startS3(t)
	a := newLease(store.ConnectS3API(cfg), "a")
	hold(t, a, true)
	world.Inject(http.MethodPut, leaseKey, 1, sim.S3Busy)
	hold(t, a, true)
	world.Inject(http.MethodPut, leaseKey, -1, sim.S3Busy)
	hold(t, a, false)
	if err := a.Release(t.Context()); err == nil {
		t.Error("released, and nothing was written")
	}
	world.Heal()
	hold(t, a, true)
}

func TestALeaseThatIsUnreadableIsTakenOverAfterALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []string{
			"", "no", "{}", `{"holder":"x","life_seconds":-1}`, `{"holder":"x","life_seconds":null}`, `{"life_seconds":0} {}`,
			`{"life_seconds":0}}`, `{"life_seconds":0}]`,
			`{"holder":"x","life_seconds":0,"colour":"red"}`, `{"life_seconds":1e99}`, `{"life_seconds":9223372036854775807}`,
			`{"life_seconds":0}` + fmt.Sprintf("%5000s", ""),
		} {
			world, api := virtualS3()
			a := newLease(api, "a")
			world.Put(bucket, leaseKey, []byte(body))
			hold(t, a, false)
			wait(life - time.Millisecond)
			hold(t, a, false)
			wait(time.Millisecond)
			hold(t, a, true)
			hold(t, newLease(api, "b"), false)
		}
	})
}

func TestTheLongerLifeCountsUpToTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seconds, want := range map[int]time.Duration{1: life, 60: time.Minute, 80_000: 10 * time.Minute} {
			world, api := virtualS3()
			a := newLease(api, "a")
			world.Put(bucket, leaseKey, fmt.Appendf(nil, `{"holder":"x","life_seconds":%d,"renewed":"2026-11-23T14:40:00Z","revision":7}`, seconds))
			hold(t, a, false)
			wait(want - time.Millisecond)
			hold(t, a, false)
			wait(time.Millisecond)
			hold(t, a, true)
		}
	})
}

func TestALeaseSaysWhoHoldsIt(t *testing.T) {
	world, cfg := startS3(t)
	a := newLease(store.ConnectS3API(cfg), "watch-7")
	for revision, life := range []float64{30, 30, 0} {
		if life == 0 {
			release(t, a)
		} else {
			hold(t, a, true)
		}
		var got map[string]any
		if err := json.Unmarshal(world.Objects(bucket)[leaseKey].Body, &got); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got["renewed"]))
		if err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("renewed %v", got["renewed"])
		}
		if got["holder"] != "watch-7" || got["life_seconds"] != life || got["revision"] != float64(revision+1) || len(got) != 4 {
			t.Errorf("it says %v", got)
		}
	}
}

func TestALeaseThatMayNotBeReadOrWrittenSaysWhatIsMissing(t *testing.T) {
	world, cfg := startS3(t)
	api := store.ConnectS3API(cfg)
	world.HideMissing = true
	hold(t, newLease(api, "a"), true) // there is none, which cannot be told before it is made
	world.Inject(http.MethodGet, leaseKey, -1, sim.S3Denied)
	_, err := newLease(api, "b").Hold(t.Context())
	wantDenied(t, err, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::state/`+leaseKey+`"}`)
	world.Heal()
	world.Delete(bucket, leaseKey)
	world.Inject(http.MethodPut, leaseKey, -1, sim.S3Denied)
	_, err = newLease(api, "b").Hold(t.Context())
	wantDenied(t, err, `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::state/`+leaseKey+`"}`)
}

func TestAnOutageIsNeitherHeldNorLost(t *testing.T) {
	world, cfg := startS3(t)
	a := newLease(store.ConnectS3API(cfg), "a")
	hold(t, a, true)
	world.Inject("", leaseKey, -1, sim.S3SlowDown)
	if held, err := a.Hold(t.Context()); err == nil || held {
		t.Errorf("held %t, error %v", held, err)
	}
	if held, err := newLease(store.ConnectS3API(cfg), "b").Hold(t.Context()); err == nil || held {
		t.Errorf("held %t, error %v", held, err)
	}
	world.Heal()
	hold(t, a, true)
}

func TestASilentS3CostsAFractionOfTheLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for life, want := range map[time.Duration]time.Duration{time.Minute: 5 * time.Second, 12 * time.Second: 2 * time.Second} {
			began := time.Now()
			l := store.NewS3Lease(strange{}, store.S3Config{Bucket: bucket, Key: leaseKey}, "a", life)
			if held, err := l.Hold(t.Context()); held || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != want {
				t.Errorf("held %t, error %v after %s", held, err, time.Since(began))
			}
		}
	})
}

func TestALeaseIsEncryptedAsTheMemoryIs(t *testing.T) {
	world, cfg := startS3(t)
	c := store.S3Config{Bucket: bucket, Key: leaseKey, SSE: "aws:kms:key-1"}
	hold(t, store.NewS3Lease(store.ConnectS3API(cfg), c, "a", life), true)
	if o := world.Objects(bucket)[leaseKey]; o.SSE != "aws:kms" || o.KMSKey != "key-1" {
		t.Errorf("encrypted by %q with %q", o.SSE, o.KMSKey)
	}
	world.Delete(bucket, leaseKey)
	c.SSE = "rot13"
	if _, err := store.NewS3Lease(store.ConnectS3API(cfg), c, "b", life).Hold(t.Context()); err == nil {
		t.Error("held with an encryption that is none")
	}
}
