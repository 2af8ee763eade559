package main

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

// A second imitation of AWS, by other hands, takes the same calls: four addresses come, one goes. Its target groups are
// simpler than AWS's (a target is healthy at once, and gone at once), which does not matter here.
func TestAgainstMoto(t *testing.T) {
	endpoint := mototest.Endpoint(t)
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 5})
	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	groups, arn := motoGroup(t, cfg)
	env := map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"ALB_DNS_NAME": rigtest.Name, "ALB_LISTENER": "443", "S3_BUCKET": "moto-state", "NLB_TG_ARN": arn,
		"MAX_LOOKUP_PER_INVOCATION": "50", "INVOCATIONS_BEFORE_DEREGISTRATION": "3", "CW_METRIC_FLAG_IP_COUNT": "true",
		"MOORING_HOLD": "0s", "MOORING_RESOLVER": w.DNS.Resolver().String(),
	}
	sync := func() string {
		t.Helper()
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"sync"}, machine{out: &out, err: &errs, dial: w.DNS.Dial, env: func(name string) (string, bool) {
			v, ok := env[name]
			return v, ok
		}})
		if code != 0 || errs.Len() > 0 {
			t.Fatalf("exit %d\n%s%s", code, &out, &errs)
		}
		return out.String()
	}
	for name, value := range env {
		if strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value) // the SDK reads these by itself
		}
	}

	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 4)...)
	sync()
	if got := motoTargets(t, groups, arn); !slices.Equal(got, rigtest.Addrs(1, 4)) {
		t.Fatalf("registered: %s", rigtest.Strings(got))
	}
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	sync()
	sync()
	if said := sync(); !strings.Contains(said, "1 deregistered") {
		t.Error(said)
	}
	if got := motoTargets(t, groups, arn); !slices.Equal(got, rigtest.Addrs(1, 3)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
}

// motoGroup makes a bucket and a target group, and what it takes.
func motoGroup(t *testing.T, cfg aws.Config) (*elbv2.Client, string) {
	t.Helper()
	ctx := t.Context()
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	location := &s3.CreateBucketInput{Bucket: aws.String("moto-state")}
	if _, err := buckets.CreateBucket(ctx, location, func(o *s3.Options) { o.Region = "us-east-1" }); err != nil {
		t.Fatal(err)
	}
	network := ec2.NewFromConfig(cfg)
	vpc, err := network.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	subnet := &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.0.0.0/24")}
	if _, err := network.CreateSubnet(ctx, subnet); err != nil {
		t.Fatal(err)
	}
	groups := elbv2.NewFromConfig(cfg)
	made, err := groups.CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{
		Name: aws.String("web"), Protocol: types.ProtocolEnumTcp, Port: aws.Int32(443), VpcId: vpc.Vpc.VpcId,
		TargetType: types.TargetTypeEnumIp,
	})
	if err != nil {
		t.Fatal(err)
	}
	return groups, aws.ToString(made.TargetGroups[0].TargetGroupArn)
}

func motoTargets(t *testing.T, groups *elbv2.Client, arn string) (out []netip.Addr) {
	t.Helper()
	health, err := groups.DescribeTargetHealth(t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range health.TargetHealthDescriptions {
		out = append(out, netip.MustParseAddr(aws.ToString(d.Target.Id)))
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}
