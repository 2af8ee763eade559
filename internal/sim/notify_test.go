package sim_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"mooring/internal/sim"
)

// sdk is the real SDK's way to an AWS.
func sdk(t *testing.T, a *sim.AWS) aws.Config {
	t.Helper()
	url := startAWS(t, a)
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &url, HTTPClient: whole{http.DefaultClient}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
}

// whole hides the WriteTo of requests' bodies, as the command's client does: in smithy-go v1.28.9 it fails when the
// SDK closes the body, and the reply is then cut off.
type whole struct{ *http.Client }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.Client.Do(r)
}

func codeOf(err error) string {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

const topic = "arn:aws:sns:eu-west-1:123456789012:alarms"

func TestATopicKeepsItsMessages(t *testing.T) {
	topics := &sim.SNS{Topics: []string{topic}}
	a := &sim.AWS{SNS: topics}
	client := sns.NewFromConfig(sdk(t, a))
	one, err := client.Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String(topic), Subject: aws.String("web-443"), Message: aws.String("nobody is healthy"),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"binding": {DataType: aws.String("String"), StringValue: aws.String("web-443")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := topics.Messages(topic)
	if len(got) != 1 || got[0].ID != aws.ToString(one.MessageId) || got[0].Subject != "web-443" ||
		got[0].Body != "nobody is healthy" || got[0].Attributes["binding"] != "web-443" {
		t.Errorf("%+v", got)
	}
	if log := a.Calls(); len(log) != 1 || log[0].Service != "sns" || log[0].Action != "Publish" {
		t.Errorf("logged as %+v", log)
	}
}

func TestABatchFailsEntryByEntry(t *testing.T) {
	topics := &sim.SNS{Topics: []string{topic}}
	client := sns.NewFromConfig(sdk(t, &sim.AWS{SNS: topics}))
	entry := func(id, text string) snstypes.PublishBatchRequestEntry {
		return snstypes.PublishBatchRequestEntry{Id: &id, Message: &text}
	}
	out, err := client.PublishBatch(t.Context(), &sns.PublishBatchInput{
		TopicArn: aws.String(topic), PublishBatchRequestEntries: []snstypes.PublishBatchRequestEntry{entry("a", "one"), entry("b", ""), entry("c", "three")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Successful) != 2 || len(out.Failed) != 1 || aws.ToString(out.Failed[0].Id) != "b" || !out.Failed[0].SenderFault {
		t.Errorf("%+v", out)
	}
	if got := topics.Messages(topic); len(got) != 2 || got[1].Body != "three" {
		t.Errorf("%+v", got)
	}
	for want, entries := range map[string][]snstypes.PublishBatchRequestEntry{
		"BatchEntryIdsNotDistinct": {entry("a", "one"), entry("a", "two")},
		"InvalidBatchEntryId":      {entry("a b", "one")},
		"TooManyEntriesInBatchRequest": {
			entry("1", "x"), entry("2", "x"), entry("3", "x"), entry("4", "x"), entry("5", "x"), entry("6", "x"),
			entry("7", "x"), entry("8", "x"), entry("9", "x"), entry("10", "x"), entry("11", "x"),
		},
	} {
		_, err := client.PublishBatch(t.Context(), &sns.PublishBatchInput{TopicArn: aws.String(topic), PublishBatchRequestEntries: entries})
		if codeOf(err) != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestATopicThatIsNotThereIsNotFound(t *testing.T) {
	client := sns.NewFromConfig(sdk(t, &sim.AWS{SNS: &sim.SNS{}}))
	_, err := client.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topic), Message: aws.String("hello")})
	if missing := (*snstypes.NotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("error %v", err)
	}
}

func TestABusKeepsItsEvents(t *testing.T) {
	buses := &sim.EventBridge{Buses: []string{"mooring"}}
	a := &sim.AWS{EventBridge: buses}
	client := eventbridge.NewFromConfig(sdk(t, a))
	entry := func(bus, detail string) ebtypes.PutEventsRequestEntry {
		one := ebtypes.PutEventsRequestEntry{Source: aws.String("mooring"), DetailType: aws.String("Target Registered"), Detail: &detail}
		if bus != "" {
			one.EventBusName = &bus
		}
		return one
	}
	out, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
		entry("", `{"addr":"10.0.0.1"}`), entry("arn:aws:events:eu-west-1:123456789012:event-bus/mooring", `{}`),
		entry("", "no JSON"), entry("other", "{}"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out.FailedEntryCount != 2 || len(out.Entries) != 4 || aws.ToString(out.Entries[0].EventId) == "" ||
		aws.ToString(out.Entries[2].ErrorCode) != "MalformedDetail" || aws.ToString(out.Entries[3].ErrorCode) == "" {
		t.Errorf("%d failed, %+v", out.FailedEntryCount, out.Entries)
	}
	if got := buses.Events("default"); len(got) != 1 || got[0].Detail != `{"addr":"10.0.0.1"}` || got[0].DetailType != "Target Registered" {
		t.Errorf("the default bus: %+v", got)
	}
	if got := buses.Events("mooring"); len(got) != 1 {
		t.Errorf("the named bus: %+v", got)
	}
	if log := a.Calls(); len(log) != 1 || log[0].Service != "events" || log[0].Action != "PutEvents" {
		t.Errorf("logged as %+v", log)
	}
}

func TestEventsMayBeDeniedAndThrottledInTheirOwnWords(t *testing.T) {
	a := &sim.AWS{EventBridge: &sim.EventBridge{}}
	client := eventbridge.NewFromConfig(sdk(t, a))
	put := func() string {
		_, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
			{Source: aws.String("mooring"), DetailType: aws.String("x"), Detail: aws.String("{}")},
		}})
		return codeOf(err)
	}
	a.Inject(sim.AWSFault{Denied: true, Times: 1})
	a.Inject(sim.AWSFault{Throttled: true, Skip: 1, Times: 1})
	if denied, throttled := put(), put(); denied != "AccessDeniedException" || throttled != "ThrottlingException" {
		t.Errorf("%q, %q", denied, throttled)
	}
}
