package sim_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring/internal/sim"
)

const (
	quayNLB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/quay/1111111111111111"
	quayALB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/app/2222222222222222"
)

// quay is a harbour with load balancers.
func quay(g *sim.TargetGroup) *sim.ELBv2 {
	return &sim.ELBv2{
		Groups: []*sim.TargetGroup{g},
		LoadBalancers: []sim.LoadBalancer{
			{
				ARN: quayNLB, Zones: []string{"us-east-1a"}, DNSName: "quay-1111111111111111.elb.us-east-1.amazonaws.com", Scheme: "internet-facing",
				Subnets:   map[string]string{"us-east-1a": "subnet-a"},
				Addresses: map[string][]sim.Address{"us-east-1a": {{Allocation: "eipalloc-1", IP: netip.MustParseAddr("203.0.113.7")}}},
			},
			{ARN: quayALB, Type: "application", State: "provisioning", VPC: "vpc-9", SecurityGroups: []string{"sg-1", "sg-2"}, IPAMPool: "ipam-1"},
		},
		Listeners: []sim.Listener{
			{LoadBalancer: quayNLB, Port: 443, Protocol: "TCP", Actions: []sim.Action{{Type: "forward", Groups: []string{g.ARN}}}},
			{
				LoadBalancer: quayALB, Port: 80, Protocol: "HTTP", Actions: []sim.Action{{Type: "redirect", Status: "HTTP_301"}},
				Rules: []sim.ListenerRule{{Priority: 7, Field: "host-header", Values: []string{"a.example"}, Actions: []sim.Action{{Type: "fixed-response", Status: "404"}}}},
			},
			{LoadBalancer: quayALB, Port: 81, Protocol: "HTTP", Actions: []sim.Action{{Type: "forward", Groups: []string{g.ARN, g.ARN + "0"}}}},
		},
		Tags: map[string]map[string]string{g.ARN: {"owner": "us"}},
	}
}

func quayClient(t *testing.T) (*elbv2.Client, *sim.TargetGroup) {
	g := harbour()
	a := sim.NewAWS(g)
	a.ELB = quay(g)
	return elbv2.NewFromConfig(sdk(t, a)), g
}

func TestALoadBalancerIsDescribedInFull(t *testing.T) {
	client, _ := quayClient(t)
	out, err := client.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{Names: []string{"quay", "app"}})
	if err != nil || len(out.LoadBalancers) != 2 {
		t.Fatalf("%+v, error %v", out, err)
	}
	nlb, alb := out.LoadBalancers[0], out.LoadBalancers[1]
	zone := nlb.AvailabilityZones[0]
	if nlb.Scheme != types.LoadBalancerSchemeEnumInternetFacing || aws.ToString(nlb.DNSName) != "quay-1111111111111111.elb.us-east-1.amazonaws.com" ||
		aws.ToString(zone.SubnetId) != "subnet-a" || aws.ToString(zone.LoadBalancerAddresses[0].IpAddress) != "203.0.113.7" ||
		aws.ToString(zone.LoadBalancerAddresses[0].AllocationId) != "eipalloc-1" || zone.LoadBalancerAddresses[0].PrivateIPv4Address != nil {
		t.Errorf("the network load balancer: %+v", nlb)
	}
	if alb.State.Code != types.LoadBalancerStateEnumProvisioning || alb.Scheme != types.LoadBalancerSchemeEnumInternal ||
		!slices.Equal(alb.SecurityGroups, []string{"sg-1", "sg-2"}) || aws.ToString(alb.IpamPools.Ipv4IpamPoolId) != "ipam-1" || nlb.IpamPools != nil {
		t.Errorf("the application load balancer: %+v", alb)
	}
	for arn, want := range map[string]string{quayALB: "60", quayNLB: ""} {
		out, err := client.DescribeLoadBalancerAttributes(t.Context(), &elbv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &arn})
		got := ""
		for _, a := range out.Attributes {
			if aws.ToString(a.Key) == "idle_timeout.timeout_seconds" {
				got = aws.ToString(a.Value)
			}
		}
		if err != nil || got != want {
			t.Errorf("attributes of %s: idle time-out %q, error %v", arn, got, err)
		}
	}
	_, err = client.DescribeLoadBalancerAttributes(t.Context(), &elbv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: aws.String(quayNLB + "0")})
	if missing := (*types.LoadBalancerNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestListenersSayWhatTheyDoWithTraffic(t *testing.T) {
	client, g := quayClient(t)
	out, err := client.DescribeListeners(t.Context(), &elbv2.DescribeListenersInput{LoadBalancerArn: aws.String(quayALB), PageSize: aws.Int32(1)})
	if err != nil || len(out.Listeners) != 1 || out.NextMarker == nil {
		t.Fatalf("%+v, error %v", out, err)
	}
	redirect := out.Listeners[0]
	if redirect.DefaultActions[0].RedirectConfig.StatusCode != types.RedirectActionStatusCodeEnumHttp301 || aws.ToInt32(redirect.Port) != 80 {
		t.Errorf("%+v", redirect)
	}
	rules, err := client.DescribeRules(t.Context(), &elbv2.DescribeRulesInput{ListenerArn: redirect.ListenerArn})
	if err != nil || len(rules.Rules) != 2 || aws.ToString(rules.Rules[0].Actions[0].FixedResponseConfig.StatusCode) != "404" ||
		rules.Rules[0].Conditions[0].Values[0] != "a.example" || !aws.ToBool(rules.Rules[1].IsDefault) {
		t.Errorf("rules %+v, error %v", rules, err)
	}
	tcp, err := client.DescribeListeners(t.Context(), &elbv2.DescribeListenersInput{LoadBalancerArn: aws.String(quayNLB)})
	if err != nil || aws.ToString(tcp.Listeners[0].DefaultActions[0].TargetGroupArn) != g.ARN {
		t.Fatalf("%+v, error %v", tcp, err)
	}
	idle, err := client.DescribeListenerAttributes(t.Context(), &elbv2.DescribeListenerAttributesInput{ListenerArn: tcp.Listeners[0].ListenerArn})
	if err != nil || len(idle.Attributes) != 1 || aws.ToString(idle.Attributes[0].Value) != "350" {
		t.Errorf("attributes %+v, error %v", idle, err)
	}
	groups, err := client.DescribeTargetGroups(t.Context(), &elbv2.DescribeTargetGroupsInput{})
	if err != nil || !slices.Equal(groups.TargetGroups[0].LoadBalancerArns, []string{quayNLB, quayALB}) {
		t.Errorf("the group is attached to %+v, error %v", groups, err)
	}
	for _, in := range []*elbv2.DescribeListenersInput{{}, {ListenerArns: []string{"x"}, LoadBalancerArn: aws.String(quayNLB)}} {
		if _, err := client.DescribeListeners(t.Context(), in); codeOf(err) != "ValidationError" {
			t.Errorf("%+v: error %v", in, err)
		}
	}
	_, err = client.DescribeRules(t.Context(), &elbv2.DescribeRulesInput{ListenerArn: aws.String("arn:x")})
	if missing := (*types.ListenerNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("one that is not there: %v", err)
	}
	tags, err := client.DescribeTags(t.Context(), &elbv2.DescribeTagsInput{ResourceArns: []string{g.ARN}})
	if err != nil || aws.ToString(tags.TagDescriptions[0].Tags[0].Value) != "us" {
		t.Errorf("tags %+v, error %v", tags, err)
	}
}

func TestTheHealthCheckOfAGroupHasTheDefaultsOfItsProtocol(t *testing.T) {
	client, g := quayClient(t)
	for protocol, want := range map[string]struct {
		timeout int32
		matcher string
	}{"": {10, ""}, "HTTP": {6, "200-399"}, "HTTPS": {10, "200-399"}} {
		g.Adjust(func(g *sim.TargetGroup) { g.HealthCheck.Protocol = protocol })
		out, err := client.DescribeTargetGroups(t.Context(), &elbv2.DescribeTargetGroupsInput{TargetGroupArns: []string{g.ARN}})
		if err != nil {
			t.Fatal(err)
		}
		got, matcher := out.TargetGroups[0], ""
		if got.Matcher != nil {
			matcher = aws.ToString(got.Matcher.HttpCode)
		}
		if aws.ToInt32(got.HealthCheckTimeoutSeconds) != want.timeout || matcher != want.matcher || aws.ToString(got.HealthCheckPort) != "traffic-port" {
			t.Errorf("%q: %+v", protocol, got)
		}
	}
}

func TestSecurityGroupsAndInterfacesAreFound(t *testing.T) {
	a := sim.NewAWS(harbour())
	a.EC2 = &sim.EC2{
		SecurityGroups: []sim.SecurityGroup{{ID: "sg-1", VPC: "vpc-1", Ingress: []sim.IngressRule{
			{Protocol: "tcp", From: 443, To: 444, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, Groups: []string{"sg-2"}},
			{Protocol: "-1"},
		}}},
		Interfaces: []sim.NetworkInterface{
			{ID: "eni-1", Description: "ELB net/quay/1", VPC: "vpc-1", Zone: "us-east-1a", Addr: netip.MustParseAddr("10.0.0.5")},
			{ID: "eni-2", Description: "ELB app/app/1", VPC: "vpc-1", Addr: netip.MustParseAddr("10.0.0.6")},
		},
	}
	client := ec2.NewFromConfig(sdk(t, a))
	out, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-1"}})
	if err != nil {
		t.Fatal(err)
	}
	rules := out.SecurityGroups[0].IpPermissions
	if aws.ToInt32(rules[0].ToPort) != 444 || aws.ToString(rules[0].IpRanges[0].CidrIp) != "10.0.0.0/8" || aws.ToString(rules[0].Ipv6Ranges[0].CidrIpv6) != "fd00::/8" ||
		aws.ToString(rules[0].UserIdGroupPairs[0].GroupId) != "sg-2" || rules[1].FromPort != nil {
		t.Errorf("%+v", rules)
	}
	if _, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-9"}}); codeOf(err) != "InvalidGroup.NotFound" {
		t.Errorf("one that is not there: %v", err)
	}
	found, err := client.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{"vpc-1"}}, {Name: aws.String("description"), Values: []string{"ELB net/quay/*"}},
	}})
	if err != nil || len(found.NetworkInterfaces) != 1 || aws.ToString(found.NetworkInterfaces[0].PrivateIpAddress) != "10.0.0.5" {
		t.Errorf("%+v, error %v", found, err)
	}
}

func TestSTSSaysWhoSomebodyIs(t *testing.T) {
	a := sim.NewAWS()
	a.STS = &sim.STS{User: "arn:aws:iam::444455556666:user/me"}
	out, err := sts.NewFromConfig(sdk(t, a)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(out.Account) != "444455556666" || aws.ToString(out.Arn) != "arn:aws:iam::444455556666:user/me" {
		t.Errorf("%+v, error %v", out, err)
	}
}
