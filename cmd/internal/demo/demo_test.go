package demo_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/cmd/internal/demo"
)

const short = `# Two nodes serve.
start 10.0.0.1-2
name addrs=10.0.0.1-2
until healthy 10.0.0.1-2
load 2
rounds 2
`

// fast is a config for short stories.
func fast(story string) demo.Config { return demo.Config{Story: story, Speed: demo.MaxSpeed} }

func playOnce(ctx context.Context, c demo.Config) (demo.Summary, error) {
	d, err := demo.New(c)
	if err != nil {
		return demo.Summary{}, err
	}
	return d.Run(ctx)
}

func TestAStoryEndsByItselfAndIsPlayedOnce(t *testing.T) {
	t.Parallel()
	d, err := demo.New(fast(short))
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Run(t.Context())
	if err != nil || s.Err() != nil || s.Pinned.Failures > 0 || s.Rounds < 3 || s.Changes != 0 {
		t.Errorf("%+v, %v, %v", s, err, s.Err())
	}
	if _, err := d.Run(t.Context()); err == nil {
		t.Error("a demo was played twice")
	}
	if now := d.Snapshot(); !now.Done || now.Front != s.Front || len(now.Addresses) != 2 || now.Addresses[0].Health != mooring.HealthHealthy {
		t.Errorf("%+v", now)
	}
}

func TestALongStoryIsCut(t *testing.T) {
	t.Parallel()
	c := fast(short + "rounds 10000\n")
	c.For = time.Second
	if s, err := playOnce(t.Context(), c); err != nil || s.Front.Failures > 0 || s.Elapsed < c.For {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAShortStoryIsPlayedAgainAtTheSameAddress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := fast(short)
	c.For = time.Hour
	var d *demo.Demo
	var fixed []string
	c.Tell = func(e demo.Event) {
		if e.Chapter {
			fixed = append(fixed, d.Snapshot().Fixed)
		}
		if len(fixed) == 3 {
			cancel()
		}
	}
	d, err := demo.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Run(ctx); err != nil || s.Err() != nil || s.Rounds < 6 {
		t.Errorf("%+v, %v, %v", s, err, s.Err())
	}
	if fixed[0] != fixed[1] || fixed[0] != fixed[2] {
		t.Errorf("played at %v; want always the same address", fixed)
	}
}

func TestWhoeverEndsItEndsItCleanly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := fast(short + "rounds 10000\n")
	var d *demo.Demo
	c.Tell = func(e demo.Event) {
		if d.Snapshot().Done { // may be asked at any time
			t.Error("it is done before it ends")
		}
		if strings.Contains(e.Text, "registered") {
			cancel()
		}
	}
	d, err := demo.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Run(ctx); err != nil || s.Rounds == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before, open := runtime.NumGoroutine(), sockets(t)
	c := fast(short)
	c.For = 2 * time.Second
	if s, err := playOnce(t.Context(), c); err != nil || s.Err() != nil {
		t.Fatalf("%v, %v", err, s.Err())
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left in the directory for temporary files: %v, %v", left, err)
	}
	// The servers' goroutines end by themselves, soon after.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if runtime.NumGoroutine() <= before && sockets(t) <= open {
			return
		}
		<-tick.C
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines and %d sockets, %d and %d before:\n%s", runtime.NumGoroutine(), sockets(t), before, open, stacks[:runtime.Stack(stacks, true)])
}

// sockets counts the process's, where the system tells. The pipes through which the kernel copies are kept for later.
func sockets(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestAStageThatCannotBeSetIsAnError(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/nowhere")
	if runtime.GOOS == "windows" {
		t.Skip("its directory for temporary files has another name")
	}
	_, err := playOnce(t.Context(), fast(short))
	if err == nil || !strings.Contains(err.Error(), "set the stage: make a place for the memory: ") {
		t.Error(err)
	}
}

func TestMissingAndStaleAreMeasured(t *testing.T) {
	t.Parallel()
	// The second node is in DNS and serves two rounds before it is known; the first is dead in DNS for two rounds and longer.
	s, err := playOnce(t.Context(), fast(short+`
dns fault=servfail
rounds 1
start 10.0.0.3
name addrs=10.0.0.1-3
dns fault=none
stop 10.0.0.1
rounds 2
`))
	if err != nil {
		t.Fatal(err)
	}
	// Between two rounds is a quarter of a second by the wall.
	if s.LongestMissing < 100 || s.LongestStale < 300 || s.Changes != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAStoryThatCannotGoOnIsAnError(t *testing.T) {
	t.Parallel()
	_, err := playOnce(t.Context(), fast(short+"until gone 10.0.0.1\n"))
	if err == nil || !strings.Contains(err.Error(), "story, line 7: until gone 10.0.0.1: not after 60 rounds") {
		t.Error(err)
	}
}

func TestConfigsThatCannotBePlayedAreErrors(t *testing.T) {
	for want, c := range map[string]demo.Config{
		"speed 0: want 1 to 120":               {},
		"speed 0.5: want 1 to 120":             {Speed: 0.5},
		"speed 121: want 1 to 120":             {Speed: 121},
		"speed NaN: want 1 to 120":             {Speed: math.NaN()},
		"for -1s: want a duration above 0":     {Speed: 1, For: -time.Second},
		"line 1: dance: no such command":       {Speed: 1, Story: "dance"},
		"a live story needs a name with addre": {Speed: 1, Story: "load 1\nrounds 1"},
	} {
		if _, err := demo.New(c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

func TestASummaryWithoutRequestsIsNoProof(t *testing.T) {
	if err := (demo.Summary{}).Err(); err == nil {
		t.Error("nothing was asked, and all is said to be well")
	}
	body, err := json.Marshal(demo.Summary{Changes: 4, Rounds: 40, Front: demo.Tally{Requests: 2}, LongestStale: 7})
	want := `{"changes":4,"rounds":40,"front":{"requests":2,"failures":0},"pinned":{"requests":0,"failures":0},"longest_missing_ms":0,"longest_stale_ms":7}`
	if err != nil || string(body) != want {
		t.Errorf("%s, %v; want %s", body, err, want)
	}
}
