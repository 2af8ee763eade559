package shift_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	lb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"mooring"
	"mooring/internal/shift"
)

// A group is what DescribeTargetHealth says, a word a target: its zone, a colon, its state.
type group string

func (g *group) DescribeTargetHealth(context.Context, *elbv2.DescribeTargetHealthInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error) {
	out := &elbv2.DescribeTargetHealthOutput{}
	for word := range strings.FieldsSeq(string(*g)) {
		if word == "denied" {
			return nil, &smithy.GenericAPIError{Code: "AccessDenied"}
		}
		zone, state, _ := strings.Cut(word, ":")
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, lb.TargetHealthDescription{
			Target:       &lb.TargetDescription{AvailabilityZone: &zone},
			TargetHealth: &lb.TargetHealth{State: lb.TargetHealthStateEnum(state)},
		})
	}
	return out, nil
}

func TestTheGateOfAGroupKnowsALoadBalancerThatShrinksFromOneThatFails(t *testing.T) {
	for _, c := range []struct{ now, want string }{
		{"a:healthy a:healthy b:healthy b:healthy", ""},
		{"a:healthy b:healthy", ""}, // two have left
		{"a:healthy a:draining b:healthy b:unhealthy.draining", ""},
		{"a:healthy a:healthy b:healthy b:healthy c:initial", ""},
		{"a:healthy a:healthy b:healthy b:unhealthy", "3 targets are healthy, and 4 were before"},
		{"a:healthy a:healthy", "no healthy target is left in b"},
		{"a:unhealthy b:unhealthy", "none of 2 targets is healthy"},
		{"", "none of 0 targets is healthy"},
		{"denied", "DescribeTargetHealth on * denied"},
	} {
		g := group("a:healthy a:healthy b:healthy b:healthy")
		gate := shift.Targets(&g, shift.TargetGroup{Name: "web"})
		if seen, err := gate.Check(t.Context()); err != nil || seen != "4 of 4 healthy" {
			t.Fatalf("%s, %v", seen, err)
		}
		g = group(c.now)
		_, err := gate.Check(t.Context())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.now, err)
		}
		if c.now == "denied" && !errors.Is(err, mooring.ErrDenied) {
			t.Errorf("%v is not known as denied", err)
		}
	}
}

type alarms map[string]cw.StateValue

func (a alarms) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	out := &cloudwatch.DescribeAlarmsOutput{}
	for _, name := range in.AlarmNames {
		state, ok := a[name]
		if !ok {
			continue
		}
		if strings.HasPrefix(name, "all-") {
			out.CompositeAlarms = append(out.CompositeAlarms, cw.CompositeAlarm{AlarmName: aws.String(name), StateValue: state})
		} else {
			out.MetricAlarms = append(out.MetricAlarms, cw.MetricAlarm{AlarmName: aws.String(name), StateValue: state})
		}
	}
	return out, nil
}

func TestAnAlarmMustExistAndBeQuiet(t *testing.T) {
	a := alarms{"5xx": cw.StateValueOk, "all-of-it": cw.StateValueOk, "new": cw.StateValueInsufficientData, "bad": cw.StateValueAlarm}
	for _, c := range []struct{ names, seen, want string }{
		{"5xx all-of-it", "2 of 2 ok", ""},
		{"5xx new", "1 of 2 ok, INSUFFICIENT_DATA: new", ""},
		{"5xx bad", "", "in ALARM: bad"},
		{"5xx mistyped", "", "there is no alarm mistyped"},
	} {
		seen, err := shift.Alarms(a, strings.Fields(c.names)).Check(t.Context())
		if seen != c.seen || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v", c.names, seen, err)
		}
	}
}
