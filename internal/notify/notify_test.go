package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"mooring"
	"mooring/internal/notify"
	"mooring/internal/store/mototest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := mototest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

const (
	topicARN = "arn:aws:sns:eu-west-1:111122223333:changes"
	busARN   = "arn:aws:events:eu-west-1:111122223333:event-bus/changes"
)

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("full") }

func awsConfig(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

func connect(t *testing.T, kind, arn string, out io.Writer) notify.Sink {
	t.Helper()
	sink, err := notify.Connect(aws.Config{}, kind, arn, out)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// A service answers calls by reply, and keeps them.
type service struct {
	mu    sync.Mutex
	calls []string // the bodies
	auth  string   // of the last one
	reply func(n int, body string) (status int, text string)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.auth = append(s.calls, string(body)), r.Header.Get("Authorization")
	status, text := s.reply(len(s.calls), string(body))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// at connects a sink to a service that answers by reply.
func at(t *testing.T, kind, arn string, reply func(n int, body string) (int, string)) (notify.Sink, *service) {
	t.Helper()
	s := &service{reply: reply}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	sink, err := notify.Connect(awsConfig(server.URL), kind, arn, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sink, s
}

// many are n events.
func many(n int) []notify.Event {
	r := mooring.Report{Binding: "web 443", Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:aws:elasticloadbalancing:x"}
	for i := range n {
		r.Registered = append(r.Registered, addr(i+1))
	}
	return notify.Events(r, noon, "v1")
}

// published is SNS's reply to a batch of which some messages failed.
func published(failed ...int) string {
	var text strings.Builder
	for _, i := range failed {
		fmt.Fprintf(&text, "<member><Id>%d</Id><Code>InternalFailure</Code><Message>sorry</Message><SenderFault>false</SenderFault></member>", i)
	}
	return "<PublishBatchResponse><PublishBatchResult><Failed>" + text.String() + "</Failed></PublishBatchResult></PublishBatchResponse>"
}

func TestATopicGetsTenMessagesACallWithAttributesToSubscribeBy(t *testing.T) {
	sink, s := at(t, "sns", topicARN+".fifo", func(int, string) (int, string) { return 200, published() })
	if err := sink.Send(t.Context(), many(23)); err != nil || len(s.calls) != 3 {
		t.Fatalf("%d calls, error %v", len(s.calls), err)
	}
	form, err := url.ParseQuery(s.calls[2])
	if err != nil {
		t.Fatal(err)
	}
	if _, tooMany := form["PublishBatchRequestEntries.member.4.Id"]; tooMany || form.Get("TopicArn") != topicARN+".fifo" {
		t.Error(s.calls[2])
	}
	const entry = "PublishBatchRequestEntries.member.3."
	attributes := map[string]string{}
	for i := 1; i <= 2; i++ {
		at := fmt.Sprintf("%sMessageAttributes.entry.%d.", entry, i)
		attributes[form.Get(at+"Name")] = form.Get(at + "Value.StringValue")
	}
	var event notify.Event
	if err := json.Unmarshal([]byte(form.Get(entry+"Message")), &event); err != nil || event.Addr != addr(23) {
		t.Error(err, event)
	}
	if attributes["binding"] != "web 443" || attributes["change"] != "registered" || form.Get(entry+"MessageGroupId") != "web-443" ||
		len(form.Get(entry+"MessageDeduplicationId")) != 64 {
		t.Error(form)
	}
	if !strings.Contains(s.auth, "/eu-west-1/sns/") {
		t.Errorf("the region is not the topic's: %s", s.auth)
	}
}

func TestABusGetsTenEventsACall(t *testing.T) {
	sink, s := at(t, "eventbridge", busARN, func(_ int, body string) (int, string) {
		return 200, `{"FailedEntryCount":0,"Entries":[` + strings.TrimSuffix(strings.Repeat(`{"EventId":"x"},`, strings.Count(body, `"Detail":`)), ",") + `]}`
	})
	if err := sink.Send(t.Context(), many(11)); err != nil || len(s.calls) != 2 {
		t.Fatalf("%d calls, error %v", len(s.calls), err)
	}
	var in struct {
		Entries []struct {
			Source, DetailType, Detail, EventBusName string
			Resources                                []string
			Time                                     float64
		}
	}
	if err := json.Unmarshal([]byte(s.calls[1]), &in); err != nil || len(in.Entries) != 1 {
		t.Fatal(err, s.calls[1])
	}
	e := in.Entries[0]
	var event notify.Event
	if err := json.Unmarshal([]byte(e.Detail), &event); err != nil || event.Addr != addr(11) || e.Source != "mooring" ||
		e.DetailType != "Target Registered" || e.EventBusName != busARN || len(e.Resources) != 1 || int64(e.Time) != noon.Unix() {
		t.Errorf("%v %+v", err, e)
	}
	if !strings.Contains(s.auth, "/eu-west-1/events/") {
		t.Errorf("the region is not the bus's: %s", s.auth)
	}
}

func TestWhatIsNotTakenOfABatchIsTriedOnceMore(t *testing.T) {
	sink, s := at(t, "sns", topicARN, func(n int, _ string) (int, string) {
		return 200, published([][]int{1: {2, 4, 9}, 2: {1}, 3: {}}[n]...)
	})
	err := sink.Send(t.Context(), many(12))
	if err == nil || !strings.Contains(err.Error(), "1 of 12 events were lost: api error InternalFailure: sorry") || len(s.calls) != 3 {
		t.Fatalf("%d calls, error %v", len(s.calls), err)
	}
	again, _ := url.ParseQuery(s.calls[1])
	if !strings.Contains(again.Get("PublishBatchRequestEntries.member.3.Message"), `"10.0.0.10"`) {
		t.Error(again)
	}

	sink, s = at(t, "eventbridge", "changes", func(n int, _ string) (int, string) {
		if n == 1 {
			return 200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow down"},{"EventId":"x"}]}`
		}
		return 200, `{"FailedEntryCount":0,"Entries":[{"EventId":"x"}]}`
	})
	if err := sink.Send(t.Context(), many(2)); err != nil || len(s.calls) != 2 {
		t.Errorf("%d calls, error %v", len(s.calls), err)
	}
}

func TestWhatIsDeniedNamesTheMissingStatement(t *testing.T) {
	query := func(code, text string) func(int, string) (int, string) {
		return func(int, string) (int, string) {
			return 403, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + text + "</Message></Error></ErrorResponse>"
		}
	}
	denied := func(int, string) (int, string) {
		return 400, `{"__type":"AccessDeniedException","message":"User: x is not authorized"}`
	}
	const key = "arn:aws:kms:eu-west-1:111122223333:key/1"
	for name, c := range map[string]struct {
		kind, arn string
		reply     func(int, string) (int, string)
		want      string
	}{
		"topic": {"sns", topicARN, query("AuthorizationError", "no"), `"Action":"sns:Publish","Resource":"` + topicARN + `"`},
		"key": {
			"sns", topicARN, query("KMSAccessDenied", "x is not authorized to perform: kms:Decrypt on resource: "+key),
			`"Action":"kms:Decrypt","Resource":"` + key + `"`,
		},
		"some key": {"sns", topicARN, query("KMSAccessDeniedException", "no"), `"Action":"kms:GenerateDataKey","Resource":"*"`},
		"bus":      {"eventbridge", busARN, denied, `"Action":"events:PutEvents","Resource":"` + busARN + `"`},
		"bus by name": {
			"eventbridge", "changes", denied, `"Action":"events:PutEvents","Resource":"arn:aws:events:eu-central-1:*:event-bus/changes"`,
		},
	} {
		sink, s := at(t, c.kind, c.arn, c.reply)
		err := sink.Send(t.Context(), many(25))
		var missing *mooring.Denied
		if !errors.As(err, &missing) || !errors.Is(err, mooring.ErrDenied) || !strings.Contains(missing.Statement(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(err.Error(), "25 of 25 events were lost") || len(s.calls) != 1 {
			t.Errorf("%s: %d calls, %v", name, len(s.calls), err)
		}
	}
}

func TestRepliesThatMakeNoSenseAreErrors(t *testing.T) {
	const strange = ": the reply names a message that was not sent, or one of them twice"
	for name, c := range map[string]struct{ kind, arn, reply, want string }{
		"no such message":   {"sns", topicARN, published(2), strange},
		"not a number":      {"sns", topicARN, strings.ReplaceAll(published(7), ">7<", ">x<"), strange},
		"the same twice":    {"sns", topicARN, published(0, 0), strange},
		"no XML":            {"sns", topicARN, "<", ""},
		"too few results":   {"eventbridge", busARN, `{"Entries":[]}`, ": the reply has 0 results for 2 events"},
		"too many results":  {"eventbridge", busARN, `{"Entries":[{},{},{}]}`, ": the reply has 3 results for 2 events"},
		"no JSON":           {"eventbridge", busARN, "{", ""},
		"an endless answer": {"eventbridge", busARN, `{"Entries":[{"EventId":"` + strings.Repeat("x", 2<<20) + `"},{}]}`, ""},
	} {
		sink, _ := at(t, c.kind, c.arn, func(int, string) (int, string) { return 200, c.reply })
		if err := sink.Send(t.Context(), many(2)); err == nil || !strings.Contains(err.Error(), "2 of 2 events were lost"+c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEventThatNoCallTakesDoesNotKeepTheOthersBack(t *testing.T) {
	sink, s := at(t, "sns", topicARN, func(int, string) (int, string) { return 200, published() })
	events := many(12)
	events[3].Why = strings.Repeat("x", 300<<10)
	for i := 5; i < 8; i++ {
		events[i].Why = strings.Repeat("x", 90<<10)
	}
	err := sink.Send(t.Context(), events)
	if err == nil || !strings.Contains(err.Error(), "1 of 12 events were lost: 1 are over the limit") || len(s.calls) != 2 {
		t.Errorf("%d calls, error %.200v", len(s.calls), err)
	}
	for _, call := range s.calls {
		if len(call) > 256<<10 {
			t.Errorf("a call of %d bytes", len(call))
		}
	}
}

// deaf is a client whose calls never come back by themselves.
type deaf struct{}

func (deaf) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestASilentServiceDoesNotHoldARoundUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := awsConfig("http://192.0.2.1")
		cfg.HTTPClient = deaf{}
		for kind, arn := range map[string]string{"sns": topicARN, "eventbridge": busARN} {
			sink, err := notify.Connect(cfg, kind, arn, nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), notify.SendTime)
			if err := sink.Send(ctx, many(100)); err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "100 of 100 events were lost: no answer within 5s") {
				t.Errorf("%s: %v (%v)", kind, err, ctx.Err())
			}
			cancel()
		}
	})
}

func TestWhereToNotifyIsReadStrictly(t *testing.T) {
	for _, c := range [][2]string{
		{"sns", ""},
		{"sns", "changes"},
		{"sns", busARN},
		{"sns", topicARN + ":sub"},
		{"sns", "arn:aws:sns:eu-west-1.evil.example#:111122223333:changes"},
		{"eventbridge", ""},
		{"eventbridge", "a bus"},
		{"eventbridge", "arn:aws:events:eu-west-1@evil.example:111122223333:event-bus/x"},
		{"sns", topicARN + strings.Repeat("x", 257-len("changes"))},
		{"eventbridge", busARN + strings.Repeat("x", 257-len("changes"))},
		{"eventbridge", strings.Repeat("x", 257)},
		{"mail", "me"},
		{"", ""},
	} {
		if _, err := notify.Connect(aws.Config{Region: "eu-west-1"}, c[0], c[1], nil); err == nil {
			t.Errorf("%q was taken", c)
		}
	}
}
