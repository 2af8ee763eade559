package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"mooring"
	"mooring/internal/metrics"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

const alb = "internal-web-123456789.eu-central-1.elb.amazonaws.com"

func TestMain(m *testing.M) {
	code := m.Run()
	if err := mototest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		BaseEndpoint: &endpoint,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
	}
}

func startCloudWatch(t *testing.T) (*sim.CloudWatch, *cloudwatch.Client) {
	t.Helper()
	world := &sim.CloudWatch{Clock: func() time.Time { return now.Add(time.Second) }}
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	return world, metrics.Connect(config(server.URL))
}

func TestAnOlderFunctionsMetricKeepsItsName(t *testing.T) {
	for _, c := range []struct {
		put                        metrics.OldMetric
		namespace, name, dimension string
	}{
		{metrics.LoadBalancerIPCount(alb), "AWS/ApplicationELB", "LoadBalancerIPCount", "LoadBalancerName"},
		{metrics.HostnameAsTargetIPCount(alb), "AWS/NetworkELB", "HostnameAsTargetIPCount", "HostnameIPCount"},
	} {
		world, api := startCloudWatch(t)
		if err := metrics.PutIPCount(t.Context(), api, c.put, 24, now); err != nil {
			t.Fatal(err)
		}
		got := world.Data()
		if len(got) != 1 {
			t.Fatalf("%d values", len(got))
		}
		d := got[0]
		if d.Namespace != c.namespace || d.Name != c.name || d.Value != 24 || d.Unit != "Count" || !d.At.Equal(now) {
			t.Errorf("put %+v", d)
		}
		if !maps.Equal(d.Dimensions, map[string]string{c.dimension: alb}) {
			t.Errorf("dimensions %v", d.Dimensions)
		}
	}
}

func TestAMetricThatMayNotBePutSaysWhatIsMissing(t *testing.T) {
	world, api := startCloudWatch(t)
	world.Fail(&sim.APIError{Status: http.StatusForbidden, Code: "AccessDenied", Message: "User: x is not authorized"})
	for _, m := range []metrics.OldMetric{metrics.LoadBalancerIPCount(alb), metrics.HostnameAsTargetIPCount(alb)} {
		err := metrics.PutIPCount(t.Context(), api, m, 24, now)
		var denied *metrics.Denied
		if !errors.Is(err, mooring.ErrDenied) || !errors.As(err, &denied) {
			t.Fatalf("said %v", err)
		}
		want := `{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"` + m.Namespace + `"}}}`
		if got := denied.Statement(); got != want {
			t.Errorf("the missing statement is %s", got)
		}
	}
}

func TestAnOutageIsAnErrorAndNoDenial(t *testing.T) {
	world, api := startCloudWatch(t)
	world.Fail(&sim.APIError{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "sorry"})
	if err := metrics.PutIPCount(t.Context(), api, metrics.LoadBalancerIPCount(alb), 24, now); err == nil || errors.Is(err, mooring.ErrDenied) {
		t.Errorf("said %v", err)
	}
}

// silent never answers.
type silent struct{}

func (silent) PutMetricData(ctx context.Context, _ *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestASilentCloudWatchIsGivenUpAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := metrics.PutIPCount(t.Context(), silent{}, metrics.LoadBalancerIPCount(alb), 24, now)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestMotoReadsTheMetricBack(t *testing.T) {
	api := metrics.Connect(config(mototest.Endpoint(t)))
	at := time.Now().Truncate(time.Minute)
	for _, m := range []metrics.OldMetric{metrics.LoadBalancerIPCount(alb), metrics.HostnameAsTargetIPCount(alb)} {
		if err := metrics.PutIPCount(t.Context(), api, m, 24, at); err != nil {
			t.Fatal(err)
		}
		got, err := api.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: &m.Namespace, MetricName: &m.Name,
			Dimensions: []types.Dimension{{Name: &m.Dimension, Value: aws.String(alb)}},
			StartTime:  aws.Time(at.Add(-time.Minute)), EndTime: aws.Time(at.Add(time.Minute)), Period: aws.Int32(60),
			Statistics: []types.Statistic{types.StatisticMaximum},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Datapoints) != 1 || aws.ToFloat64(got.Datapoints[0].Maximum) != 24 {
			t.Errorf("read %s back: %+v", m.Name, got.Datapoints)
		}
	}
}
