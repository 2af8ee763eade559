package sim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mooring/internal/sim"
)

const metric = "Action=PutMetricData&Version=2010-08-01&Namespace=N&MetricData.member.1.MetricName=M&MetricData.member.1.Value=2"

func TestAMetricIsTakenWholeOrNotAtAll(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 40, 0, 0, time.UTC)
	world := &sim.CloudWatch{Clock: func() time.Time { return at }}
	put := func(body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		world.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		return w
	}
	const one = "&MetricData.member.1."
	for what, c := range map[string]struct{ body, code string }{
		"another action":    {strings.Replace(metric, "PutMetricData", "GetMetricData", 1), "InvalidAction"},
		"another version":   {strings.Replace(metric, "2010", "2011", 1), "InvalidAction"},
		"no namespace":      {strings.Replace(metric, "Namespace=N", "", 1), "MissingParameter"},
		"no metric":         {strings.Split(metric, "&MetricData")[0], "MissingParameter"},
		"no number":         {metric + "x", "InvalidParameterValue"},
		"not a number":      {strings.Replace(metric, "Value=2", "Value=NaN", 1), "InvalidParameterValue"},
		"infinite":          {strings.Replace(metric, "Value=2", "Value=Inf", 1), "InvalidParameterValue"},
		"no time":           {metric + one + "Timestamp=now", "InvalidParameterValue"},
		"long ago":          {metric + one + "Timestamp=2026-11-09T14:39:59Z", "InvalidParameterValue"},
		"from the future":   {metric + one + "Timestamp=2026-11-23T16:40:01Z", "InvalidParameterValue"},
		"nameless":          {metric + one + "Dimensions.member.1.Name=&" + one + "Dimensions.member.1.Value=v", "InvalidParameterValue"},
		"dimension of none": {metric + one + "Dimensions.member.1.Name=d", "InvalidParameterValue"},
		"long dimension":    {metric + one + "Dimensions.member.1.Name=d" + one + "Dimensions.member.1.Value=" + strings.Repeat("v", 1025), "InvalidParameterValue"},
		"second is bad":     {metric + "&MetricData.member.2.MetricName=M", "InvalidParameterValue"},
		"not a form":        {"%zz", "MalformedQueryString"},
		"endless":           {strings.Repeat("a", 1<<20+1), "RequestTooLarge"},
	} {
		if w := put(c.body); w.Code < 400 || !strings.Contains(w.Body.String(), "<Code>"+c.code+"</Code>") {
			t.Errorf("%s: %d %s, want %s", what, w.Code, w.Body, c.code)
		}
	}
	if got := world.Data(); len(got) != 0 {
		t.Errorf("took %+v", got)
	}
	if w := put(metric + one + "Dimensions.member.1.Name=d" + one + "Dimensions.member.1.Value=v" + one + "Unit=Count"); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got := world.Data()
	if len(got) != 1 || got[0].Value != 2 || got[0].Unit != "Count" || got[0].Dimensions["d"] != "v" || !got[0].At.Equal(at) {
		t.Errorf("took %+v", got)
	}
}

func TestAFailingCloudWatchFailsUntilItIsHealed(t *testing.T) {
	world := &sim.CloudWatch{}
	status := func() int {
		w := httptest.NewRecorder()
		world.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(metric)))
		return w.Code
	}
	world.Fail(&sim.APIError{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable"})
	first := status()
	world.Fail(nil)
	if second := status(); first != http.StatusServiceUnavailable || second != http.StatusOK || len(world.Data()) != 1 {
		t.Errorf("answered %d, then %d", first, second)
	}
}
