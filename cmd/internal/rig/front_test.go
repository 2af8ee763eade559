package rig_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/front"
	"mooring/internal/sim"
)

// A machine is a place where a front listens and its memory lies. Its process may be started again and again.
type machine struct {
	t      *testing.T
	dns    *sim.DNS
	config config.Config
	front  *front.Front
}

// newMachine has no identity in AWS, and a configuration of AWS that is none.
func newMachine(t *testing.T, settings string) *machine {
	t.Helper()
	broken := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(broken, []byte("[profile"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", broken)
	t.Setenv("AWS_PROFILE", "nobody")
	servers, err := sim.NewDNS(sim.DNSConfig{Seed: 8, Zones: []string{rigtest.Zone}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	text := "bindings: [{hostname: " + rigtest.Name + ", port: 443, target_group: 'tcp://127.0.0.1:8443', hold: 0s, memory: 'file:" +
		filepath.ToSlash(t.TempDir()) + "', resolver: '" + servers.Resolver().String() + "'" + settings + "}]"
	configs, err := config.Load(t.Context(), func(string) ([]string, bool) { return nil, false },
		func(name string) (string, bool) { return text, name == "MOORING_CONFIG" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &machine{t: t, dns: servers, config: configs[0]}
}

// start begins a process: its front has no targets yet. Nobody is behind the addresses.
func (m *machine) start() *mooring.Keeper {
	m.t.Helper()
	ended, end := context.WithCancel(context.Background())
	end()
	if m.front != nil {
		m.front.Shutdown(ended)
	}
	opened, err := front.Listen(front.Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Settings: front.DefaultSettings(), Log: slog.New(slog.DiscardHandler),
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.front = opened
	m.t.Cleanup(func() { opened.Shutdown(ended) })
	k, err := rig.New(m.t.Context(), m.config, m.options())
	if err != nil {
		m.t.Fatal(err)
	}
	return k
}

func (m *machine) options() rig.Options {
	return rig.Options{
		Log: slog.New(slog.DiscardHandler), Dial: m.dns.Dial,
		Front: func(context.Context, config.Config) (mooring.Group, error) { return m.front, nil },
	}
}

func (m *machine) holds() (out []netip.Addr) {
	m.t.Helper()
	targets, err := m.front.Targets(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, t := range targets {
		if t.Port != 443 {
			m.t.Errorf("port %d", t.Port)
		}
		out = append(out, t.Addr)
	}
	return out
}

// clean is a round in which nobody else was at work.
func clean(t *testing.T, r mooring.Report) {
	t.Helper()
	if r.Err != nil || r.Others != nil || len(r.Unmanaged) > 0 {
		t.Errorf("error %v, others %+v, not ours %v", r.Err, r.Others, r.Unmanaged)
	}
}

func TestAFrontThatIsStartedAnewHasTheTargetsThatItHad(t *testing.T) {
	m := newMachine(t, "")
	m.dns.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	clean(t, m.start().Round(t.Context()))
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(1, 4)) {
		t.Fatalf("after the first round: %s", rigtest.Strings(got))
	}

	m.dns.Fault(rigtest.Name, sim.DNSServFail)
	m.dns.FaultResolver(rigtest.Name, sim.DNSServFail)
	k := m.start()
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(1, 4)) {
		t.Errorf("before the first round after a restart: %s", rigtest.Strings(got))
	}
	r := k.Round(t.Context())
	clean(t, r)
	if r.Inconclusive == "" || len(m.holds()) != 4 {
		t.Errorf("in an outage: %q, %s", r.Inconclusive, rigtest.Strings(m.holds()))
	}

	// Its rounds count on from there, and nobody is taken for another program's.
	m.dns.Fault(rigtest.Name, sim.DNSNone)
	m.dns.FaultResolver(rigtest.Name, sim.DNSNone)
	m.dns.Set(rigtest.Name, rigtest.Addrs(2, 5)...)
	for range 4 {
		clean(t, m.start().Round(t.Context())) // a process a round
	}
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 5)) {
		t.Errorf("after a change: %s", rigtest.Strings(got))
	}
	clean(t, m.start().Round(t.Context()))
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 5)) {
		t.Errorf("who left came back: %s", rigtest.Strings(got))
	}
}

// edit is what an operator does, in a process of their own.
func (m *machine) edit(change func(mooring.Memory) (mooring.Memory, error)) {
	m.t.Helper()
	k, err := rig.New(m.t.Context(), m.config, m.options())
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := k.Edit(m.t.Context(), change); err != nil {
		m.t.Fatal(err)
	}
}

func TestAPausedFrontThatIsStartedAnewHasTheTargetsThatItHad(t *testing.T) {
	m := newMachine(t, ", answers: whole, misses: 1")
	m.dns.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	m.start().Round(t.Context())
	m.dns.Set(rigtest.Name, rigtest.Addrs(2, 4)...)
	m.start().Round(t.Context())
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 4)) {
		t.Fatalf("before the pause: %s", rigtest.Strings(got))
	}
	m.edit(func(now mooring.Memory) (mooring.Memory, error) { return now.Pause("alice", "", time.Now()) })
	m.dns.Set(rigtest.Name, rigtest.Addrs(3, 5)...)
	for range 2 { // who is new waits for the end of the pause, and who left does not come back
		k := m.start()
		if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 4)) {
			t.Errorf("started anew: %s", rigtest.Strings(got))
		}
		clean(t, k.Round(t.Context()))
	}
	m.edit(func(now mooring.Memory) (mooring.Memory, error) { return now.Resume("alice", time.Now()) })
	m.dns.Fault(rigtest.Name, sim.DNSServFail)
	m.dns.FaultResolver(rigtest.Name, sim.DNSServFail)
	clean(t, m.start().Round(t.Context()))
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 4)) {
		t.Errorf("in an outage after the pause: %s", rigtest.Strings(got))
	}
}

// Decisions are forgotten in time, and who left is remembered for a day.
func TestAPausedFrontIsNotGivenWhoLeftLongAgo(t *testing.T) {
	m := newMachine(t, ", answers: whole, misses: 1")
	for _, there := range [][]netip.Addr{rigtest.Addrs(1, 4), rigtest.Addrs(2, 4), rigtest.Addrs(2, 4)} {
		m.dns.Set(rigtest.Name, there...)
		m.start().Round(t.Context())
	}
	m.edit(func(now mooring.Memory) (mooring.Memory, error) {
		now.Decisions = nil
		return now.Pause("alice", "", time.Now())
	})
	m.start()
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 4)) {
		t.Errorf("%s", rigtest.Strings(got))
	}
}

func TestAFrontWithTargetsIsGivenNone(t *testing.T) {
	m := newMachine(t, "")
	m.dns.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	m.start().Round(t.Context())
	all, err := m.front.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.front.Deregister(t.Context(), all[:1], func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := rig.New(t.Context(), m.config, m.options()); err != nil { // as after a reload
		t.Fatal(err)
	}
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(2, 2)) {
		t.Errorf("%s", rigtest.Strings(got))
	}
}

// memoryFile is the only file of the machine's memory.
func (m *machine) memoryFile() string {
	m.t.Helper()
	files, err := filepath.Glob(filepath.Join(m.config.Memory.Dir, "mooring/tcp/127.0.0.1_8443/*.json"))
	if err != nil || len(files) != 1 {
		m.t.Fatalf("%v, %v", files, err)
	}
	return files[0]
}

func TestAnUnreadableMemoryGivesAFrontNoTargetsAndKeepsNobodyFromARound(t *testing.T) {
	m := newMachine(t, "")
	m.dns.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	m.start().Round(t.Context())
	if err := os.WriteFile(m.memoryFile(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := m.start()
	if got := m.holds(); len(got) > 0 {
		t.Errorf("%s", rigtest.Strings(got))
	}
	r := k.Round(t.Context())
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(1, 2)) || !r.Unremembered {
		t.Errorf("%s, memory lost: %t", rigtest.Strings(got), r.Unremembered)
	}
}

// A memory is a file that somebody may have written: it must not make a front a way to where no target may be.
func TestAFrontIsNotGivenWhatMayNotBeATarget(t *testing.T) {
	m := newMachine(t, "")
	m.dns.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	m.start().Round(t.Context())
	text, err := os.ReadFile(m.memoryFile())
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), `"left": {`)
	at := strings.LastIndex(after, `"10.0.0.12"`)
	if !ok || at < 0 {
		t.Fatalf("%s", text)
	}
	forged := before + `"left": {` + after[:at] + `"10.0.0.12", "169.254.169.254", "198.51.100.1"` + after[at+len(`"10.0.0.12"`):]
	if err := os.WriteFile(m.memoryFile(), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(1, 2)) {
		t.Errorf("%s", rigtest.Strings(got))
	}
}

func TestAFrontTakesIPv6OnlyWhereNothingElseIsAdmitted(t *testing.T) {
	six := netip.MustParseAddr("fd00::1")
	m := newMachine(t, ", admit: 'fd00::/8'")
	m.dns.Set(rigtest.Name, append(rigtest.Addrs(1, 1), six)...)
	clean(t, m.start().Round(t.Context()))
	if got := m.holds(); !slices.Equal(got, []netip.Addr{six}) {
		t.Errorf("%s", rigtest.Strings(got))
	}
	m = newMachine(t, ", admit: ['fd00::/8', 10.0.0.0/8]")
	m.dns.Set(rigtest.Name, append(rigtest.Addrs(1, 1), six)...)
	clean(t, m.start().Round(t.Context()))
	if got := m.holds(); !slices.Equal(got, rigtest.Addrs(1, 1)) {
		t.Errorf("%s", rigtest.Strings(got))
	}
}

func TestWhereNoFrontsCanBeABindingWithOneFailsAlone(t *testing.T) {
	m := newMachine(t, "")
	o := m.options()
	o.Front = nil
	if _, err := rig.New(t.Context(), m.config, o); !errors.Is(err, rig.ErrFront) {
		t.Errorf("%v", err)
	}
	fleet, err := rig.NewFleet(t.Context(), []config.Config{m.config}, o)
	if err != nil {
		t.Fatal(err)
	}
	if r := fleet.Round(t.Context())[0]; !errors.Is(r.Err, rig.ErrFront) || !strings.Contains(r.Error, "tcp-127.0.0.1-8443-443, tcp://127.0.0.1:8443: its group is a front") {
		t.Errorf("%v", r.Err)
	}
}
