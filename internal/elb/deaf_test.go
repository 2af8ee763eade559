package elb_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// deaf is an AWS behind a firewall: it never answers.
type deaf struct{}

func (deaf) DescribeTargetHealth(ctx context.Context, _ *elbv2.DescribeTargetHealthInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error) {
	return nil, silence(ctx)
}

func (deaf) RegisterTargets(ctx context.Context, _ *elbv2.RegisterTargetsInput, _ ...func(*elbv2.Options)) (*elbv2.RegisterTargetsOutput, error) {
	return nil, silence(ctx)
}

func (deaf) DeregisterTargets(ctx context.Context, _ *elbv2.DeregisterTargetsInput, _ ...func(*elbv2.Options)) (*elbv2.DeregisterTargetsOutput, error) {
	return nil, silence(ctx)
}

func (deaf) DescribeTargetGroups(ctx context.Context, _ *elbv2.DescribeTargetGroupsInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error) {
	return nil, silence(ctx)
}

func (deaf) DescribeTargetGroupAttributes(ctx context.Context, _ *elbv2.DescribeTargetGroupAttributesInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupAttributesOutput, error) {
	return nil, silence(ctx)
}

func (deaf) DescribeLoadBalancers(ctx context.Context, _ *elbv2.DescribeLoadBalancersInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancersOutput, error) {
	return nil, silence(ctx)
}

func (deaf) DescribeSubnets(ctx context.Context, _ *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	return nil, silence(ctx)
}

func silence(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
