package logs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"mooring"
	"mooring/internal/logs"
)

var now = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)

// A book is a log group, which is read in pages from its end, or from its beginning as moto does.
type book struct {
	events      []types.FilteredLogEvent // the oldest first
	fromHead    bool
	page, asked int
	fails       error
}

func (b *book) write(t *testing.T, at time.Time, r mooring.Report) {
	t.Helper()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).LogAttrs(t.Context(), slog.LevelInfo, "round", slog.Any("report", r))
	b.events = append(b.events, types.FilteredLogEvent{Message: aws.String(out.String()), Timestamp: aws.Int64(at.UnixMilli())})
}

func (b *book) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	b.asked++
	if b.fails != nil {
		return nil, b.fails
	}
	var all []types.FilteredLogEvent
	for _, e := range b.events {
		if *e.Timestamp >= *in.StartTime && *e.Timestamp <= *in.EndTime {
			all = append(all, e)
		}
	}
	if !b.fromHead && !*in.StartFromHead {
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
	}
	from := 0
	if in.NextToken != nil {
		_, _ = fmt.Sscan(*in.NextToken, &from)
	}
	to := min(from+b.page, len(all))
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: all[from:to]}
	if to < len(all) {
		out.NextToken = aws.String(fmt.Sprint(to))
	}
	return out, nil
}

func (b *book) last(t *testing.T) (mooring.Report, time.Time, error) {
	t.Helper()
	return logs.New(b).Last(t.Context(), "/aws/lambda/mooring", "web-443", now.Add(-10*time.Minute), now)
}

func TestTheLastReportOfTheBindingIsFoundInEitherOrder(t *testing.T) {
	for _, fromHead := range []bool{false, true} {
		b := &book{fromHead: fromHead, page: 4}
		for minute := range 12 {
			at := now.Add(time.Duration(minute-12) * time.Minute)
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(minute)})
			b.write(t, at, mooring.Report{Binding: "web-443", Resolved: []netip.Addr{addr}})
			b.write(t, at.Add(time.Second), mooring.Report{Binding: "other-443"})
		}
		for _, text := range []string{"", "{", "null", `{"msg":"round"}`, `{"msg":"else","report":{"binding":"web-443"}}`, `{"msg":"round","report":7}`, "END RequestId: 1"} {
			b.events = append(b.events, types.FilteredLogEvent{Message: &text, Timestamp: aws.Int64(now.UnixMilli())})
		}
		b.events = append(b.events, types.FilteredLogEvent{Timestamp: aws.Int64(now.UnixMilli())})
		got, at, err := b.last(t)
		if err != nil || got.Binding != "web-443" || got.Resolved[0].String() != "10.0.0.11" || !at.Equal(now.Add(-time.Minute)) {
			t.Errorf("from the head: %t: %+v at %s, error %v", fromHead, got, at, err)
		}
	}
}

func TestALogWithoutTheBindingHoldsNoReport(t *testing.T) {
	b := &book{page: 10}
	b.write(t, now.Add(-11*time.Minute), mooring.Report{Binding: "web-443"})
	b.write(t, now, mooring.Report{Binding: "web-4433"})
	if got, at, err := b.last(t); err != nil || got.Binding != "" || !at.IsZero() {
		t.Errorf("%+v at %s, error %v", got, at, err)
	}
}

func TestAnEndlessLogIsGivenUp(t *testing.T) {
	b := &book{page: 1}
	for range 100 {
		b.events = append(b.events, types.FilteredLogEvent{Message: aws.String("x"), Timestamp: aws.Int64(now.UnixMilli())})
	}
	if _, _, err := b.last(t); !errors.Is(err, logs.ErrTooMuch) || b.asked != 20 {
		t.Errorf("%v after %d pages", err, b.asked)
	}
}

func TestALogThatMayNotBeReadNamesThePermission(t *testing.T) {
	b := &book{fails: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}}
	_, _, err := b.last(t)
	denied := (*logs.Denied)(nil)
	if !errors.Is(err, mooring.ErrDenied) || !errors.As(err, &denied) || !strings.Contains(denied.Statement(), `"arn:*:logs:*:*:log-group:/aws/lambda/mooring:*"`) {
		t.Errorf("said %v", err)
	}
	b.fails = &smithy.GenericAPIError{Code: "ResourceNotFoundException"}
	if _, _, err := b.last(t); err == nil || errors.Is(err, mooring.ErrDenied) || !strings.HasPrefix(err.Error(), "there is no log group /aws/lambda/mooring") {
		t.Errorf("said %v", err)
	}
}

// What somebody called a log group is quoted as JSON has it.
func TestTheMissingStatementIsJSONWhateverTheGroupIsCalled(t *testing.T) {
	for _, group := range []string{`a"b`, "a\x1bb", "a\xffb"} {
		if text := (&logs.Denied{Group: group}).Statement(); !json.Valid([]byte(text)) {
			t.Errorf("%q: %s", group, text)
		}
	}
}
