package doctor

import "slices"

// A Call is one that [Gather] may make. All of them read, but for s3:PutObject, which is tried with a condition that
// never holds.
type Call struct {
	Name     string // as IAM calls it
	Resource string // memory: the objects of the memory's folder; bucket: the memory's bucket; *: AWS allows nothing narrower
	For      string // what is not seen without it
}

// Actions returns what doctor calls, for whoever writes a policy for it: all of it is optional.
func Actions() []Call { return slices.Clone(actions) }

// sts:GetCallerIdentity is not among them: nobody needs a permission for it.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
var actions = []Call{
	{"elasticloadbalancing:DescribeTargetGroups", "*", "the group, and those of type alb"},
	{"elasticloadbalancing:DescribeTargetGroupAttributes", "*", "cross-zone and client addresses"},
	{"elasticloadbalancing:DescribeTargetHealth", "*", "the targets"},
	{"elasticloadbalancing:DescribeTags", "*", "who made the group"},
	{"elasticloadbalancing:DescribeLoadBalancers", "*", "both load balancers"},
	{"elasticloadbalancing:DescribeLoadBalancerAttributes", "*", "cross-zone and idle time-outs"},
	{"elasticloadbalancing:DescribeListeners", "*", "listeners"},
	{"elasticloadbalancing:DescribeListenerAttributes", "*", "idle time-outs"},
	{"elasticloadbalancing:DescribeRules", "*", "how health checks are answered"},
	{"ec2:DescribeSecurityGroups", "*", "what security groups admit"},
	{"ec2:DescribeNetworkInterfaces", "*", "the network load balancer's addresses"},
	{"ec2:DescribeSubnets", "*", "the group's subnets"},
	{"iam:SimulatePrincipalPolicy", "*", "whether the policy allows what a round does"},
	{"lambda:ListFunctions", "*", "other functions of the same group"},
	{"s3:GetObject", "memory", "the memory"},
	{"s3:PutObject", "memory", "whether the memory can be written; nothing is"},
	{"s3:ListBucket", "bucket", "whether what is denied is only missing"},
}
