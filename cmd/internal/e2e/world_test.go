package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"mooring/cmd/internal/transcript"
	"mooring/internal/store/mototest"
)

var update = flag.Bool("update", false, "record the transcripts of the simulated world and of moto anew")

// The test program is Terraform, too, when a test runs it as that, or the real program.
const (
	asTerraform = "E2E_TEST_TERRAFORM"
	asProgram   = "E2E_TEST_PROGRAM"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := os.Unsetenv(asProgram); err != nil { // what it runs is Terraform
			os.Exit(2)
		}
		main()
		return
	}
	if at := os.Getenv(asTerraform); at != "" {
		os.Exit(terraformMain(at, os.Args[1:]))
	}
	code := m.Run()
	if err := mototest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// terraformMain asks the test what to do, and keeps a state as Terraform does. Told to wait, it waits for its interrupt.
func terraformMain(at string, args []string) int {
	folder, command := strings.TrimPrefix(args[0], "-chdir="), args[1]
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt)
	told := append(slices.Clone(args[2:]), slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "TF_") })...)
	reply, err := http.Post(at+"/"+command, "text/plain", strings.NewReader(strings.Join(told, " ")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	text, _ := io.ReadAll(reply.Body)
	_ = reply.Body.Close()
	if command == "apply" && string(text) != "stateless" {
		_ = os.WriteFile(filepath.Join(folder, "terraform.tfstate"), []byte("{}"), 0o600)
	}
	if string(text) == "wait" {
		<-interrupts
		fmt.Fprintln(os.Stderr, "Interrupt received.")
		return 1
	}
	select {
	case <-interrupts: // it would stop in the middle
		fmt.Fprintln(os.Stderr, "Interrupt received.")
		return 1
	default:
	}
	if reply.StatusCode != http.StatusOK {
		fmt.Fprintf(os.Stderr, "Error: %s\n", text)
		return 1
	}
	_, _ = os.Stdout.Write(text)
	return 0
}

const (
	testAccount = "210987654321"
	testName    = "internal-mooring-e2e-1234567899.eu-west-1.elb.amazonaws.com"
)

func testStack(nodes int) transcript.Stack {
	arn := "arn:aws:elasticloadbalancing:eu-west-1:" + testAccount + ":targetgroup/mooring-e2e-"
	s := transcript.Stack{
		Account: testAccount, Region: "eu-west-1", VPC: "vpc-0a1b2c3d4e5f60718", Name: testName, Balancer: "app/mooring-e2e/50dc6c495c0c9188",
		Scratch: transcript.Group{ARN: arn + "scratch/9f8e7d6c5b4a3921", Port: 443}, Attached: transcript.Group{ARN: arn + "attached/9f8e7d6c5b4a3922", Port: 80},
		Bucket: "mooring-e2e-20261126kjhgfdsa", Role: "arn:aws:iam::" + testAccount + ":role/mooring-e2e-20261126",
		Subnets: []transcript.Subnet{
			{ID: "subnet-0a1b2c3d4e5f60718", Prefix: netip.MustParsePrefix("10.83.0.0/24"), Zone: "eu-west-1a", ZoneID: "euw1-az1"},
			{ID: "subnet-0a1b2c3d4e5f60719", Prefix: netip.MustParsePrefix("10.83.1.0/24"), Zone: "eu-west-1b", ZoneID: "euw1-az2"},
		},
		Servers: 4,
	}
	for i := range nodes {
		s.Nodes = append(s.Nodes, netip.AddrFrom4([4]byte{10, 83, byte(i % 2), byte(10 + i)}))
	}
	return s
}

// shared is what several may write to and read.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A testWorld is an account in which Terraform builds, all of it on loopback and in the world's own time.
type testWorld struct {
	t     *testing.T
	m     machine
	env   map[string]string
	clock *worldClock
	url   string // of AWS
	out   shared
	errs  shared
	real  *account
	stack transcript.Stack

	mu      sync.Mutex
	ran     []string                 // what Terraform was told, and with which settings
	answers map[string]func() string // by its command; "!" and a reason makes it fail
	roles   string                   // that stay, as IAM lists them
	built   bool
	stays   bool // in spite of what Terraform says
}

func newTestWorld(t *testing.T, nodes int) *testWorld {
	w := &testWorld{t: t, clock: newWorldClock(), stack: testStack(nodes), answers: map[string]func() string{}}
	head := transcript.Head{Stack: w.stack, Measured: transcript.Measured{HealthySeconds: 95, DrainSeconds: 60}}
	var err error
	if w.real, err = newAccount(head, w.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.real.close)
	w.real.aws.STS = http.HandlerFunc(w.identity)
	endpoint := httptest.NewServer(w.listing(w.real.aws))
	t.Cleanup(endpoint.Close)
	w.url = endpoint.URL
	control := httptest.NewServer(http.HandlerFunc(w.terraform))
	t.Cleanup(control.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.env = map[string]string{
		"MOORING_E2E": "yes", "MOORING_E2E_ACCOUNT": testAccount, "AWS_REGION": "eu-west-1",
		"MOORING_E2E_RESOLVER": w.real.server(0).String(), "MOORING_E2E_ANSWERS": "40",
	}
	w.m = machine{
		out: &w.out, err: &w.errs, dial: w.real.dns.Dial, terraform: self, folder: t.TempDir(), clock: w.clock, source: transcript.FromFake,
		environ: append(os.Environ(), asTerraform+"="+control.URL, "GORACE=atexit_sleep_ms=0"),
		env:     func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		load: func(context.Context) (aws.Config, error) {
			return aws.Config{
				BaseEndpoint: &endpoint.URL, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("AKIAQWERTYUIOPASDFGH", "secretsecretsecretsecretsecretsecretABCD", ""),
			}, nil
		},
	}
	return w
}

// identity is STS: whose the credentials are, and those of sessions, whose keys name them.
func (w *testWorld) identity(out http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if r.PostForm.Get("Action") == "GetCallerIdentity" {
		_, _ = fmt.Fprintf(out, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>", testAccount)
		return
	}
	_, _ = fmt.Fprintf(out, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>the-secret-of-a-session</SecretAccessKey>"+
		"<SessionToken>the-token-of-a-session</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>", keyOf+r.PostForm.Get("RoleSessionName"))
}

// listing answers what only looks for leftovers.
func (w *testWorld) listing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		there, roles := w.built || w.stays, w.roles
		w.mu.Unlock()
		switch {
		case bytes.Contains(body, []byte("Action=DescribeVpcs")):
			vpc := ""
			if there {
				vpc = "<item><vpcId>" + w.stack.VPC + "</vpcId></item>"
			}
			_, _ = fmt.Fprintf(out, "<DescribeVpcsResponse><vpcSet>%s</vpcSet></DescribeVpcsResponse>", vpc)
		case bytes.Contains(body, []byte("Action=DescribeTargetGroups")) && !there:
			_, _ = io.WriteString(out, "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult/></DescribeTargetGroupsResponse>")
		case bytes.Contains(body, []byte("Action=ListRoles")):
			_, _ = fmt.Fprintf(out, "<ListRolesResponse><ListRolesResult><Roles>%s</Roles></ListRolesResult></ListRolesResponse>", roles)
		case r.Method == http.MethodGet && r.URL.Path == "/":
			_, _ = io.WriteString(out, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
		default:
			next.ServeHTTP(out, r)
		}
	})
}

// on says what Terraform says to a command.
func (w *testWorld) on(command string, say func() string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[command] = say
}

// terraform is told what Terraform was told, and says what it prints.
func (w *testWorld) terraform(out http.ResponseWriter, r *http.Request) {
	command := strings.TrimPrefix(r.URL.Path, "/")
	told, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.ran = append(w.ran, command+" "+string(told))
	switch command {
	case "apply":
		w.built = true
	case "destroy":
		w.built = false
	}
	answer := w.answers[command]
	w.mu.Unlock()
	said := ""
	if answer != nil {
		said = answer()
	}
	if why, fails := strings.CutPrefix(said, "!"); fails {
		http.Error(out, why, http.StatusInternalServerError)
		return
	}
	if command == "output" && said == "" {
		stack := w.stack
		stack.Nodes, stack.Servers = nil, 0
		text, _ := json.Marshal(stack)
		said = string(text)
	}
	_, _ = io.WriteString(out, said)
}

func (w *testWorld) commands() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, line := range w.ran {
		command, _, _ := strings.Cut(line, " ")
		out = append(out, command)
	}
	return out
}

// file is one of the last run's.
func (w *testWorld) file(name string) string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.m.folder, "out", "*", name))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no %s: %v", name, err)
	}
	text, err := os.ReadFile(slices.Max(files))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// holds tells whether the folder has a file.
func (w *testWorld) holds(name string) bool {
	_, err := os.Stat(filepath.Join(w.m.folder, name))
	return err == nil
}
