package elb

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// A Limiter keeps the calls of a process within a share of AWS's token buckets, so that the rest of the account can
// work too. The buckets are those of an account in a Region, which are known from the target group's ARN; one
// Limiter serves all groups of a process.
//
// Where tokens are short, the bindings are served in turn, and within a binding who came first. A binding whose own
// bucket is empty keeps its place, so registrations are not starved by reads.
type Limiter struct {
	// Waited is told of every wait, also of one that was given up: for what, as IAM calls it, and how long.
	// It must be set before the first call; nil tells nobody.
	Waited func(action string, d time.Duration)

	share   float64
	mu      sync.Mutex
	budgets map[account]*budget
}

// An account has buckets of its own in each Region; those of EC2 are apart from those of Elastic Load Balancing.
type account struct{ partition, region, id, service string }

// minShare keeps a share from being so small that nobody is ever served.
const minShare = 0.01

// NewLimiter returns a limiter that keeps to this share of each bucket, both of its size and of its rate; at least
// one token. A share over 1 is taken for 1, one under 1 % for 1 %.
func NewLimiter(share float64) *Limiter {
	if !(share >= minShare) { // NaN too
		share = minShare
	}
	return &Limiter{share: min(share, 1), budgets: map[account]*budget{}}
}

// The buckets of a budget.
const (
	bucketAll      = iota // every call
	bucketReads           // Describe… of Elastic Load Balancing
	bucketRegister        // RegisterTargets and DeregisterTargets
)

// limits are AWS's own, burst and tokens a second:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var limits = map[string][]bucket{
	"elasticloadbalancing": {bucketAll: {burst: 40, rate: 10}, bucketReads: {burst: 40, rate: 10}, bucketRegister: {burst: 20, rate: 4}},
	"ec2":                  {bucketAll: {burst: 100, rate: 20}},
}

// A ticket is one call's right to its tokens.
type ticket struct {
	limiter *Limiter
	account account
	binding string
	action  string // as in IAM
	needs   []int  // buckets
	paid    bool   // the tokens for the next attempt were taken
	last    error  // the throttling before this attempt
}

// ticketOf names what a call for a target group takes. A malformed ARN has a budget of its own.
func (l *Limiter) ticketOf(c Config, action string) *ticket {
	service, name, _ := strings.Cut(action, ":")
	t := &ticket{limiter: l, binding: c.Name, action: action, account: account{service: service}}
	if arn := strings.SplitN(c.ARN, ":", 6); len(arn) == 6 { // arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/…
		t.account.partition, t.account.region, t.account.id = arn[1], arn[3], arn[4]
	}
	switch {
	case service == "ec2":
		t.needs = needsOne
	case name == "RegisterTargets", name == "DeregisterTargets":
		t.needs = needsRegister
	default:
		t.needs = needsRead
	}
	return t
}

var needsOne, needsRead, needsRegister = []int{bucketAll}, []int{bucketAll, bucketReads}, []int{bucketAll, bucketRegister}

// take waits for the tokens of one attempt. Who tries again came before the others of its binding.
func (l *Limiter) take(ctx context.Context, t *ticket, again bool) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	began := time.Now()
	w := l.join(t, again, began)
	if w == nil {
		return nil
	}
	var err error
	select {
	case <-w.served:
	case <-ctx.Done():
		if l.leave(t, w) {
			err = fmt.Errorf("wait for a turn to call %s: %w", t.action, context.Cause(ctx))
		}
	}
	if l.Waited != nil {
		l.Waited(t.action, time.Since(began))
	}
	return err
}

// join takes the tokens at once and returns nil, or gets in line.
func (l *Limiter) join(t *ticket, again bool, now time.Time) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(t.account)
	if len(b.lines) == 0 && !now.Before(b.paused) && b.spend(t.needs, now) {
		return nil
	}
	w := &waiter{served: make(chan struct{}), needs: t.needs}
	b.add(t.binding, w, again)
	b.serve(now)
	return w
}

// leave takes who gave up out of the line. It returns false where the tokens came first.
func (l *Limiter) leave(t *ticket, w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(t.account)
	left := b.remove(t.binding, w)
	b.serve(time.Now()) // the next one may need less
	return left
}

// throttledFor is how long nobody is served after AWS throttled a call: the account is busier than we know.
const throttledFor = time.Second

// throttled empties the buckets that a call was throttled by.
func (l *Limiter) throttled(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.budget(t.account), time.Now()
	for _, i := range t.needs {
		b.buckets[i].refill(now)
		b.buckets[i].tokens = 0
	}
	b.paused = now.Add(throttledFor)
	b.serve(now)
}

func (l *Limiter) budget(a account) *budget {
	b := l.budgets[a]
	if b == nil {
		b = &budget{}
		for _, one := range limits[a.service] {
			one.burst, one.rate = max(1, one.burst*l.share), one.rate*l.share
			one.tokens, one.at = one.burst, time.Now()
			b.buckets = append(b.buckets, one)
		}
		b.wake = func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			b.serve(time.Now())
		}
		l.budgets[a] = b
	}
	return b
}

// A bucket has tokens, and gets more by and by.
type bucket struct {
	burst, rate float64
	tokens      float64
	at          time.Time // of the last refill
}

// whole is a token but for the rounding of sums.
const whole = 1 - 1e-9

func (b *bucket) refill(now time.Time) {
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens, b.at = min(b.burst, b.tokens+d*b.rate), now
	}
}

// lacks is how long it takes until there is a token.
func (b *bucket) lacks() time.Duration {
	if b.tokens >= whole {
		return 0
	}
	return time.Duration(math.Ceil((1 - b.tokens) / b.rate * float64(time.Second)))
}
