package store_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/store"
)

const (
	fqdn  = "db.example.com"
	v3Key = "Tracked IP list for db.example.com - arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup-web-0123456789abcdef"
)

func addrs(text string) (out []netip.Addr) {
	for a := range strings.FieldsSeq(text) {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func v3(misses int) store.LegacyConfig {
	return store.LegacyConfig{Format: "v3", Bucket: bucket, Name: fqdn, TargetGroup: group, Misses: misses}
}

func TestWhatV3TracksCountsDown(t *testing.T) {
	for body, c := range map[string]struct {
		misses        int
		addrs, missed string
	}{
		`{"10.0.1.5": 3, "10.0.1.6": 1}`:                {3, "10.0.1.5 10.0.1.6", "10.0.1.6:2"},
		`{"10.0.1.5": 5, "10.0.1.6": 1, "10.0.1.7": 4}`: {5, "10.0.1.5 10.0.1.6 10.0.1.7", "10.0.1.6:4 10.0.1.7:1"},
		`{"10.0.1.6": 0, "10.0.1.7": null}`:             {3, "10.0.1.6 10.0.1.7", "10.0.1.6:3 10.0.1.7:3"},
		`{"10.0.1.5": 900, "10.0.1.6": -7}`:             {3, "10.0.1.5 10.0.1.6", "10.0.1.6:3"},
		`{"10.0.1.6": 1} `:                              {0, "10.0.1.6", "10.0.1.6:2"}, // its default is 3
		`{"::ffff:10.0.1.6": 1, "10.0.1.6": 2}`:         {3, "10.0.1.6", "10.0.1.6:1"},
		`{"::ffff:10.0.1.5": 0, "10.0.1.5": 3}`:         {3, "10.0.1.5", ""},
		`{}`:                                            {3, "", ""},
		"{\n    \"2001:db8::5\": 2\n}":                  {3, "2001:db8::5", "2001:db8::5:1"},
	} {
		world, cfg := startS3(t)
		world.Put(bucket, v3Key, []byte(body))
		world.SetLastModified(bucket, v3Key, start)
		got := imported(t, importing(t, cfg, v3(c.misses)))
		if got.Source != "v3" || !slices.Equal(got.Addrs, addrs(c.addrs)) || missed(got) != c.missed || !got.At.Equal(start) || !got.Written.Equal(start) {
			t.Errorf("%s of %d: imported %+v", body, c.misses, got)
		}
	}
}

func TestWhatV3LeftUnreadableIsSaid(t *testing.T) {
	for _, body := range []string{"", "no", `["10.0.1.5"]`, `{"web": 1}`, `{"10.0.1.5": "3"}`, `{"10.0.1.5": 1.5}`, `{"fe80::1%1": 1}`} {
		world, cfg := startS3(t)
		world.Put(bucket, v3Key, []byte(body))
		world.SetLastModified(bucket, v3Key, start)
		got := imported(t, importing(t, cfg, v3(3)))
		if !strings.HasPrefix(got.Source, "nothing (Tracked IP list for db.example.com - arn") || !strings.Contains(got.Source, " unreadable: ") ||
			got.Addrs != nil || got.Missed != nil || !got.Written.Equal(start) {
			t.Errorf("%s: imported %+v", body, got)
		}
	}
}

func TestPairsUnderOtherNamesAreTakenOver(t *testing.T) {
	for _, c := range []struct {
		config          store.LegacyConfig
		active, pending string
	}{
		{store.LegacyConfig{Format: "read-replica", Name: "rds-cluster-read-replicas"}, "rds-cluster-read-replicas/active_ip.json", "rds-cluster-read-replicas/pending_ip.json"},
		{store.LegacyConfig{Format: "dual-group", Name: "k8s-web-1"}, "k8s-web-1/active_ip.json", "k8s-web-1/pending_ip.json"},
		{store.LegacyConfig{Format: "dual-group", Name: "k8s-web-1", TLS: true}, "k8s-web-1/active_ip_tls.json", "k8s-web-1/pending_ip_tls.json"},
	} {
		world, cfg := startS3(t)
		c.config.Bucket = bucket
		s := importing(t, cfg, c.config)
		if m, _ := load(t, s); m.Import != nil {
			t.Errorf("imported %+v of nothing", m.Import)
		}
		world.Put(bucket, c.active, testdata(t, "v2-active.json"))
		world.Put(bucket, c.pending, testdata(t, "v2-pending.json"))
		if got := imported(t, s); got.Source != c.config.Format || len(got.Addrs) != 2 || len(got.Missed) != 2 {
			t.Errorf("imported %+v", got)
		}
	}
}

func TestAnyStoreTakesOverOnAFirstRunOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		world, cfg := startS3(t)
		world.Put(bucket, v3Key, []byte(`{"10.0.1.5": 3}`))
		legacy, err := store.ConnectLegacy(cfg, v3(3))
		if err != nil {
			t.Fatal(err)
		}
		s := store.Importing(p.open(), legacy)
		if got := imported(t, s); !slices.Equal(got.Addrs, addrs("10.0.1.5")) {
			t.Errorf("imported %+v", got)
		}
		save(t, s, memory(1), "")
		asked := len(world.Calls())
		if m, tag := load(t, s); m.Import != nil || tag == "" || m.Revision != 1 {
			t.Errorf("imported %+v after the first run", m.Import)
		}
		if n := len(world.Calls()) - asked; n != 0 {
			t.Errorf("asked %d times after the first run", n)
		}
		world.Put(bucket, v3Key, []byte(`{"10.0.1.7": 3}`))
		older, ok := s.(interface {
			Older(context.Context) (*mooring.Import, error)
		})
		if !ok {
			t.Fatal("it does not tell what the older function remembers now")
		}
		if now, err := older.Older(t.Context()); err != nil || !slices.Equal(now.Addrs, addrs("10.0.1.7")) || time.Since(now.Written) > time.Hour {
			t.Errorf("the older function remembers %+v, error %v", now, err)
		}
		p.put([]byte("no"))
		if m, _, err := s.Load(t.Context()); err == nil || m.Import != nil {
			t.Errorf("an unreadable memory became a first run: %+v", m)
		}
	})
}

func TestWithoutMemoryNoRunIsAFirstOne(t *testing.T) {
	world, cfg := startS3(t)
	legacy, err := store.ConnectLegacy(cfg, v3(3))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := load(t, store.Importing(store.None{}, legacy))
	if m.Import != nil || m.Unusable == "" || len(world.Calls()) > 0 {
		t.Errorf("loaded %+v after %d calls", m, len(world.Calls()))
	}
}

func TestAnOlderFunctionThatIsUnknownOrHalfDescribedIsAnError(t *testing.T) {
	for want, c := range map[string]store.LegacyConfig{
		`"v4": unknown; want one of v1, v3, cresta, read-replica, dual-group`: {Format: "v4"},
		`"": unknown`:                              {},
		"v1: no bucket, no name given":             {Format: "v1", TargetGroup: group},
		"v3: no target group given":                {Format: "v3", Bucket: bucket, Name: fqdn},
		"cresta: no table, no hostname, no target": {Format: "cresta"},
		"read-replica: no name given":              {Format: "read-replica", Bucket: bucket},
		"dual-group: no bucket given":              {Format: "dual-group", Name: alb},
	} {
		if l, err := store.ConnectLegacy(aws.Config{}, c); err == nil || l != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

// FuzzCountdown feeds the reader of v3's object anything.
func FuzzCountdown(f *testing.F) {
	f.Add([]byte(`{"10.0.1.5": 3, "10.0.1.6": 1}`), 3)
	f.Add([]byte(`{"::ffff:10.0.1.6": -9223372036854775808, "10.0.1.6": null}`), -1)
	f.Add([]byte(`"{\"10.0.1.5\": 9223372036854775807}"`), 1<<40)
	f.Fuzz(func(t *testing.T, body []byte, misses int) {
		addrs, missed, err := store.DecodeCountdown(body, misses)
		if err != nil && (addrs != nil || missed != nil) {
			t.Errorf("%s and %v beside the error %v", addrs, missed, err)
		}
		wantStorable(t, addrs, missed)
		if misses >= 1 {
			for a, n := range missed {
				if n > misses {
					t.Errorf("%s missed %d of %d", a, n, misses)
				}
			}
		}
	})
}

// wantStorable wants a memory to be able to hold what was taken over.
func wantStorable(t *testing.T, addrs []netip.Addr, missed map[netip.Addr]int) {
	t.Helper()
	if len(addrs) > 500 || !slices.IsSortedFunc(addrs, netip.Addr.Compare) {
		t.Errorf("%d addresses, or out of order", len(addrs))
	}
	for a, n := range missed {
		if n < 1 || n > 1000 || !slices.Contains(addrs, a) {
			t.Errorf("%s missed %d times", a, n)
		}
	}
	m := mooring.Memory{Version: mooring.MemoryVersion}
	for _, a := range addrs {
		m.Addresses = append(m.Addresses, mooring.Entry{Addr: a})
	}
	body, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mooring.DecodeMemory(body); err != nil {
		t.Errorf("%s would spoil the memory: %v", addrs, err)
	}
}

// said answers every request with one body.
type said []byte

func (s said) Do(*http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(s))}, nil
}

// FuzzCresta feeds the real SDK's client any reply of DynamoDB. None may panic, and what is taken must be storable.
func FuzzCresta(f *testing.F) {
	f.Add([]byte(crestaItem(`{"M": {"IP": {"S": "10.0.1.5"}, "TimesMissing": {"N": "2"}}}`)))
	f.Add([]byte(`{"Item": {"State": {"M": {"Targets": {"L": [{"M": {"IP": {"S": "::ffff:10.0.1.5"}, "TimesMissing": {"N": "1e9"}}}]}}}}}`))
	f.Add([]byte(`{"Item": {"State": {"M": {"Targets": {"NULL": true}}}}}`))
	f.Add([]byte(`{"Item": {"State": {"M": {"Targets": {"L": [{"L": [{"SS": ["a"]}]}]}}}}}`))
	f.Add([]byte(`{"Item": {"State": {"M": null}, "Key": {}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		cfg := client("http://dynamodb.example.com")
		cfg.HTTPClient, cfg.Retryer = said(body), func() aws.Retryer { return aws.NopRetryer{} }
		legacy, err := store.ConnectLegacy(cfg, crestaConfig(fqdn))
		if err != nil {
			t.Fatal(err)
		}
		found, err := legacy.Find(t.Context())
		if err != nil || found == nil {
			return
		}
		wantStorable(t, found.Addrs, found.Missed)
	})
}
