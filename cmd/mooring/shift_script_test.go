package main

import (
	"encoding/json"
	"maps"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	lb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/rogpeppe/go-internal/testscript"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/metrics"
	"mooring/internal/store/mototest"
)

// A motoFront is an NLB with a target group of one healthy target, and a hosted zone, in moto.
type motoFront struct {
	t       testing.TB
	zone    string // its id
	domain  string
	nlb     string // its ARN
	group   string // its ARN
	dns     *route53.Client
	balance *elbv2.Client
	watch   *cloudwatch.Client
}

// besideMoto lets moto answer for load balancing, CloudWatch and Route 53 behind the world's endpoint, which still logs
// and denies. The script has $ZONE, $DOMAIN, $NLB and $GROUP, and beside other scripts' commands there are
//
//	record FILE         puts the record set that the file holds, as JSON
//	records FILE        writes all that the zone lists to a file
//	zone DOMAIN         makes another hosted zone
//	alarm NAME STATE    puts an alarm into a state
//	target up|down      registers the group's one target, or takes it out
//	shell FILE STEP     runs a script that calls aws, with moto behind it
//
// moto refuses a CREATE that it has seen in the same words before, while there is anything of that name (in its
// route53/models.py), so no script goes to the same weights twice.
func besideMoto(t testing.TB, w *rigtest.World, params *testscript.Params) {
	f := newMotoFront(t, mototest.Endpoint(t))
	to, err := url.Parse(mototest.Endpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	w.AWS.ELB, w.AWS.CloudWatch, w.AWS.Other = proxy, proxy, proxy
	setup := params.Setup
	params.Setup = func(e *testscript.Env) error {
		e.Vars = append(e.Vars, "ZONE="+f.zone, "DOMAIN="+f.domain, "NLB="+f.nlb, "GROUP="+f.group)
		return setup(e)
	}
	maps.Copy(params.Cmds, f.commands())
}

func newMotoFront(t testing.TB, endpoint string) *motoFront {
	t.Helper()
	name := strings.ToLower(t.Name()[strings.LastIndex(t.Name(), "/")+1:])
	name = strings.ReplaceAll(name, "_", "-")
	f, cfg := newMotoZone(t, endpoint, name+".example")
	f.newNLB(ec2.NewFromConfig(cfg), name)
	f.target(t, "up")
	return f
}

// newMotoZone makes the hosted zone alone.
func newMotoZone(t testing.TB, endpoint, domain string) (*motoFront, aws.Config) {
	t.Helper()
	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	f := &motoFront{t: t, domain: domain, dns: route53.NewFromConfig(cfg), balance: elbv2.NewFromConfig(cfg), watch: metrics.Connect(cfg)}
	f.zone = f.newZone(domain)
	return f, cfg
}

func (f *motoFront) newZone(domain string) string {
	f.t.Helper()
	out, err := f.dns.CreateHostedZone(f.t.Context(), &route53.CreateHostedZoneInput{
		Name: &domain, CallerReference: aws.String(domain),
		HostedZoneConfig: &types.HostedZoneConfig{PrivateZone: false},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/")
}

func (f *motoFront) newNLB(network *ec2.Client, name string) {
	t, ctx := f.t, f.t.Context()
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	vpc, err := network.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	must(err)
	subnet, err := network.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.0.0.0/24")})
	must(err)
	made, err := f.balance.CreateLoadBalancer(ctx, &elbv2.CreateLoadBalancerInput{
		Name: &name, Type: lb.LoadBalancerTypeEnumNetwork, Subnets: []string{*subnet.Subnet.SubnetId},
		Scheme: lb.LoadBalancerSchemeEnumInternetFacing, IpAddressType: lb.IpAddressTypeIpv4,
	})
	must(err)
	f.nlb = *made.LoadBalancers[0].LoadBalancerArn
	group, err := f.balance.CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{
		Name: &name, Protocol: lb.ProtocolEnumTcp, Port: aws.Int32(443), VpcId: vpc.Vpc.VpcId, TargetType: lb.TargetTypeEnumIp,
	})
	must(err)
	f.group = *group.TargetGroups[0].TargetGroupArn
	_, err = f.balance.CreateListener(ctx, &elbv2.CreateListenerInput{
		LoadBalancerArn: &f.nlb, Protocol: lb.ProtocolEnumTcp, Port: aws.Int32(443),
		DefaultActions: []lb.Action{{Type: lb.ActionTypeEnumForward, TargetGroupArn: &f.group}},
	})
	must(err)
}

type fatal interface {
	Fatalf(format string, args ...any)
}

func (f *motoFront) target(t fatal, way string) {
	targets := []lb.TargetDescription{{Id: aws.String("10.0.0.5"), Port: aws.Int32(443)}}
	var err error
	if way == "up" {
		_, err = f.balance.RegisterTargets(f.t.Context(), &elbv2.RegisterTargetsInput{TargetGroupArn: &f.group, Targets: targets})
	} else {
		_, err = f.balance.DeregisterTargets(f.t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &f.group, Targets: targets})
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func (f *motoFront) commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"record": func(ts *testscript.TestScript, _ bool, args []string) {
			var set types.ResourceRecordSet
			text := strings.NewReplacer("DOMAIN", f.domain).Replace(ts.ReadFile(args[0]))
			ts.Check(json.Unmarshal([]byte(text), &set))
			_, err := f.dns.ChangeResourceRecordSets(f.t.Context(), &route53.ChangeResourceRecordSetsInput{
				HostedZoneId: &f.zone, ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionUpsert, ResourceRecordSet: &set}}},
			})
			ts.Check(err)
		},
		"records": func(ts *testscript.TestScript, _ bool, args []string) {
			out, err := f.dns.ListResourceRecordSets(f.t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &f.zone})
			ts.Check(err)
			text, err := json.MarshalIndent(out.ResourceRecordSets, "", "  ")
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
		},
		"shell": func(ts *testscript.TestScript, _ bool, args []string) {
			cmd := exec.Command("sh", ts.MkAbs(args[0]), args[1])
			cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+ts.Getenv("AWS_ENDPOINT_URL"), "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
				"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_CONFIG_FILE="+os.DevNull)
			if out, err := cmd.CombinedOutput(); err != nil {
				ts.Fatalf("%v\n%s", err, out)
			}
		},
		"zone":   func(_ *testscript.TestScript, _ bool, args []string) { f.newZone(args[0]) },
		"target": func(ts *testscript.TestScript, _ bool, args []string) { f.target(ts, args[0]) },
		"alarm": func(ts *testscript.TestScript, _ bool, args []string) {
			_, err := f.watch.PutMetricAlarm(f.t.Context(), &cloudwatch.PutMetricAlarmInput{
				AlarmName: &args[0], Namespace: aws.String("x"), MetricName: aws.String("x"), Period: aws.Int32(60),
				Statistic: cw.StatisticSum, EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
				ComparisonOperator: cw.ComparisonOperatorGreaterThanThreshold,
			})
			ts.Check(err)
			_, err = f.watch.SetAlarmState(f.t.Context(), &cloudwatch.SetAlarmStateInput{
				AlarmName: &args[0], StateValue: cw.StateValue(args[1]), StateReason: aws.String("said so"),
			})
			ts.Check(err)
		},
	}
}
