package sim

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// SNS takes messages by Publish and PublishBatch in the query protocol, and keeps them.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
type SNS struct {
	Topics []string // their ARNs; there are no others

	mu       sync.Mutex
	messages map[string][]Message
}

// A Message is what a topic was told.
type Message struct {
	ID, Subject, Body    string
	Attributes           map[string]string // by name, those that are strings
	Group, Deduplication string            // of FIFO topics
}

// Messages returns what was published to a topic, in order.
func (s *SNS) Messages(topic string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages[topic])
}

func (s *SNS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		awsError(w, "sns", http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	action := r.PostForm.Get("Action")
	result, err := s.do(action, r.PostForm)
	if err != nil {
		awsError(w, "sns", err.Status, err.Code, err.Message)
		return
	}
	awsXML(w, http.StatusOK, elbReply{
		XMLName: xml.Name{Local: action + "Response"}, Namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		Result: result, RequestID: requestID(),
	})
}

func (s *SNS) do(action string, form url.Values) (any, *APIError) {
	topic := form.Get("TopicArn")
	switch {
	case action != "Publish" && action != "PublishBatch":
		return nil, invalid("InvalidAction", "Could not find operation %s for version %s", action, form.Get("Version"))
	case !slices.Contains(s.Topics, topic):
		return nil, &APIError{Status: http.StatusNotFound, Code: "NotFound", Message: "Topic does not exist"}
	case action == "PublishBatch":
		return s.batch(topic, form)
	}
	m, err := messageIn(topic, form, "")
	if err != nil {
		return nil, err
	}
	s.keep(topic, m)
	return snsPublished{ID: m.ID}, nil
}

const (
	maxBatch   = 10
	maxMessage = 256 << 10 // of a message, and of all messages of a batch
)

var batchID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// batch publishes up to ten messages. One that is not valid does not keep the others out.
func (s *SNS) batch(topic string, form url.Values) (any, *APIError) {
	const entries = "PublishBatchRequestEntries.member"
	ids := members(form, entries, "Id")
	switch unique := slices.Compact(slices.Sorted(slices.Values(ids))); {
	case len(ids) == 0:
		return nil, invalid("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(ids) > maxBatch:
		return nil, invalid("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	case len(unique) < len(ids):
		return nil, invalid("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
	}
	size := 0
	for i, id := range ids {
		if !batchID.MatchString(id) {
			return nil, invalid("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		size += len(form.Get(fmt.Sprintf("%s.%d.Message", entries, i+1)))
	}
	if size > maxMessage {
		return nil, invalid("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
	}
	var out snsBatch
	for i, id := range ids {
		m, err := messageIn(topic, form, fmt.Sprintf("%s.%d.", entries, i+1))
		if err != nil {
			out.Failed = append(out.Failed, snsFailure{ID: id, Code: err.Code, Message: err.Message, SenderFault: true})
			continue
		}
		s.keep(topic, m)
		out.Successful = append(out.Successful, snsSuccess{ID: id, MessageID: m.ID})
	}
	return out, nil
}

func messageIn(topic string, form url.Values, prefix string) (Message, *APIError) {
	m := Message{
		ID: requestID(), Subject: form.Get(prefix + "Subject"), Body: form.Get(prefix + "Message"), Attributes: map[string]string{},
		Group: form.Get(prefix + "MessageGroupId"), Deduplication: form.Get(prefix + "MessageDeduplicationId"),
	}
	switch {
	case m.Body == "":
		return m, invalid("InvalidParameter", "Invalid parameter: Empty message")
	case len(m.Body) > maxMessage:
		return m, invalid("InvalidParameter", "Invalid parameter: Message too long")
	case len(m.Subject) > 100 || strings.ContainsFunc(m.Subject, func(r rune) bool { return r < ' ' }):
		return m, invalid("InvalidParameter", "Invalid parameter: Subject")
	case strings.HasSuffix(topic, ".fifo") && m.Group == "":
		return m, invalid("InvalidParameter", "Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
	}
	for i, name := range members(form, prefix+"MessageAttributes.entry", "Name") {
		m.Attributes[name] = form.Get(fmt.Sprintf("%sMessageAttributes.entry.%d.Value.StringValue", prefix, i+1))
	}
	return m, nil
}

func (s *SNS) keep(topic string, m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.messages == nil {
		s.messages = map[string][]Message{}
	}
	s.messages[topic] = append(s.messages[topic], m)
}

type snsPublished struct {
	XMLName xml.Name `xml:"PublishResult"`
	ID      string   `xml:"MessageId"`
}

type snsBatch struct {
	XMLName    xml.Name     `xml:"PublishBatchResult"`
	Successful []snsSuccess `xml:"Successful>member"`
	Failed     []snsFailure `xml:"Failed>member"`
}

type snsSuccess struct {
	ID        string `xml:"Id"`
	MessageID string `xml:"MessageId"`
}

type snsFailure struct {
	ID          string `xml:"Id"`
	Code        string `xml:"Code"`
	Message     string `xml:"Message"`
	SenderFault bool   `xml:"SenderFault"`
}
