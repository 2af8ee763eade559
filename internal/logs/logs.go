// Package logs finds the reports that rounds left in a log group of CloudWatch Logs.
package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"mooring"
)

// API is the part of the CloudWatch Logs client that is called.
type API interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// A Reader reads logs.
type Reader struct{ api API }

// New returns a reader over a client.
func New(api API) Reader { return Reader{api} }

// Connect returns a reader over AWS's own client.
func Connect(cfg aws.Config) Reader { return New(cloudwatchlogs.NewFromConfig(cfg)) }

// Limits of one search. A page holds at most 1 MB.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
const (
	callTime = 10 * time.Second
	maxPages = 20
	perPage  = 1000
)

// ErrTooMuch is that a log holds more than was read, so that the newest report is not known.
var ErrTooMuch = errors.New("the log holds more than is read of it")

// Last finds the last report of a binding that was written between two times, and when that was. The report's Binding is
// "" where there is none. A missing permission is a [Denied].
func (r Reader) Last(ctx context.Context, group, binding string, from, to time.Time) (last mooring.Report, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: aws.String(pattern(binding)), Limit: aws.Int32(perPage), StartFromHead: aws.Bool(false),
		StartTime: aws.Int64(from.UnixMilli()), EndTime: aws.Int64(to.UnixMilli()),
	}
	for range maxPages {
		page, err := r.api.FilterLogEvents(ctx, in)
		if err != nil {
			return mooring.Report{}, time.Time{}, explain(err, group)
		}
		for _, event := range page.Events {
			written := time.UnixMilli(aws.ToInt64(event.Timestamp)).UTC()
			if report, ok := reportIn(aws.ToString(event.Message)); ok && report.Binding == binding && !written.Before(at) {
				last, at = report, written
			}
		}
		if aws.ToString(page.NextToken) == "" || !at.IsZero() && newestFirst(page.Events) {
			return last, at, nil
		}
		in.NextToken = page.NextToken
	}
	return mooring.Report{}, time.Time{}, fmt.Errorf("read %s: %w", group, ErrTooMuch)
}

// pattern asks for the lines of one binding's rounds. What comes is looked into all the same: of an imitation of AWS it
// is everything, and * stands for more than itself.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func pattern(binding string) string {
	return `{ ($.msg = "round") && ($.report.binding = ` + strconv.Quote(binding) + `) }`
}

// newestFirst tells whether a page is in the order that was asked for.
func newestFirst(events []types.FilteredLogEvent) bool {
	return len(events) > 1 && aws.ToInt64(events[0].Timestamp) > aws.ToInt64(events[len(events)-1].Timestamp)
}

// reportIn reads a line of the log, which holds the report of a round or something else.
func reportIn(line string) (mooring.Report, bool) {
	var entry struct {
		Msg    string         `json:"msg"`
		Report mooring.Report `json:"report"`
	}
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Msg != "round" {
		return mooring.Report{}, false
	}
	return entry.Report, true
}

func explain(err error, group string) error {
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		switch refusal.ErrorCode() {
		case "AccessDeniedException", "AccessDenied":
			return &Denied{group, err}
		case "ResourceNotFoundException":
			return fmt.Errorf("there is no log group %s: %w", group, err)
		}
	}
	return fmt.Errorf("read %s: %w", group, err)
}

// A Denied is a log that may not be read. It is a [mooring.ErrDenied].
type Denied struct {
	Group string
	Err   error // what AWS said
}

func (d *Denied) Error() string {
	return "logs:FilterLogEvents on " + d.Group + " is denied: " + d.Err.Error()
}

// Unwrap makes it a [mooring.ErrDenied], and what AWS said.
func (d *Denied) Unwrap() []error { return []error{mooring.ErrDenied, d.Err} }

// Statement returns the IAM statement that is missing, as JSON. The action takes a log group:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
func (d *Denied) Statement() string {
	body, err := json.Marshal(struct{ Effect, Action, Resource string }{"Allow", "logs:FilterLogEvents", "arn:*:logs:*:*:log-group:" + d.Group + ":*"})
	if err != nil {
		return err.Error() // strings always marshal
	}
	return string(body)
}
