package front

import (
	"context"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"mooring"
)

// resting is a front that does nothing by itself, and whose notes nobody reads.
func resting(targets ...*target) *Front {
	f := &Front{
		log: slog.New(slog.DiscardHandler), notes: make(chan func(), 2), settings: DefaultSettings(), alive: context.Background(),
		targets: map[netip.AddrPort]*target{}, flows: map[*flow]bool{}, told: map[string]time.Time{}, counts: counts{refused: map[string]uint64{}},
	}
	for _, t := range targets {
		f.targets[t.at] = t
	}
	return f
}

// A check may succeed in the very moment in which its target leaves.
func TestACheckThatEndsAfterItsTargetLeftCountsForNothing(t *testing.T) {
	leaving := &target{health: mooring.HealthDraining}
	f := resting(leaving)
	left, leave := context.WithCancel(t.Context())
	leave()
	for range f.settings.Healthy {
		f.judge(left, leaving, f.settings, nil)
	}
	if leaving.health != mooring.HealthDraining {
		t.Errorf("it is %s", leaving.health)
	}
}

// A machine that has no file left for a check must not take its targets for dead.
func TestAFaultOfThisMachineSaysNothingOfATarget(t *testing.T) {
	well := &target{health: mooring.HealthHealthy}
	f := resting(well)
	fault := &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	for range 2 * f.settings.Unhealthy {
		f.judge(t.Context(), well, f.settings, fault)
	}
	if well.health != mooring.HealthHealthy {
		t.Errorf("it is %s: %s", well.health, well.reason)
	}
}

// All fronts of a process share its files.
func TestFrontsShareTheFilesOfTheirProcess(t *testing.T) {
	usual := here.most
	t.Cleanup(func() { here.most = usual })
	here.most = func() int { return here.flows + 1 }
	first, second := resting(), resting()
	if !here.enter() {
		t.Fatal("the first flow was refused")
	}
	here.most = func() int { return here.flows }
	near, _ := pair(t)
	second.admit(near)
	if second.counts.refused[RefusedLimit] != 1 || len(first.flows)+len(second.flows) != 0 {
		t.Error("a flow was let in that there are no files for")
	}
	here.leave()
	if here.most = func() int { return here.flows + 1 }; !here.enter() {
		t.Error("what a flow had is not given back")
	}
	here.leave()
}

func TestShutdownCountsEachFlowOnce(t *testing.T) {
	near, _ := pair(t)
	fl := &flow{client: near}
	if !fl.reset() || fl.reset() {
		t.Error("it was reset twice, or not at all")
	}
}

func TestATargetThatAnswersIsNotSuspicious(t *testing.T) {
	well := &target{mute: suspicious - 1, flows: map[*flow]bool{}}
	answered := &flow{}
	answered.out.Store(1)
	answered.dropped.Store(true) // afterwards
	resting(well).leave(well, answered)
	if well.mute != 0 {
		t.Errorf("it is mute %d times", well.mute)
	}
}

// The timer of a drain may fire while its target comes back.
func TestADrainThatEndsAfterItsTargetCameBackEndsNothing(t *testing.T) {
	fl, _, _ := passing(t)
	back := &target{health: mooring.HealthInitial, flows: map[*flow]bool{fl: true}}
	f := resting(back)
	f.drained(back)
	if f.targets[back.at] != back || fl.dead {
		t.Error("it is gone, or its flow was cut")
	}
}

// A flow may still end at a target that has gone, when another one is registered at its address.
func TestTheLastFlowOfATargetTakesNoOtherWithIt(t *testing.T) {
	gone, next := &target{health: mooring.HealthDraining}, &target{health: mooring.HealthDraining}
	f := resting(next)
	f.leave(gone, &flow{})
	if f.targets[next.at] != next {
		t.Error("the next target at the same address is gone")
	}
}

// A client may be accepted in the very moment in which the front ends.
func TestAClientThatComesAtTheEndIsReset(t *testing.T) {
	f := resting()
	f.closed = true
	near, far := pair(t)
	f.admit(near)
	if _, err := far.Read(make([]byte, 1)); err == nil || len(f.flows) > 0 {
		t.Errorf("%d flows, and the client read %v", len(f.flows), err)
	}
}

func TestRefusalsAreToldOnceAMinuteAndNeverWaitForTheLog(t *testing.T) {
	f := resting()
	for range 3 {
		near, _ := pair(t)
		f.refuse(&flow{client: near}, RefusedLimit)
	}
	if len(f.notes) != 1 || f.counts.refused[RefusedLimit] != 3 {
		t.Errorf("%d notes of %d refusals", len(f.notes), f.counts.refused[RefusedLimit])
	}
	f.told[RefusedLimit] = f.told[RefusedLimit].Add(-tellAgain)
	near, _ := pair(t)
	f.refuse(&flow{client: near}, RefusedLimit)
	if len(f.notes) != 2 {
		t.Errorf("%d notes a minute later", len(f.notes))
	}
	f.note(func() {}) // there is no room for it
}

func TestAFrontWithoutTargetsDoesNotFailOpen(t *testing.T) {
	if f := resting(&target{health: mooring.HealthDraining}); f.Stats().FailOpen {
		t.Error("it says so")
	}
}

func TestFilesAreLeftForTheRounds(t *testing.T) {
	for files, want := range map[uint64]int{0: 1, 206: 1, 212: 2, 1024: 137, math.MaxUint64: math.MaxInt32} {
		if got := flowsOf(files); got != want {
			t.Errorf("%d files are enough for %d flows, want %d", files, got, want)
		}
	}
}

// shortly is a front with other limits.
func shortly(t *testing.T, l limits, dial func(context.Context, string, string) (net.Conn, error)) *Front {
	t.Helper()
	s := DefaultSettings()
	s.HealthInterval, s.HealthTimeout = time.Hour, 10*time.Millisecond
	f, err := listen(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Settings: s, Dial: dial, Log: slog.New(slog.DiscardHandler)}, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		f.Shutdown(over)
	})
	return f
}

// silence answers nothing, as a host that is gone.
func silence(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestATargetThatSaysNothingIsGivenUpForAFlow(t *testing.T) {
	f := shortly(t, limits{first: time.Hour, connect: time.Hour, dial: 10 * time.Millisecond}, silence)
	mute := mooring.Target{Addr: netip.MustParseAddr("192.0.2.1"), Port: 1}
	if _, err := f.Register(t.Context(), []mooring.Target{mute}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", f.Addr().String())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if err == nil || f.Stats().Refused[RefusedUnreachable] != 1 {
		t.Errorf("%v, refused: %v", err, f.Stats().Refused)
	}
}

// Many silent targets would keep a client waiting for as many time-outs.
func TestAClientDoesNotWaitForEveryTarget(t *testing.T) {
	dialed := make(chan string, 100)
	f := shortly(t, limits{first: time.Hour, connect: time.Nanosecond, dial: time.Hour}, func(_ context.Context, _, addr string) (net.Conn, error) {
		dialed <- addr
		return nil, os.ErrDeadlineExceeded
	})
	var mute []mooring.Target
	for port := range uint16(9) {
		mute = append(mute, mooring.Target{Addr: netip.MustParseAddr("192.0.2.1"), Port: port + 1})
	}
	if _, err := f.Register(t.Context(), mute, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	for range mute {
		<-dialed // the first checks
	}
	c, err := net.Dial("tcp", f.Addr().String())
	if err == nil {
		defer c.Close()
		_, _ = c.Read(make([]byte, 1))
	}
	if n := len(dialed); n > 1 {
		t.Errorf("%d were dialed for it", n)
	}
}

func TestClientsDoNotWaitForAFirstTargetForEver(t *testing.T) {
	f := shortly(t, limits{first: time.Millisecond, connect: time.Hour, dial: time.Hour}, silence)
	c, err := net.Dial("tcp", f.Addr().String())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if err == nil {
		t.Error("it was answered")
	}
}

func TestACheckOfATargetThatSaysNothingFails(t *testing.T) {
	f := shortly(t, usualLimits, silence)
	if err := f.check(t.Context(), &target{}, time.Millisecond); err == nil {
		t.Error("it succeeded")
	}
}

// Pipes are for streams: an unprivileged user may have few.
func TestAFlowThatWaitsHasNoPipe(t *testing.T) {
	pipes := func() (n int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("only Linux shows its pipes")
		}
		for _, e := range entries {
			if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "pipe:") {
				n++
			}
		}
		return n
	}
	before := pipes()
	fl, client, target := passing(t)
	for range 10 {
		_, _ = client.Write(make([]byte, 100))
		_, _ = target.Read(make([]byte, 100))
	}
	if n := pipes(); n > before {
		t.Errorf("%d pipes for a flow with little on it", n-before)
	}
	go func() {
		for {
			if _, err := client.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	for pipes() == before {
		_, _ = target.Read(make([]byte, 1<<10)) // a stream is left to the kernel sooner or later
	}
	if fl.dead {
		t.Error("the flow is dead")
	}
}
