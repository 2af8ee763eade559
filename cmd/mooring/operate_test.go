package main

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// A desk is where an operator sits: a world, its environment, and a terminal or none.
type desk struct {
	*rigtest.World
	env      map[string]string
	terminal bool
}

func newDesk(t *testing.T) *desk {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	for _, pair := range w.AWSEnvironment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value) // the SDK reads these by itself
	}
	return &desk{World: w, env: map[string]string{
		"MOORING_HOSTNAME": rigtest.Name, "MOORING_TARGET_GROUP": rigtest.ARN, "MOORING_PORT": "443", "MOORING_HOLD": "0s",
		"MOORING_MEMORY": "s3://" + rigtest.Bucket, "MOORING_RESOLVER": w.DNS.Resolver().String(), "NO_COLOR": "1",
	}}
}

func (d *desk) machine(out, errs *bytes.Buffer) machine {
	return machine{out: out, err: errs, terminal: d.terminal, dial: d.DNS.Dial, env: func(name string) (string, bool) {
		v, ok := d.env[name]
		return v, ok
	}}
}

// mooring runs a command line, answered by what a person types.
func (d *desk) mooring(ctx context.Context, typed string, args ...string) (code int, out, errs string) {
	var outs, errors bytes.Buffer
	root := newRoot(d.machine(&outs, &errors))
	root.SetIn(strings.NewReader(typed))
	root.SetArgs(args)
	code = exitCode(&errors, root.ExecuteContext(ctx))
	return code, outs.String(), errors.String()
}

func (d *desk) must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := d.mooring(t.Context(), "", args...)
	if code != 0 {
		t.Fatalf("%v: exit %d\n%s%s", args, code, out, errs)
	}
	return out
}

func TestOnlyAYesAtATerminalDeregisters(t *testing.T) {
	d := newDesk(t)
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	d.must(t, "sync")
	d.terminal = true
	for _, typed := range []string{"", "\n", "y\n", "no\n", "yes, if you must\n"} {
		code, out, errs := d.mooring(t.Context(), typed, "release", "--deregister")
		if code != 1 || !strings.Contains(errs, "Deregister them? Only yes does it: ") || !strings.Contains(errs, "not done: the answer was") {
			t.Errorf("%q: exit %d\n%s%s", typed, code, out, errs)
		}
	}
	if out := d.must(t, "status"); len(d.Registered()) != 2 || !strings.Contains(out, "2 ours") {
		t.Fatalf("%s are registered\n%s", rigtest.Strings(d.Registered()), out)
	}
	code, out, errs := d.mooring(t.Context(), "yes\n", "release", "--deregister")
	if code != 0 || len(d.Registered()) != 0 || !strings.Contains(out, "WARNING: the group would be empty") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestNobodyAnsweringAndCtrlCDeregistersNobody(t *testing.T) {
	d := newDesk(t)
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	d.must(t, "sync")
	d.terminal = true
	ctx, stop := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	root := newRoot(d.machine(&out, &errs))
	root.SetIn(silent{stop: stop, until: t.Context()})
	root.SetArgs([]string{"release", "--deregister"})
	if code := exitCode(&errs, root.ExecuteContext(ctx)); code != 1 || !strings.Contains(errs.String(), "not done: context canceled") {
		t.Errorf("exit %d\n%s", code, &errs)
	}
	if len(d.Registered()) != 2 || !strings.Contains(d.must(t, "status"), "2 ours") {
		t.Error("somebody left, or is not ours any more")
	}
}

// silent is a keyboard at which somebody only presses Ctrl-C.
type silent struct {
	stop  func()
	until context.Context
}

func (s silent) Read([]byte) (int, error) {
	s.stop()
	<-s.until.Done()
	return 0, s.until.Err()
}

// The deregistration that was shown is the one that is done: who was forgotten meanwhile stays.
func TestADeregistrationLeavesOutWhoIsNotOursAnyMore(t *testing.T) {
	d := newDesk(t)
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	d.must(t, "sync")
	var once sync.Once
	d.AWS.Inject(sim.AWSFault{Action: "PutObject", Times: 1, Before: func(sim.AWSCall) {
		once.Do(func() { d.must(t, "forget", rigtest.Addrs(2, 2)[0].String()) })
	}})
	d.must(t, "release", "--deregister", "--yes")
	if got := d.Registered(); !slices.Equal(got, []netip.Addr{rigtest.Addrs(2, 2)[0]}) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
}

// ending ends the context once so many blocks were written.
type ending struct {
	bytes.Buffer
	blocks int
	end    func()
}

func (e *ending) Write(p []byte) (int, error) {
	n, err := e.Buffer.Write(p)
	if strings.Count(e.String(), "\nStatus: ")+strings.Count(e.String(), `"schema_version"`) >= e.blocks {
		e.end()
	}
	return n, err
}

func TestWatchingDrawsUntilCtrlCAndLeavesTheScreenAsItWas(t *testing.T) {
	d := newDesk(t)
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	d.must(t, "sync")
	watch := func(terminal bool, args ...string) string {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		out := &ending{blocks: 3, end: stop}
		var errs bytes.Buffer
		m := d.machine(nil, &errs)
		m.out, m.terminal = out, terminal
		if code := run(ctx, append([]string{"status", "--watch", "--every", "200ms"}, args...), m); code != 0 {
			t.Fatalf("exit %d: %s", code, &errs)
		}
		return out.String()
	}
	screen := watch(true)
	if !strings.HasPrefix(screen, otherScreen+topOfScreen+"web-443") || !strings.HasSuffix(screen, firstScreen) || strings.Count(screen, topOfScreen) != 3 {
		t.Errorf("%q", screen)
	}
	plain := watch(false)
	if strings.Contains(plain, "\x1b") || strings.Count(plain, "\n\nweb-443") != 2 || !strings.HasPrefix(plain, "web-443") {
		t.Errorf("%q", plain)
	}
	if lines := watch(true, "--output", "json"); strings.Count(lines, "\n") != 3 || strings.Contains(lines, "\x1b") {
		t.Errorf("%q", lines)
	}
}

func TestWatchingGoesOnWhileSomethingCannotBeRead(t *testing.T) {
	d := newDesk(t)
	d.must(t, "status")
	d.AWS.Inject(sim.AWSFault{Action: "DescribeTargetHealth", Denied: true, Times: 1})
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out := &ending{blocks: 2, end: stop}
	m := d.machine(nil, &bytes.Buffer{})
	m.out = out
	if code := run(ctx, []string{"status", "--watch", "--every", "200ms"}, m); code != 0 || strings.Count(out.String(), "error: list targets") != 1 {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestWatchingShowsWhatCannotBeMadeUntilItCan(t *testing.T) {
	d := newDesk(t)
	delete(d.env, "MOORING_PORT")
	d.AWS.Inject(sim.AWSFault{Action: "DescribeTargetGroups", Denied: true, Times: 2})
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out := &ending{blocks: 3, end: stop}
	m := d.machine(nil, &bytes.Buffer{})
	m.out = out
	if code := run(ctx, []string{"status", "--watch", "--every", "200ms"}, m); code != 0 || strings.Count(out.String(), "error: find the port of web") != 2 ||
		!strings.Contains(out.String(), "port 443 of ") {
		t.Errorf("exit %d\n%s", code, out)
	}
}
