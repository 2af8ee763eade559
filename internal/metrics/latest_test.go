package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"mooring"
	"mooring/internal/metrics"
	"mooring/internal/sim"
	"mooring/internal/store/mototest"
)

func TestWhatWasPutIsReadBackTheNewestFirst(t *testing.T) {
	world, api := startCloudWatch(t)
	series := metrics.Resolved("web-443", group)
	put := func(ago time.Duration, value float64, binding string) {
		world.Put(sim.Datum{
			Namespace: "Mooring", Name: "ResolvedAddresses", Value: value, At: now.Add(-ago),
			Dimensions: map[string]string{"Binding": binding, "TargetGroup": "targetgroup/web/0123456789abcdef"},
		})
	}
	put(3*time.Minute, 4, "web-443")
	put(time.Minute, 5, "web-443")
	put(time.Minute, 6, "web-443") // the maximum of its minute
	put(0, 9, "other-443")
	put(20*time.Minute, 1, "web-443")
	got, err := metrics.Read(t.Context(), api, series, now.Add(-10*time.Minute), now.Add(time.Minute))
	if err != nil || len(got) != 2 || got[0].Value != 6 || got[1].Value != 4 || !got[0].At.Equal(now.Add(-time.Minute).Truncate(time.Minute)) {
		t.Errorf("%+v, error %v", got, err)
	}
	if got, err := metrics.Read(t.Context(), api, metrics.Invocations("mooring"), now.Add(-time.Minute), now); err != nil || len(got) != 0 {
		t.Errorf("nobody put it: %+v, error %v", got, err)
	}
}

func TestMotoShowsAnOlderFunctionsMetric(t *testing.T) {
	api := metrics.Connect(config(mototest.Endpoint(t)))
	m := metrics.LoadBalancerIPCount("internal-latest-1.eu-central-1.elb.amazonaws.com")
	at := time.Now()
	if err := metrics.PutIPCount(t.Context(), api, m, 7, at); err != nil {
		t.Fatal(err)
	}
	got, err := metrics.Read(t.Context(), api, m.Series(), at.Add(-10*time.Minute), at.Add(time.Minute))
	if err != nil || len(got) != 1 || got[0].Value != 7 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestAMetricThatMayNotBeReadSaysWhatIsMissing(t *testing.T) {
	world, api := startCloudWatch(t)
	world.Fail(&sim.APIError{Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"})
	_, err := metrics.Read(t.Context(), api, metrics.Invocations("mooring"), now.Add(-time.Minute), now)
	var denied interface{ Statement() string }
	if !errors.Is(err, mooring.ErrDenied) || !errors.As(err, &denied) || !strings.Contains(denied.Statement(), `"cloudwatch:GetMetricData"`) {
		t.Errorf("said %v", err)
	}
	world.Fail(&sim.APIError{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "sorry"})
	if _, err := metrics.Read(t.Context(), api, metrics.Invocations("mooring"), now.Add(-time.Minute), now); err == nil || errors.Is(err, mooring.ErrDenied) {
		t.Errorf("said %v", err)
	}
}

func (silent) GetMetricData(ctx context.Context, _ *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestASilentCloudWatchIsNotReadForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := metrics.Read(t.Context(), silent{}, metrics.Invocations("mooring"), began.Add(-time.Minute), began)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// lopsided is a CloudWatch that has read a part of the metric, the newest first, and does not count well.
type lopsided struct{}

func (lopsided) GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	result := types.MetricDataResult{StatusCode: types.StatusCodePartialData, Values: []float64{4, 5, 6}, Timestamps: []time.Time{now, now.Add(-time.Minute)}}
	other := types.MetricDataResult{Values: []float64{7}, Timestamps: []time.Time{now.Add(-2 * time.Minute), now}}
	return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{result, other}}, nil
}

func TestAValueWithoutATimeIsNoPoint(t *testing.T) {
	got, err := metrics.Read(t.Context(), lopsided{}, metrics.Invocations("mooring"), now.Add(-time.Hour), now)
	if err != nil || len(got) != 3 || got[0].Value != 4 || !got[0].At.Equal(now) || got[2].Value != 7 {
		t.Errorf("%+v, error %v", got, err)
	}
}

// halfway is a CloudWatch that answers, and has not read the metric.
type halfway types.StatusCode

func (h halfway) GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{{StatusCode: types.StatusCode(h)}}}, nil
}

func TestAResultThatWasNotReadIsNoResultWithoutData(t *testing.T) {
	now := time.Now()
	for state, readable := range map[types.StatusCode]bool{
		types.StatusCodeComplete: true, types.StatusCodeInternalError: false, types.StatusCodeForbidden: false, types.StatusCodePartialData: false,
	} {
		if _, err := metrics.Read(t.Context(), halfway(state), metrics.Invocations("mooring"), now.Add(-time.Minute), now); (err == nil) != readable {
			t.Errorf("%s: %v", state, err)
		}
	}
}
