package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// EventBridge takes events by PutEvents in the JSON protocol, and keeps them.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type EventBridge struct {
	Buses []string // beside default; what goes to others is lost, as an entry that failed

	mu     sync.Mutex
	events map[string][]Event
}

// An Event is one entry of PutEvents, named as on the wire.
type Event struct {
	Source, DetailType, Detail string
	EventBusName               string // a name or an ARN; "" is the default bus
	Resources                  []string
	Time                       float64 // seconds since 1970; 0 is now
}

// Events returns what came to a bus, by its name, in order.
func (e *EventBridge) Events(bus string) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events[bus])
}

const (
	maxEntries = 10
	maxEvents  = 1 << 20 // bytes of a request
)

func (e *EventBridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Entries []Event }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*maxEvents))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	size := 0
	for _, one := range in.Entries {
		size += one.size()
	}
	complete := slices.ContainsFunc(in.Entries, func(one Event) bool { return one.Source != "" && one.DetailType != "" && one.Detail != "" })
	switch {
	case r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents":
		awsError(w, "events", http.StatusBadRequest, "UnknownOperationException", "")
	case err != nil:
		awsError(w, "events", http.StatusBadRequest, "SerializationException", err.Error())
	case len(in.Entries) == 0 || len(in.Entries) > maxEntries:
		awsError(w, "events", http.StatusBadRequest, "ValidationException", "Member must have length between 1 and 10")
	case size >= maxEvents:
		awsError(w, "events", http.StatusBadRequest, "ValidationException", "Total size of the entries in the request is over the limit.")
	case !complete:
		awsError(w, "events", http.StatusBadRequest, "ValidationException", "Detail, DetailType and Source are required")
	default:
		awsJSON(w, http.StatusOK, e.put(in.Entries))
	}
}

// size is how AWS counts: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
func (e Event) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != 0 {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// An eventResult is that of one entry, in the request's order.
type eventResult struct {
	EventID string `json:"EventId,omitempty"`
	Code    string `json:"ErrorCode,omitempty"`
	Message string `json:"ErrorMessage,omitempty"`
}

type eventReply struct {
	Failed  int           `json:"FailedEntryCount"`
	Entries []eventResult `json:"Entries"`
}

func (e *EventBridge) put(entries []Event) eventReply {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out eventReply
	for _, one := range entries {
		bus := one.EventBusName[strings.LastIndex(one.EventBusName, "/")+1:]
		if bus == "" {
			bus = "default"
		}
		result := one.check()
		if result.Code == "" && bus != "default" && !slices.Contains(e.Buses, bus) {
			// What AWS says of a bus that is not there is not documented.
			result = eventResult{Code: "InvalidArgument", Message: "Event bus " + bus + " does not exist."}
		}
		if result.Code != "" {
			out.Failed++
		} else {
			result.EventID = requestID()
			e.keep(bus, one)
		}
		out.Entries = append(out.Entries, result)
	}
	return out
}

// check says what fails an entry alone:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
func (e Event) check() eventResult {
	var object map[string]any
	switch {
	case e.Source == "" || e.DetailType == "" || e.Detail == "":
		return eventResult{Code: "InvalidArgument", Message: "Detail, DetailType and Source are required"}
	case len(e.DetailType) > 128:
		return eventResult{Code: "InvalidArgument", Message: "Parameter DetailType is not valid."}
	case strings.HasPrefix(e.Source, "aws."):
		return eventResult{Code: "NotAuthorizedForSourceException", Message: "Not authorized for the source."}
	case json.Unmarshal([]byte(e.Detail), &object) != nil:
		return eventResult{Code: "MalformedDetail", Message: "Detail is malformed."}
	default:
		return eventResult{}
	}
}

func (e *EventBridge) keep(bus string, one Event) {
	if e.events == nil {
		e.events = map[string][]Event{}
	}
	e.events[bus] = append(e.events[bus], one)
}
