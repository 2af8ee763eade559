package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

var errLeft = errors.New("not everything is gone")

// prefix begins the name of everything in the stack, and is the tag's key.
const prefix = "mooring-e2e"

// forget removes the state of a stack that is gone, and its backup.
func (t terraform) forget() error {
	var errs []error
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if err := os.Remove(filepath.Join(t.folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// leftovers looks for what costs money, or would stand in the way of the next stack, whatever Terraform believes.
func leftovers(ctx context.Context, cfg aws.Config) (left []string) {
	groups, network := elbv2.NewFromConfig(cfg), ec2.NewFromConfig(cfg)
	ask := func(what string, list func() error) {
		if err := list(); err != nil {
			left = append(left, fmt.Sprintf("perhaps %s, for they could not be listed: %v", what, err))
		}
	}
	add := func(what string, name *string) {
		if strings.HasPrefix(aws.ToString(name), prefix) {
			left = append(left, what+" "+aws.ToString(name))
		}
	}
	ask("load balancers", func() error {
		pages := elbv2.NewDescribeLoadBalancersPaginator(groups, &elbv2.DescribeLoadBalancersInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, lb := range page.LoadBalancers {
				add("load balancer", lb.LoadBalancerName)
			}
		}
		return nil
	})
	ask("target groups", func() error {
		pages := elbv2.NewDescribeTargetGroupsPaginator(groups, &elbv2.DescribeTargetGroupsInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, g := range page.TargetGroups {
				add("target group", g.TargetGroupName)
			}
		}
		return nil
	})
	ask("VPCs", func() error {
		out, err := network.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{
			Filters: []ec2types.Filter{{Name: aws.String("tag-key"), Values: []string{prefix}}},
		})
		if err != nil {
			return err
		}
		for _, v := range out.Vpcs {
			left = append(left, "VPC "+aws.ToString(v.VpcId))
		}
		return nil
	})
	ask("buckets", func() error {
		out, err := objectsOf(cfg).ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil {
			return err
		}
		for _, b := range out.Buckets {
			add("bucket", b.Name)
		}
		return nil
	})
	return left
}
