package store_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring/internal/store"
)

// kept answers a request for an object with one body, or with another for those that are called pending.
type kept struct{ body, pending []byte }

func (k kept) Do(r *http.Request) (*http.Response, error) {
	body := k.body
	if strings.Contains(r.URL.Path, "pending") {
		body = k.pending
	}
	header := http.Header{"Last-Modified": {"Thu, 01 Jan 2026 00:00:00 GMT"}, "Etag": {`"e"`}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// FuzzLeft takes over what any older function may have left on S3, through the real SDK: v1's pair of objects and those of
// the functions that name them otherwise, and v3's one. What is taken over must be storable.
func FuzzLeft(f *testing.F) {
	configs := []store.LegacyConfig{
		{Format: "v1", Bucket: bucket, Name: alb, TargetGroup: group},
		{Format: "v3", Bucket: bucket, Name: fqdn, TargetGroup: group, Misses: 3},
		{Format: "read-replica", Bucket: bucket, Name: "rds-cluster-read-replicas"},
		{Format: "dual-group", Bucket: bucket, Name: alb, TLS: true},
	}
	f.Add([]byte(`{"IPList": ["10.0.1.5"], "IPCount": 1}`), []byte(`{"10.0.1.6": 2}`), byte(0))
	f.Add([]byte(`{"10.0.1.5": 3, "10.0.1.6": 1}`), []byte(nil), byte(1))
	f.Fuzz(func(t *testing.T, body, pending []byte, format byte) {
		cfg := client("http://s3.example.com")
		cfg.HTTPClient, cfg.Retryer = kept{body, pending}, func() aws.Retryer { return aws.NopRetryer{} }
		legacy, err := store.ConnectLegacy(cfg, configs[int(format)%len(configs)])
		if err != nil {
			t.Fatal(err)
		}
		found, err := legacy.Find(t.Context())
		if err != nil || found == nil {
			return
		}
		addrs := slices.AppendSeq(slices.Clone(found.Addrs), maps.Keys(found.Missed)) // v1 counts those that it no longer has
		slices.SortFunc(addrs, netip.Addr.Compare)
		wantStorable(t, slices.Compact(addrs), found.Missed)
		if found.Source == "" {
			t.Errorf("taken over from nowhere: %+v", found)
		}
	})
}

// FuzzLease reads any lease. What is taken for one, and above all for one that was released, is one JSON value and no more.
func FuzzLease(f *testing.F) {
	f.Add([]byte(`{"holder":"web-1","life_seconds":30,"renewed":"2026-01-01T00:00:00Z","revision":4}`))
	f.Add([]byte(`{"holder":"web-1","life_seconds":0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		lease, err := store.DecodeLease(body)
		if err == nil && (lease.Life < 0 || lease.Life > 1<<40 || !json.Valid(body)) {
			t.Errorf("%q was taken for a lease of %d s", body, lease.Life)
		}
	})
}
