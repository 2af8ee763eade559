package notify_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"mooring/internal/notify"
	"mooring/internal/store/mototest"
)

// A subscriber that filters by attribute gets what it subscribed to, and nothing else.
func TestASubscriberOfAMotoTopicGetsTheChangesItAskedFor(t *testing.T) {
	cfg := awsConfig(mototest.Endpoint(t))
	cfg.Region = "eu-west-1"
	got := make(chan string, 20)
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var post struct{ Type, Message string }
		if json.Unmarshal(body, &post) == nil && post.Type == "Notification" {
			got <- post.Message
		}
	}))
	t.Cleanup(subscriber.Close)
	topics := sns.NewFromConfig(cfg)
	made, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("changes")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: made.TopicArn, Protocol: aws.String("http"), Endpoint: &subscriber.URL,
		Attributes: map[string]string{"FilterPolicy": `{"change":["deregistered"],"binding":["web-443"]}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	sink, err := notify.Connect(cfg, "sns", aws.ToString(made.TopicArn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Send(t.Context(), notify.Events(round(), noon, "v1")); err != nil {
		t.Fatal(err)
	}
	select {
	case message := <-got:
		var e notify.Event
		if err := json.Unmarshal([]byte(message), &e); err != nil || e.Change != notify.Deregistered || e.Addr != addr(5) {
			t.Errorf("%v %s", err, message)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the subscriber got nothing")
	}
	if len(got) != 0 {
		t.Errorf("and it got %s", <-got)
	}
}

// An archive of a bus counts what a rule of our source and detail-type matches.
func TestAMotoBusTakesEventsThatRulesMatch(t *testing.T) {
	cfg := awsConfig(mototest.Endpoint(t))
	cfg.Region = "eu-west-1"
	buses := eventbridge.NewFromConfig(cfg)
	made, err := buses.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("changes")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = buses.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{
		ArchiveName: aws.String("registered"), EventSourceArn: made.EventBusArn,
		EventPattern: aws.String(`{"source":["mooring"],"detail-type":["Target Registered"],"detail":{"binding":["web-443"]}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{aws.ToString(made.EventBusArn), "changes"} {
		sink, err := notify.Connect(cfg, "eventbridge", where, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Send(t.Context(), notify.Events(round(), noon, "v1")); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := buses.DescribeArchive(t.Context(), &eventbridge.DescribeArchiveInput{ArchiveName: aws.String("registered")})
	if err != nil || kept.EventCount != 4 {
		t.Errorf("the archive keeps %d events, want 2 of each Send; error %v", kept.EventCount, err)
	}
}
