package elb_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"mooring/internal/elb"
)

// odd is an AWS whose answers hold what no specification allows.
type odd struct {
	deaf
	health  []types.TargetHealthDescription
	groups  []types.TargetGroup
	subnets func(page int) *ec2.DescribeSubnetsOutput
	pages   *int
}

func (o odd) DescribeTargetHealth(context.Context, *elbv2.DescribeTargetHealthInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error) {
	return &elbv2.DescribeTargetHealthOutput{TargetHealthDescriptions: o.health}, nil
}

func (o odd) DescribeTargetGroups(context.Context, *elbv2.DescribeTargetGroupsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error) {
	return &elbv2.DescribeTargetGroupsOutput{TargetGroups: o.groups}, nil
}

func (o odd) DescribeTargetGroupAttributes(context.Context, *elbv2.DescribeTargetGroupAttributesInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupAttributesOutput, error) {
	return &elbv2.DescribeTargetGroupAttributesOutput{Attributes: []types.TargetGroupAttribute{{}}}, nil
}

func (o odd) DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	*o.pages++
	return o.subnets(*o.pages), nil
}

func oddGroup(o odd) *elb.Group {
	return elb.New(o, o, o, elb.Config{Name: "web-443", ARN: arn, Port: 443})
}

func TestOddLinesOfTheListAreLeftOut(t *testing.T) {
	line := func(id string, port int32) types.TargetHealthDescription {
		return types.TargetHealthDescription{Target: &types.TargetDescription{Id: &id, Port: &port}}
	}
	got, err := oddGroup(odd{health: []types.TargetHealthDescription{
		{},
		{Target: &types.TargetDescription{}},
		line("10.0.0.1", 0), line("10.0.0.2", -1), line("10.0.0.3", 65536+443), line("fe80::1%eth0", 443), line("10.0.0.256", 443),
		line("::ffff:10.0.0.4", 443),
	}}).Targets(t.Context())
	if err != nil || len(got) != 1 || got[0].Addr != netip.MustParseAddr("10.0.0.4") || got[0].Health != "unavailable" {
		t.Errorf("%+v, error %v, want 10.0.0.4 alone, whose health nobody says", got, err)
	}
}

func TestAnAnswerAboutAnotherGroupIsNoAnswer(t *testing.T) {
	g := oddGroup(odd{groups: []types.TargetGroup{{TargetGroupArn: aws.String(arn + "0"), TargetType: types.TargetTypeEnumInstance, Port: aws.Int32(80)}}})
	if port, err := g.Port(t.Context()); err == nil {
		t.Errorf("port %d", port)
	}
}

func TestAPortThatIsNoneIsNotTaken(t *testing.T) {
	for _, port := range []int32{0, -1, 65536 + 80} {
		if got, err := oddGroup(odd{groups: []types.TargetGroup{{Port: &port}}}).Port(t.Context()); err == nil {
			t.Errorf("%d was taken for %d", port, got)
		}
	}
}

func TestSubnetsThatNeverEndAreNotReadForEver(t *testing.T) {
	pages := 0
	g := oddGroup(odd{
		groups: []types.TargetGroup{{TargetType: types.TargetTypeEnumIp, VpcId: aws.String("vpc-1"), IpAddressType: types.TargetGroupIpAddressTypeEnumIpv6}},
		subnets: func(int) *ec2.DescribeSubnetsOutput {
			return &ec2.DescribeSubnetsOutput{NextToken: aws.String("more")}
		},
		pages: &pages,
	})
	if _, err := g.Targets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scopeOf(t.Context(), g); got.prefixes != nil || pages != 10 {
		t.Errorf("prefixes %v after %d pages, want none after 10", got.prefixes, pages)
	}
}

func TestAnEndlessReplyIsCutOff(t *testing.T) {
	h := newHarbour(t)
	h.aws.ELB = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>")
		for range 9 {
			_, _ = io.WriteString(w, "<!--"+strings.Repeat(" ", 1<<20)+"-->") // harmless, but for its size
		}
		_, _ = io.WriteString(w, "</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>")
	})
	if got, err := h.group().Targets(t.Context()); err == nil {
		t.Errorf("%d targets were read from 9 MiB", len(got))
	}
}

func TestInspectingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("the round is over")
	cancel(over)
	if _, err := newHarbour(t).group().Inspect(ctx); !errors.Is(err, over) {
		t.Errorf("error %v, want the context's", err)
	}
}
