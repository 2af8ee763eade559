package mooring_test

import (
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/sim"
)

var (
	seeds    = flag.Int("seeds", defaultSeeds, "lives in `go test -run Sim`")
	from     = flag.String("from", "0", "the first of the seeds; fresh: one that nobody has had yet")
	span     = flag.Duration("span", 90*time.Minute, "how long a life is troubled")
	within   = flag.Duration("within", 0, "begin no life after so long; 0: live all of them")
	progress = flag.Duration("progress", 0, "tell every so often how far it is; 0: never")
	shrink   = flag.Bool("shrink", true, "make the story of a broken promise short")
	oneLife  = flag.String("life", "", "live the fate in this file, in place of those in testdata/lives")
)

// live lives one world in virtual time.
func live(t *testing.T, seed uint64, change func(*sim.Life)) *sim.Life {
	t.Helper()
	return fated(t, sim.DrawFate(seed, *span), change)
}

func fated(t *testing.T, fate sim.Fate, change func(*sim.Life)) *sim.Life {
	t.Helper()
	var l *sim.Life
	synctest.Test(t, func(t *testing.T) {
		l = fate.Life()
		if change != nil {
			change(l)
		}
		l.Live(t.Context())
	})
	return l
}

func untold(l *sim.Life) { l.Quiet = true }

func TestSimulatedWorldsKeepEveryPromise(t *testing.T) {
	r := &running{reached: map[string]int{}, began: time.Now(), first: firstSeed(t)}
	stop := r.tell()
	t.Run("worlds", func(t *testing.T) {
		for lane := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				r.lane(t)
			})
		}
	})
	stop()
	t.Log(r)
	if r.lived.Load() >= 300 {
		for _, what := range everything() {
			if r.reached[what] == 0 {
				t.Errorf("never met in %d worlds: %s", r.lived.Load(), what)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(r.reached)) {
		t.Logf("%7d %s", r.reached[what], what)
	}
}

func firstSeed(t *testing.T) uint64 {
	t.Helper()
	if *from == "fresh" {
		var b [8]byte
		_, _ = rand.Read(b[:])
		return binary.LittleEndian.Uint64(b[:]) >> 20 // short enough to be typed
	}
	n, err := strconv.ParseUint(*from, 10, 64)
	if err != nil {
		t.Fatalf("-from: %v", err)
	}
	return n
}

// A running is some lives being lived, several at the same time.
type running struct {
	first  uint64
	began  time.Time
	next   atomic.Int64
	lived  atomic.Int64
	failed atomic.Bool

	mu      sync.Mutex
	reached map[string]int
	time    time.Duration // simulated
	rounds  int
	calls   int
}

// lane lives one life after another until there are no more, or one has failed.
func (r *running) lane(t *testing.T) {
	for !r.failed.Load() && (*within == 0 || time.Since(r.began) < *within) {
		n := r.next.Add(1) - 1
		if n >= int64(*seeds) {
			return
		}
		seed := r.first + uint64(n)
		l := r.one(t, seed)
		if broken := l.Broken(); len(broken) > 0 {
			r.failed.Store(true)
			fmt.Fprintf(os.Stderr, "seed %d broke: %s\nits story is made short; live all of it: %s\n", seed, broken[0], again(seed))
			t.Fatalf("seed %d broke:\n%s\n%s", seed, strings.Join(broken, "\n"), autopsy(t, sim.DrawFate(seed, *span), broken[0]))
		}
		r.add(l)
	}
}

// one lives one life. Should it panic, its seed is told before all else ends.
func (r *running) one(t *testing.T, seed uint64) *sim.Life {
	over := false
	defer func() {
		if !over {
			fmt.Fprintf(os.Stderr, "seed %d did not end; live it again: %s\n", seed, again(seed))
		}
	}()
	l := live(t, seed, untold)
	over = true
	return l
}

func again(seed uint64) string {
	return fmt.Sprintf("go test . -run SimulatedWorldsKeep -args -from=%d -seeds=1 -span=%s", seed, *span)
}

func (r *running) add(l *sim.Life) {
	r.lived.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	for what, n := range l.Reached() {
		r.reached[what] += n
	}
	r.time += l.Lived()
	r.rounds += l.Ran()
	r.calls += l.Calls()
}

// String is how far it is, and how fast.
func (r *running) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := time.Since(r.began)
	return fmt.Sprintf("%d of up to %d lives from seed %d in %s: %.0f simulated hours, %d rounds, %d calls that changed a group; %.0f rounds a second, %.0f hours a second",
		r.lived.Load(), *seeds, r.first, took.Round(time.Second), r.time.Hours(), r.rounds, r.calls,
		float64(r.rounds)/took.Seconds(), r.time.Hours()/took.Seconds())
}

// tell tells every so often how far it is, until it is stopped.
func (r *running) tell() (stop func()) {
	if *progress <= 0 {
		return func() {}
	}
	ticker, done := time.NewTicker(*progress), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				fmt.Fprintln(os.Stderr, r)
			case <-done:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(done); fmt.Fprintln(os.Stderr, r) }
}

// autopsy shrinks a fate that broke a promise, keeps the shortest one in a file, and says how it is lived again.
func autopsy(t *testing.T, fate sim.Fate, why string) string {
	t.Helper()
	if !*shrink {
		return ""
	}
	promise := promiseOf(why)
	began := time.Now()
	short := sim.Shrink(fate, 2000, func(f sim.Fate) bool {
		if time.Since(began) > time.Minute {
			return false // what is short by then must do
		}
		broken := fated(t, f, untold).Broken()
		return len(broken) > 0 && promiseOf(broken[0]) == promise
	})
	file := filepath.Join(os.TempDir(), fmt.Sprintf("mooring-life-%d.txt", fate.Seed))
	if err := os.WriteFile(file, []byte("# "+why+"\n"+short.String()), 0o600); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("\nThe shortest story of it, %d turns of %d:\n\n%s\n%s\n\nLive it again:  go test . -run TestEveryLife -v -args -life=%s\n"+
		"Live all of it: %s\nWhen it is mended, keep it: mv %s testdata/lives/\n",
		len(short.Turns), len(fate.Turns), short, fated(t, short, nil).Transcript(), file, again(fate.Seed), file)
}

// promiseOf is the number of the promise that broke: "12:30:01 P1 a live address stays: ..." is P1.
func promiseOf(broken string) string {
	for word := range strings.FieldsSeq(broken) {
		if len(word) > 1 && word[0] == 'P' && word[1] >= '0' && word[1] <= '9' {
			return word
		}
	}
	return broken
}

// Each file is the story of a life that once broke a promise.
func TestEveryLifeThatOnceBrokeAPromiseIsLivedAgain(t *testing.T) {
	files, err := filepath.Glob("testdata/lives/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if *oneLife != "" {
		files = []string{*oneLife}
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			fate, err := sim.ParseFate(string(text))
			if err != nil {
				t.Fatal(err)
			}
			l := fated(t, fate, nil)
			kept(t, l.World)
			if *oneLife != "" {
				t.Log("\n" + l.Transcript())
			}
		})
	}
}

// everything is what a few hundred worlds must meet, or they prove nothing.
func everything() []string {
	all := []string{
		"permit denied", "save lost or unconfirmed", "memory unusable", "target refused",
		"held registration", "held seen again",
	}
	for _, c := range []sim.Call{
		sim.CallFind, sim.CallDescribe, sim.CallInspect, sim.CallRegister, sim.CallDeregister, sim.CallLoad, sim.CallSave,
	} {
		for _, f := range sim.FaultsOf(c) {
			all = append(all, string(c)+" "+string(f))
		}
	}
	for _, what := range []string{"pause", "resume", "adopt", "forget", "release"} {
		all = append(all, "operator "+what)
	}
	all = append(all,
		"set aside", "group taken", "group deleted", "group throttled", "removed late", "rebind port", "rebind group",
		"rebind hostname", "rebind policy", "deadline before register", "an old copy served",
	)
	for _, a := range sim.Accidents() {
		all = append(all, "memory "+string(a))
	}
	for _, g := range mooring.Guards() {
		all = append(all, "held "+g.Name)
	}
	for _, p := range sim.Points() {
		for _, what := range []string{"crash", "pause", "duplicate", "step", "return"} {
			all = append(all, what+" at "+string(p))
		}
	}
	return all
}
