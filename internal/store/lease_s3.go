package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// An S3Lease is an object whose holder writes it anew again and again. Every write is conditional on what was there
// before, so of several that want it one gets it:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
//
// Nobody's clock is compared with anybody else's. Whoever wants the lease takes it over when the object has not changed for
// its life, by his own monotonic clock since he first saw it so. A holder that was stopped meanwhile learns from his next
// write that he lost it. Hence a holder is succeeded within two lives of its death. While another holds it, Hold is one
// read and no write.
//
// It needs s3:GetObject and s3:PutObject. It may be used by several goroutines.
type S3Lease struct {
	objects objects
	c       S3Config
	holder  string
	life    time.Duration
	writer  string // marks our own writes, whatever the holders are called

	mu       sync.Mutex
	mine     string // the tag of our last confirmed write; "" while the lease is not ours
	revision uint64 // the highest that was read or written
	wrote    bool   // we may be who wrote last, confirmed or not
	seen     sight  // of somebody else's
}

// A sight is an object as it was found, and for how long.
type sight struct {
	tag   string
	since time.Time
}

var _ Lease = (*S3Lease)(nil)

// NewS3Lease makes the lease at c.Key, as [LeaseKey] makes it. The holder's name is for people; it need not be unique.
// All who share the lease should give it the same life; where they differ, the longer one counts.
func NewS3Lease(api S3API, c S3Config, holder string, life time.Duration) *S3Lease {
	holder = strings.ToValidUTF8(holder[:min(len(holder), maxHolder)], "")
	return &S3Lease{
		objects: objects{api, c.Bucket, c.Owner}, c: c, holder: holder, life: max(life, minLeaseLife), writer: rand.Text(),
	}
}

const (
	maxLeaseSize = 4 << 10
	maxHolder    = 256              // bytes
	maxLeaseLife = 10 * time.Minute // a longer one in the body is not waited for
	minLeaseLife = time.Second      // the body counts in seconds, and 0 is released
	leaseTries   = 3                // writes in one call

	maxLeaseSeconds = 24 * 60 * 60 // beyond that it is no life
)

// A leaseBody is the stored form.
type leaseBody struct {
	Holder   string    `json:"holder"`
	Life     int64     `json:"life_seconds"` // 0: it was released
	Renewed  time.Time `json:"renewed"`      // by the holder's clock; only for people
	Revision uint64    `json:"revision"`     // raised by every write, so that no two bodies are equal
}

// Hold implements [Lease]. What is not answered within 5 seconds and a sixth of the life is an error, so that the lease
// outlives the way to the next call.
func (l *S3Lease) Hold(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range leaseTries {
		held, again, err := l.try(ctx)
		if err != nil {
			return false, fmt.Errorf("hold lease %s: %w", l.c.url(), err)
		}
		if !again {
			return held, nil
		}
	}
	return false, nil // others are at it
}

// try writes once, where that is allowed, and tells whether the outcome says too little.
func (l *S3Lease) try(ctx context.Context) (held, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, min(callTime, l.life/6))
	defer cancel()
	found := finding{tag: l.mine, free: true}
	if l.mine == "" {
		if found, err = l.look(ctx); err != nil || !found.free {
			return false, false, err
		}
	}
	began := time.Now()
	tag, err := l.write(ctx, found.tag, l.life)
	if err != nil {
		return false, false, err // what we held we may still hold: the next call's condition tells
	}
	l.mine = tag
	if tag == "" && found.denied != nil {
		return false, false, newDenied("s3:GetObject", l.c.arn(), found.denied) // so there is one, and it cannot be read
	}
	// A reply that took longer than the life, for this process was stopped, says nothing of now.
	held = tag != "" && passed(began) < l.life
	return held, !held, nil
}

// passed is the larger of monotonic and wall time: the first may stand still while the machine sleeps.
func passed(since time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// A finding is what there is, and whether it may be replaced.
type finding struct {
	tag    string // "": nothing
	free   bool
	denied error // it may also be there and be kept from us
}

// look reads the lease. Without s3:ListBucket a missing object is a denied one; to create it, where there is none,
// tells them apart.
func (l *S3Lease) look(ctx context.Context) (finding, error) {
	got, err := l.objects.get(ctx, l.c.Key, maxLeaseSize)
	switch {
	case isCode(err, "NoSuchKey"):
		return finding{free: true}, nil
	case isCode(err, "AccessDenied"):
		return finding{free: true, denied: err}, nil
	case err != nil:
		return finding{}, err
	}
	now := time.Now() // after the reply: what was read was not written later
	body, err := decodeLease(got.body)
	l.revision = max(l.revision, body.Revision)
	ours := got.writer == l.writer // its reply was lost
	released := err == nil && body.Life == 0
	if ours || released {
		return finding{tag: got.etag, free: true}, nil
	}
	if l.seen.tag != got.etag {
		l.seen = sight{got.etag, now}
	}
	life := max(l.life, min(time.Duration(body.Life)*time.Second, maxLeaseLife))
	return finding{tag: got.etag, free: now.Sub(l.seen.since) >= life}, nil
}

// write replaces what has the tag, or creates what is not there, and returns the new tag; "" where somebody else wrote.
func (l *S3Lease) write(ctx context.Context, tag string, life time.Duration) (string, error) {
	in, err := l.c.putInput(tag, l.writer)
	if err != nil {
		return "", err
	}
	l.revision++
	l.wrote = true
	body, err := json.Marshal(leaseBody{
		Holder: l.holder, Life: int64((life + time.Second - 1) / time.Second), Renewed: time.Now().UTC(), Revision: l.revision,
	})
	if err != nil {
		return "", err
	}
	etag, err := l.objects.put(ctx, in, body)
	switch {
	case isCode(err, "PreconditionFailed"), isCode(err, "NoSuchKey"), isCode(err, "ConditionalRequestConflict"):
		return "", nil
	case isCode(err, "AccessDenied"):
		return "", newDenied("s3:PutObject", l.c.arn(), err)
	default:
		return etag, err
	}
}

// decodeLease reads the stored form. It is strict, for what is taken for released is taken over at once.
func decodeLease(body []byte) (leaseBody, error) {
	if len(body) > maxLeaseSize {
		return leaseBody{}, fmt.Errorf("over the limit of %d bytes", maxLeaseSize)
	}
	var form struct {
		leaseBody
		Life *int64 `json:"life_seconds"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&form); err != nil {
		return leaseBody{}, err
	}
	_, err := dec.Token() // More would take a bracket too many for the end
	if !errors.Is(err, io.EOF) || form.Life == nil || *form.Life < 0 || *form.Life > maxLeaseSeconds {
		return leaseBody{}, errors.New("not well formed")
	}
	form.leaseBody.Life = *form.Life
	return form.leaseBody, nil
}

// Release implements [Lease]. It writes that the lease lives no longer; s3:DeleteObject is not needed.
func (l *S3Lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := l.release(ctx); err != nil {
		return fmt.Errorf("release lease %s: %w", l.c.url(), err)
	}
	l.mine, l.wrote = "", false
	return nil
}

func (l *S3Lease) release(ctx context.Context) error {
	tag := l.mine
	for range leaseTries {
		if !l.wrote {
			return nil
		}
		if tag == "" { // lost, or written with a reply that was lost
			got, err := l.objects.get(ctx, l.c.Key, maxLeaseSize)
			if isCode(err, "NoSuchKey") || err == nil && got.writer != l.writer {
				return nil
			}
			if err != nil {
				return err
			}
			tag = got.etag
		}
		released, err := l.write(ctx, tag, 0)
		if err != nil || released != "" {
			return err
		}
		tag = ""
	}
	return errors.New("others write it again and again")
}
