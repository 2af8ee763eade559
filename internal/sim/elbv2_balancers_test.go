package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"mooring/internal/sim"
)

func TestLoadBalancersAreFoundByARNAndInPages(t *testing.T) {
	g := harbour()
	var want []string
	for i := range 5 {
		arn := fmt.Sprintf("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web-%d/1234567890abcdef", i)
		g.LoadBalancers = append(g.LoadBalancers, sim.LoadBalancer{ARN: arn, Zones: []string{"us-east-1a", "us-east-1b"}})
		want = append(want, arn)
	}
	client := elbv2.NewFromConfig(sdk(t, sim.NewAWS(g)))
	groups, err := client.DescribeTargetGroups(t.Context(), &elbv2.DescribeTargetGroupsInput{})
	if err != nil || !slices.Equal(groups.TargetGroups[0].LoadBalancerArns, want) {
		t.Errorf("the group names %v, error %v", groups.TargetGroups, err)
	}
	var got []string
	pages := elbv2.NewDescribeLoadBalancersPaginator(client, &elbv2.DescribeLoadBalancersInput{PageSize: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, lb := range page.LoadBalancers {
			got = append(got, aws.ToString(lb.LoadBalancerArn))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("all: %v, want %v", got, want)
	}
	one, err := client.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: want[3:4]})
	if err != nil || len(one.LoadBalancers) != 1 || one.LoadBalancers[0].Type != types.LoadBalancerTypeEnumNetwork ||
		aws.ToString(one.LoadBalancers[0].AvailabilityZones[1].ZoneName) != "us-east-1b" {
		t.Errorf("one: %+v, error %v", one, err)
	}
	_, err = client.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{want[0], want[0] + "0"}})
	if missing := (*types.LoadBalancerNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("one that is not there: %v", err)
	}
	for _, in := range []*elbv2.DescribeLoadBalancersInput{{PageSize: aws.Int32(401)}, {Marker: aws.String("-1")}, {Marker: aws.String("9")}} {
		if _, err := client.DescribeLoadBalancers(t.Context(), in); codeOf(err) != "ValidationError" {
			t.Errorf("%+v: error %v", in, err)
		}
	}
}
