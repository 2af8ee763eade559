package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"mooring"
)

// An OldMetric is an older function's metric, which alarms in use are set on. A namespace that begins with AWS/
// should not be used for one's own metrics, so it is put only where it was asked for:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
type OldMetric struct {
	Namespace, Name  string
	Dimension, Value string // the one dimension, and its value
}

// LoadBalancerIPCount is the metric of AWS's functions of 2018 and 2021, for the DNS name of a load balancer.
func LoadBalancerIPCount(name string) OldMetric {
	return OldMetric{"AWS/ApplicationELB", "LoadBalancerIPCount", "LoadBalancerName", name}
}

// HostnameAsTargetIPCount is the metric of AWS's hostname-as-target of 2020, for a hostname.
func HostnameAsTargetIPCount(fqdn string) OldMetric {
	return OldMetric{"AWS/NetworkELB", "HostnameAsTargetIPCount", "HostnameIPCount", fqdn}
}

// callTime is how long the call may take, with all its retries.
const callTime = 5 * time.Second

// API is the part of the CloudWatch client that is called.
type API interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Connect returns a CloudWatch client that speaks the query protocol. The SDK's own choice, CBOR, is not understood
// by the imitations of AWS that people test with; AWS understands both. The one small value is not worth compressing.
func Connect(cfg aws.Config) *cloudwatch.Client {
	return cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
		o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
		o.DisableRequestCompression = true
	})
}

// PutIPCount puts an older function's metric: how many addresses its hostname resolved to, at the time at.
// A missing permission is a [Denied].
func PutIPCount(ctx context.Context, api API, m OldMetric, count int, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := api.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: &m.Namespace,
		MetricData: []types.MetricDatum{{
			MetricName: &m.Name,
			Dimensions: []types.Dimension{{Name: &m.Dimension, Value: &m.Value}},
			Timestamp:  &at,
			Unit:       types.StandardUnitCount,
			Value:      aws.Float64(float64(count)),
		}},
	})
	if refusal, ok := errors.AsType[smithy.APIError](err); ok && refusal.ErrorCode() == "AccessDenied" {
		err = &Denied{Namespace: m.Namespace, Err: err}
	}
	if err != nil {
		return fmt.Errorf("put metric %s: %w", m.Name, err)
	}
	return nil
}

// Denied is a metric that a permission is missing for. It is a [mooring.ErrDenied].
type Denied struct {
	Namespace string // the metric's
	Err       error  // what AWS said
}

func (e *Denied) Error() string { return "cloudwatch:PutMetricData denied: " + e.Err.Error() }

// Unwrap makes it a [mooring.ErrDenied], and what AWS said.
func (e *Denied) Unwrap() []error { return []error{mooring.ErrDenied, e.Err} }

// Statement returns the IAM statement that is missing, as JSON. The action knows no resources, but namespaces:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func (e *Denied) Statement() string {
	return `{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",` +
		`"Condition":{"StringEquals":{"cloudwatch:namespace":"` + e.Namespace + `"}}}`
}
