package rig

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mooring/internal/config"
)

func reader() config.Reader {
	unset := func(string) (string, bool) { return "", false }
	return NewReader(func(string) ([]string, bool) { return nil, false }, unset)
}

// bucket is an S3 that answers each request with this.
func bucket(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	for name, v := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, v)
	}
}

func TestAConfigurationIsReadFromAFileOrThroughALink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.yaml")
	if err := os.WriteFile(path, []byte("bindings: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link" // as Kubernetes mounts a ConfigMap
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{path, link} {
		if body, err := reader()(t.Context(), where); err != nil || string(body) != "bindings: []" {
			t.Errorf("%s: %q, %v", where, body, err)
		}
	}
}

func TestAFileThatIsTooLargeOrNoneIsRefused(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, config.MaxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{large: "larger than", dir: "not a regular file", os.DevNull: "not a regular file", dir + "/gone": "no such file"} {
		if _, err := reader()(t.Context(), where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", where, err, want)
		}
	}
	if err := os.Truncate(large, config.MaxFile); err != nil {
		t.Fatal(err)
	}
	if body, err := reader()(t.Context(), large); err != nil || len(body) != config.MaxFile {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestAConfigurationIsReadFromS3(t *testing.T) {
	bucket(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/some-bucket/a/b.yaml" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		_, _ = w.Write([]byte("bindings: []"))
	})
	if body, err := reader()(t.Context(), "s3://some-bucket/a/b.yaml"); err != nil || string(body) != "bindings: []" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := reader()(t.Context(), "s3://some-bucket/"); err == nil {
		t.Error("read without a key")
	}
}

// The certificates that the configuration of AWS names are believed, and no others.
func TestTheCertificatesOfTheConfigurationAreKept(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("bindings: []")) }))
	t.Cleanup(server.Close)
	bucket(t, func(http.ResponseWriter, *http.Request) {})
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	if _, err := reader()(t.Context(), "s3://some-bucket/a.yaml"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with a certificate that nobody named: %v", err)
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, block, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if body, err := reader()(t.Context(), "s3://some-bucket/a.yaml"); err != nil || string(body) != "bindings: []" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestAnObjectIsReadToTheLimitAndNoFurther(t *testing.T) {
	sent := make(chan int, 1)
	bucket(t, func(w http.ResponseWriter, r *http.Request) {
		total, piece := 0, make([]byte, 1<<16)
		for r.Context().Err() == nil {
			n, err := w.Write(piece)
			if total += n; err != nil {
				break
			}
		}
		sent <- total
	})
	if _, err := reader()(t.Context(), "s3://some-bucket/endless.yaml"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%v", err)
	}
	if n := <-sent; n > 16*config.MaxFile { // what the sockets hold
		t.Errorf("%d bytes were taken", n)
	}
}

func TestWithoutARegionABucketCannotBeFound(t *testing.T) {
	bucket(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, err := reader()(t.Context(), "s3://some-bucket/a.yaml"); err == nil || !strings.Contains(err.Error(), "set --region") {
		t.Errorf("%v", err)
	}
}

// endless is a reply that goes on for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

func (e endless) Do(*http.Request) (*http.Response, error) { return &http.Response{Body: e}, nil }

func TestAnEndlessReplyIsCutOff(t *testing.T) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := replies(endless{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if n, err := io.Copy(io.Discard, io.LimitReader(reply.Body, maxReply+1)); n != maxReply || err != nil {
		t.Errorf("%d bytes, error %v", n, err)
	}
}
