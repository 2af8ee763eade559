package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

func TestMain(m *testing.M) { os.Exit(rigtest.Main(m)) }

// A runtimeAPI is what Lambda is to a function: it hands out events and takes what comes of them.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	*httptest.Server
	events  chan string
	results chan result
	ready   chan time.Time // when the function first asked for an event
	once    sync.Once
	left    time.Duration // of the function's time, when an event is handed out
}

// A result is what one invocation came to.
type result struct {
	failed bool
	body   string
}

func newRuntimeAPI(t testing.TB) *runtimeAPI {
	api := &runtimeAPI{events: make(chan string), results: make(chan result, 1), ready: make(chan time.Time, 1), left: time.Minute}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", api.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", api.done)
	api.Server = httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return api
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.once.Do(func() { a.ready <- time.Now() })
	select {
	case event := <-a.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(a.left).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:111122223333:function:mooring")
		_, _ = io.WriteString(w, event)
	case <-r.Context().Done():
	}
}

func (a *runtimeAPI) done(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.results <- result{failed: r.PathValue("what") == "error", body: string(body)}
	w.WriteHeader(http.StatusAccepted)
}

// A running function, its log so far, and its process.
type running struct {
	api    *runtimeAPI
	log    bytes.Buffer
	pid    int
	began  time.Time
	exited chan struct{}
	stop   context.CancelFunc
}

func run(t testing.TB, w *rigtest.World, api *runtimeAPI, env ...string) *running {
	t.Helper()
	w.Guard(env...)
	ctx, cancel := context.WithCancel(t.Context())
	f := &running{api: api, exited: make(chan struct{}), stop: cancel}
	cmd := w.Command(ctx, append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://")))
	cmd.Stdout, cmd.Stderr = &f.log, &f.log
	f.began = time.Now()
	if err := rigtest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	f.pid = cmd.Process.Pid
	go func() { defer close(f.exited); _ = cmd.Wait() }()
	t.Cleanup(f.end)
	return f
}

// end stops the process; then its log is whole.
func (f *running) end() {
	f.stop()
	<-f.exited
}

// invoke hands out an event and waits for what comes of it.
func (f *running) invoke(t testing.TB, event string) result {
	t.Helper()
	select {
	case f.api.events <- event:
	case <-f.exited:
		t.Fatalf("the function exited:\n%s", &f.log)
	case <-time.After(time.Minute):
		t.Fatal("the function takes no events")
	}
	select {
	case r := <-f.api.results:
		return r
	case <-f.exited:
		t.Fatalf("the function exited:\n%s", &f.log)
	case <-time.After(time.Minute):
		t.Fatal("the function does not answer")
	}
	return result{}
}

func world(t testing.TB, c sim.DNSConfig) *rigtest.World {
	return rigtest.New(t, "mooring/cmd/mooring-lambda", c)
}

// decode reads one JSON object, strictly enough to notice that it is none.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("not a JSON object: %v\n%s", err, text)
	}
	return out
}
