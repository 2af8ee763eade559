package mooring_test

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mooring/internal/sim"
)

// A pail is a bucket in this process: conditional writes, metadata, and a fault now and then, of one object for a moment.
type pail struct {
	seed    uint64
	now     func() time.Time
	mu      sync.Mutex
	writes  int
	objects map[string]drop
}

type drop struct {
	body     []byte
	metadata map[string]string
	modified time.Time
	etag     string
}

// fails draws from the object and the moment, for several are asked for at the same time, in any order.
func (p *pail) fails(key string) bool {
	of := fnv.New64a()
	_, _ = io.WriteString(of, key)
	return rand.New(rand.NewPCG(p.seed^of.Sum64(), uint64(p.now().UnixNano()))).IntN(50) == 0 //nolint:gosec // a world is to be repeatable
}

func (p *pail) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails(*in.Key) {
		return nil, errors.New("no answer")
	}
	o, ok := p.objects[*in.Key]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "NoSuchKey"}
	}
	body := io.NopCloser(strings.NewReader(string(o.body)))
	return &s3.GetObjectOutput{Body: body, ETag: &o.etag, Metadata: o.metadata, LastModified: &o.modified}, nil
}

func (p *pail) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails(*in.Key) {
		return nil, errors.New("no answer")
	}
	o, ok := p.objects[*in.Key]
	if ok && aws.ToString(in.IfMatch) != o.etag || !ok && in.IfMatch != nil {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	p.writes++
	etag := strconv.Itoa(p.writes)
	p.objects[*in.Key] = drop{body, in.Metadata, p.now(), etag}
	return &s3.PutObjectOutput{ETag: &etag}, nil
}

// remembered reads the objects as the function of this format reads its own: v1 calls json.loads twice. What it cannot
// read is a first run to it.
func (p *pail) remembered(t *testing.T, format string) sim.Rule {
	t.Helper()
	read := func(key string, into any) {
		body := p.objects[key].body
		if body == nil {
			return
		}
		if format == "v1" {
			var inner string
			if err := json.Unmarshal(body, &inner); err != nil {
				t.Fatalf("%s: %s: %v", key, body, err)
			}
			body = []byte(inner)
		}
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%s: %s: %v", key, body, err)
		}
	}
	if format == "v3" {
		var left map[netip.Addr]int
		read("Tracked IP list for "+keptName+" - "+strings.ReplaceAll(keptGroup, "/", "-"), &left)
		var tracked sim.Rule2020
		for a, n := range left {
			tracked = append(tracked, sim.Tracked{Addr: a, Left: n})
		}
		slices.SortFunc(tracked, func(a, b sim.Tracked) int { return a.Addr.Compare(b.Addr) })
		return tracked
	}
	active, pending := keptName+"/active_ip.json", keptName+"/pending_ip.json"
	if format == "v1" {
		active = keptName + "-active-registered-IPs/Active IP list of " + keptName + ".json"
		pending = keptName + "-pending-deregisteration-IPs/Pending deregisteration IP list of " + keptName + ".json"
	}
	var list struct {
		IPList  []netip.Addr
		IPCount int
	}
	var counts map[netip.Addr]int
	read(active, &list)
	read(pending, &counts)
	slices.SortFunc(list.IPList, netip.Addr.Compare)
	if len(list.IPList) != list.IPCount {
		t.Errorf("%d addresses, and IPCount is %d", len(list.IPList), list.IPCount)
	}
	if format == "v1" {
		return sim.Rule2018{Active: list.IPList, Pending: counts}
	}
	return sim.Rule2021{Active: list.IPList, Pending: counts}
}
