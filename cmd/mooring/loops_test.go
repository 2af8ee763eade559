package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

var changes = flag.Int("changes", 3, "changes of the name in the tests of two loops on one memory")

// Two loops of `mooring sync` on one memory object, at the same time, while the name changes. Registering needs only eyes,
// so both may register, and the second call changes nothing. Removing needs the memory: who lost its save removes nobody.
// So each address comes once and leaves once a change, and the saves make one chain.
func TestTwoLoopsOnOneMemoryApplyEachChangeOnce(t *testing.T) {
	for kind, endpoint := range map[string]func(*testing.T, *rigtest.World) string{
		"honest S3": func(_ *testing.T, w *rigtest.World) string { return w.URL },
		"moto":      motoBucket,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: 2})
			saves := recordSaves(t, endpoint(t, w))
			twoLoops(t, w, saves)
		})
	}
}

func twoLoops(t *testing.T, w *rigtest.World, saves *chain) {
	steps := recordSteps(w)
	env := append(w.AWSEnvironment(), "AWS_ENDPOINT_URL_S3="+saves.url, "MOORING_HOSTNAME="+rigtest.Name, "MOORING_PORT=443",
		"MOORING_TARGET_GROUP="+rigtest.ARN, "MOORING_MEMORY=s3://"+rigtest.Bucket, "MOORING_HOLD=0s", "MOORING_MAX_LEAVE=100%")
	ctx, cancel := context.WithCancel(t.Context())
	loops := []*loop{newLoop(ctx, w, env), newLoop(ctx, w, env)}
	defer func() {
		cancel()
		for _, l := range loops {
			<-l.over
		}
	}()
	var before []netip.Addr
	for i := range *changes {
		now := rigtest.Addrs(1+3*i, 6+3*i) // three leave, three come
		steps.forget()
		w.DNS.Set(rigtest.Name, now...)
		awaitTargets(t, w, now)
		for _, l := range loops {
			l.next(t)
		}
		for _, a := range append(slices.Clone(before), now...) {
			comes, leaves := !slices.Contains(before, a), !slices.Contains(now, a)
			if got := steps.of(a); got != (step{registered: times(comes), deregistered: times(leaves)}) {
				t.Errorf("change %d: %s came (%t) and left (%t), in %+v steps that had an effect", i, a, comes, leaves, got)
			}
		}
		if got := w.Registered(); !slices.Equal(got, now) {
			t.Errorf("change %d: registered: %s", i, rigtest.Strings(got))
		}
		before = now
		w.Pass(10 * time.Minute) // drains are over
	}
	runs, lost := 0, 0
	for _, l := range loops {
		cancel()
		<-l.over
		runs, lost = runs+l.runs, lost+l.lost
		for _, f := range l.faults {
			t.Error(f)
		}
	}
	for _, f := range saves.faults {
		t.Error(f)
	}
	t.Logf("%d changes, %d runs, %d saves, %d runs that another one overtook, %d calls that removed nobody any more",
		*changes, runs, saves.accepted, lost, steps.idle)
}

func times(once bool) int {
	if once {
		return 1
	}
	return 0
}

// awaitTargets waits until these are registered.
func awaitTargets(t *testing.T, w *rigtest.World, want []netip.Addr) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for !slices.Equal(w.Registered(), want) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("registered: %s; want %s", rigtest.Strings(w.Registered()), rigtest.Strings(want))
		}
	}
}

// A loop runs `mooring sync` again and again.
type loop struct {
	done chan struct{} // a token a run
	over chan struct{}

	runs, lost int
	faults     []string
}

func newLoop(ctx context.Context, w *rigtest.World, env []string) *loop {
	l := &loop{done: make(chan struct{}, 1), over: make(chan struct{})}
	go func() {
		defer close(l.over)
		for ctx.Err() == nil {
			l.run(ctx, w, env)
			select {
			case l.done <- struct{}{}:
			default:
			}
		}
	}()
	return l
}

// next waits for the end of a run that begins after now.
func (l *loop) next(t *testing.T) {
	t.Helper()
	select {
	case <-l.done: // an earlier run's
	default:
	}
	for range 2 { // a run that has begun already, and the one that is meant
		select {
		case <-l.done:
		case <-time.After(time.Minute):
			t.Fatal("a run does not end")
		}
	}
}

// run wants exit 0 of a run that another one overtook, too: that run acts.
func (l *loop) run(ctx context.Context, w *rigtest.World, env []string) {
	cmd := w.Command(ctx, env, "sync", "--output", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := rigtest.Run(cmd)
	if ctx.Err() != nil {
		return
	}
	l.runs++
	var reports mooring.Reports
	if err != nil || json.Unmarshal(out.Bytes(), &reports) != nil || !reports.OK {
		l.faults = append(l.faults, fmt.Sprintf("a run ended with %v: %s%s", err, &out, &errs))
		return
	}
	for _, r := range reports.Bindings {
		if strings.Contains(strings.Join(r.Warnings, "; "), mooring.ErrConflict.Error()) {
			l.lost++
			if len(r.Deregistered) > 0 {
				l.faults = append(l.faults, fmt.Sprintf("it lost its save, and removed %v", r.Deregistered))
			}
		}
	}
}

// A step counts the calls that changed something for an address.
type step struct{ registered, deregistered int }

type steps struct {
	mu   sync.Mutex
	by   map[netip.Addr]step
	idle int
}

// recordSteps makes the calls that change the group come one after another, and looks at the group around each.
func recordSteps(w *rigtest.World) *steps {
	s := &steps{by: map[netip.Addr]step{}}
	var calls sync.Mutex
	var before []netip.Addr
	writes := func(c sim.AWSCall) bool { return c.Service == "elb" && c.Writes() }
	w.AWS.Inject(sim.AWSFault{
		When:   writes,
		Before: func(sim.AWSCall) { calls.Lock(); before = w.Registered() },
		After: func(c sim.AWSCall) {
			defer calls.Unlock()
			s.note(c, before, w.Registered())
		},
	})
	return s
}

func (s *steps) note(c sim.AWSCall, before, after []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Action == "DeregisterTargets" && slices.Equal(before, after) {
		s.idle++
	}
	for _, a := range after {
		if one := s.by[a]; !slices.Contains(before, a) {
			one.registered++
			s.by[a] = one
		}
	}
	for _, a := range before {
		if one := s.by[a]; !slices.Contains(after, a) {
			one.deregistered++
			s.by[a] = one
		}
	}
}

func (s *steps) forget() { s.mu.Lock(); defer s.mu.Unlock(); clear(s.by) }

func (s *steps) of(a netip.Addr) step { s.mu.Lock(); defer s.mu.Unlock(); return s.by[a] }

// A chain is the saves of one memory, each of which must be the next revision after the one before.
type chain struct {
	url string

	mu       sync.Mutex
	accepted int
	revision int
	faults   []string
}

// recordSaves stands between the program and S3, and lets one save after another through.
func recordSaves(t *testing.T, endpoint string) *chain {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	c := &chain{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			proxy.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.mu.Lock()
		defer c.mu.Unlock()
		reply := &status{ResponseWriter: w}
		proxy.ServeHTTP(reply, r)
		c.saved(body, reply.code)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *chain) saved(body []byte, code int) {
	if code != http.StatusOK {
		return
	}
	var m struct {
		Revision int `json:"revision"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Revision != c.revision+1 {
		c.faults = append(c.faults, fmt.Sprintf("revision %d was saved after %d: %v", m.Revision, c.revision, err))
	}
	c.accepted, c.revision = c.accepted+1, m.Revision
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

// motoBucket makes the world's bucket in moto.
func motoBucket(t *testing.T, _ *rigtest.World) string {
	endpoint := mototest.Endpoint(t)
	buckets := s3.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(rigtest.Bucket)}); err != nil {
		t.Fatal(err)
	}
	return endpoint
}
