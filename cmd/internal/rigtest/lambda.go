package rigtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// lambdaProgram is the function's, below the module's root.
const lambdaProgram = "mooring/cmd/mooring-lambda"

// A RuntimeAPI is what Lambda is to a function: it hands out events and takes what comes of them.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type RuntimeAPI struct {
	Left  time.Duration  // of the function's time, when an event is handed out
	Ready chan time.Time // when the function first asked for an event

	server  *httptest.Server
	events  chan string
	results chan Outcome
	once    sync.Once
}

// An Outcome is what one invocation came to.
type Outcome struct {
	Failed bool
	Body   string // what the function returned, or the error
}

// NewRuntimeAPI starts one, for one function. A function has a minute for each event, unless Left says otherwise.
func NewRuntimeAPI(t testing.TB) *RuntimeAPI {
	api := &RuntimeAPI{events: make(chan string), results: make(chan Outcome, 1), Ready: make(chan time.Time, 1), Left: time.Minute}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", api.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", api.done)
	api.server = httptest.NewServer(mux)
	t.Cleanup(api.server.Close)
	return api
}

func (a *RuntimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.once.Do(func() { a.Ready <- time.Now() })
	select {
	case event := <-a.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(a.Left).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:111122223333:function:mooring")
		_, _ = io.WriteString(w, event)
	case <-r.Context().Done():
	}
}

func (a *RuntimeAPI) done(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.results <- Outcome{Failed: r.PathValue("what") == "error", Body: string(body)}
	w.WriteHeader(http.StatusAccepted)
}

// A Function is the built function while it runs.
type Function struct {
	Log   bytes.Buffer // whole after End
	PID   int
	Began time.Time

	api    *RuntimeAPI
	exited chan struct{}
	stop   context.CancelFunc
}

// Function starts the built function in the world's namespace, with this environment, and ends it with the test. The world
// is one of [New], whatever program that is for.
func (w *World) Function(t testing.TB, api *RuntimeAPI, env ...string) *Function {
	t.Helper()
	w.Guard(env...)
	ctx, cancel := context.WithCancel(t.Context())
	f := &Function{api: api, exited: make(chan struct{}), stop: cancel}
	env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.server.URL, "http://"))
	cmd := w.command(ctx, Build(t, lambdaProgram), env)
	cmd.Stdout, cmd.Stderr = &f.Log, &f.Log
	f.Began = time.Now()
	if err := Start(cmd); err != nil {
		t.Fatal(err)
	}
	f.PID = cmd.Process.Pid
	go func() { defer close(f.exited); _ = cmd.Wait() }()
	t.Cleanup(f.End)
	return f
}

// End stops the process; then its log is whole.
func (f *Function) End() {
	f.stop()
	<-f.exited
}

// Invoke hands out an event and waits for what comes of it.
func (f *Function) Invoke(t testing.TB, event string) Outcome {
	t.Helper()
	select {
	case f.api.events <- event:
	case <-f.exited:
		t.Fatalf("the function exited:\n%s", &f.Log)
	case <-time.After(time.Minute):
		t.Fatal("the function takes no events")
	}
	select {
	case r := <-f.api.results:
		return r
	case <-f.exited:
		t.Fatalf("the function exited:\n%s", &f.Log)
	case <-time.After(time.Minute):
		t.Fatal("the function does not answer")
	}
	return Outcome{}
}
