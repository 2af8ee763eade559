package metrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"mooring"
)

// ReadAPI is the part of the CloudWatch client that reads.
type ReadAPI interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// A Series is one metric, and which statistic of each of its minutes to read.
type Series struct {
	Namespace, Name string
	Dimensions      [][2]string // names and values: all of them, for others make another metric
	Statistic       string      // such as Maximum or Sum
}

// Resolved is the metric of how many addresses a binding's name showed, as [EMF] has it.
func Resolved(binding, targetGroup string) Series {
	return Series{Namespace, "ResolvedAddresses", [][2]string{{"Binding", binding}, {"TargetGroup", groupName(targetGroup)}}, "Maximum"}
}

// Series of an older function's metric.
func (m OldMetric) Series() Series {
	return Series{m.Namespace, m.Name, [][2]string{{m.Dimension, m.Value}}, "Maximum"}
}

// Invocations counts those of a Lambda function:
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func Invocations(function string) Series {
	return Series{"AWS/Lambda", "Invocations", [][2]string{{"FunctionName", function}}, "Sum"}
}

// groupName is targetgroup/NAME/ID, as in AWS's own metrics of the group.
func groupName(targetGroup string) string {
	return targetGroup[strings.LastIndex(targetGroup, ":targetgroup/")+1:]
}

// A Point is one minute of a series.
type Point struct {
	Value float64
	At    time.Time // the minute's beginning
}

// Read returns the points of a series from one time to another, the newest first: at most so many minutes as there are in
// between. A missing permission is a [mooring.ErrDenied] that knows its statement.
func Read(ctx context.Context, api ReadAPI, s Series, from, to time.Time) ([]Point, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	metric := &types.Metric{Namespace: &s.Namespace, MetricName: &s.Name}
	for _, d := range s.Dimensions {
		metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: aws.String(d[0]), Value: aws.String(d[1])})
	}
	out, err := api.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampDescending,
		MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String("m"), MetricStat: &types.MetricStat{Metric: metric, Period: aws.Int32(60), Stat: &s.Statistic},
		}},
	})
	if refusal, ok := errors.AsType[smithy.APIError](err); ok && refusal.ErrorCode() == "AccessDenied" {
		err = &readDenied{err}
	}
	if err != nil {
		return nil, fmt.Errorf("read metric %s: %w", s.Name, err)
	}
	var points []Point
	for _, r := range out.MetricDataResults {
		if cut := r.StatusCode == types.StatusCodePartialData && len(r.Values) == 0; cut || failed[r.StatusCode] {
			return nil, fmt.Errorf("read metric %s: CloudWatch says %s, which is not that there are no data", s.Name, r.StatusCode)
		}
		for i := range min(len(r.Values), len(r.Timestamps)) {
			points = append(points, Point{r.Values[i], r.Timestamps[i]})
		}
	}
	return points, nil
}

// failed are the states of a result that was not read:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html
var failed = map[types.StatusCode]bool{types.StatusCodeInternalError: true, types.StatusCodeForbidden: true}

// A readDenied is a metric that may not be read. It is a [mooring.ErrDenied].
type readDenied struct{ err error }

func (e *readDenied) Error() string   { return "cloudwatch:GetMetricData denied: " + e.err.Error() }
func (e *readDenied) Unwrap() []error { return []error{mooring.ErrDenied, e.err} }

// Statement returns the IAM statement that is missing. The action knows neither resources nor conditions:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func (e *readDenied) Statement() string {
	return `{"Effect":"Allow","Action":"cloudwatch:GetMetricData","Resource":"*"}`
}
