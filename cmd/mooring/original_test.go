package main_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// These stories run the built program in the environment of the function that AWS published, with MOORING_HOLD=0s
// so that runs may follow each other at once.

func original(t *testing.T, c sim.DNSConfig, name []netip.Addr) (*rigtest.World, []string) {
	w := rigtest.New(t, "mooring/cmd/mooring", c)
	w.DNS.Set(rigtest.Name, name...)
	env := append(w.OriginalEnvironment(), "MOORING_HOLD=0s")
	w.Guard(env...) // every round of these stories, and of those in rounds_test.go, by the policy of its environment
	return w, env
}

// mustSync runs a round that must come through.
func mustSync(t *testing.T, w *rigtest.World, env []string) rigtest.Result {
	t.Helper()
	r := w.Sync(env...)
	if r.Code != 0 {
		t.Fatalf("exit %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	return r
}

func TestOneRunRegistersAll24AddressesShown8AtATime(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 24}, rigtest.Addrs(1, 24))
	mustSync(t, w, env)
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 24)) {
		t.Fatalf("registered %d: %s", len(got), rigtest.Strings(got))
	}
	counted := w.CloudWatch.Data()
	if len(counted) != 1 || counted[0].Value != 24 || counted[0].Namespace != "AWS/ApplicationELB" ||
		counted[0].Name != "LoadBalancerIPCount" || counted[0].Dimensions["LoadBalancerName"] != rigtest.Name {
		t.Errorf("the metric says %+v, want the count of 24", counted)
	}

	w.AWS.Forget()
	mustSync(t, w, env)
	for _, c := range w.AWS.Calls() {
		if c.Writes() {
			t.Errorf("an idle run called %s", c.Action)
		}
	}
}

func TestAPlanPutsNoMetric(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 1}, rigtest.Addrs(1, 2))
	if out, err := w.Command(t.Context(), env, "plan").CombinedOutput(); err != nil || !strings.Contains(string(out), "2 to register") {
		t.Fatalf("%v\n%s", err, out)
	}
	if counted := w.CloudWatch.Data(); len(counted) > 0 {
		t.Errorf("a plan put %+v", counted)
	}
}

func TestADeniedMetricIsAWarningWithTheMissingStatement(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 1}, rigtest.Addrs(1, 2))
	w.AWS.Inject(sim.AWSFault{Action: "PutMetricData", Denied: true})
	if r := mustSync(t, w, env); !strings.Contains(r.Stderr, "cloudwatch:namespace") || len(w.Registered()) != 2 {
		t.Errorf("%s%s", r.Stdout, r.Stderr)
	}
}

func TestWhoLeavesDNSIsDeregisteredInTheThirdRunAndNotBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after int }{{24, 20}, {2, 1}, {8, 6}, {100, 70}} {
		for _, all := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d to %d, all=%t", c.before, c.after, all), func(t *testing.T) {
				t.Parallel()
				w, env := original(t, sim.DNSConfig{Seed: uint64(c.before), All: all}, rigtest.Addrs(1, c.before))
				mustSync(t, w, env)
				for run := 0; len(w.Registered()) < c.before && run < 3; run++ {
					mustSync(t, w, env) // 50 lookups may not find 100 addresses at once
				}
				w.DNS.Set(rigtest.Name, rigtest.Addrs(1, c.after)...)
				for run, want := range []int{c.before, c.before, c.after} {
					r := mustSync(t, w, env)
					if got := w.Registered(); len(got) != want {
						t.Fatalf("after run %d %d are registered, want %d\n%s", run+1, len(got), want, r.Stdout)
					}
				}
				if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, c.after)) {
					t.Errorf("left: %s", rigtest.Strings(got))
				}
			})
		}
	}
}

func TestAFullReplacementOf4Takes4RunsAtMaxLeave(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 4}, rigtest.Addrs(1, 4))
	mustSync(t, w, env)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(11, 14)...)
	for run, want := range []int{8, 8, 6, 4} {
		mustSync(t, w, env)
		if got := w.Registered(); len(got) != want {
			t.Fatalf("after run %d %d are registered, want %d", run+1, len(got), want)
		}
	}
	if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(11, 14)) {
		t.Errorf("left: %s", rigtest.Strings(got))
	}
}

func TestTheThirdRunIsOursAfterTwoOfTheOldFunction(t *testing.T) {
	t.Parallel()
	quoted := func(s string) string { return fmt.Sprintf("%q", s) }
	active := `{"LoadBalancerName": "` + rigtest.Name + `", "TimeStamp": "2026-11-01 12:00:00", "IPList": ["10.0.0.11", "10.0.0.12", "10.0.0.13"], "IPCount": 3}`
	pending := `{"10.0.0.13": 2}`
	for version, objects := range map[string]map[string]string{
		"v1": {
			rigtest.Name + "-active-registered-IPs/Active IP list of " + rigtest.Name + ".json":                        quoted(active),
			rigtest.Name + "-pending-deregisteration-IPs/Pending deregisteration IP list of " + rigtest.Name + ".json": quoted(pending),
		},
		"v2": {rigtest.Name + "/active_ip.json": active, rigtest.Name + "/pending_ip.json": pending},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w, env := original(t, sim.DNSConfig{Seed: 3}, rigtest.Addrs(1, 2))
			for _, a := range rigtest.Addrs(1, 3) {
				if err := w.Group.Register(w.Now(), []sim.TargetDescription{{Addr: a, Port: rigtest.Port}}); err != nil {
					t.Fatal(err)
				}
			}
			for key, body := range objects {
				w.S3.Put(rigtest.Bucket, key, []byte(body))
				w.S3.SetLastModified(rigtest.Bucket, key, time.Now().Add(-2*time.Minute))
			}
			r := mustSync(t, w, env)
			if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 2)) {
				t.Errorf("registered: %s\n%s", rigtest.Strings(got), r.Stdout)
			}
			for key, body := range objects {
				if got := w.S3.Objects(rigtest.Bucket)[key]; string(got.Body) != body {
					t.Errorf("%s was changed to %s", key, got.Body)
				}
			}
		})
	}
}

// The environment of the function of 2021 with one variable more: mooring runs, and leaves that function's own objects.
func TestTheOldFunctionsStateIsKeptTrueWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	w, env := original(t, sim.DNSConfig{Seed: 3}, rigtest.Addrs(1, 3))
	env = append(env, "MOORING_WRITE_LEGACY_STATE=v2")
	w.Guard(env...)
	active, pending := rigtest.Name+"/active_ip.json", rigtest.Name+"/pending_ip.json"
	written := func() (n int) {
		for _, c := range w.S3.Calls() {
			if c.Method == "PUT" && (c.Key == active || c.Key == pending) {
				n++
			}
		}
		return n
	}
	for _, verb := range [][]string{{"plan"}, {"sync", "--dry-run"}} {
		if out, err := w.Command(t.Context(), env, verb...).CombinedOutput(); err != nil || written() > 0 {
			t.Fatalf("%s wrote %d objects, error %v\n%s", verb, written(), err, out)
		}
	}
	if r := mustSync(t, w, env); len(r.Report.Warnings) > 0 { // by that policy nobody may list the bucket, and nothing is in it
		t.Errorf("a first round warns: %q", r.Report.Warnings)
	}
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	mustSync(t, w, env)
	got := w.S3.Objects(rigtest.Bucket)
	if list := string(got[active].Body); !strings.Contains(list, `"IPList": ["10.0.0.11", "10.0.0.12", "10.0.0.13"], "IPCount": 3}`) {
		t.Errorf("active %s", list)
	}
	if counts := string(got[pending].Body); counts != `{"10.0.0.13": 1}` {
		t.Errorf("pending %s", counts)
	}
	if written() != 3 { // two, and then the counts alone
		t.Errorf("%d writes", written())
	}

	w.S3.Inject("PUT", pending, -1, sim.S3Denied)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	if r := mustSync(t, w, env); !strings.Contains(r.Stdout+r.Stderr, "s3:PutObject on arn:aws:s3:::"+rigtest.Bucket+"/"+pending+" denied") {
		t.Errorf("a denied write is not said\n%s%s", r.Stdout, r.Stderr)
	}
}

// Every class of failure, ten runs: nobody leaves, exit 1, and the class is said first.
func TestNoFailureRemovesAnybody(t *testing.T) {
	t.Parallel()
	everywhere := func(f sim.DNSFault) func(*rigtest.World) {
		return func(w *rigtest.World) {
			w.DNS.Fault(rigtest.Name, f)
			w.DNS.FaultResolver(rigtest.Name, f)
		}
	}
	for class, fail := range map[string]func(*rigtest.World){
		"timeout":  everywhere(sim.DNSSilent),
		"servfail": everywhere(sim.DNSServFail),
		"refused":  everywhere(sim.DNSRefused),
		"nxdomain": everywhere(sim.DNSNXDomain),
		"empty":    everywhere(sim.DNSEmpty),
		"tainted":  func(w *rigtest.World) { w.DNS.Set(rigtest.Name, netip.MustParseAddr("169.254.169.254")) },
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			w, env := original(t, sim.DNSConfig{Seed: 10}, rigtest.Addrs(1, 10))
			mustSync(t, w, env)
			fail(w)
			began := time.Now()
			for range 10 {
				r := w.Sync(env...)
				word, _, _ := strings.Cut(r.Report.Inconclusive, ":")
				if r.Code != 1 || word != class {
					t.Fatalf("exit %d, inconclusive %q, want 1 and %s\n%s", r.Code, r.Report.Inconclusive, class, r.Stderr)
				}
			}
			if got := w.Registered(); !slices.Equal(got, rigtest.Addrs(1, 10)) {
				t.Errorf("registered: %s", rigtest.Strings(got))
			}
			t.Logf("ten runs took %s", time.Since(began).Round(time.Millisecond))
		})
	}
}
