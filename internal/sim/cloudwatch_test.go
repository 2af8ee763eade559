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
		"another action":    {strings.Replace(metric, "PutMetricData", "ListMetrics", 1), "InvalidAction"},
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

func TestWhatIsNoQuestionAboutAMetricIsRefused(t *testing.T) {
	world := &sim.CloudWatch{}
	const (
		times = "Action=GetMetricData&Version=2010-08-01&StartTime=2026-11-23T14:40:30Z&EndTime=2026-11-23T14:50:00Z"
		query = times + "&MetricDataQueries.member.1.Id=m&MetricDataQueries.member.1.MetricStat.Metric.Namespace=N" +
			"&MetricDataQueries.member.1.MetricStat.Metric.MetricName=M&MetricDataQueries.member.1.MetricStat.Period=60" +
			"&MetricDataQueries.member.1.MetricStat.Stat=Sum"
	)
	ask := func(body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		world.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		return w
	}
	for what, body := range map[string]string{
		"no times": "Action=GetMetricData&Version=2010-08-01", "no query": times,
		"times the wrong way": strings.Replace(query, "14:50", "14:30", 1),
		"half a minute":       strings.Replace(query, "Period=60", "Period=30", 1),
		"another statistic":   strings.Replace(query, "Stat=Sum", "Stat=p99", 1),
	} {
		if w := ask(body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "ValidationError") {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	at := time.Date(2026, 11, 23, 14, 40, 10, 0, time.UTC) // before the start, and in its minute
	world.Put(sim.Datum{Namespace: "N", Name: "M", Value: 2, At: at})
	world.Put(sim.Datum{Namespace: "N", Name: "M", Value: 3, At: at.Add(20 * time.Second)})
	if w := ask(query); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<Values><member>5</member></Values>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
