package elb_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

// switched is a group whose cross-zone attribute somebody changes.
type switched struct {
	deaf
	cross string
}

func (s *switched) DescribeTargetGroups(context.Context, *elbv2.DescribeTargetGroupsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error) {
	return &elbv2.DescribeTargetGroupsOutput{TargetGroups: []types.TargetGroup{{
		TargetGroupArn: aws.String(arn), TargetType: "ip", Protocol: "TCP", Port: aws.Int32(443), VpcId: aws.String("vpc-1"),
	}}}, nil
}

func (s *switched) DescribeTargetGroupAttributes(context.Context, *elbv2.DescribeTargetGroupAttributesInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupAttributesOutput, error) {
	return &elbv2.DescribeTargetGroupAttributesOutput{Attributes: []types.TargetGroupAttribute{
		{Key: aws.String("load_balancing.cross_zone.enabled"), Value: aws.String(s.cross)},
	}}, nil
}

func TestADaemonNoticesThatCrossZoneWasSwitched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &switched{cross: "true"}
		g := elb.New(deaf{}, s, deaf{}, elb.Config{Name: "web-443", ARN: arn, Port: 443, Zone: "all"})
		settings, err := g.Inspect(t.Context())
		if err != nil || settings.CrossZone(t.Context()) != mooring.CrossZoneOn {
			t.Fatalf("%v, cross-zone %q", err, settings.CrossZone(t.Context()))
		}
		s.cross = "false"
		<-time.After(11 * time.Minute)
		if got := settings.CrossZone(t.Context()); got != mooring.CrossZoneOff {
			t.Errorf("cross-zone is %q", got)
		}
	})
}

// A retry would come after the time for which a removal is permitted.
func TestARemovalIsNotTriedAgainByItself(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		f.aws.Inject(sim.AWSFault{Action: "DeregisterTargets", Times: 1, Throttled: true})
		began, g := time.Now(), f.group(0, elb.NewLimiter(0.1))
		gone, err := g.Deregister(t.Context(), []mooring.Target{target("10.0.1.5")}, func() error { return nil })
		if err == nil || len(gone) > 0 || len(f.starts("DeregisterTargets", began)) != 1 {
			t.Errorf("%v left, error %v, calls at %v", gone, err, f.starts("DeregisterTargets", began))
		}
	})
}
