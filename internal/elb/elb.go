// Package elb is a [mooring.Group] over an IP target group of Elastic Load Balancing v2.
//
// A batch that AWS does not take because of some of its targets is split until those are alone; they are set
// aside with AWS's reason, and the rest is registered in the same call. Which targets must be sent with an
// availability zone is known from the subnets of the group's VPC, or learned from AWS's messages.
package elb

import (
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"mooring"
)

// The calls of AWS's SDK that are made, in groups of what they are for.
type (
	// API is what every round needs.
	API interface {
		DescribeTargetHealth(context.Context, *elbv2.DescribeTargetHealthInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetHealthOutput, error)
		RegisterTargets(context.Context, *elbv2.RegisterTargetsInput, ...func(*elbv2.Options)) (*elbv2.RegisterTargetsOutput, error)
		DeregisterTargets(context.Context, *elbv2.DeregisterTargetsInput, ...func(*elbv2.Options)) (*elbv2.DeregisterTargetsOutput, error)
	}

	// SettingsAPI reads what the group and its load balancers say of themselves. It may be denied.
	SettingsAPI interface {
		DescribeTargetGroups(context.Context, *elbv2.DescribeTargetGroupsInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error)
		DescribeTargetGroupAttributes(context.Context, *elbv2.DescribeTargetGroupAttributesInput, ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupAttributesOutput, error)
		DescribeLoadBalancers(context.Context, *elbv2.DescribeLoadBalancersInput, ...func(*elbv2.Options)) (*elbv2.DescribeLoadBalancersOutput, error)
	}

	// SubnetsAPI reads the subnets of the group's VPC. It may be denied.
	SubnetsAPI interface {
		DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	}
)

// Config says which group, and how its targets are sent.
type Config struct {
	Name string // the binding's, for errors
	ARN  string
	Port uint16 // of targets that have none of their own
	Zone string // auto, all, none, or the availability zone, by name or id, for addresses outside the VPC; "" is auto

	Limiter *Limiter // shared by all groups; nil sets no limit
}

// A Group is one target group. It may be used by several goroutines.
type Group struct {
	api      API
	settings SettingsAPI
	network  SubnetsAPI
	c        Config

	listeners ListenersAPI // of a group that is connected

	seen       family // what the targets read last say of the group's family
	described  reading[description]
	attributes reading[map[string]string]
	subnets    reading[[]subnet]
	balancers  reading[[]string] // the zones of the load balancers
}

var (
	_ mooring.Group     = (*Group)(nil)
	_ mooring.Inspector = (*Group)(nil)
)

// New returns the group that c names.
func New(api API, settings SettingsAPI, subnets SubnetsAPI, c Config) *Group {
	g := &Group{api: api, settings: settings, network: subnets, c: c}
	g.seen.first = make(chan struct{})
	g.described.read = g.readDescription
	g.attributes.read = g.readAttributes
	g.subnets.read = g.readSubnets
	g.balancers.read = g.readBalancers
	return g
}

// Connect returns the group that c names, over AWS's own clients with their standard retries.
func Connect(cfg aws.Config, c Config) *Group {
	client := bounded{next: cfg.HTTPClient}
	if client.next == nil {
		client.next = awshttp.NewBuildableClient()
	}
	if c.Limiter != nil {
		cfg = cfg.Copy()
		cfg.APIOptions = append(slices.Clip(cfg.APIOptions), eachAttempt)
	}
	lb := elbv2.NewFromConfig(cfg, func(o *elbv2.Options) { o.HTTPClient = client })
	g := New(lb, lb, ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.HTTPClient = client }), c)
	g.listeners = lb
	return g
}

// maxReply is the largest reply that is read. A target takes about 400 bytes of one; a group has 1,000 by default.
const maxReply = 8 << 20

// bounded cuts replies off at maxReply, so that they fail to parse.
type bounded struct{ next aws.HTTPClient }

func (b bounded) Do(r *http.Request) (*http.Response, error) {
	reply, err := b.next.Do(r)
	if err == nil && reply.Body != nil {
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(reply.Body, maxReply), reply.Body}
	}
	return reply, err
}
