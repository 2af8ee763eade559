// Package rigtest is a world for the real programs: name servers and AWS on loopback, and a mount namespace in which
// /etc/resolv.conf names them, as the original function's environment has it.
package rigtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// What the world is about.
const (
	Zone   = "eu-west-1.elb.amazonaws.com"
	Name   = "internal-app-1234567890." + Zone
	Bucket = "state-bucket"

	Databases = "eu-west-1.rds.amazonaws.com" // a zone of its own
	ARN       = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
	Port      = 443
)

// A World is a name and a target group on loopback, with everything between them.
type World struct {
	DNS        *sim.DNS
	AWS        *sim.AWS
	S3         *sim.S3
	CloudWatch *sim.CloudWatch
	Group      *sim.TargetGroup
	URL        string // of AWS

	t      testing.TB
	ahead  atomic.Int64 // of the wall clock, in nanoseconds
	resolv string       // a file that takes the place of /etc/resolv.conf
	binary string
}

// RequireVariable makes it an error, instead of a reason to skip, that the machine does not allow such a world.
const RequireVariable = "MOORING_REQUIRE_NAMESPACE"

// New starts a world for the program that is built from pkg, a package's path below the module's root.
// The servers listen on port 53 of loopback addresses, so it takes root and Linux; where that is not to be had
// the test is skipped, or fails where the environment requires it.
func New(t testing.TB, pkg string, c sim.DNSConfig) *World {
	t.Helper()
	if err := exec.Command("unshare", "-m", "true").Run(); err != nil {
		unavailable(t, fmt.Errorf("make a mount namespace: %w", err))
	}
	c.Zones, c.Port = []string{Zone, Databases}, 53
	servers, err := sim.NewDNS(c)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(servers.Close)
	w := start(t, servers)
	w.binary = Build(t, pkg)
	w.resolv = filepath.Join(t.TempDir(), "resolv.conf")
	line := "nameserver " + servers.Resolver().Addr().String() + "\n"
	if err := os.WriteFile(w.resolv, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// NewInProcess starts a world on free ports, for programs that connect to name servers by the world's own dialer.
// It takes no privilege.
func NewInProcess(t testing.TB, c sim.DNSConfig) *World {
	t.Helper()
	return NewInZones(t, c, []string{Zone, Databases})
}

// NewInZones starts such a world with other zones.
func NewInZones(t testing.TB, c sim.DNSConfig, zones []string) *World {
	t.Helper()
	c.Zones = zones
	servers, err := sim.NewDNS(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	return start(t, servers)
}

func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv(RequireVariable) != "" {
		t.Fatalf("%s is set, and yet: %v", RequireVariable, err)
	}
	t.Skipf("needs root on Linux, for port 53 and a mount namespace: %v", err)
}

func start(t testing.TB, servers *sim.DNS) *World {
	w := &World{DNS: servers, t: t, S3: &sim.S3{}, CloudWatch: &sim.CloudWatch{}}
	w.Group = &sim.TargetGroup{
		ARN: ARN, Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: Port, CrossZone: true, DrainFor: 300 * time.Second,
		Subnets: []sim.Subnet{
			{ID: "subnet-a", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Zone: "eu-west-1a"},
			{ID: "subnet-b", Prefix: netip.MustParsePrefix("10.0.1.0/24"), Zone: "eu-west-1b"},
		},
	}
	w.AWS = sim.NewAWS(w.Group)
	w.AWS.ELB = &sim.ELBv2{Groups: []*sim.TargetGroup{w.Group}, Now: w.Now}
	w.AWS.S3, w.AWS.CloudWatch = w.S3, w.CloudWatch
	w.S3.CreateBucket(Bucket)
	endpoint, err := sim.StartAWS(w.AWS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	w.URL = endpoint.URL
	return w
}

// Now is the group's clock. Pass moves it.
func (w *World) Now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// Pass lets time pass for the group: targets turn healthy, drains end.
func (w *World) Pass(d time.Duration) { w.ahead.Add(int64(d)) }

// Addrs are the nth to the last-th addresses of the first subnet, counting on into the second.
func Addrs(first, last int) (out []netip.Addr) {
	for i := first; i <= last; i++ {
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i / 200), byte(10 + i%200)}))
	}
	return out
}

// Registered are the group's targets on the binding's port that do not drain.
func (w *World) Registered() (out []netip.Addr) {
	for _, s := range w.Group.Describe(w.Now()) {
		if s.State != "draining" && s.Port == Port {
			out = append(out, s.Addr)
		}
	}
	return out
}

// Healthy counts the group's healthy targets.
func (w *World) Healthy() (n int) {
	for _, s := range w.Group.Describe(w.Now()) {
		if s.State == "healthy" {
			n++
		}
	}
	return n
}

// AWSEnvironment is what any client of the world's AWS needs.
func (w *World) AWSEnvironment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + w.URL, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// OriginalEnvironment is the environment of the function that AWS published in 2018, its seven variables.
func (w *World) OriginalEnvironment() []string {
	return append(w.AWSEnvironment(),
		"ALB_DNS_NAME="+Name, "ALB_LISTENER=443", "S3_BUCKET="+Bucket, "NLB_TG_ARN="+ARN,
		"MAX_LOOKUP_PER_INVOCATION=50", "INVOCATIONS_BEFORE_DEREGISTRATION=3", "CW_METRIC_FLAG_IP_COUNT=True")
}

// Command is the program in the world's namespace, with nothing but this environment. It is for [Start] and [Run].
func (w *World) Command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	return w.command(ctx, w.binary, env, args...)
}

// command is any program in the world's namespace.
func (w *World) command(ctx context.Context, program string, env []string, args ...string) *exec.Cmd {
	// exec leaves no process between the caller and the program, so a signal reaches it.
	script := `mount --bind "$0" /etc/resolv.conf && exec "$@"`
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"-m", "sh", "-c", script, w.resolv, program}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.t.TempDir()}, env...)
	return cmd
}

// A Result is what one run of the program left.
type Result struct {
	Code           int
	Stdout, Stderr string
	Report         mooring.Report // of the only binding; empty where the program printed no JSON
	Took           time.Duration
}

// Sync runs one `mooring sync --output json` in the world's namespace.
func (w *World) Sync(env ...string) Result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := w.Command(ctx, env, "sync", "--output", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := Run(cmd)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("run %s: %v", w.binary, err)
	}
	r := Result{Code: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String(), Took: time.Since(began)}
	var reports mooring.Reports
	if json.Unmarshal(out.Bytes(), &reports) == nil && len(reports.Bindings) == 1 {
		r.Report = reports.Bindings[0]
	}
	return r
}

// Strings makes a list of addresses readable.
func Strings(addrs []netip.Addr) string {
	var words []string
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}
