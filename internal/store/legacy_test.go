package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mooring"
	"mooring/internal/sim"
	"mooring/internal/store"
)

// The keys are spelled out here as the functions spell them, misspelt ones too.
const (
	alb   = "internal-web-123456789.eu-central-1.elb.amazonaws.com"
	group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef"

	v1Active  = alb + "-active-registered-IPs/Active IP list of " + alb + ".json"
	v1Pending = alb + "-pending-deregisteration-IPs/Pending deregisteration IP list of " + alb + ".json"
	v2Active  = alb + "/active_ip.json"
	v2Pending = alb + "/pending_ip.json"
)

var start = time.Date(2026, 11, 23, 14, 40, 0, 0, time.UTC)

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "legacy", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// old is a bucket in which older functions left something, at the ages given with it.
func old(t *testing.T) (*sim.S3, mooring.Store, func(key string, age time.Duration, body []byte)) {
	t.Helper()
	world, cfg := startS3(t)
	return world, importing(t, cfg, v1), func(key string, age time.Duration, body []byte) {
		world.Put(bucket, key, body)
		world.SetLastModified(bucket, key, start.Add(-age))
	}
}

// v1 is the function of 2018, its variants, and the one of 2021.
var v1 = store.LegacyConfig{Format: "v1", Bucket: bucket, Name: alb, TargetGroup: group}

// importing is a memory on S3 that takes over what an older function left.
func importing(t *testing.T, cfg aws.Config, c store.LegacyConfig) mooring.Store {
	t.Helper()
	legacy, err := store.ConnectLegacy(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	return store.Importing(store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key}), legacy)
}

// imported is what a first run takes over; it must take something.
func imported(t *testing.T, s mooring.Store) mooring.Import {
	t.Helper()
	m, tag := load(t, s)
	if m.Import == nil || tag != "" {
		t.Fatalf("imported nothing; tag %q", tag)
	}
	return *m.Import
}

func missed(i mooring.Import) string {
	var out []string
	for a, n := range i.Missed {
		out = append(out, fmt.Sprintf("%s:%d", a, n))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestAFirstRunTakesOverWhatEachOlderFunctionLeft(t *testing.T) {
	for name, c := range map[string]struct {
		active, pending         string
		activeBody, pendingBody string
		missed                  string
	}{
		"v1":        {v1Active, v1Pending, "v1-active.json", "v1-pending.json", "10.0.1.6:2 10.0.3.9:1"},
		"v1, plain": {v1Active, v1Pending, "v2-active.json", "v2-pending.json", "10.0.1.6:2 10.0.3.9:1000"},
		"v1, nobody pending": {
			v1Active, v1Pending, "v1-active.json", "v1-pending-empty.json", "",
		},
		"v1, one folder a group": {
			group + "/" + alb + "/active.json", group + "/" + alb + "/pending.json",
			"v1-active.json", "v1-pending.json", "10.0.1.6:2 10.0.3.9:1",
		},
		"v1, one folder a group, long names": {
			group + "/" + alb + "/Active IP list of " + alb + ".json",
			group + "/" + alb + "/Pending deregistration IP list of " + alb + ".json",
			"v1-active.json", "v1-pending.json", "10.0.1.6:2 10.0.3.9:1",
		},
		"v2": {v2Active, v2Pending, "v2-active.json", "v2-pending.json", "10.0.1.6:2 10.0.3.9:1000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, s, put := old(t)
			put(c.active, 240*time.Hour, testdata(t, c.activeBody))
			put(c.pending, time.Minute, testdata(t, c.pendingBody))
			got := imported(t, s)
			if want := []netip.Addr{netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.0.2.7")}; !slices.Equal(got.Addrs, want) {
				t.Errorf("addresses %s, want %s", got.Addrs, want)
			}
			if missed(got) != c.missed {
				t.Errorf("missed %s, want %s", missed(got), c.missed)
			}
			if want := start.Add(-time.Minute); !got.At.Equal(want) {
				t.Errorf("misses of %s, want %s, when the pending object was written", got.At, want)
			}
			if want := start.Add(-time.Minute); !got.Written.Equal(want) {
				t.Errorf("written %s, want %s, when the younger object was", got.Written, want)
			}
			if !strings.HasPrefix(name, got.Source) || strings.Contains(got.Source, "unreadable") {
				t.Errorf("source %q", got.Source)
			}
		})
	}
}

func TestTheFunctionThatWroteLastCounts(t *testing.T) {
	for _, c := range []struct {
		v1Active, v1Pending, v2Active, v2Pending time.Duration
		want                                     string
	}{
		{2 * time.Hour, time.Hour, 3 * time.Hour, time.Minute, "v2"},
		{time.Hour, time.Minute, time.Hour, 2 * time.Minute, "v1"},
		{time.Minute, 3 * time.Hour, 2 * time.Minute, 2 * time.Minute, "v1"},
	} {
		_, s, put := old(t)
		put(v1Active, c.v1Active, testdata(t, "v1-active.json"))
		put(v1Pending, c.v1Pending, testdata(t, "v1-pending.json"))
		put(v2Active, c.v2Active, testdata(t, "v2-active.json"))
		put(v2Pending, c.v2Pending, testdata(t, "v2-pending.json"))
		got := imported(t, s)
		if got.Source != c.want {
			t.Errorf("took %q over, want %q", got.Source, c.want)
		}
		if at := map[string]time.Duration{"v1": c.v1Pending, "v2": c.v2Pending}[c.want]; !got.At.Equal(start.Add(-at)) {
			t.Errorf("misses of %s, want %s before %s: when the pending object was written", got.At, at, start)
		}
	}
}

func TestAPairOfWhichOneIsThereIsTakenOver(t *testing.T) {
	_, s, put := old(t)
	put(v2Active, time.Minute, testdata(t, "v2-active.json"))
	if got := imported(t, s); len(got.Addrs) != 2 || len(got.Missed) != 0 {
		t.Errorf("imported %+v", got)
	}
	_, s, put = old(t)
	put(v2Pending, time.Minute, testdata(t, "v2-pending.json"))
	if got := imported(t, s); len(got.Addrs) != 0 || len(got.Missed) != 2 || !got.At.Equal(start.Add(-time.Minute)) {
		t.Errorf("imported %+v", got)
	}
}

func TestWhatIsUnreadableIsPassedOverAndSaid(t *testing.T) {
	many := `{"10.0.0.1": 1`
	for i := range 500 {
		many += fmt.Sprintf(`, "10.1.%d.%d": 1`, i/250, i%250)
	}
	for what, body := range map[string]string{
		"cut off": `{"10.0.1.6": `, "empty": "", "a list": `["10.0.1.6"]`, "no address": `{"web": 2}`, "a zone": `{"fe80::1%eth0": 2}`,
		"a share": `{"10.0.1.6": 1.5}`, "below zero": `{"10.0.1.6": -1}`, "a text": `{"10.0.1.6": "2"}`,
		"encoded thrice": `"\"{}\""`, "an empty text": `""`, "too many": many + "}",
		"too large": "{}" + strings.Repeat(" ", 1<<20), "two values": `{} {}`,
	} {
		t.Run(what, func(t *testing.T) {
			_, s, put := old(t)
			put(v2Active, time.Hour, testdata(t, "v2-active.json"))
			put(v2Pending, time.Minute, []byte(body))
			got := imported(t, s)
			if len(got.Addrs) != 2 || len(got.Missed) != 0 || !strings.HasPrefix(got.Source, "v2 (pending_ip.json unreadable: ") {
				t.Errorf("imported %+v", got)
			}
			if len(got.Source) > 300 {
				t.Errorf("a source of %d bytes", len(got.Source))
			}
		})
	}
}

func TestAnUnreadableListOfAddressesKeepsNoOtherFunctionOut(t *testing.T) {
	for what, body := range map[string]string{
		"no list": `{"LoadBalancerName": "x"}`, "null": "null", "no address": `{"IPList": ["web"]}`, "a zone": `{"IPList": ["fe80::1%1"]}`,
		"too many": `{"IPList": ["10.0.0.1"` + strings.Repeat(`, "10.0.0.1"`, 500) + `]}`,
	} {
		t.Run(what, func(t *testing.T) {
			_, s, put := old(t)
			put(v2Active, time.Minute, []byte(body))
			put(v1Active, time.Hour, testdata(t, "v1-active.json"))
			if got := imported(t, s); len(got.Addrs) != 2 || !strings.HasPrefix(got.Source, "v1 (active_ip.json unreadable: ") {
				t.Errorf("imported %+v", got)
			}
		})
	}
}

func TestWhereAllIsUnreadableNothingIsTakenOverAndThatIsSaid(t *testing.T) {
	_, s, put := old(t)
	put(v1Active, time.Minute, []byte("no"))
	if got := imported(t, s); got.Addrs != nil || got.Missed != nil || !strings.HasPrefix(got.Source, "nothing (Active IP list of ") {
		t.Errorf("imported %+v", got)
	}
}

func TestAddressesAreTakenOverInTheOneFormThatIsStored(t *testing.T) {
	_, s, put := old(t)
	put(v2Active, time.Minute, []byte(`{"IPList": ["10.0.2.7", "::ffff:10.0.1.5", "10.0.1.5", "2001:db8::1"]}`))
	want := []netip.Addr{netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.0.2.7"), netip.MustParseAddr("2001:db8::1")}
	if got := imported(t, s); !slices.Equal(got.Addrs, want) {
		t.Errorf("addresses %s, want %s", got.Addrs, want)
	}
}

func TestOfAnAddressInTwoSpellingsTheLowerCountIsTakenOver(t *testing.T) {
	_, s, put := old(t)
	put(v2Pending, time.Minute, []byte(`{"::ffff:10.0.1.5": 1, "10.0.1.5": 2, "10.0.1.6": 1, "::ffff:10.0.1.6": 2}`))
	for range 20 { // the order of a map is chance
		if got := missed(imported(t, s)); got != "10.0.1.5:1 10.0.1.6:1" {
			t.Fatalf("missed %s", got)
		}
	}
}

func TestOldObjectsThatMayNotBeReadStopNobody(t *testing.T) {
	world, s, put := old(t)
	put(v1Active, time.Minute, testdata(t, "v1-active.json"))
	put(v2Active, time.Hour, testdata(t, "v2-active.json"))
	put(v2Pending, time.Hour, testdata(t, "v2-pending.json"))
	world.Inject(http.MethodGet, v1Active, -1, sim.S3Denied)
	if got := imported(t, s); got.Source != "v2" {
		t.Errorf("imported %+v", got)
	}
	world.Inject(http.MethodGet, "", -1, sim.S3DeniedTo("s3:GetObject", "arn:aws:s3:::"+bucket+"/some"))
	if got := nothingOf(t, s); !strings.HasPrefix(got, "nothing (AWS denies reading all ") {
		t.Errorf("source %q", got)
	} else {
		wantWords(t, got, "it is not taken over", "nobody leaves who was only in it",
			"grant s3:GetObject on its objects, such as s3://"+bucket+"/"+v2Active+",", "move the memory away", "mooring import --write", "mooring adopt")
	}
}

// nothingOf is what a first run says that takes nothing over.
func nothingOf(t *testing.T, s mooring.Store) string {
	t.Helper()
	m, tag := load(t, s)
	if tag != "" || m.Import == nil || len(m.Import.Addrs)+len(m.Import.Missed) > 0 {
		t.Fatalf("imported %+v with tag %q, want only a word", m.Import, tag)
	}
	return m.Import.Source
}

func wantWords(t *testing.T, got string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(got, word) {
			t.Errorf("it does not say %q: %s", word, got)
		}
	}
}

// A new binding in an older function's environment, by a policy without s3:ListBucket, as the templates make it.
func TestAFirstRunWhereNoOlderFunctionEverWasSaysNothing(t *testing.T) {
	world, s, _ := old(t)
	world.HideMissing = true
	if m, tag := load(t, s); tag != "" || m.Import != nil {
		t.Errorf("imported %+v with tag %q", m.Import, tag)
	}
}

// Of another account's bucket AWS does not say why, and nobody is to be frightened for it.
func TestWhereAWSDoesNotSayWhetherSomethingIsMissingThatIsSaidCalmly(t *testing.T) {
	world, s, put := old(t)
	put(v2Active, time.Minute, testdata(t, "v2-active.json"))
	world.Inject(http.MethodGet, "", -1, sim.S3Denied)
	got := nothingOf(t, s)
	wantWords(t, got, "AWS does not tell whether an older function left anything", "if there was none, all is well",
		"grant s3:GetObject on its objects, such as s3://"+bucket+"/"+v2Active+",", "mooring import", "mooring adopt")
}

func TestUnderAPolicyOfExactKeysAnotherVariantsDenialIsNotTold(t *testing.T) {
	world, s, _ := old(t)
	world.Inject(http.MethodGet, v1Active, -1, sim.S3Denied) // the one of v2 may be looked at, and there is none
	if m, tag := load(t, s); tag != "" || m.Import != nil {
		t.Errorf("imported %+v with tag %q", m.Import, tag)
	}
}

func TestAnOldObjectThatWillNeverBeReadableStopsNobody(t *testing.T) {
	world, s, put := old(t)
	put(v2Active, time.Minute, testdata(t, "v2-active.json"))
	world.Inject(http.MethodGet, v2Pending, -1, sim.S3Fault{Error: &sim.APIError{
		Status: http.StatusBadRequest, Code: "KMS.DisabledException", Message: "the key is disabled" + strings.Repeat(", still", 200),
	}})
	if got := imported(t, s); !strings.Contains(got.Source, "pending_ip.json unreadable: ") || len(got.Source) > 300 {
		t.Errorf("imported %+v", got)
	}
}

func TestAnOutageIsNotTakenForAFirstRunWithNothingToTakeOver(t *testing.T) {
	for code, status := range map[string]int{
		"SlowDown": http.StatusServiceUnavailable, "RequestTimeout": http.StatusRequestTimeout, "Throttled": http.StatusTooManyRequests,
	} {
		world, s, put := old(t)
		put(v2Active, time.Minute, testdata(t, "v2-active.json"))
		world.Inject(http.MethodGet, v2Pending, -1, sim.S3Fault{Error: &sim.APIError{Status: status, Code: code, Message: "later"}})
		if m, tag, err := s.Load(t.Context()); err == nil {
			t.Errorf("%s: loaded %+v with tag %q", code, m.Import, tag)
		}
	}
}

func TestOldObjectsAreReadOnceAndNeverWritten(t *testing.T) {
	world, s, put := old(t)
	put(v2Active, time.Minute, testdata(t, "v2-active.json"))
	put(v2Pending, time.Minute, testdata(t, "v2-pending.json"))
	before := world.Objects(bucket)
	m, tag := load(t, s)
	m.Import, m.Revision = nil, 1
	save(t, s, m, tag)
	if m, _ := load(t, s); m.Import != nil {
		t.Errorf("imported again: %+v", m.Import)
	}
	after := world.Objects(bucket)
	delete(after, s3Key)
	if !maps.EqualFunc(before, after, func(a, b sim.S3Object) bool { return a.ETag == b.ETag && a.Modified.Equal(b.Modified) }) {
		t.Errorf("the bucket held %d old objects, and now %d or others", len(before), len(after))
	}
	asked := map[string]int{}
	for _, c := range world.Calls() {
		asked[c.Key]++
		if c.Method != http.MethodGet && c.Key != s3Key {
			t.Errorf("%s %s", c.Method, c.Key)
		}
	}
	delete(asked, s3Key)
	if len(asked) != 8 || slices.Max(slices.Collect(maps.Values(asked))) != 1 {
		t.Errorf("asked for %v", asked)
	}
}

// together answers the old objects only once all eight were asked for.
type together struct {
	store.S3API
	all sync.WaitGroup
}

func (a *together) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if *in.Key != s3Key {
		a.all.Done()
		done := make(chan struct{})
		go func() { a.all.Wait(); close(done) }()
		select {
		case <-done:
		case <-ctx.Done():
			return nil, errors.New("they are asked for one after the other")
		}
	}
	return nil, &smithy.GenericAPIError{Code: "NoSuchKey", Message: "no"}
}

func TestAllOldObjectsAreAskedForAtOnce(t *testing.T) {
	api := &together{}
	api.all.Add(8)
	s := store.Importing(store.NewS3(api, store.S3Config{Bucket: bucket, Key: s3Key}), store.NewLegacy(api, v1))
	if m, tag := load(t, s); m.Import != nil || tag != "" {
		t.Errorf("loaded %+v with tag %q", m, tag)
	}
}
