package shift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// looks tells whether Route 53 asks how a record's target is before it answers with it.
func looks(s Set) bool { return s.AliasTarget != nil && s.AliasTarget.EvaluateTargetHealth }

// Asked are the names of the load balancers whose health decides whether Route 53 answers with the original records. A
// simple record is answered with in any case; one of a pair is left out while it is unhealthy, and then the other one gets
// every answer, whatever the weights are.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
func (s State) Asked() (names []string) {
	for _, o := range s.Original {
		if looks(o) {
			names = append(names, strings.TrimPrefix(strings.TrimSuffix(dotted(aws.ToString(o.AliasTarget.DNSName)), "."), "dualstack."))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// RegionOf is the Region that a load balancer's DNS name names; "" where it names none.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-to-elb-load-balancer.html
func RegionOf(dnsName string) string {
	labels := strings.Split(strings.ToLower(dnsName), ".")
	switch i := slices.Index(labels, "elb"); {
	case i == 1 && len(labels) > 3: // NAME.elb.REGION.amazonaws.com of network ones
		return labels[2]
	case i == 2: // NAME.REGION.elb.amazonaws.com of the others
		return labels[1]
	default:
		return ""
	}
}

// FindAsked finds the load balancer of that DNS name, of whatever type, with the target groups that its listeners forward
// to. [ErrNotFound]: it is no other's than another account's, or a classic one.
func FindAsked(ctx context.Context, api BalancersAPI, dnsName string) (Balancer, error) {
	in, err := lookFor(ctx, api, dnsName)
	if err != nil {
		return Balancer{}, err
	}
	out, err := api.DescribeLoadBalancers(ctx, in)
	switch {
	case codeOf(err) == "LoadBalancerNotFound" || codeOf(err) == "LoadBalancerNotFoundException":
		return Balancer{}, ErrNotFound
	case err != nil:
		return Balancer{}, fmt.Errorf("find load balancer %s: %w", dnsName, explain(err, "elasticloadbalancing:DescribeLoadBalancers", "*"))
	}
	i := slices.IndexFunc(out.LoadBalancers, func(lb types.LoadBalancer) bool { return dotted(aws.ToString(lb.DNSName)) == dotted(dnsName) })
	if i < 0 {
		return Balancer{}, ErrNotFound
	}
	b := Balancer{ARN: aws.ToString(out.LoadBalancers[i].LoadBalancerArn), Name: aws.ToString(out.LoadBalancers[i].LoadBalancerName), DNSName: dnsName}
	b.Groups, err = groupsOf(ctx, api, b)
	return b, err
}

// ErrNotFound is that nobody can look at a load balancer from here.
var ErrNotFound = errors.New("it is not in this account and region")

// Weights is the gate of a load balancer that Route 53 asks about, for as long as it shall get answers: it is shut while
// Route 53 counts it as unhealthy, for then the weights do not hold. One target group without a healthy target is enough,
// an empty one too: AliasTarget in Route 53's API reference.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
func Weights(api TargetsAPI, b Balancer) Gate {
	return Gate{Name: "weights, by the health of " + b.Name, Shared: true, Check: func(ctx context.Context) (string, error) {
		var bad []string
		for _, g := range b.Groups {
			out, err := api.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: &g.ARN})
			if err != nil {
				return "", fmt.Errorf("list targets of %s: %w", g.Name, explain(err, "elasticloadbalancing:DescribeTargetHealth", "*"))
			}
			if !slices.ContainsFunc(out.TargetHealthDescriptions, serves) {
				bad = append(bad, g.Name)
			}
		}
		if len(bad) > 0 {
			return "", fmt.Errorf("no target is healthy in %s, so Route 53 counts %s as unhealthy and leads every answer to the other record of a pair: mend that first, or take EvaluateTargetHealth off the simple record, where it has no effect", strings.Join(bad, ", "), b.Name)
		}
		return fmt.Sprintf("%d of %d target groups have healthy targets", len(b.Groups), len(b.Groups)), nil
	}}
}

// serves tells that a target is healthy, or that its health is not checked, as that of a Lambda function mostly is not.
func serves(t types.TargetHealthDescription) bool {
	return t.TargetHealth != nil && (t.TargetHealth.State == types.TargetHealthStateEnumHealthy || t.TargetHealth.State == types.TargetHealthStateEnumUnavailable)
}
