// Package transcript is how a walk through the assumptions about AWS is written down, with secrets removed: JSON lines,
// of which the first is a [Head] and each other one an [Entry].
package transcript

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Version is the version of the form.
const Version = 1

// Where a transcript is from.
const (
	FromAWS  = "aws"
	FromMoto = "moto"
	FromFake = "fake" // the simulated world of internal/sim: it proves the recorder and the replay, and nothing about AWS
)

// A Head says what was asked.
type Head struct {
	Transcript int      `json:"transcript"` // the version
	Source     string   `json:"source"`
	Recorded   string   `json:"recorded"` // the day, 2006-01-02
	Stack      Stack    `json:"stack"`
	Measured   Measured `json:"measured"`
}

// A Stack is what deploy/e2e builds, as its output "stack" tells it. Its names are placeholders once it is in a Head.
type Stack struct {
	Account  string       `json:"account"`
	Region   string       `json:"region"`
	VPC      string       `json:"vpc"`
	Subnets  []Subnet     `json:"subnets"`
	Name     string       `json:"name"`     // the DNS name of the Application Load Balancer
	Balancer string       `json:"balancer"` // the end of its ARN: app/NAME/ID
	Scratch  Group        `json:"scratch"`  // used by no listener
	Attached Group        `json:"attached"` // used by the Network Load Balancer
	Bucket   string       `json:"bucket"`
	Role     string       `json:"role"`              // whose sessions are given less than it may do
	Nodes    []netip.Addr `json:"nodes,omitempty"`   // found by the walk: what the name showed
	Servers  int          `json:"servers,omitempty"` // found by the walk: of the name's zone
}

// A Subnet of the stack's VPC.
type Subnet struct {
	ID     string       `json:"id"`
	Prefix netip.Prefix `json:"cidr"`
	Zone   string       `json:"zone"`
	ZoneID string       `json:"zone_id"`
}

// A Group is a target group of the stack.
type Group struct {
	ARN  string `json:"arn"`
	Port uint16 `json:"port"`
}

// Measured are times that no document gives, as the walk saw them; 0 where it did not.
type Measured struct {
	HealthySeconds float64 `json:"healthy_seconds,omitempty"` // from registration to the last target's health
	DrainSeconds   float64 `json:"drain_seconds,omitempty"`   // from deregistration until the target is gone
}

// An Entry is one call of an API or a series of questions to one name server.
type Entry struct {
	Check    string `json:"check"`              // the assumption, such as G1
	At       int64  `json:"at_ms"`              // since the walk began
	Took     int64  `json:"took_ms"`            // until the answer was read
	As       string `json:"as,omitempty"`       // a session of the stack's role; "" is the one who runs the walk
	Together int    `json:"together,omitempty"` // calls of one number were under way at the same time
	Call     *Call  `json:"call,omitempty"`
	Ask      *Asked `json:"ask,omitempty"`
	Line     int    `json:"-"` // of the file that it was read from
}

// A Call is a request and its reply.
type Call struct {
	Service string            `json:"service"` // elb, ec2, s3, sts
	Action  string            `json:"action"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Form    map[string]string `json:"form,omitempty"`    // of the query protocol
	Headers map[string]string `json:"headers,omitempty"` // those that mean something
	Body    string            `json:"body,omitempty"`    // of what is put into the bucket
	Reply   Reply             `json:"reply"`
}

// A Reply is how a service answered. Status 0: it did not.
type Reply struct {
	Status  int               `json:"status"`
	Code    string            `json:"code,omitempty"`
	Message string            `json:"message,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

// Asked is a series of equal questions to one server.
type Asked struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Server  int      `json:"server"` // counted from 1; 0 is the system's resolver
	TCP     bool     `json:"tcp"`
	Kept    bool     `json:"kept,omitempty"` // all over one connection
	Answers []Answer `json:"answers"`
}

// An Answer of a name server.
type Answer struct {
	Rcode         string       `json:"rcode,omitempty"` // "" where nothing came
	Authoritative bool         `json:"aa,omitempty"`
	Truncated     bool         `json:"tc,omitempty"`
	TTL           uint32       `json:"ttl,omitempty"` // the least of the addresses'
	Addrs         []netip.Addr `json:"addrs,omitempty"`
	Names         []string     `json:"names,omitempty"` // of aliases, and of servers
	Error         string       `json:"error,omitempty"`
}

// What a transcript may weigh. A walk of some thousand answers takes a few hundred kilobytes.
const (
	maxFile = 64 << 20
	maxLine = 8 << 20
)

// Write writes a transcript.
func Write(w io.Writer, head Head, entries []Entry) error {
	head.Transcript = Version
	buffered := bufio.NewWriter(w)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	if err := out.Encode(head); err != nil {
		return fmt.Errorf("write the transcript's head: %w", err)
	}
	for _, e := range entries {
		if err := out.Encode(e); err != nil {
			return fmt.Errorf("write the transcript: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write the transcript: %w", err)
	}
	return nil
}

var errVersion = errors.New("not a transcript of this version")

// Read reads a transcript of at most 64 MB. What it does not know is an error: a transcript that is half understood
// would be replayed half.
func Read(r io.Reader) (Head, []Entry, error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxFile))
	lines.Buffer(nil, maxLine)
	var head Head
	var entries []Entry
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if err := decode(lines.Bytes(), &head); err != nil {
				return Head{}, nil, fmt.Errorf("line 1: %w", err)
			}
			if head.Transcript != Version {
				return Head{}, nil, fmt.Errorf("line 1: version %d: %w", head.Transcript, errVersion)
			}
			continue
		}
		e := Entry{Line: n}
		if err := decode(lines.Bytes(), &e); err != nil {
			return Head{}, nil, fmt.Errorf("line %d: %w", n, err)
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return Head{}, nil, err
	}
	if head.Transcript == 0 {
		return Head{}, nil, fmt.Errorf("nothing in it: %w", errVersion)
	}
	return head, entries, nil
}

func decode(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
