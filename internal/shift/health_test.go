package shift_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	lb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"mooring/internal/shift"
)

// Groups are what DescribeTargetHealth says of each, as [group].
type groups map[string]group

func (g groups) DescribeTargetHealth(ctx context.Context, in *elbv2.DescribeTargetHealthInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error) {
	one := g[*in.TargetGroupArn]
	return one.DescribeTargetHealth(ctx, in)
}

// Every target group must have a healthy target, and an empty one has none: AliasTarget in Route 53's API reference.
func TestWeightsHoldWhileRoute53CountsTheALBAsHealthy(t *testing.T) {
	b := shift.Balancer{Name: "app", Groups: []shift.TargetGroup{{ARN: "web", Name: "web"}, {ARN: "api", Name: "api"}}}
	for _, c := range []struct {
		web, api group
		want     string
	}{
		{"a:healthy b:unhealthy", "a:healthy", ""},
		{"a:healthy", "all:unavailable", ""}, // a function whose health is not checked
		{"a:healthy", "a:unhealthy b:draining", "no target is healthy in api, so Route 53 counts app as unhealthy"},
		{"", "a:initial", "no target is healthy in web, api"},
		{"a:healthy", "denied", "DescribeTargetHealth on * denied"},
	} {
		gate := shift.Weights(groups{"web": c.web, "api": c.api}, b)
		seen, err := gate.Check(t.Context())
		if !gate.Shared || (err == nil) != (c.want == "") || err == nil && seen != "2 of 2 target groups have healthy targets" || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %q, %v", c.web, c.api, seen, err)
		}
	}
}

// balancers are an account's, by their names.
type balancers map[string]lb.LoadBalancer

func (b balancers) DescribeLoadBalancers(_ context.Context, in *elbv2.DescribeLoadBalancersInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancersOutput, error) {
	found, ok := b[in.Names[0]]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "LoadBalancerNotFound"}
	}
	return &elbv2.DescribeLoadBalancersOutput{LoadBalancers: []lb.LoadBalancer{found}}, nil
}

func (b balancers) DescribeTargetGroups(_ context.Context, in *elbv2.DescribeTargetGroupsInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error) {
	return &elbv2.DescribeTargetGroupsOutput{TargetGroups: []lb.TargetGroup{{TargetGroupName: aws.String("of-" + *in.LoadBalancerArn)}}}, nil
}

func TestTheALBIsFoundByItsDNSName(t *testing.T) {
	account := balancers{"app": {LoadBalancerName: aws.String("app"), LoadBalancerArn: aws.String("arn"), DNSName: aws.String("internal-app-1234567890.eu-west-1.elb.amazonaws.com")}}
	blind := alias(types.RRTypeA, albName)
	blind.AliasTarget.EvaluateTargetHealth = false
	state := read(t, []shift.Set{alias(types.RRTypeA, albName), alias(types.RRTypeAaaa, albName)})
	asked := state.Asked()
	if !slices.Equal(asked, []string{"internal-app-1234567890.eu-west-1.elb.amazonaws.com"}) || read(t, []shift.Set{blind}).Asked() != nil ||
		read(t, []shift.Set{values(types.RRTypeCname, 60, albName)}).Asked() != nil {
		t.Fatalf("%q", asked)
	}
	if b, err := shift.FindAsked(t.Context(), account, asked[0]); err != nil || b.Name != "app" || len(b.Groups) != 1 || b.Groups[0].Name != "of-arn" {
		t.Errorf("%+v, %v", b, err)
	}
	for _, others := range []string{"internal-app-999.eu-west-1.elb.amazonaws.com", "classic-1.eu-west-1.elb.amazonaws.com"} {
		if _, err := shift.FindAsked(t.Context(), account, others); !errors.Is(err, shift.ErrNotFound) {
			t.Errorf("%s: %v", others, err)
		}
	}
	for name, want := range map[string]string{
		asked[0]: "eu-west-1", nlbName: "eu-west-1", "app-1.cn-north-1.elb.amazonaws.com.cn": "cn-north-1", "elb": "", "www.example.com": "", "x.elb.y": "",
	} {
		if got := shift.RegionOf(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// That clients are led elsewhere while something is unhealthy is said where it is so.
func TestAPlanPromisesNoFailoverThatThereIsNot(t *testing.T) {
	blind := alias(types.RRTypeAaaa, albName)
	blind.AliasTarget.EvaluateTargetHealth = false
	for _, c := range []struct {
		originals []shift.Set
		want      string
	}{
		{[]shift.Set{alias(types.RRTypeA, albName)}, "every answer leads to the NLB, and to the ALB only while the NLB is unhealthy"},
		{[]shift.Set{values(types.RRTypeA, 60, "192.0.2.1")}, "every answer leads to the NLB, and to the ALB only while the NLB is unhealthy"},
		{[]shift.Set{values(types.RRTypeCname, 60, albName)}, "every answer leads to the NLB, healthy or not"},
		{[]shift.Set{blind}, "every answer leads to the NLB, healthy or not"},
		{[]shift.Set{alias(types.RRTypeA, albName), blind}, "every answer leads to the NLB, of some types whether it is healthy or not"},
	} {
		p, err := shift.Forward(read(t, c.originals), balancer(), steps)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Steps[len(p.Steps)-1].Says(); got != c.want {
			t.Errorf("%+v: %s", c.originals, got)
		}
	}
}
