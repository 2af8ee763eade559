package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring/cmd/internal/transcript"
	"mooring/internal/store/mototest"
)

// Each transcript differs from the simulated world exactly as the file beside it says, NAME.differs; where there is none,
// not at all. Whoever adds one from AWS mends the world, or writes down why it stays as it is.
func TestTheSimulatedWorldDiffersFromEachTranscriptAsIsWrittenDown(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.jsonl")
	if err != nil || len(files) < 2 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r, err := replayFrom(t.Context(), bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := summary(r.differences), expected(t, file); got != want {
				for _, d := range r.differences {
					t.Logf("%s:%d: %s", file, d.line, d)
				}
				t.Errorf("the differences are\n%s\nand should be\n%s", got, want)
			}
			if r.skipped > r.entries/2 {
				t.Errorf("%d of %d entries were not compared", r.skipped, r.entries)
			}
		})
	}
}

// expected reads what stands beside a transcript, without its remarks.
func expected(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(strings.TrimSuffix(file, ".jsonl") + ".differs")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestADifferenceIsToldByItsLine(t *testing.T) {
	text, err := os.ReadFile("testdata/transcripts/fake.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	changed := -1
	for i, line := range lines {
		if strings.Contains(line, `"check":"G4"`) && strings.Contains(line, "InvalidTarget") {
			lines[i] = strings.Replace(line, `"code":"InvalidTarget"`, `"code":"ValidationError"`, 1)
			changed = i + 1
		}
	}
	file := filepath.Join(t.TempDir(), "aws.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = machine{out: &out}.replay(t.Context(), []string{file})
	want := fmt.Sprintf("%s:%d: G4 RegisterTargets: code: recorded \"ValidationError\", the simulated world \"InvalidTarget\"\n", file, changed)
	if !errors.Is(err, errDiffers) || !strings.HasPrefix(out.String(), want) || !strings.Contains(out.String(), " 1 differences") {
		t.Errorf("%v\n%swant %s", err, &out, want)
	}
}

// What research found that moto does otherwise than AWS; each is seen by the replay, so a replay sees such differences.
var knownOfMoto = map[string]string{
	"anything is taken as an address":                    `G4 RegisterTargets: status: recorded "200", the simulated world "400"`,
	"an outside address needs no zone":                   `G2 RegisterTargets: status: recorded "200", the simulated world "400"`,
	"the zone is dropped":                                `G7 DescribeTargetHealth: zone: recorded "none", the simulated world "eu-west-1a"`,
	"a target is healthy at once, also without listener": `G7 DescribeTargetHealth: state: recorded "healthy", the simulated world "unused Target.NotInUse"`,
	"a second port takes the place of the first":         `G7 DescribeTargetHealth: state: recorded "nothing", the simulated world "unused Target.NotInUse"`,
	"nothing drains":                                     `G8 DescribeTargetHealth: state: recorded "nothing", the simulated world "draining Target.DeregistrationInProgress"`,
	"removing what is not there is an error":             `G10 DeregisterTargets: code: recorded "InvalidTarget", the simulated world "nothing"`,
	"the health check's port is a word":                  `G5 DescribeTargetHealth: health check port: recorded "traffic-port", the simulated world "443"`,
	"a missing object is told to everybody":              `S1 GetObject: code: recorded "NoSuchKey", the simulated world "AccessDenied"`,
}

// And what it does as AWS does: S3's conditional writes, and the code of a group that is not there.
var faithfulOfMoto = []string{"S2 ", `G3 RegisterTargets: code: recorded "TargetGroupNotFound"`}

func TestTheReplayOfMotoShowsWhatIsKnownOfMoto(t *testing.T) {
	t.Parallel()
	endpoint := mototest.Endpoint(t)
	file := filepath.Join(t.TempDir(), "moto.jsonl")
	walkMoto(t, endpoint, file)
	if *update {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/transcripts/moto.jsonl", text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := replayFrom(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	got := summary(r.differences)
	if *update {
		const remark = "# How moto differs from the simulated world. Each line is known; see knownOfMoto in replay_test.go.\n"
		if err := os.WriteFile("testdata/transcripts/moto.differs", []byte(remark+got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := expected(t, "testdata/transcripts/moto.jsonl"); got != want {
		t.Errorf("moto of today differs by\n%s\nand not by\n%s", got, want)
	}
	for what, line := range knownOfMoto {
		if !strings.Contains(got, " × "+line+"\n") {
			t.Errorf("%s: not seen", what)
		}
	}
	for _, words := range faithfulOfMoto {
		if strings.Contains(got, words) {
			t.Errorf("%q differs, in which moto is known to be faithful", words)
		}
	}
}

// walkMoto builds the stack in moto, as far as moto has such things, and walks through it.
func walkMoto(t *testing.T, endpoint, file string) {
	t.Helper()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	w := &walk{
		stack: motoStack(t, cfg), clock: newWorldClock(), config: cfg, answers: 1,
		say: func(format string, args ...any) { t.Logf(format, args...) },
	}
	w.tape = &transcript.Tape{Mask: newMask(t.Context(), cfg, w.stack), Now: w.clock.Now}
	w.asker = &asker{tape: w.tape} // moto has no name servers
	w.connect()
	w.through(t.Context(), nil)
	if err := writeTranscript(file, w.head(transcript.FromMoto), w.tape.Entries()); err != nil {
		t.Fatal(err)
	}
}

func motoStack(t *testing.T, cfg aws.Config) transcript.Stack {
	t.Helper()
	ctx := t.Context()
	s := testStack(0)
	s.Account, s.Name, s.Bucket, s.Role = transcript.Account, "", "mooring-e2e-moto", "arn:aws:iam::"+transcript.Account+":role/mooring-e2e-moto"
	s.Nodes = []netip.Addr{netip.MustParseAddr("10.83.0.201"), netip.MustParseAddr("10.83.1.201")}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	network, groups := ec2.NewFromConfig(cfg), elbv2.NewFromConfig(cfg)
	vpc, err := network.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.83.0.0/16")})
	check(err)
	s.VPC = *vpc.Vpc.VpcId
	var subnets []string
	for i := range s.Subnets {
		one := &s.Subnets[i]
		made, err := network.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &s.VPC, CidrBlock: aws.String(one.Prefix.String()), AvailabilityZone: &one.Zone})
		check(err)
		one.ID, one.ZoneID = *made.Subnet.SubnetId, aws.ToString(made.Subnet.AvailabilityZoneId)
		subnets = append(subnets, one.ID)
	}
	for g, name := range map[*transcript.Group]string{&s.Scratch: "scratch", &s.Attached: "attached"} {
		made, err := groups.CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{
			Name: aws.String("mooring-e2e-" + name), Protocol: types.ProtocolEnumTcp, Port: aws.Int32(int32(g.Port)), VpcId: &s.VPC, TargetType: types.TargetTypeEnumIp,
		})
		check(err)
		g.ARN = *made.TargetGroups[0].TargetGroupArn
		_, err = groups.ModifyTargetGroupAttributes(ctx, &elbv2.ModifyTargetGroupAttributesInput{TargetGroupArn: &g.ARN, Attributes: []types.TargetGroupAttribute{
			{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String(map[string]string{"scratch": "0", "attached": "60"}[name])},
		}})
		check(err)
	}
	lb, err := groups.CreateLoadBalancer(ctx, &elbv2.CreateLoadBalancerInput{Name: aws.String("mooring-e2e-nlb"), Type: types.LoadBalancerTypeEnumNetwork, Subnets: subnets})
	check(err)
	_, err = groups.CreateListener(ctx, &elbv2.CreateListenerInput{
		LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Protocol: types.ProtocolEnumTcp, Port: aws.Int32(80),
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &s.Attached.ARN}},
	})
	check(err)
	_, err = objectsOf(cfg).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &s.Bucket}, func(o *s3.Options) { o.Region = "us-east-1" })
	check(err)
	return s
}
