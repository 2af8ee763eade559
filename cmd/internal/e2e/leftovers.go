package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var errLeft = errors.New("not everything is gone")

// prefix begins the name of everything in the stack, and is the tag's key.
const prefix = "mooring-e2e"

// remains are what costs money, or stays when it is forgotten. What else the stack has goes with one of these.
var remains = []struct {
	what string
	list func(context.Context, aws.Config) ([]string, error)
}{
	{"load balancer", func(ctx context.Context, cfg aws.Config) ([]string, error) {
		return every(ctx, elbv2.NewDescribeLoadBalancersPaginator(elbv2.NewFromConfig(cfg), nil), func(page *elbv2.DescribeLoadBalancersOutput) []string {
			return ours(page.LoadBalancers, func(lb elbtypes.LoadBalancer) *string { return lb.LoadBalancerName })
		})
	}},
	{"target group", func(ctx context.Context, cfg aws.Config) ([]string, error) {
		return every(ctx, elbv2.NewDescribeTargetGroupsPaginator(elbv2.NewFromConfig(cfg), nil), func(page *elbv2.DescribeTargetGroupsOutput) []string {
			return ours(page.TargetGroups, func(g elbtypes.TargetGroup) *string { return g.TargetGroupName })
		})
	}},
	{"VPC", func(ctx context.Context, cfg aws.Config) ([]string, error) {
		tagged := &ec2.DescribeVpcsInput{Filters: []ec2types.Filter{{Name: aws.String("tag-key"), Values: []string{prefix}}}}
		return every(ctx, ec2.NewDescribeVpcsPaginator(ec2.NewFromConfig(cfg), tagged), func(page *ec2.DescribeVpcsOutput) (out []string) {
			for _, v := range page.Vpcs {
				out = append(out, aws.ToString(v.VpcId))
			}
			return out
		})
	}},
	{"bucket", func(ctx context.Context, cfg aws.Config) ([]string, error) {
		return every(ctx, s3.NewListBucketsPaginator(objectsOf(cfg), nil), func(page *s3.ListBucketsOutput) []string {
			return ours(page.Buckets, func(b s3types.Bucket) *string { return b.Name })
		})
	}},
	{"role", func(ctx context.Context, cfg aws.Config) ([]string, error) {
		return every(ctx, iam.NewListRolesPaginator(iam.NewFromConfig(cfg), nil), func(page *iam.ListRolesOutput) []string {
			return ours(page.Roles, func(r iamtypes.Role) *string { return r.RoleName })
		})
	}},
}

// leftovers looks for what is left, whatever Terraform believes. What cannot be listed may be left.
func leftovers(ctx context.Context, cfg aws.Config) (left []string) {
	for _, kind := range remains {
		names, err := kind.list(ctx, cfg)
		for _, name := range names {
			left = append(left, kind.what+" "+name)
		}
		if err != nil {
			left = append(left, fmt.Sprintf("perhaps a %s, for they could not be listed: %v", kind.what, err))
		}
	}
	return left
}

// A pager is any of the SDK's paginators.
type pager[Page, Options any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (Page, error)
}

func every[Page, Options any](ctx context.Context, p pager[Page, Options], names func(Page) []string) (out []string, err error) {
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return out, err
		}
		out = append(out, names(page)...)
	}
	return out, nil
}

// ours are the names that the stack gives.
func ours[T any](all []T, name func(T) *string) (out []string) {
	for _, one := range all {
		if name := aws.ToString(name(one)); strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	return out
}
