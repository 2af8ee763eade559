//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// A vigil is a watch in this process, as somebody who reads its log sees it.
type vigil struct {
	t      *testing.T
	lines  chan string
	url    string
	errs   bytes.Buffer
	cancel context.CancelFunc
	code   chan int
}

// keepVigil starts `mooring watch` with a configuration of its own, and waits until it listens.
func keepVigil(t *testing.T, w *rigtest.World, args ...string) *vigil {
	t.Helper()
	return keepVigilOver(t, w, nil, args...)
}

// keepVigilOver has fronts that reach their targets so.
func keepVigilOver(t *testing.T, w *rigtest.World, reach func(context.Context, string, string) (net.Conn, error), args ...string) *vigil {
	t.Helper()
	for _, pair := range w.AWSEnvironment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	v := &vigil{t: t, lines: make(chan string, 1000), cancel: cancel, code: make(chan int, 1)}
	go func() { // whoever does not read a log must not stop it
		defer close(v.lines)
		scanner := bufio.NewScanner(read)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			v.lines <- scanner.Text()
		}
	}()
	args = append([]string{"watch", "--resolver", w.DNS.Resolver().String(), "--listen", "127.0.0.1:0"}, args...)
	go func() {
		code := run(ctx, args, machine{
			out: write, err: &v.errs, dial: w.DNS.Dial, reach: reach, env: func(string) (string, bool) { return "", false },
		})
		_ = write.Close()
		v.code <- code
	}()
	v.url = "http://" + v.until("addr")["addr"].(string)
	return v
}

// until waits for a line of the log that has a key.
func (v *vigil) until(key string) map[string]any {
	v.t.Helper()
	for text := range v.lines {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			v.t.Fatalf("not JSON: %s", text)
		}
		if line[key] != nil {
			return line
		}
	}
	v.t.Fatalf("it ended before a line with %s: %s", key, &v.errs)
	return nil
}

// round waits for the next round's line.
func (v *vigil) round() map[string]any {
	v.t.Helper()
	return v.until("report")["report"].(map[string]any)
}

// end ends it as a signal does, and returns its exit code.
func (v *vigil) end() int {
	v.cancel()
	return <-v.code
}

func (v *vigil) get(path string) (int, string) {
	v.t.Helper()
	r, err := http.Get(v.url + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func TestWatchFollowsTheNameUntilItIsEnded(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	v := keepVigil(t, w, "--hostname", rigtest.Name, "--target-group", rigtest.ARN, "--port", "443",
		"--memory", "s3://"+rigtest.Bucket, "--interval", "1s")
	for len(v.round()["registered"].([]any)) != 2 {
	}
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	for len(v.round()["registered"].([]any)) != 1 {
	}
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 3)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
	if code := v.end(); code != 0 || v.errs.Len() > 0 {
		t.Errorf("exit code %d: %s", code, &v.errs)
	}
}

func TestWatchIsLookedAtFromOutside(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	w.AWS.Inject(sim.AWSFault{Action: "DescribeTargetHealth", Times: 1, Before: func(sim.AWSCall) { held <- struct{}{}; <-hold }})
	v := keepVigil(t, w, "--hostname", rigtest.Name, "--target-group", rigtest.ARN, "--port", "443", "--memory", "none", "--interval", "1h")
	<-held
	if code, body := v.get("/readyz"); code != 503 || !strings.Contains(body, "web-443") {
		t.Errorf("before the first round ended: %d %s", code, body)
	}
	if code, _ := v.get("/healthz"); code != 200 {
		t.Errorf("healthz: %d", code)
	}
	close(hold)
	for code := 0; code != 200; { // the report is told right after its line
		code, _ = v.get("/readyz")
	}
	code, body := v.get("/metrics")
	for _, want := range []string{
		`mooring_rounds_total{binding="web-443",result="ok"} 1`, `mooring_leading{binding="web-443"} 1`,
		`mooring_aws_api_calls_total{code="ok",operation="RegisterTargets",service="Elastic Load Balancing v2"} 1`,
		`mooring_config_last_reload_successful 1`,
	} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("no %s in %d %s", want, code, body)
		}
	}
	r, err := http.Post(v.url+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v %v", r, err)
	}
	_ = r.Body.Close()
	if code, _ := v.get("/debug/pprof/"); code != 404 {
		t.Errorf("something else is served: %d", code)
	}
	if code := v.end(); code != 0 {
		t.Errorf("exit code %d: %s", code, &v.errs)
	}
}

func TestWatchSaysThatItsAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{
		"watch", "--hostname", rigtest.Name, "--target-group", rigtest.ARN, "--port", "443", "--memory", "none",
		"--listen", taken.Addr().String(),
	}, machine{out: &out, err: &errs, env: func(string) (string, bool) { return "", false }})
	if code != 1 || !strings.Contains(errs.String(), "address already in use") || !strings.Contains(errs.String(), "choose another port") {
		t.Errorf("%d: %s", code, &errs)
	}
}

func TestASignalEndsTheRealProgramWithZero(t *testing.T) {
	w := rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	acting, act := make(chan struct{}), make(chan struct{})
	w.AWS.Inject(sim.AWSFault{Action: "RegisterTargets", Times: 1, Before: func(sim.AWSCall) { close(acting); <-act }})
	cmd := w.Command(t.Context(), append(w.OriginalEnvironment(), "MOORING_HOLD=0s"), "watch", "--interval", "1s")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := rigtest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	<-acting
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { close(act) }) // the signal comes in the middle of the call
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &log)
	}
	if got := w.Registered(); len(got) != 2 {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
}

func TestASecondSignalEndsTheRealProgramAtOnce(t *testing.T) {
	w := rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	acting, act := make(chan struct{}), make(chan struct{})
	defer close(act)
	w.AWS.Inject(sim.AWSFault{Action: "RegisterTargets", Times: 1, Before: func(sim.AWSCall) { close(acting); <-act }})
	cmd := w.Command(t.Context(), append(w.OriginalEnvironment(), "MOORING_HOLD=0s"), "watch", "--interval", "1s")
	if err := rigtest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	<-acting
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-over:
			if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != -1 { //nolint:errorlint // it is returned as it is
				t.Errorf("%v", err)
			}
			return
		case <-tick.C:
		}
	}
}

func TestSIGHUPReadsTheConfigurationAnew(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	ms := w.Many(2, 2)
	file := filepath.Join(t.TempDir(), "bindings.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("defaults: {memory: none, port: 443, interval: 1h}\nbindings:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one := "- {name: one, hostname: " + ms[0].Name + ", target_group: '" + ms[0].Group.ARN + "'}\n"
	two := "- {name: two, hostname: " + ms[1].Name + ", target_group: '" + ms[1].Group.ARN + "'}\n"
	write(one)
	v := keepVigil(t, w, "--config", file)
	if r := v.round(); r["binding"] != "one" {
		t.Errorf("%v", r)
	}
	hangup := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	write("- {name: one}\n")
	hangup()
	v.until("error")
	if _, body := v.get("/metrics"); !strings.Contains(body, "mooring_config_last_reload_successful 0") {
		t.Error("no metric tells that the configuration was not taken")
	}
	write(one + two)
	hangup()
	if r := v.round(); r["binding"] != "two" { // an hour before the first's next round
		t.Errorf("%v", r)
	}
	if _, body := v.get("/metrics"); !strings.Contains(body, "mooring_config_last_reload_successful 1") {
		t.Error("no metric tells that it was taken")
	}
	if code := v.end(); code != 0 {
		t.Errorf("exit code %d: %s", code, &v.errs)
	}
}
