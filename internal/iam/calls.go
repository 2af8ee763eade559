package iam

import (
	"maps"
	"slices"
)

// A Call is an operation of AWS that mooring's code can make, and what IAM calls it.
type Call struct {
	Room      string // whose code makes it, below the module's root
	Operation string // as the SDK names it, behind its package: sns.PublishBatch
	Action    string // sns:Publish

	For    string              // the purpose beside the rounds that makes it, as [Purposes] lists them; "": rounds, and work by hand
	On     func(Need) []string // the resources of such a call; nil: AWS has none
	Writes bool                // it changes something, of such a call
}

// calls are all of them. A test compares them with the code: a call that is missing here fails it, and one that no code
// makes does too.
var calls = []Call{
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeTargetHealth", Action: "elasticloadbalancing:DescribeTargetHealth"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeTargetGroups", Action: "elasticloadbalancing:DescribeTargetGroups"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeTargetGroupAttributes", Action: "elasticloadbalancing:DescribeTargetGroupAttributes"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeLoadBalancers", Action: "elasticloadbalancing:DescribeLoadBalancers"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.RegisterTargets", Action: "elasticloadbalancing:RegisterTargets"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DeregisterTargets", Action: "elasticloadbalancing:DeregisterTargets"},
	{Room: "internal/elb", Operation: "ec2.DescribeSubnets", Action: "ec2:DescribeSubnets"},
	{Room: "internal/store", Operation: "s3.GetObject", Action: "s3:GetObject"},
	{Room: "internal/store", Operation: "s3.PutObject", Action: "s3:PutObject"},
	{Room: "internal/store", Operation: "dynamodb.GetItem", Action: "dynamodb:GetItem"},
	{Room: "internal/metrics", Operation: "cloudwatch.PutMetricData", Action: "cloudwatch:PutMetricData"},
	{Room: "internal/notify", Operation: "sns.PublishBatch", Action: "sns:Publish"},
	{Room: "internal/notify", Operation: "eventbridge.PutEvents", Action: "events:PutEvents"},
	{Room: "cmd/internal/rig", Operation: "s3.GetObject", Action: "s3:GetObject"},
	{Room: "cmd/internal/rig", Operation: "sts.AssumeRole", Action: "sts:AssumeRole"},
}

// implied are the actions that AWS takes in somebody's name, and no code calls: what S3 does with a key, and how a function's
// runtime writes its log.
var implied = []string{"kms:Decrypt", "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents"}

// Calls returns all calls that the code can make.
func Calls() []Call { return slices.Clone(calls) }

// Implied returns the actions that AWS takes in the name of who is allowed them, and that no code calls.
func Implied() []string { return slices.Clone(implied) }

// Purposes lists what is done beside the rounds, each with permissions of its own.
func Purposes() []string {
	set := map[string]bool{}
	for _, c := range calls {
		if c.For != "" {
			set[c.For] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

const whyFurther = "AWS has no resources for these actions."

// furtherGrants are those of a purpose beside the rounds.
func (n Need) furtherGrants() []grant {
	var out []grant
	for _, c := range calls {
		if c.For != n.For {
			continue
		}
		g := grant{kind: furtherReads, action: c.Action, resource: everywhere, why: whyFurther}
		if c.Writes {
			g.kind = furtherChanges
		}
		if c.On == nil {
			out = append(out, g)
			continue
		}
		g.why = ""
		for _, g.resource = range c.On(n) {
			out = append(out, g)
		}
	}
	return out
}
