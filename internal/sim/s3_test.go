package sim_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mooring/internal/sim"
)

// s3Client is the real SDK's client, which tries once.
func s3Client(server *httptest.Server) *s3.Client {
	return s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: server.Client(), Retryer: aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

func serveS3(t *testing.T) (*sim.S3, *s3.Client) {
	t.Helper()
	world := &sim.S3{}
	world.CreateBucket("b")
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	return world, s3Client(server)
}

func putting(key, body string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String("b"), Key: &key, Body: strings.NewReader(body)}
}

func getting(key string) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: aws.String("b"), Key: &key}
}

// code is the error code of an answer, "" where there is no error.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestTheSDKReadsWhatItWrote(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"checksum in a header": httptest.NewServer, "chunks and a trailer": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2026, 11, 23, 14, 40, 0, 0, time.UTC)
			world := &sim.S3{Clock: func() time.Time { return at }}
			world.CreateBucket("b")
			streamed := false
			server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				streamed = streamed || strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-")
				world.ServeHTTP(w, r)
			}))
			defer server.Close()
			in := putting("a dir/with: signs+.json", strings.Repeat("body ", 40_000))
			in.Metadata = map[string]string{"writer": "me"}
			api := s3Client(server)
			out, err := api.PutObject(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := api.GetObject(t.Context(), getting(*in.Key))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body)
			if err != nil || len(body) != 200_000 || !bytes.HasPrefix(body, []byte("body ")) {
				t.Errorf("read %d bytes, error %v", len(body), err)
			}
			if *got.ETag != *out.ETag || !got.LastModified.Equal(at) || got.Metadata["writer"] != "me" {
				t.Errorf("read ETag %s of %s by %q", *got.ETag, got.LastModified, got.Metadata)
			}
			if want := name == "chunks and a trailer"; streamed != want {
				t.Errorf("streamed: %v, want %v, or this shows nothing", streamed, want)
			}
		})
	}
}

func TestConditionalWritesAreAnsweredAsByAWS(t *testing.T) {
	world, api := serveS3(t)
	try := func(none, match string) string {
		in := putting("k", "new")
		if none != "" {
			in.IfNoneMatch = &none
		}
		if match != "" {
			in.IfMatch = &match
		}
		_, err := api.PutObject(t.Context(), in)
		return code(err)
	}
	for _, step := range []struct{ none, match, want string }{
		{match: `"0"`, want: "NoSuchKey"},
		{none: "*", want: ""},
		{none: "*", want: "PreconditionFailed"},
		{match: `"0"`, want: "PreconditionFailed"},
		{none: `"0"`, want: "NotImplemented"},
	} {
		if got := try(step.none, step.match); got != step.want {
			t.Errorf("If-None-Match %q, If-Match %q: %q, want %q", step.none, step.match, got, step.want)
		}
	}
	if got := try("", world.Objects("b")["k"].ETag); got != "" {
		t.Errorf("the right ETag: %q", got)
	}
}

func TestMissingThingsAreToldApart(t *testing.T) {
	world, api := serveS3(t)
	_, err := api.GetObject(t.Context(), getting("k"))
	if got := code(err); got != "NoSuchKey" {
		t.Errorf("missing object: %q", got)
	}
	_, err = api.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if got := code(err); got != "NotFound" {
		t.Errorf("missing object, by HEAD: %q", got)
	}
	world.HideMissing = true
	_, err = api.GetObject(t.Context(), getting("k"))
	if got := code(err); got != "AccessDenied" {
		t.Errorf("missing object without ListBucket: %q", got)
	}
	world.Delete("b", "k")
	_, err = api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("c"), Key: aws.String("k")})
	if got := code(err); got != "NoSuchBucket" {
		t.Errorf("missing bucket: %q", got)
	}
}

func TestAFaultHitsWhatItIsMeantFor(t *testing.T) {
	world, api := serveS3(t)
	world.Put("b", "k", []byte("old"))
	world.Inject(http.MethodGet, "k", 1, sim.S3SlowDown)
	world.Inject(http.MethodPut, "", -1, sim.S3Denied)
	put := func() string { _, err := api.PutObject(t.Context(), putting("k", "new")); return code(err) }
	get := func(key string) string { _, err := api.GetObject(t.Context(), getting(key)); return code(err) }
	got := []string{get("other"), get("k"), get("k"), put(), put()}
	if want := []string{"NoSuchKey", "SlowDown", "", "AccessDenied", "AccessDenied"}; !slices.Equal(got, want) {
		t.Errorf("answered %q, want %q", got, want)
	}
	world.Heal()
	if got := put(); got != "" {
		t.Errorf("healed, and still %q", got)
	}
	var statuses []int
	for _, c := range world.Calls() {
		statuses = append(statuses, c.Status)
	}
	if want := []int{404, 503, 200, 403, 403, 200}; !slices.Equal(statuses, want) {
		t.Errorf("noted %d, want %d", statuses, want)
	}
}

func TestALostReplyIsOfAWriteThatWasDone(t *testing.T) {
	world, api := serveS3(t)
	world.Inject(http.MethodPut, "k", 1, sim.S3Fault{LoseReply: true})
	if _, err := api.PutObject(t.Context(), putting("k", "new")); err == nil {
		t.Error("the reply came")
	}
	if got := world.Objects("b")["k"]; string(got.Body) != "new" {
		t.Errorf("stored %q", got.Body)
	}
	if c := world.Calls(); len(c) != 1 || c[0].Status != 0 {
		t.Errorf("noted %+v", c)
	}
}

func TestASlowAnswerKeepsNobodyWhoLeft(t *testing.T) {
	world, api := serveS3(t)
	world.Put("b", "k", []byte("old"))
	world.Inject("", "k", 1, sim.S3Fault{Latency: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := api.PutObject(ctx, putting("k", "new")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("answered %v", err)
	}
	if got := world.Objects("b")["k"]; string(got.Body) != "old" {
		t.Errorf("stored %q for who had left", got.Body)
	}
}

func TestABrokenUploadIsNotStored(t *testing.T) {
	world := &sim.S3{}
	world.CreateBucket("b")
	stream := map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "3"}
	with := func(more map[string]string) map[string]string {
		out := maps.Clone(stream)
		maps.Copy(out, more)
		return out
	}
	for what, c := range map[string]struct {
		header map[string]string
		body   string
		want   int
	}{
		"whole":            {stream, "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", 200},
		"signed chunk":     {stream, "3;chunk-signature=00\r\nabc\r\n0;chunk-signature=00\r\n\r\n", 200},
		"other checksum":   {stream, "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 400},
		"cut off":          {stream, "3\r\nab", 400},
		"no end":           {stream, "3\r\nabc\r\n", 400},
		"longer chunk":     {stream, "3\r\nabcd\r\n0\r\n\r\n", 400},
		"no size":          {stream, "abc", 400},
		"negative size":    {stream, "-3\r\nabc\r\n0\r\n\r\n", 400},
		"huge size":        {stream, "ffffffff\r\nabc\r\n0\r\n\r\n", 400},
		"other length":     {with(map[string]string{"X-Amz-Decoded-Content-Length": "4"}), "3\r\nabc\r\n0\r\n\r\n", 400},
		"plain":            {nil, "abc", 200},
		"plain, other sum": {map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="}, "abc", 400},
	} {
		r := httptest.NewRequest(http.MethodPut, "/b/"+strings.ReplaceAll(what, " ", "-"), strings.NewReader(c.body))
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		world.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, c.want)
		}
	}
	for key, o := range world.Objects("b") {
		if string(o.Body) != "abc" {
			t.Errorf("%s was stored as %q", key, o.Body)
		}
	}
}

func TestOnlyTheVerbsOfObjectsAreTaken(t *testing.T) {
	world := &sim.S3{}
	for _, c := range []struct {
		method, path string
		want         int
	}{{http.MethodPut, "/b", 200}, {http.MethodPut, "/b/k", 200}, {http.MethodPost, "/b/k", 405}, {http.MethodGet, "/b", 405}} {
		w := httptest.NewRecorder()
		world.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.want)
		}
	}
}

func TestWhoMayNotListCannotTellWhatIsMissing(t *testing.T) {
	world := &sim.S3{Hides: func(r *http.Request) bool { return r.Header.Get("X-As") == "guest" }}
	world.Put("b", "k", []byte("one"))
	server := httptest.NewServer(world)
	defer server.Close()
	ask := func(method, key, as string) int {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/b/"+key, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-As", as)
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		return reply.StatusCode
	}
	for _, c := range []struct {
		method, key, as string
		want            int
	}{
		{"GET", "k", "guest", 200}, {"GET", "gone", "guest", 403}, {"GET", "gone", "", 404}, {"DELETE", "k", "", 204}, {"DELETE", "k", "", 204}, {"GET", "k", "guest", 403},
	} {
		if got := ask(c.method, c.key, c.as); got != c.want {
			t.Errorf("%s %s as %q: %d, want %d", c.method, c.key, c.as, got, c.want)
		}
	}
}
