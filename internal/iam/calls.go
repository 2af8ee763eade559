package iam

import (
	"maps"
	"slices"
	"strings"
)

// A Call is an operation of AWS that mooring's code can make, and what IAM calls it.
type Call struct {
	Room      string // whose code makes it, below the module's root
	Operation string // as the SDK names it, behind its package: sns.PublishBatch
	Action    string // sns:Publish; "": nobody needs a permission for it, or a denial is answer enough

	For    string              // the purpose beside the rounds that makes it, as [Purposes] lists them; "": rounds, and work by hand
	On     func(Need) []string // the resources of such a call; nil: AWS has none
	Writes bool                // it changes something, of such a call
	Why    string              // for people: what a * at the end of its resources stands for
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

	{Room: "internal/shift", Operation: "route53.ListHostedZonesByName", Action: "route53:ListHostedZonesByName", For: "shift"},
	{Room: "internal/shift", Operation: "route53.GetHostedZone", Action: "route53:GetHostedZone", For: "shift", On: zonesOf, Why: whyZone},
	{Room: "internal/shift", Operation: "route53.ListResourceRecordSets", Action: "route53:ListResourceRecordSets", For: "shift", On: zonesOf, Why: whyZone},
	{
		Room: "internal/shift", Operation: "route53.ChangeResourceRecordSets", Action: "route53:ChangeResourceRecordSets",
		For: "shift", On: zonesOf, Writes: true, Why: whyZone,
	},
	{Room: "internal/shift", Operation: "route53.GetChange", Action: "route53:GetChange", For: "shift", On: changesOf, Why: whyChange},
	{Room: "internal/shift", Operation: "elasticloadbalancingv2.DescribeLoadBalancers", Action: "elasticloadbalancing:DescribeLoadBalancers", For: "shift"},
	{Room: "internal/shift", Operation: "elasticloadbalancingv2.DescribeTargetGroups", Action: "elasticloadbalancing:DescribeTargetGroups", For: "shift"},
	{Room: "internal/shift", Operation: "elasticloadbalancingv2.DescribeTargetHealth", Action: "elasticloadbalancing:DescribeTargetHealth", For: "shift"},
	{Room: "internal/shift", Operation: "cloudwatch.DescribeAlarms", Action: "cloudwatch:DescribeAlarms", For: "shift"},

	{Room: "internal/doctor", Operation: "sts.GetCallerIdentity", For: "doctor"},
	{Room: "internal/doctor", Operation: "cloudwatch.ListMetrics", For: "doctor"},
	{Room: "internal/doctor", Operation: "sns.GetTopicAttributes", For: "doctor"},
	{Room: "internal/doctor", Operation: "eventbridge.DescribeEventBus", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeTargetGroups", Action: "elasticloadbalancing:DescribeTargetGroups", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeTargetGroupAttributes", Action: "elasticloadbalancing:DescribeTargetGroupAttributes", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeTargetHealth", Action: "elasticloadbalancing:DescribeTargetHealth", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeTags", Action: "elasticloadbalancing:DescribeTags", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeLoadBalancers", Action: "elasticloadbalancing:DescribeLoadBalancers", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeLoadBalancerAttributes", Action: "elasticloadbalancing:DescribeLoadBalancerAttributes", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeListeners", Action: "elasticloadbalancing:DescribeListeners", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeListenerAttributes", Action: "elasticloadbalancing:DescribeListenerAttributes", For: "doctor"},
	{Room: "internal/doctor", Operation: "elasticloadbalancingv2.DescribeRules", Action: "elasticloadbalancing:DescribeRules", For: "doctor"},
	{Room: "internal/doctor", Operation: "ec2.DescribeSecurityGroups", Action: "ec2:DescribeSecurityGroups", For: "doctor"},
	{Room: "internal/doctor", Operation: "ec2.DescribeNetworkInterfaces", Action: "ec2:DescribeNetworkInterfaces", For: "doctor"},
	{Room: "internal/doctor", Operation: "ec2.DescribeSubnets", Action: "ec2:DescribeSubnets", For: "doctor"},
	{Room: "internal/doctor", Operation: "iam.SimulatePrincipalPolicy", Action: "iam:SimulatePrincipalPolicy", For: "doctor"},
	{Room: "internal/doctor", Operation: "lambda.ListFunctions", Action: "lambda:ListFunctions", For: "doctor"},
	{Room: "internal/doctor", Operation: "s3.GetObject", Action: "s3:GetObject", For: "doctor", On: memoriesOf},
	{Room: "internal/doctor", Operation: "s3.PutObject", Action: "s3:PutObject", For: "doctor", On: probesOf, Writes: true},

	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeTargetHealth", Action: "elasticloadbalancing:DescribeTargetHealth", For: "verify"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeTargetGroups", Action: "elasticloadbalancing:DescribeTargetGroups", For: "verify"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeLoadBalancers", Action: "elasticloadbalancing:DescribeLoadBalancers", For: "verify"},
	{Room: "internal/elb", Operation: "elasticloadbalancingv2.DescribeListeners", Action: "elasticloadbalancing:DescribeListeners", For: "verify"},
	{Room: "internal/elb", Operation: "ec2.DescribeSubnets", Action: "ec2:DescribeSubnets", For: "verify"},
	{Room: "internal/metrics", Operation: "cloudwatch.GetMetricData", Action: "cloudwatch:GetMetricData", For: "verify"},
	{Room: "internal/logs", Operation: "cloudwatchlogs.FilterLogEvents", Action: "logs:FilterLogEvents", For: "verify", On: logsOf},
}

const (
	whyZone   = "It may be any hosted zone, for none is named: iam-policy --hosted-zone names it."
	whyChange = "A change has an id that nobody knows before, and Route 53 has no narrower resource for it."
)

// zonesOf are the hosted zones that are changed; any, where none is said.
func zonesOf(n Need) []string {
	if len(n.Zones) == 0 {
		return []string{"arn:aws:route53:::hostedzone/*"}
	}
	return n.Zones
}

// changesOf are the changes of a hosted zone's partition.
func changesOf(n Need) []string {
	before, _, _ := strings.Cut(zonesOf(n)[0], ":hostedzone/")
	return []string{before + ":change/*"}
}

// memoriesOf are the memory's objects.
func memoriesOf(n Need) (out []string) {
	for _, o := range n.Objects {
		if o.Use == ForMemory {
			out = append(out, o.arn())
		}
	}
	return out
}

// probesOf are the objects that doctor tries to write, one beside each memory.
func probesOf(n Need) (out []string) {
	for _, memory := range memoriesOf(n) {
		out = append(out, memory[:strings.LastIndex(memory, "/")+1]+"doctor.json")
	}
	return out
}

// bucketsOf are the buckets of the memories.
func bucketsOf(n Need) (out []string) {
	for _, memory := range memoriesOf(n) {
		bucket, _, _ := strings.Cut(memory, "/")
		out = append(out, bucket)
	}
	return out
}

// logsOf are the log groups that are read.
func logsOf(n Need) (out []string) {
	for _, group := range n.LogGroups {
		out = append(out, group+":*")
	}
	return out
}

// unspoken are permissions of a purpose without a call of their own: by s3:ListBucket S3 tells what is missing from what is
// denied. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var unspoken = []Call{{Action: "s3:ListBucket", For: "doctor", On: bucketsOf}}

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
	for _, c := range slices.Concat(calls, unspoken) {
		if c.For != n.For || c.Action == "" {
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
		for _, g.resource = range c.On(n) {
			if g.why = ""; strings.HasSuffix(g.resource, "/*") {
				g.why = c.Why
			}
			out = append(out, g)
		}
	}
	return out
}
