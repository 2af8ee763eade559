package rig_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

func enter(t *testing.T, w *rigtest.World) {
	t.Helper()
	for _, pair := range w.AWSEnvironment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func optionsIn(w *rigtest.World) rig.Options {
	return rig.Options{Program: "test", Log: slog.New(slog.DiscardHandler), Dial: w.DNS.Dial}
}

// load makes bindings as a file of them does.
func load(t *testing.T, w *rigtest.World, yaml string) []config.Config {
	t.Helper()
	env := map[string]string{"MOORING_CONFIG": yaml, "MOORING_RESOLVER": w.DNS.Resolver().String()}
	configs, err := config.Load(t.Context(), func(string) ([]string, bool) { return nil, false },
		func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return configs
}

func bindings(ms []rigtest.Mooring, more string) string {
	text := "defaults: {memory: s3://" + rigtest.Bucket + ", port: 443}\nbindings:\n"
	for i, m := range ms {
		text += fmt.Sprintf("- {name: b%03d, hostname: %s, target_group: %q%s}\n", i, m.Name, m.Group.ARN, more)
	}
	return text
}

// registered are a group's targets that do not drain.
func registered(w *rigtest.World, g *sim.TargetGroup) (n int) {
	for _, s := range g.Describe(w.Now()) {
		if s.State != "draining" {
			n++
		}
	}
	return n
}

func TestOf200BindingsOneHangsAndOnePanicsAndTheOthersRoundsAreWhole(t *testing.T) {
	const hangs, dies = 70, 71
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 200})
	enter(t, w)
	ms := w.Many(200, 3)
	w.AWS.Inject(sim.AWSFault{Latency: time.Hour, When: func(c sim.AWSCall) bool {
		return c.Form.Get("TargetGroupArn") == ms[hangs].Group.ARN
	}})
	var mu sync.Mutex
	clients := map[string]int{}
	const share = 0.5
	w.AWS.Buckets = &sim.Buckets{}
	o := optionsIn(w)
	o.Limiter = elb.NewLimiter(share)
	o.Clients = rig.NewClients(func(c rig.Call) {
		mu.Lock()
		defer mu.Unlock()
		clients[c.Service+" "+c.Operation+" "+c.Code]++
	})
	fleet, err := rig.NewFleet(t.Context(), load(t, w, bindings(ms, "")), o)
	if err != nil {
		t.Fatal(err)
	}
	open := fleet.Members[dies].Open
	fleet.Members[dies].Open = func(ctx context.Context) (*mooring.Keeper, error) {
		k, err := open(ctx)
		if err == nil {
			k.Decide = func(mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) mooring.Plan {
				panic("no judgement")
			}
		}
		return k, err
	}
	var order []string // as the rounds ended
	reports := map[string]mooring.Report{}
	fleet.Visit(t.Context(), mooring.Visit{}, func(_ *mooring.Member, r mooring.Report) {
		mu.Lock()
		defer mu.Unlock()
		order, reports[r.Binding] = append(order, r.Binding), r
	})
	for i, m := range ms {
		r := reports[fmt.Sprintf("b%03d", i)]
		switch i {
		case hangs:
			if r.OK() || !strings.Contains(r.Error, "list targets of b070") {
				t.Errorf("the one that hangs: %q %q", r.Error, r.Inconclusive)
			}
		case dies:
			if !strings.Contains(r.Error, "panic: no judgement") {
				t.Errorf("the one that panics: %q", r.Error)
			}
		default:
			if !r.OK() || len(r.Registered) != 3 || registered(w, m.Group) != 3 {
				t.Errorf("%s: %q %q, %d registered", r.Binding, r.Error, r.Inconclusive, registered(w, m.Group))
			}
		}
	}
	if len(order) != 200 {
		t.Errorf("%d rounds", len(order))
	}
	if i := slices.Index(order, "b070"); i < 70 {
		t.Errorf("the one that hangs was over after %d others", i)
	}
	if n := clients["Elastic Load Balancing v2 RegisterTargets "]; n != 198 {
		t.Errorf("%d registrations were counted: %v", n, clients)
	}
	const token = 1. / 20 // of the smallest bucket
	for _, bucket := range []string{sim.BucketELB, sim.BucketReads, sim.BucketRegister} {
		worst := w.AWS.Buckets.Worst(bucket)
		t.Logf("%s: %d calls, at the worst %.0f%% of the bucket", bucket, w.AWS.Buckets.Requests(bucket), 100*worst)
		if worst == 0 || worst > share+token {
			t.Errorf("%s: %.2f of AWS's bucket was taken, and the share is %.2f", bucket, worst, share)
		}
	}
}

func TestABindingWithoutAGroupOrAProfileFailsAlone(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 3})
	enter(t, w)
	ms := w.Many(3, 2)
	ms[1].Group = &sim.TargetGroup{ARN: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/gone/00000000000000ff"}
	text := bindings(ms[:2], "") + fmt.Sprintf("- {name: other, hostname: %s, target_group: %q, profile: nobody}\n", ms[2].Name, ms[2].Group.ARN)
	fleet, err := rig.NewFleet(t.Context(), load(t, w, text), optionsIn(w))
	if err != nil {
		t.Fatal(err)
	}
	got := fleet.Round(t.Context())
	if !got[0].OK() || !strings.Contains(got[1].Error, "TargetGroupNotFound") || !strings.Contains(got[2].Error, "nobody") {
		t.Errorf("%q; %q; %q", got[0].Error, got[1].Error, got[2].Error)
	}
}

func TestDescriptorsAndMemoryStayFlatOver10000Steps(t *testing.T) {
	if racing {
		t.Skip("under the race detector memory says nothing")
	}
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 10000})
	enter(t, w)
	ms := w.Many(4, 3)
	text := bindings(ms[:1], ", answers: whole, interval: 1s")
	for _, m := range ms[1:] { // the world's bucket logs for ever what it is asked
		text += fmt.Sprintf("- {hostname: %s, target_group: %q, answers: whole, interval: 1s, memory: %q}\n", m.Name, m.Group.ARN, "file:"+t.TempDir())
	}
	fleet, err := rig.NewFleet(t.Context(), load(t, w, text), optionsIn(w))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fleet.Members {
		m.Interval = time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	steps, glances := 0, 0
	var early, late usage
	fleet.Watch(ctx, func(_ *mooring.Member, r mooring.Report) {
		mu.Lock()
		defer mu.Unlock()
		steps++
		if r.Glance {
			glances++
		}
		if steps%250 == 0 { // somebody comes or goes, so that there are rounds too
			w.DNS.Set(ms[steps/250%4].Name, rigtest.Addrs(1, 3+steps/1000%5)...)
		}
		switch steps {
		case 1000:
			early = use(w)
		case 10000:
			late = use(w)
			cancel()
		}
		if !r.OK() && ctx.Err() == nil {
			t.Errorf("%q %q", r.Error, r.Inconclusive)
			cancel()
		}
	})
	t.Logf("%d steps, of them %d glances; after 1,000: %s; after 10,000: %s", steps, glances, early, late)
	if glances < 1000 || glances > 9900 {
		t.Errorf("%d of the steps were glances", glances)
	}
	if late.files > early.files+10 {
		t.Errorf("%d descriptors were open, and now %d are", early.files, late.files)
	}
	if late.heap > early.heap+early.heap/4+2<<20 {
		t.Errorf("%d bytes were in use, and now %d are", early.heap, late.heap)
	}
	if late.goroutines > early.goroutines+20 {
		t.Errorf("there were %d goroutines, and now there are %d", early.goroutines, late.goroutines)
	}
}

// usage is what the process has taken of its machine.
type usage struct {
	files, goroutines int
	heap              uint64
}

func (u usage) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d kB", u.files, u.goroutines, u.heap>>10)
}

// use forgets what only the world has logged.
func use(w *rigtest.World) usage {
	w.AWS.Forget()
	w.DNS.Forget()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd")
	return usage{files: len(files), goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
}
