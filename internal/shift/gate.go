package shift

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A Gate must be open for traffic to move on.
type Gate struct {
	Name string

	// Shared is that it is about the shares, and nobody's concern where every answer shall lead to the NLB.
	Shared bool

	// Check says what it saw, in a few words, and fails where the gate is shut, or where that cannot be told.
	Check func(context.Context) (seen string, err error)
}

// TargetsAPI tells how the targets of a group are.
type TargetsAPI interface {
	DescribeTargetHealth(context.Context, *elbv2.DescribeTargetHealthInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error)
}

// Targets is the gate of a target group: it is shut while no target is healthy, while a zone that had a healthy one when
// it was first open has none, and while fewer are healthy than then. That some have left the group since, as when the
// load balancer behind it shrinks, shuts nothing.
func Targets(api TargetsAPI, g TargetGroup) Gate {
	var before *tally
	name := fmt.Sprintf("targets of %s", g.Name)
	return Gate{Name: name, Check: func(ctx context.Context) (string, error) {
		out, err := api.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: &g.ARN})
		if err != nil {
			return "", fmt.Errorf("list %s: %w", name, explain(err, "elasticloadbalancing:DescribeTargetHealth", "*"))
		}
		now := count(out.TargetHealthDescriptions)
		if err := now.against(before); err != nil {
			return now.String(), err
		}
		if before == nil {
			before = &now
		}
		return now.String(), nil
	}}
}

// A tally counts a group's targets, without those that drain.
type tally struct {
	healthy, registered int
	zones               map[string]int // healthy ones of each
}

func count(targets []types.TargetHealthDescription) tally {
	t := tally{zones: map[string]int{}}
	for _, one := range targets {
		var state types.TargetHealthStateEnum
		if one.TargetHealth != nil {
			state = one.TargetHealth.State
		}
		if state == types.TargetHealthStateEnumDraining || state == types.TargetHealthStateEnumUnhealthyDraining {
			continue
		}
		t.registered++
		if state == types.TargetHealthStateEnumHealthy && one.Target != nil {
			t.healthy++
			t.zones[aws.ToString(one.Target.AvailabilityZone)]++
		}
	}
	return t
}

func (t tally) String() string { return fmt.Sprintf("%d of %d healthy", t.healthy, t.registered) }

// against compares with what there was before; nil: nothing is known of that.
func (t tally) against(before *tally) error {
	if t.healthy == 0 {
		return fmt.Errorf("none of %d targets is healthy", t.registered)
	}
	if before == nil {
		return nil
	}
	if want := min(before.healthy, t.registered); t.healthy < want {
		return fmt.Errorf("%d targets are healthy, and %d were before the traffic was moved", t.healthy, want)
	}
	var empty []string
	for _, zone := range slices.Sorted(maps.Keys(before.zones)) {
		if zone != "" && zone != "all" && t.zones[zone] == 0 {
			empty = append(empty, zone)
		}
	}
	if len(empty) > 0 {
		return fmt.Errorf("no healthy target is left in %s", strings.Join(empty, ", "))
	}
	return nil
}
