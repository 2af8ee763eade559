package sim

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Put keeps a value as embedded metrics do: without a request.
func (c *CloudWatch) Put(d Datum) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = append(c.data, d)
}

const maxMetricQueries = 500

type metricData struct {
	XMLName   xml.Name       `xml:"GetMetricDataResponse"`
	Namespace string         `xml:"xmlns,attr"`
	Results   []metricResult `xml:"GetMetricDataResult>MetricDataResults>member"`
	RequestID string         `xml:"ResponseMetadata>RequestId"`
}

type metricResult struct {
	ID         string   `xml:"Id"`
	Label      string   `xml:"Label"`
	Timestamps []string `xml:"Timestamps>member"`
	Values     []string `xml:"Values>member"`
	Status     string   `xml:"StatusCode"`
}

// read answers GetMetricData for plain metrics. A metric that nobody has put has no values, which is no error:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func (c *CloudWatch) read(form url.Values) (metricData, *APIError) {
	out := metricData{Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", RequestID: requestID()}
	from, err1 := time.Parse(time.RFC3339Nano, form.Get("StartTime"))
	to, err2 := time.Parse(time.RFC3339Nano, form.Get("EndTime"))
	if err1 != nil || err2 != nil || !from.Before(to) {
		return out, invalid("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
	}
	from = from.Truncate(time.Minute) // of the last 15 days it is rounded down to whole minutes
	for i := range maxMetricQueries {
		query := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		if !form.Has(query + "Id") {
			break
		}
		result, err := c.series(form, query, from, to)
		if err != nil {
			return out, err
		}
		out.Results = append(out.Results, result)
	}
	if len(out.Results) == 0 {
		return out, invalid("ValidationError", "The parameter MetricDataQueries is required.")
	}
	return out, nil
}

// series is one metric, a value for each period that has any. Its dimensions must be the same: with others it is another
// metric. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
func (c *CloudWatch) series(form url.Values, query string, from, to time.Time) (metricResult, *APIError) {
	stat := query + "MetricStat."
	out := metricResult{ID: form.Get(query + "Id"), Label: form.Get(stat + "Metric.MetricName"), Status: "Complete"}
	period, err := strconv.Atoi(form.Get(stat + "Period"))
	if err != nil || period < 60 || period%60 != 0 {
		return out, invalid("ValidationError", "The parameter Period must be a multiple of 60.")
	}
	combine := statistics[form.Get(stat+"Stat")]
	if combine == nil {
		return out, invalid("ValidationError", "The value %q for parameter Stat is invalid.", form.Get(stat+"Stat"))
	}
	dimensions := map[string]string{}
	for i := range maxDimensions {
		at := fmt.Sprintf("%sMetric.Dimensions.member.%d.", stat, i+1)
		if !form.Has(at + "Name") {
			break
		}
		dimensions[form.Get(at+"Name")] = form.Get(at + "Value")
	}
	periods := map[time.Time][]float64{}
	for _, d := range c.data {
		if d.Namespace == form.Get(stat+"Metric.Namespace") && d.Name == out.Label && maps.Equal(d.Dimensions, dimensions) &&
			!d.At.Before(from) && d.At.Before(to) {
			at := d.At.UTC().Truncate(time.Duration(period) * time.Second)
			periods[at] = append(periods[at], d.Value)
		}
	}
	times := slices.SortedFunc(maps.Keys(periods), time.Time.Compare)
	if form.Get("ScanBy") != "TimestampAscending" {
		slices.Reverse(times)
	}
	most, _ := strconv.Atoi(form.Get("MaxDatapoints"))
	for _, at := range times[:min(len(times), cmp.Or(most, len(times)))] {
		out.Timestamps = append(out.Timestamps, at.Format(time.RFC3339))
		out.Values = append(out.Values, strconv.FormatFloat(combine(periods[at]), 'g', -1, 64))
	}
	return out, nil
}

var statistics = map[string]func([]float64) float64{
	"Maximum":     func(v []float64) float64 { return slices.Max(v) },
	"Minimum":     func(v []float64) float64 { return slices.Min(v) },
	"SampleCount": func(v []float64) float64 { return float64(len(v)) },
	"Sum":         sumOf,
	"Average":     func(v []float64) float64 { return sumOf(v) / float64(len(v)) },
}

func sumOf(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}
