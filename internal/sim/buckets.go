package sim

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Buckets are AWS's token buckets, of each account in each Region. The zero value is ready.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
type Buckets struct {
	Clock func() time.Time // nil: the wall clock

	mu        sync.Mutex
	buckets   map[bucketKey]*tokens
	requests  map[string]int
	worst     map[string]float64
	throttled int
}

// The categories of calls. A call of Elastic Load Balancing takes a token of its own category and of [BucketELB].
const (
	BucketELB       = "elb"
	BucketReads     = "reads"
	BucketRegister  = "registration"
	BucketMutating  = "mutating"
	BucketIntensive = "intensive"
	BucketEC2       = "ec2"
)

// sizes are a bucket's capacity and the tokens that it gets a second.
var sizes = map[string]struct{ capacity, rate float64 }{
	BucketELB: {40, 10}, BucketReads: {40, 10}, BucketRegister: {20, 4}, BucketMutating: {20, 3},
	BucketIntensive: {10, 0.2}, BucketEC2: {100, 20},
}

type bucketKey struct{ account, region, category string }

type tokens struct {
	left float64
	at   time.Time
}

// Requests returns how many calls of a category came, throttled ones too.
func (b *Buckets) Requests(category string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests[category]
}

// Throttled returns how many calls were refused.
func (b *Buckets) Throttled() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.throttled
}

// Worst returns the largest share of a bucket of the category that was ever used up, in any account: 1 when it was empty.
func (b *Buckets) Worst(category string) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.worst[category]
}

// take takes a call's tokens. Where one of its buckets is empty it takes none, and the call is to be refused.
func (b *Buckets) take(r *http.Request, c AWSCall) bool {
	categories := categoriesOf(c)
	account, region := ownerOf(r, c)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buckets == nil {
		b.buckets, b.requests, b.worst = map[bucketKey]*tokens{}, map[string]int{}, map[string]float64{}
	}
	enough := true
	for _, category := range categories {
		b.requests[category]++
		enough = b.refilled(bucketKey{account, region, category}).left >= 1 && enough
	}
	if !enough {
		b.throttled++
		return false
	}
	for _, category := range categories {
		t, capacity := b.buckets[bucketKey{account, region, category}], sizes[category].capacity
		t.left--
		b.worst[category] = max(b.worst[category], 1-t.left/capacity)
	}
	return true
}

func (b *Buckets) refilled(key bucketKey) *tokens {
	now := time.Now()
	if b.Clock != nil {
		now = b.Clock()
	}
	size, t := sizes[key.category], b.buckets[key]
	if t == nil {
		t = &tokens{left: size.capacity, at: now}
		b.buckets[key] = t
	}
	t.left = min(size.capacity, t.left+max(0, now.Sub(t.at).Seconds())*size.rate)
	t.at = now
	return t
}

func categoriesOf(c AWSCall) []string {
	switch {
	case c.Service == "ec2" && strings.HasPrefix(c.Action, "Describe"):
		return []string{BucketEC2}
	case c.Service != "elb":
		return nil
	case c.Action == "RegisterTargets", c.Action == "DeregisterTargets":
		return []string{BucketELB, BucketRegister}
	case strings.HasPrefix(c.Action, "Describe"):
		return []string{BucketELB, BucketReads}
	case c.Action == "CreateLoadBalancer", c.Action == "SetSubnets":
		return []string{BucketELB, BucketIntensive}
	default:
		return []string{BucketELB, BucketMutating}
	}
}

// ownerOf says whose buckets a call takes from: those of the account and Region in the ARN that it names, or else
// those of its signature, where the access key stands for an account that is not known.
func ownerOf(r *http.Request, c AWSCall) (account, region string) {
	for _, field := range []string{"TargetGroupArn", "TargetGroupArns.member.1", "LoadBalancerArns.member.1"} {
		if arn := strings.SplitN(c.Form.Get(field), ":", 6); len(arn) == 6 {
			return arn[4], arn[3]
		}
	}
	key, region, _ := signer(r)
	return cmp.Or(c.Account, key), region
}

// signer reads the access key, the Region and the service of a signature:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
func signer(r *http.Request) (key, region, service string) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/") // KEY/DATE/REGION/SERVICE/aws4_request
	if len(parts) != 5 {
		return "", "", ""
	}
	return parts[0], parts[2], parts[3]
}
