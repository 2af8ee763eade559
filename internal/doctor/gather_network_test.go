package doctor

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
)

func looking(s Sources) *gathering {
	s.Binding = well().Binding
	return &gathering{s: s, reached: map[string]*Reach{}, shown: make(chan struct{})}
}

// A network has one interface, on its second page.
type network struct{ NetworkAPI }

func (network) DescribeNetworkInterfaces(_ context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	if in.NextToken == nil {
		return &ec2.DescribeNetworkInterfacesOutput{NextToken: aws.String("more")}, nil
	}
	own := []ec2types.NetworkInterfacePrivateIpAddress{{PrivateIpAddress: aws.String("10.0.0.5")}, {PrivateIpAddress: aws.String("10.0.0.6")}}
	return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: []ec2types.NetworkInterface{{
		PrivateIpAddress: aws.String("10.0.0.5"), PrivateIpAddresses: own, Ipv6Addresses: []ec2types.NetworkInterfaceIpv6Address{{Ipv6Address: aws.String("2001:db8::5")}},
	}}}, nil
}

func TestALoadBalancerSendsFromAllAddressesOfItsInterfaces(t *testing.T) {
	g := looking(Sources{Network: network{}})
	g.addresses(t.Context(), []Balancer{{ARN: nlbARN, VPC: "vpc-1"}})
	var got []string
	for _, i := range g.facts().Addresses.Value {
		got = append(got, i.Addr.String())
	}
	if text := strings.Join(got, " "); text != "10.0.0.5 10.0.0.6 2001:db8::5" {
		t.Error(text)
	}
}

// Listeners are one of a kind, with rules in no order.
type mixed struct{ ListenersAPI }

func (mixed) DescribeListeners(context.Context, *elbv2.DescribeListenersInput, ...func(*elbv2.Options)) (*elbv2.DescribeListenersOutput, error) {
	return &elbv2.DescribeListenersOutput{Listeners: []types.Listener{
		{Protocol: types.ProtocolEnumHttps, Port: aws.Int32(443), MutualAuthentication: &types.MutualAuthenticationAttributes{Mode: aws.String("verify")}},
		{Protocol: types.ProtocolEnumTls, Port: aws.Int32(8443), DefaultActions: []types.Action{{TargetGroupArn: aws.String(groupARN)}}},
	}}, nil
}

func (mixed) DescribeRules(context.Context, *elbv2.DescribeRulesInput, ...func(*elbv2.Options)) (*elbv2.DescribeRulesOutput, error) {
	return &elbv2.DescribeRulesOutput{Rules: []types.Rule{{Priority: aws.String("20")}, {Priority: aws.String("3")}, {IsDefault: aws.Bool(true)}}}, nil
}

func TestListenersAreReadAsTheyWillAnswer(t *testing.T) {
	all, err := looking(Sources{Listeners: mixed{}}).listeners(t.Context(), albARN)
	if err != nil || len(all) != 2 || !all[0].ClientCert || all[1].Idle != 350*time.Second {
		t.Fatalf("%+v, error %v", all, err)
	}
	if rules := all[0].Rules; len(rules) != 2 || rules[0].Priority != 3 || rules[1].Priority != 20 {
		t.Errorf("%+v", rules)
	}
}

// A shy account tells of its load balancers, and of no group.
type shy struct {
	GroupsAPI
	BalancersAPI
}

func (shy) DescribeTargetGroups(context.Context, *elbv2.DescribeTargetGroupsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "AccessDenied"}
}

func (shy) DescribeLoadBalancers(context.Context, *elbv2.DescribeLoadBalancersInput, ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancersOutput, error) {
	return &elbv2.DescribeLoadBalancersOutput{}, nil
}

func TestWhereTheGroupMayNotBeReadItsLoadBalancerIsUnknown(t *testing.T) {
	s := Sources{Binding: well().Binding, Groups: shy{}, Balancers: shy{}}
	f := Gather(t.Context(), s)
	if !isDenied(f.NLBs.Err) || !isDenied(f.Listeners.Err) || f.ALB.Err != nil {
		t.Errorf("NLBs %v, listeners %v, ALB %v", f.NLBs.Err, f.Listeners.Err, f.ALB.Err)
	}
}

func TestAnEndlessReplyIsCutOff(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://aws.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := bounded{caller{200, strings.Repeat("x", maxReply+1), 0}}.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if n, err := io.Copy(io.Discard, reply.Body); n != maxReply || err != nil {
		t.Errorf("%d bytes, error %v", n, err)
	}
}

func TestAFindingIsNotEndless(t *testing.T) {
	f := well()
	f.ALB.Value.Name, f.ALB.Value.State = strings.Repeat("é", 1<<20), "failed"
	for _, x := range Judge(f) {
		if n := len([]rune(x.Seen + x.Do)); n > 2*(most+1) {
			t.Errorf("%s has %d characters", x.ID, n)
		}
	}
}
