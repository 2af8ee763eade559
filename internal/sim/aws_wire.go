package sim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// An AWSEndpoint serves an [AWS] on loopback.
type AWSEndpoint struct {
	URL    string // for AWS_ENDPOINT_URL
	server *http.Server
}

// StartAWS serves a on a free port of 127.0.0.1 until it is closed.
func StartAWS(a *AWS) (*AWSEndpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the AWS endpoint: %w", err)
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }() // returns when the server is closed
	return &AWSEndpoint{URL: "http://" + listener.Addr().String(), server: server}, nil
}

// Close stops serving and cuts the connections.
func (e *AWSEndpoint) Close() error { return e.server.Close() }

// Depth is how many of the calls depended on one another, one after the other: the longest chain in which each
// began when the one before it had ended. Calls that are still running do not count.
//
// Calls that are independent, but short, may follow each other by accident; give all of them a latency first.
func Depth(calls []AWSCall) (depth int) {
	ended := slices.DeleteFunc(slices.Clone(calls), func(c AWSCall) bool { return c.End.IsZero() })
	slices.SortFunc(ended, func(a, b AWSCall) int { return a.End.Compare(b.End) })
	var last time.Time
	for _, c := range ended { // the earliest end leaves the most room for those that follow
		if !c.Start.Before(last) {
			depth++
			last = c.End
		}
	}
	return depth
}

var requests atomic.Uint64

func requestID() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", requests.Add(1)) }

// awsError replies with an error in the service's form:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-response
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func awsError(w http.ResponseWriter, service string, status int, code, message string) {
	switch service {
	case "dynamodb":
		dynamoError(w, status, code, message)
	case "ec2":
		awsXML(w, status, struct {
			XMLName   xml.Name `xml:"Response"`
			Code      string   `xml:"Errors>Error>Code"`
			Message   string   `xml:"Errors>Error>Message"`
			RequestID string   `xml:"RequestID"`
		}{Code: code, Message: message, RequestID: requestID()})
	case "s3":
		awsXML(w, status, struct {
			XMLName   xml.Name `xml:"Error"`
			Code      string   `xml:"Code"`
			Message   string   `xml:"Message"`
			RequestID string   `xml:"RequestId"`
		}{Code: code, Message: message, RequestID: requestID()})
	case "lambda": // in REST the code is in a header: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
		w.Header().Set("X-Amzn-Errortype", code)
		awsJSON(w, status, map[string]string{"message": message})
	case "events", "logs":
		awsJSON(w, status, map[string]string{"__type": code, "message": message})
	default:
		awsXML(w, status, struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Type      string   `xml:"Error>Type"`
			Code      string   `xml:"Error>Code"`
			Message   string   `xml:"Error>Message"`
			RequestID string   `xml:"RequestId"`
		}{Type: fault(status), Code: code, Message: message, RequestID: requestID()})
	}
}

// fault says whose it is.
func fault(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func awsJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", requestID())
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func awsXML(w http.ResponseWriter, status int, body any) {
	text, err := xml.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), text...)) // a client that is gone needs no answer
}
