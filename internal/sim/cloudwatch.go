package sim

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A CloudWatch takes metrics by PutMetricData in the query protocol, keeps them, and shows them by GetMetricData. Its zero
// value is ready.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
type CloudWatch struct {
	Clock func() time.Time // nil: the wall clock

	mu    sync.Mutex
	data  []Datum
	fault *APIError
}

// A Datum is one value of a metric.
type Datum struct {
	Namespace, Name string
	Dimensions      map[string]string
	Value           float64
	Unit            string
	At              time.Time
}

// Data returns every value that was taken, in order.
func (c *CloudWatch) Data() []Datum {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.data)
}

// Fail answers all requests with an error from now on; nil heals it.
func (c *CloudWatch) Fail(err *APIError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = err
}

const (
	maxMetricBody   = 1 << 20
	maxMetrics      = 1000
	maxDimensions   = 30
	maxDimension    = 1024
	metricsTooOld   = 14 * 24 * time.Hour
	metricsTooYoung = 2 * time.Hour
)

// ServeHTTP implements [http.Handler].
func (c *CloudWatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMetricBody))
	if err != nil {
		writeCloudWatchError(w, &APIError{Status: http.StatusRequestEntityTooLarge, Code: "RequestTooLarge", Message: err.Error()})
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		writeCloudWatchError(w, invalid("MalformedQueryString", "%v", err))
		return
	}
	if form.Get("Action") == "GetMetricData" {
		c.answer(w, form)
		return
	}
	if err := c.put(form); err != nil {
		writeCloudWatchError(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, `<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata>`+
		`<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></PutMetricDataResponse>`)
}

// answer reads what was put.
func (c *CloudWatch) answer(w http.ResponseWriter, form url.Values) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil {
		writeCloudWatchError(w, c.fault)
		return
	}
	data, err := c.read(form)
	if err != nil {
		writeCloudWatchError(w, err)
		return
	}
	awsXML(w, http.StatusOK, data)
}

// put takes all values of a request or none.
func (c *CloudWatch) put(form url.Values) *APIError {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now
	if c.Clock != nil {
		now = c.Clock
	}
	switch {
	case c.fault != nil:
		return c.fault
	case form.Get("Action") != "PutMetricData" || form.Get("Version") != "2010-08-01":
		return invalid("InvalidAction", "Could not find operation %s for version %s", form.Get("Action"), form.Get("Version"))
	case form.Get("Namespace") == "":
		return invalid("MissingParameter", "The parameter Namespace is required.")
	}
	var data []Datum
	for i := range maxMetrics {
		prefix := fmt.Sprintf("MetricData.member.%d.", i+1)
		if !form.Has(prefix + "MetricName") {
			break
		}
		d, err := parseDatum(form, prefix, now())
		if err != nil {
			return err
		}
		data = append(data, d)
	}
	if len(data) == 0 {
		return invalid("MissingParameter", "The parameter MetricData is required.")
	}
	c.data = append(c.data, data...)
	return nil
}

func parseDatum(form url.Values, prefix string, now time.Time) (Datum, *APIError) {
	d := Datum{
		Namespace: form.Get("Namespace"), Name: form.Get(prefix + "MetricName"),
		Unit: form.Get(prefix + "Unit"), Dimensions: map[string]string{}, At: now,
	}
	value, err := strconv.ParseFloat(form.Get(prefix+"Value"), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return d, invalid("InvalidParameterValue", "The value %q for parameter %sValue is invalid.", form.Get(prefix+"Value"), prefix)
	}
	d.Value = value
	if text := form.Get(prefix + "Timestamp"); text != "" {
		if d.At, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return d, invalid("InvalidParameterValue", "The value %q for parameter %sTimestamp is invalid.", text, prefix)
		}
	}
	if now.Sub(d.At) > metricsTooOld || d.At.Sub(now) > metricsTooYoung {
		return d, invalid("InvalidParameterValue", "Timestamp must be between two weeks ago and two hours ahead.")
	}
	for i := range maxDimensions {
		at := fmt.Sprintf("%sDimensions.member.%d.", prefix, i+1)
		if !form.Has(at + "Name") {
			break
		}
		name, value := form.Get(at+"Name"), form.Get(at+"Value")
		if name == "" || value == "" || len(name) > maxDimension || len(value) > maxDimension {
			return d, invalid("InvalidParameterValue", "The dimension %q is invalid.", name)
		}
		d.Dimensions[name] = value
	}
	return d, nil
}

func writeCloudWatchError(w http.ResponseWriter, e *APIError) {
	awsError(w, "cloudwatch", e.Status, e.Code, e.Message)
}
