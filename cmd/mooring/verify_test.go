package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/probe"
	"mooring/internal/sim"
)

func TestAnInterruptedVerifyIsNoVerdict(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("somebody pressed a key"))
	var out, errs strings.Builder
	args := []string{"verify", "--hostname", "localhost", "--port", "443", "--target-group", "tcp://127.0.0.1:443", "--memory", "none"}
	code := run(ctx, args, machine{out: &out, err: &errs, env: func(string) (string, bool) { return "", false }})
	if code != 1 || !strings.HasPrefix(errs.String(), "mooring: error: verify: somebody pressed a key") || !strings.Contains(out.String(), "127.0.0.1") {
		t.Errorf("code %d, %q\n%s", code, errs.String(), out.String())
	}
}

// The load balancer grows while traffic moves to it, and the next round is a minute away. Then its fixed address is lost.
func TestTheGateOfAShiftBearsALoadBalancerThatGrows(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	for _, pair := range w.AWSEnvironment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_ = conn.Close()
		}
	}()
	lb, _ := w.Front()
	nlb := &lb.LoadBalancers[1]
	nlb.Zones, nlb.Addresses = []string{"eu-west-1a"}, map[string][]sim.Address{"eu-west-1a": {{IP: netip.MustParseAddr("127.0.0.1")}}}
	lb.Listeners[1].Port = netip.MustParseAddrPort(listener.Addr().String()).Port()
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 1)...)
	if err := w.Group.Register(w.Now(), []sim.TargetDescription{{Addr: rigtest.Addrs(1, 1)[0], Port: rigtest.Port}}); err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Minute)

	flags := map[string]string{"hostname": rigtest.Name, "port": "443", "target-group": rigtest.ARN, "memory": "none", "resolver": w.DNS.Resolver().String()}
	unset := func(string) (string, bool) { return "", false }
	configs, err := config.Load(t.Context(), func(name string) ([]string, bool) { s, ok := flags[name]; return []string{s}, ok }, unset, nil)
	if err != nil {
		t.Fatal(err)
	}
	shift := &shiftCommand{operator: operator{roundCommand: roundCommand{machine: machine{out: io.Discard, err: io.Discard, env: unset, dial: w.DNS.Dial}}}}
	gate := shift.verified(configs[0], rig.NewClients(nil), "app.example.com.")
	look := func(ctx context.Context, saw, shut string) {
		t.Helper()
		seen, err := gate.Check(ctx)
		if !strings.Contains(seen, saw) || (err == nil) != (shut == "") || err != nil && !strings.Contains(err.Error(), shut) {
			t.Errorf("%q, error %v", seen, err)
		}
	}
	look(t.Context(), "addresses, connect, targets pass", "")
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	look(t.Context(), "not yet targets: missing 10.0.0.12", "")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	look(over, "", "it took too long: context canceled")
	_ = listener.Close()
	look(t.Context(), "", "connect: 1 of 1: 127.0.0.1:")
}

func TestTheGateOfAShiftAsksForWhatItIsTold(t *testing.T) {
	var c shiftCommand
	flags := pflag.NewFlagSet("shift", pflag.ContinueOnError)
	c.bindShift(flags)
	err := flags.Parse(strings.Fields("--hosted-zone example.com --name app.example.com --to nlb --verify-path /health --verify-expect 200,401"))
	if err := errors.Join(err, c.check()); err != nil {
		t.Fatal(err)
	}
	codes := probe.Codes{{200, 200}, {401, 401}}
	if w := c.wants("app.example.com."); w.Host != "app.example.com" || w.Path != "/health" || !slices.Equal(w.Expect, codes) {
		t.Errorf("%+v", w)
	}
	if w := c.wants("*.example.com."); w.Host != "" {
		t.Errorf("asked for %q", w.Host)
	}
}
