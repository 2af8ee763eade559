package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// A Sink delivers events.
type Sink interface {
	// Send delivers events, and takes [SendTime] at the most. The error says how many were lost and why; one for want
	// of a permission is a [*mooring.Denied]. It may be called by several goroutines.
	Send(ctx context.Context, events []Event) error
}

const (
	// SendTime bounds one Send.
	SendTime = 10 * time.Second
	// callTime bounds one call, with all its retries.
	callTime = 5 * time.Second
	// batchSize is how many events a call of either service takes.
	batchSize = 10
	// batchBytes is how large they may be together: a call of either service takes 256 KiB, with what is around them.
	// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
	batchBytes = 200 << 10
	maxReply   = 1 << 20
)

// longestName is that of a topic's and a bus's name. In an expression, {1,256} would be compiled to 256 steps whenever the program
// starts, which takes longer than everything else then.
const longestName = 256

var (
	topicARN = regexp.MustCompile(`^arn:(aws[a-z-]*):sns:([a-z0-9-]{1,32}):([0-9]{12}):([A-Za-z0-9_-]+(?:\.fifo)?)$`)
	busARN   = regexp.MustCompile(`^arn:(aws[a-z-]*):events:([a-z0-9-]{1,32}):([0-9]{12}):event-bus/([/.A-Za-z0-9_-]+)$`)
	busName  = regexp.MustCompile(`^[/.A-Za-z0-9_-]+$`)
)

// Connect returns the sink of a kind: sns with a topic's ARN, eventbridge with a bus's name or ARN, or stdout, which
// writes to out. The region is the ARN's; cfg's, where there is only a name.
func Connect(cfg aws.Config, kind, arn string, out io.Writer) (Sink, error) {
	cfg = cfg.Copy()
	cfg.HTTPClient = bounded{next: cfg.HTTPClient}
	switch kind {
	case "stdout":
		return &lines{out: out}, nil
	case "sns":
		m := topicARN.FindStringSubmatch(arn)
		if m == nil || len(m[4]) > longestName {
			return nil, fmt.Errorf("notify sns:%s: want arn:aws:sns:REGION:ACCOUNT:TOPIC", arn)
		}
		cfg.Region = m[2]
		return &topic{api: sns.NewFromConfig(cfg), arn: arn, fifo: strings.HasSuffix(arn, ".fifo")}, nil
	case "eventbridge":
		resource := fmt.Sprintf("arn:%s:events:%s:*:event-bus/%s", partition(cfg.Region), cfg.Region, arn)
		if m := busARN.FindStringSubmatch(arn); m != nil && len(m[4]) <= longestName {
			cfg.Region, resource = m[2], arn
		} else if !busName.MatchString(arn) || len(arn) > longestName {
			return nil, fmt.Errorf("notify eventbridge:%s: want a bus's name, or arn:aws:events:REGION:ACCOUNT:event-bus/NAME", arn)
		}
		return &bus{api: eventbridge.NewFromConfig(cfg), name: arn, arn: resource}, nil
	default:
		return nil, fmt.Errorf("notify %q: want sns, eventbridge or stdout", kind)
	}
}

// partition is the partition of a Region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// bounded cuts replies off at maxReply, so that they fail to parse.
type bounded struct{ next aws.HTTPClient }

func (b bounded) Do(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = standard()
	}
	reply, err := next.Do(r)
	if err == nil && reply.Body != nil {
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(reply.Body, maxReply), reply.Body}
	}
	return reply, err
}

// standard is one client, and so one pool of connections, for whoever brings none.
var standard = sync.OnceValue(func() aws.HTTPClient { return awshttp.NewBuildableClient() })

// lines writes each event as one line of JSON.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Send(_ context.Context, events []Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range events {
		body, err := json.Marshal(e)
		if err == nil {
			_, err = l.out.Write(append(body, '\n'))
		}
		if err != nil {
			return lost(len(events)-i, len(events), "standard output", err)
		}
	}
	return nil
}

func lost(n, of int, where string, err error) error {
	return fmt.Errorf("notify %s: %d of %d events were lost: %w", where, n, of, err)
}
