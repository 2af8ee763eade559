package shift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// MaxAlarms is how many alarms one call describes:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
const MaxAlarms = 100

// AlarmsAPI reads the states of alarms. For composite ones it must be allowed on *, as that page says.
type AlarmsAPI interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// Alarms is the gate of CloudWatch alarms, metric and composite ones: it is shut while one of them is in ALARM, or does not
// exist. INSUFFICIENT_DATA shuts nothing, and is said.
func Alarms(api AlarmsAPI, names []string) Gate {
	return Gate{Name: "alarms", Check: func(ctx context.Context) (string, error) {
		states, err := statesOf(ctx, api, names)
		if err != nil {
			return "", err
		}
		by := map[types.StateValue][]string{}
		for _, name := range names {
			by[states[name]] = append(by[states[name]], name)
		}
		if missing := by[""]; len(missing) > 0 {
			return "", fmt.Errorf("there is no alarm %s in this account and region", strings.Join(missing, ", "))
		}
		if bad := by[types.StateValueAlarm]; len(bad) > 0 {
			return "", fmt.Errorf("in ALARM: %s", strings.Join(bad, ", "))
		}
		seen := fmt.Sprintf("%d of %d ok", len(by[types.StateValueOk]), len(names))
		if unknown := by[types.StateValueInsufficientData]; len(unknown) > 0 {
			seen += ", INSUFFICIENT_DATA: " + strings.Join(unknown, ", ")
		}
		return seen, nil
	}}
}

func statesOf(ctx context.Context, api AlarmsAPI, names []string) (map[string]types.StateValue, error) {
	out, err := api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: slices.Clone(names), MaxRecords: aws.Int32(MaxAlarms), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		return nil, fmt.Errorf("describe alarms: %w", explain(err, "cloudwatch:DescribeAlarms", "*"))
	}
	states := map[string]types.StateValue{}
	for _, a := range out.MetricAlarms {
		states[aws.ToString(a.AlarmName)] = a.StateValue
	}
	for _, a := range out.CompositeAlarms {
		states[aws.ToString(a.AlarmName)] = a.StateValue
	}
	return states, nil
}
