// Package rig puts a Keeper together from a configuration: it is the one place that knows all rooms.
package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/lookup"
	"mooring/internal/metrics"
	"mooring/internal/store"
)

// RoundLimit is how long a round may take at the most.
const RoundLimit = 45 * time.Second

// Options are what a keeper needs of its process.
type Options struct {
	Program string // the version of mooring
	Log     *slog.Logger
	DryRun  bool // nothing is to be changed, so no metric is put either

	// Dial connects to name servers; nil: as the system does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New makes the keeper of one binding. It reads the shared AWS configuration and, where the binding has no port,
// asks the group for its own; it changes nothing.
func New(ctx context.Context, c config.Config, o Options) (*mooring.Keeper, error) {
	base, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	group, err := groupOf(ctx, base, &c)
	if err != nil {
		return nil, err
	}
	memory, err := storeOf(base, c)
	if err != nil {
		return nil, err
	}
	return &mooring.Keeper{
		Binding: c.Binding,
		Policy:  c.Policy,
		Finder:  lookup.New(finderOf(base, c, group, o)),
		Group:   group,
		Store:   memory,
		Program: o.Program,
		Log:     o.Log,
		Now:     time.Now,
		Decide:  mooring.Decide,
	}, nil
}

// connect reads the shared configuration, and takes on the role where one is given.
func connect(ctx context.Context, c config.Config) (aws.Config, error) {
	var options []func(*awsconfig.LoadOptions) error
	if c.AWS.Profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(c.AWS.Profile))
	}
	if c.AWS.Region != "" {
		options = append(options, awsconfig.WithRegion(c.AWS.Region))
	}
	base, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS configuration: %w", err)
	}
	base.HTTPClient = replies(base.HTTPClient)
	if base.Region == "" {
		base.Region = config.GroupRegion(c.Binding.TargetGroup)
	}
	if c.AWS.RoleARN != "" {
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), c.AWS.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "mooring"
			if c.AWS.ExternalID != "" {
				o.ExternalID = aws.String(c.AWS.ExternalID)
			}
		})
		base.Credentials = aws.NewCredentialsCache(provider)
	}
	return base, nil
}

// groupOf connects to the target group, in the region that its ARN names.
func groupOf(ctx context.Context, base aws.Config, c *config.Config) (*elb.Group, error) {
	if region := config.GroupRegion(c.Binding.TargetGroup); region != "" {
		base = base.Copy()
		base.Region = region
	}
	settings := elb.Config{Name: c.Binding.Name, ARN: c.Binding.TargetGroup, Port: c.Binding.Port, Zone: c.Zone}
	group := elb.Connect(base, settings)
	if c.Binding.Port != 0 {
		return group, nil
	}
	port, err := group.Port(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the port of %s, since none is configured: %w", c.Binding.Name, err)
	}
	c.Binding.Port = port
	if !c.Named {
		c.Binding.Name = fmt.Sprintf("%s-%d", c.Binding.Name, port)
	}
	settings.Name, settings.Port = c.Binding.Name, port
	return elb.Connect(base, settings), nil
}

func storeOf(base aws.Config, c config.Config) (mooring.Store, error) {
	if c.Memory.Kind == "none" {
		return store.None{}, nil
	}
	key, err := store.Key(c.Memory.Prefix, c.Binding.TargetGroup, c.Binding.Port)
	if err != nil {
		return nil, fmt.Errorf("name the memory of %s: %w", c.Binding.Name, err)
	}
	if c.Memory.Kind == "file" {
		return store.NewFile(c.Memory.Dir, key), nil
	}
	s := store.S3Config{Bucket: c.Memory.Bucket, Key: key, SSE: c.Memory.SSE}
	if c.Legacy != nil && c.Legacy.Format == "v1" {
		s.Legacy = store.LegacyKeys(c.Legacy.Name, c.Binding.TargetGroup)
	}
	return store.ConnectS3(base, s), nil
}

func finderOf(base aws.Config, c config.Config, group *elb.Group, o Options) lookup.Config {
	f := lookup.Config{
		Hostnames:  c.Binding.Hostnames,
		Mode:       c.DNS.Mode,
		Whole:      c.Policy.Answers == mooring.AnswersWhole,
		Resolvers:  c.DNS.Resolvers,
		MaxLookups: c.DNS.MaxLookups,
		RoundShare: c.Policy.RoundShare(),
		Admits:     c.Policy.Admits,
		Scope:      scopeOf(c, group),
		Dial:       o.Dial,
	}
	if c.Legacy != nil && c.Legacy.Format == "v1" && c.Legacy.IPCount && !o.DryRun && c.Policy.Mode != mooring.ModeObserve {
		f.Resolved = (&ipCount{api: metrics.Connect(base), name: c.Legacy.Name, log: o.Log}).put
	}
	return f
}

// ipCount puts the original's metric. A round that removes somebody looks twice, and the metric is wanted once.
type ipCount struct {
	api  metrics.API
	name string
	log  *slog.Logger

	mu   sync.Mutex
	last int
	at   time.Time
}

// samePut is how long the same count is not put again: the metric is kept by the minute.
const samePut = 10 * time.Second

func (p *ipCount) put(ctx context.Context, addrs []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.last == len(addrs) && now.Sub(p.at) < samePut {
		return
	}
	p.last, p.at = len(addrs), now
	if err := metrics.PutIPCount(ctx, p.api, p.name, len(addrs), now); err != nil {
		p.at = time.Time{}
		warning := []slog.Attr{slog.String("error", err.Error())}
		if denied, ok := errors.AsType[*metrics.Denied](err); ok {
			warning = append(warning, slog.String("missing_statement", denied.Statement()))
		}
		p.log.LogAttrs(ctx, slog.LevelWarn, "the metric of the address count was not put", warning...)
	}
}

// scopeOf tells the finder which family the group takes. Of an IPv6 group's addresses only those of its VPC's
// subnets are admitted, where the subnets can be read and no other ranges are configured.
func scopeOf(c config.Config, group *elb.Group) func(context.Context) (lookup.Scope, error) {
	return func(ctx context.Context) (lookup.Scope, error) {
		ipv6, subnets, err := group.Scope(ctx)
		if errors.Is(err, mooring.ErrDenied) {
			// An empty group that may not be described: IPv4 is assumed until it holds somebody, and the group warns.
			return lookup.Scope{Admits: c.Policy.Admits, Provisional: true}, nil
		}
		if err != nil {
			return lookup.Scope{}, err
		}
		p := c.Policy
		unread := ipv6 && len(subnets) == 0
		if ipv6 && !c.AdmitGiven && !unread {
			p.Admit = subnets
		}
		return lookup.Scope{IPv6: ipv6, Admits: p.Admits, Provisional: unread && !c.AdmitGiven}, nil
	}
}
