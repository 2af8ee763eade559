// Package rig puts Keepers together from a configuration: it is the one place that knows all rooms.
package rig

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/lookup"
	"mooring/internal/store"
)

// RoundLimit is how long a round may take at the most.
const RoundLimit = 45 * time.Second

// Options are what keepers need of their process.
type Options struct {
	Program string // the version of mooring
	Log     *slog.Logger
	DryRun  bool         // nothing is to be changed, so no metric is put either
	Clients *Clients     // nil: of their own
	Limiter *elb.Limiter // of the calls to load balancing, shared by all; nil: none

	// Front returns the group of a binding with a front; nil: it fails with [ErrFront].
	Front func(context.Context, config.Config) (mooring.Group, error)

	// Out is where --notify stdout writes; nil: nowhere.
	Out io.Writer

	// Dial connects to name servers; nil: as the system does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	open func(context.Context, config.Config, Options) (*mooring.Keeper, error) // nil: New
}

// New makes the keeper of one binding. It reads the shared AWS configuration and, where the binding has no port,
// asks the group for its own; it changes nothing of AWS. A front needs neither, and gets the targets that it had.
func New(ctx context.Context, c config.Config, o Options) (*mooring.Keeper, error) {
	if o.Clients == nil {
		o.Clients = NewClients(nil)
	}
	group, finder, err := endsOf(ctx, &c, o)
	if err != nil {
		return nil, err
	}
	memory, err := storeOf(ctx, c, o)
	if err != nil {
		return nil, err
	}
	tell, err := tellOf(ctx, c, o)
	if err != nil {
		return nil, err
	}
	mirror, err := mirrorOf(ctx, c, o)
	if err != nil {
		return nil, err
	}
	k := &mooring.Keeper{
		Binding: c.Binding,
		Policy:  c.Policy,
		Finder:  lookup.New(finder),
		Group:   group,
		Store:   memory,
		Program: o.Program,
		Log:     o.Log,
		Now:     time.Now,
		Decide:  mooring.Decide,
		Tell:    tell,
		Mirror:  mirror,
	}
	if c.Embedded() {
		if err := seed(ctx, k); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// endsOf are the two ends of a binding: the group, and what is looked up for it.
func endsOf(ctx context.Context, c *config.Config, o Options) (mooring.Group, lookup.Config, error) {
	if c.Embedded() {
		group, err := frontOf(ctx, *c, o)
		return group, finderOf(*c, frontScope(*c), o), err
	}
	base, err := o.Clients.as(ctx, c.AWS, config.GroupRegion(c.Binding.TargetGroup))
	if err != nil {
		return nil, lookup.Config{}, err
	}
	group, err := groupOf(ctx, base, c, o.Limiter)
	if err != nil {
		return nil, lookup.Config{}, err
	}
	finder := finderOf(*c, scopeOf(*c, group), o)
	finder.Resolved = oldMetricOf(base, *c, o)
	return group, finder, nil
}

// groupOf connects to the target group, in the region that its ARN names.
func groupOf(ctx context.Context, base aws.Config, c *config.Config, limiter *elb.Limiter) (*elb.Group, error) {
	base.Region = cmp.Or(config.GroupRegion(c.Binding.TargetGroup), base.Region)
	settings := elb.Config{
		Name: c.Binding.Name, ARN: c.Binding.TargetGroup, Port: c.Binding.Port, Zone: c.Zone, Limiter: limiter,
	}
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

// storeOf is where the binding's memory is kept, with what an older function left for its first round.
func storeOf(ctx context.Context, c config.Config, o Options) (mooring.Store, error) {
	if c.Memory.Kind == "none" {
		if c.Legacy != nil && c.Policy.Mode == mooring.ModeSync {
			o.Log.LogAttrs(ctx, slog.LevelWarn, "there is no memory, so nobody ever leaves: say with MOORING_MEMORY where to keep one",
				slog.String("binding", c.Binding.Name), slog.String("environment", c.Legacy.Format))
		}
		return store.None{}, nil
	}
	key, err := store.Key(c.Memory.Prefix, c.Binding.TargetGroup, c.Binding.Port)
	if err != nil {
		return nil, fmt.Errorf("name the memory of %s: %w", c.Binding.Name, err)
	}
	var inner mooring.Store = store.NewFile(c.Memory.Dir, key)
	if c.Memory.Kind == "s3" {
		cfg, err := memoryConfig(ctx, c, o.Clients)
		if err != nil {
			return nil, err
		}
		inner = store.ConnectS3(cfg, store.S3Config{Bucket: c.Memory.Bucket, Key: key, SSE: c.Memory.SSE, Owner: c.Memory.Owner})
	}
	if !keepsLegacy(c) {
		return inner, nil
	}
	legacy, err := LegacyOf(ctx, c, o)
	if err != nil {
		return nil, err
	}
	return store.Importing(inner, legacy), nil
}

// LegacyOf is where an older function keeps the state that belongs to this binding.
func LegacyOf(ctx context.Context, c config.Config, o Options) (store.Legacy, error) {
	o = o.shared()
	who := memoryIdentity(c)
	who.Region = cmp.Or(c.Legacy.BucketRegion, who.Region)
	cfg, err := o.Clients.as(ctx, who, config.GroupRegion(c.Binding.TargetGroup))
	if err != nil {
		return nil, err
	}
	return store.ConnectLegacy(cfg, legacyConfig(c))
}

// legacyConfig says where that is.
func legacyConfig(c config.Config) store.LegacyConfig {
	owner := ""
	if c.Legacy.Bucket == c.Memory.Bucket {
		owner = c.Memory.Owner
	}
	return store.LegacyConfig{
		Format: c.Legacy.Format, Bucket: c.Legacy.Bucket, Owner: owner, Name: c.Legacy.Name,
		TargetGroup: c.Binding.TargetGroup, Table: c.Legacy.Table, Hostnames: c.Binding.Hostnames,
		TLS: c.Legacy.TLS, Misses: c.Legacy.Misses,
	}
}

// keepsLegacy tells whether the rounds take over what an older function left.
func keepsLegacy(c config.Config) bool {
	return c.Memory.Kind != "none" && c.Legacy != nil && slices.Contains(store.LegacyFormats(), c.Legacy.Format)
}

// memoryConfig is as whom, and where, the memory's bucket is used.
func memoryConfig(ctx context.Context, c config.Config, clients *Clients) (aws.Config, error) {
	return clients.as(ctx, memoryIdentity(c), config.GroupRegion(c.Binding.TargetGroup))
}

func memoryIdentity(c config.Config) config.AWS {
	who := c.AWS
	who.Region = cmp.Or(c.Memory.Region, who.Region)
	switch c.Memory.RoleARN {
	case "":
	case "none":
		who.RoleARN, who.ExternalID = "", ""
	default:
		who.RoleARN, who.ExternalID = c.Memory.RoleARN, c.Memory.ExternalID
	}
	return who
}
