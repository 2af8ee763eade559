package doctor

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Connect makes AWS's own clients, all of one identity and region, the sources.
func (s *Sources) Connect(cfg aws.Config) {
	cfg = Bounded(cfg)
	lb := elbv2.NewFromConfig(cfg)
	s.Groups, s.Balancers, s.Listeners, s.Network = lb, lb, lb, ec2.NewFromConfig(cfg)
	s.Identity, s.Policy, s.Functions = sts.NewFromConfig(cfg), iam.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
}

// ProbeEC2 reaches EC2, by a call that rounds make too.
func ProbeEC2(cfg aws.Config) Probe {
	return Probe{Service: "ec2", Call: func(ctx context.Context) error {
		_, err := ec2.NewFromConfig(Bounded(cfg)).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)})
		return err
	}}
}

// ProbeCloudWatch reaches CloudWatch, by a call that reads.
func ProbeCloudWatch(cfg aws.Config) Probe {
	return Probe{Service: "monitoring", Call: func(ctx context.Context) error {
		_, err := cloudwatch.NewFromConfig(Bounded(cfg)).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("mooring")})
		return err
	}}
}

// ProbeSNS reaches SNS, by a call that reads.
func ProbeSNS(cfg aws.Config, topic string) Probe {
	return Probe{Service: "sns", Call: func(ctx context.Context) error {
		_, err := sns.NewFromConfig(Bounded(cfg)).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
		return err
	}}
}

// ProbeEventBridge reaches EventBridge, by a call that reads.
func ProbeEventBridge(cfg aws.Config, bus string) Probe {
	return Probe{Service: "events", Call: func(ctx context.Context) error {
		_, err := eventbridge.NewFromConfig(Bounded(cfg)).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: &bus})
		return err
	}}
}

// maxReply is the largest reply that is read: 400 load balancers or groups take under 1 MB.
const maxReply = 8 << 20

// Bounded is for calls that must be over within [patience]. It cuts replies off at 8 MB, so that larger ones fail to parse,
// and tries again twice, after half a second: the SDK's own pauses take longer than there is time, so that an API which is
// only busy would seem not to answer.
func Bounded(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	next := cfg.HTTPClient
	if next == nil {
		next = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = bounded{next}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = patience / 6 })
	}
	return cfg
}

type bounded struct{ next aws.HTTPClient }

func (b bounded) Do(r *http.Request) (*http.Response, error) {
	reply, err := b.next.Do(r)
	if err != nil {
		return reply, err
	}
	if e, ok := r.Context().Value(earKey{}).(*ear); ok {
		e.hear(reply.Header.Get("Date"))
	}
	if reply.Body != nil {
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(reply.Body, maxReply), reply.Body}
	}
	return reply, nil
}

// An ear hears the replies to a call, those too that were tried again.
type ear struct {
	mu      sync.Mutex
	replies int
	ahead   time.Duration // how far the clock of who replied last is ahead
	dated   bool
}

type earKey struct{}

// listening returns a context whose replies are heard.
func listening(ctx context.Context) (context.Context, *ear) {
	if e, ok := ctx.Value(earKey{}).(*ear); ok {
		return ctx, e
	}
	e := new(ear)
	return context.WithValue(ctx, earKey{}, e), e
}

func (e *ear) hear(date string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.replies++
	if at, err := http.ParseTime(date); err == nil {
		e.ahead, e.dated = time.Until(at), true
	}
}

func (e *ear) heard() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.replies > 0
}

func (e *ear) skew() (ahead time.Duration, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ahead, e.dated
}
