package notify

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// EventBridgeAPI is the part of the EventBridge client that is called. It needs events:PutEvents.
type EventBridgeAPI interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Source is the source of all events on a bus.
const Source = "mooring"

// DetailType is what rules on a bus match a change by.
func (c Change) DetailType() string {
	return map[Change]string{
		Registered: "Target Registered", Deregistered: "Target Deregistered", Refused: "Target Refused",
	}[c]
}

// A bus takes events as details, beside the target group as their resource:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
type bus struct {
	api  EventBridgeAPI
	name string // or ARN
	arn  string // for a statement
}

func (b *bus) Send(ctx context.Context, events []Event) error {
	return deliver(ctx, "eventbridge:"+b.name, events, b.put)
}

func (b *bus) put(ctx context.Context, batch []message) ([]failure, error) {
	in := &eventbridge.PutEventsInput{}
	for _, m := range batch {
		in.Entries = append(in.Entries, b.entry(m))
	}
	out, err := b.api.PutEvents(ctx, in)
	if err != nil {
		return nil, explain(err, "events:PutEvents", b.arn)
	}
	if len(out.Entries) != len(batch) { // each result stands where its entry stood
		return nil, fmt.Errorf("the reply has %d results for %d events", len(out.Entries), len(batch))
	}
	var failed []failure
	for i, r := range out.Entries {
		if code := aws.ToString(r.ErrorCode); code != "" {
			failed = append(failed, failure{batch[i], refusal(code, aws.ToString(r.ErrorMessage), "events:PutEvents", b.arn)})
		}
	}
	return failed, nil
}

func (b *bus) entry(m message) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{
		Source: aws.String(Source), DetailType: aws.String(m.Change.DetailType()), Detail: &m.body, EventBusName: &b.name, Time: &m.Time,
	}
	if strings.HasPrefix(m.TargetGroup, "arn:") {
		e.Resources = []string{m.TargetGroup}
	}
	return e
}
