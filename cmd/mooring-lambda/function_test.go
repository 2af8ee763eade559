package main_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

func TestAnyEventRunsARound(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 12})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 12)...)
	// What an older function left has no checksums, of which the SDK would tell the log in its own way.
	w.S3.Put(rigtest.Bucket, rigtest.Name+"/active_ip.json", []byte(`{"LoadBalancerName": "`+rigtest.Name+`", "IPList": ["10.0.0.11"], "IPCount": 1}`))
	w.S3.Put(rigtest.Bucket, rigtest.Name+"/pending_ip.json", []byte(`{"10.0.0.99": 2}`))
	api := rigtest.NewRuntimeAPI(t)
	api.Left = 12 * time.Second // too little to look into an event again
	f := w.Function(t, api, w.OriginalEnvironment()...)
	for _, event := range []string{`{}`, `null`, `"ping"`, `[1,2]`, `{"source":"aws.events","detail-type":"Scheduled Event"}`} {
		r := f.Invoke(t, event)
		if r.Failed {
			t.Fatalf("%s: %s", event, r.Body)
		}
		if got := decode(t, r.Body); got["ok"] != true || got["schema_version"] != 1.0 {
			t.Errorf("%s: %s", event, r.Body)
		}
	}
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 12)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}

	f.End()
	reports, embedded := 0, 0
	for line := range strings.Lines(f.Log.String()) {
		entry := decode(t, line) // JSON lines only
		if report, ok := entry["report"].(map[string]any); ok {
			if len(report["resolved"].([]any)) != 12 {
				t.Errorf("the log line lacks the addresses: %s", line)
			}
			reports++
		}
		if _, ok := entry["_aws"]; ok {
			if entry["ResolvedAddresses"] != 12.0 || entry["RoundFailures"] != 0.0 || entry["Binding"] != "web-443" {
				t.Errorf("metrics: %s", line)
			}
			embedded++
		}
	}
	if reports != 5 || embedded != 5 {
		t.Errorf("%d reports and %d lines of metrics in 5 rounds:\n%s", reports, embedded, &f.Log)
	}
}

func TestARoundThatDidNotComeThroughIsAFailedInvocation(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	f := w.Function(t, rigtest.NewRuntimeAPI(t), w.OriginalEnvironment()...)
	if r := f.Invoke(t, "{}"); r.Failed {
		t.Fatal(r.Body)
	}
	w.DNS.Fault(rigtest.Name, sim.DNSNXDomain)
	w.DNS.FaultResolver(rigtest.Name, sim.DNSNXDomain)
	r := f.Invoke(t, "{}")
	if message, _ := decode(t, r.Body)["errorMessage"].(string); !r.Failed || !strings.HasPrefix(message, "nxdomain: ") {
		t.Errorf("%+v", r)
	}
	w.DNS.Fault(rigtest.Name, sim.DNSNone)
	w.DNS.FaultResolver(rigtest.Name, sim.DNSNone)
	if r := f.Invoke(t, "{}"); r.Failed {
		t.Errorf("the round after: %s", r.Body)
	}
	f.End()
	if !strings.Contains(f.Log.String(), `"RoundFailures":1`) {
		t.Errorf("no metric of the failure:\n%s", &f.Log)
	}
}

func TestABadConfigurationFailsEveryInvocationAndSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{})
	f := w.Function(t, rigtest.NewRuntimeAPI(t), append(w.AWSEnvironment(), "MOORING_HOSTNAME=10.0.0.1", "MOORING_MISSES=none", "MOORING_METRICS=basic")...)
	for range 2 {
		r := f.Invoke(t, "{}")
		for _, want := range []string{`MOORING_HOSTNAME \"10.0.0.1\"`, `MOORING_MISSES \"none\"`, "MOORING_TARGET_GROUP: not set", "MOORING_MEMORY: not set"} {
			if !r.Failed || !strings.Contains(r.Body, want) {
				t.Errorf("no word of %s in %s", want, r.Body)
			}
		}
	}
}

func TestTheFunctionIsNoLoadBalancer(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{})
	f := w.Function(t, rigtest.NewRuntimeAPI(t), "MOORING_HOSTNAME="+rigtest.Name, "MOORING_PORT=443", "MOORING_TARGET_GROUP=tcp://:8443", "MOORING_MEMORY=none")
	r := f.Invoke(t, "{}")
	if !r.Failed || !strings.Contains(r.Body, "configuration: binding tcp-8443-443: tcp://0.0.0.0:8443: the function is no load balancer: give it the ARN") {
		t.Errorf("%+v", r)
	}
}

// The function's time may be shorter than a round's: it must end by itself, before it is killed.
func TestARoundEndsBeforeTheFunctionsTime(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	w.AWS.Inject(sim.AWSFault{Action: "DescribeTargetHealth", Latency: 20 * time.Second})
	api := rigtest.NewRuntimeAPI(t)
	api.Left = 6 * time.Second
	f := w.Function(t, api, w.OriginalEnvironment()...)
	began := <-api.Ready // to start is not of its time
	r := f.Invoke(t, "{}")
	if took := time.Since(began); !r.Failed || took > api.Left {
		t.Errorf("after %s: %+v", took, r)
	}
}

func TestMemoryStaysSmallOver100Rounds(t *testing.T) {
	t.Parallel()
	w := world(t, sim.DNSConfig{Seed: 24})
	f := w.Function(t, rigtest.NewRuntimeAPI(t), append(w.OriginalEnvironment(), "MOORING_HOLD=0s")...)
	for round := range 100 {
		w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 12+round%12)...)
		if r := f.Invoke(t, "{}"); r.Failed {
			t.Fatal(r.Body)
		}
	}
	const limit = 40 << 10 // kB
	if got := resident(t, f.PID); got > limit {
		t.Errorf("%d kB resident after 100 rounds, want at most %d", got, limit)
	} else {
		t.Logf("%d kB resident after 100 rounds", got)
	}
}

// resident is a process's resident memory in kB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// From the start of the process to its first question for an event.
func BenchmarkReady(b *testing.B) {
	w := world(b, sim.DNSConfig{Seed: 1})
	var total time.Duration
	for b.Loop() {
		api := rigtest.NewRuntimeAPI(b)
		f := w.Function(b, api, w.OriginalEnvironment()...)
		total += (<-api.Ready).Sub(f.Began)
		f.End()
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms/start")
}
