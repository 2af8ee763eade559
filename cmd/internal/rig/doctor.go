package rig

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/doctor"
	"mooring/internal/iam"
	"mooring/internal/lookup"
	"mooring/internal/store"
)

const (
	findTime  = 15 * time.Second // a search takes a few at the most, and longer where servers are silent
	aliasTime = 3 * time.Second
	portTime  = 3 * time.Second // to ask the group for its port
)

// Doctor says who is asked about a binding, as whom its rounds would ask. It changes nothing. An error is one of the
// configuration of AWS on this machine; that a keeper cannot be made is a fact among the others.
func Doctor(ctx context.Context, c config.Config, o Options) (doctor.Sources, error) {
	o = o.shared()
	s := doctor.Sources{Binding: doctor.Binding{
		Name: c.Binding.Name, Hostnames: c.Binding.Hostnames, Port: c.Binding.Port, Group: c.Binding.TargetGroup, Front: c.Embedded(),
		Mode: c.Policy.Mode, Whole: c.Policy.Answers == mooring.AnswersWhole, DNS: c.DNS.Mode, Zone: c.Zone,
		Region: c.AWS.Region, GroupRegion: config.GroupRegion(c.Binding.TargetGroup), GroupAccount: accountOf(c.Binding.TargetGroup),
		Memory: c.Memory.Kind,
	}}
	if err := connectDoctor(ctx, &s, c, o); err != nil {
		return s, err
	}
	within, cancel := context.WithTimeout(ctx, portTime)
	defer cancel()
	if k, err := New(within, c, o); err == nil { // else other checks say why
		s.Binding.Port, s.Binding.Name, c.Binding.Port = k.Binding.Port, k.Binding.Name, k.Binding.Port
		s.Status = k.Status
	}
	s.Memory = memoryProbe(c, o)
	if c.Legacy != nil && !c.Embedded() {
		s.Older = olderOf(c, o)
	}
	s.Find = findOf(c, o)
	s.Alias = aliasOf(c, o)
	s.Needs = needsOf(c)
	return s, nil
}

// connectDoctor makes the clients. A front needs those of its memory's bucket only.
func connectDoctor(ctx context.Context, s *doctor.Sources, c config.Config, o Options) error {
	if c.Embedded() {
		if c.Memory.Kind != "s3" {
			return nil
		}
		cfg, err := memoryConfig(ctx, c, o.Clients)
		if err != nil {
			return err
		}
		var all doctor.Sources
		all.Connect(cfg)
		s.Identity, s.Policy = all.Identity, all.Policy
		return nil
	}
	base, err := o.Clients.as(ctx, c.AWS, s.Binding.GroupRegion)
	if err != nil {
		return err
	}
	base.Region = cmp.Or(s.Binding.GroupRegion, base.Region)
	s.Connect(base)
	s.Probes = probesOf(base, c)
	return nil
}

func probesOf(base aws.Config, c config.Config) []doctor.Probe {
	out := []doctor.Probe{doctor.ProbeEC2(base)}
	if c.Legacy != nil && c.Legacy.IPCount {
		out = append(out, doctor.ProbeCloudWatch(base))
	}
	for _, n := range c.Notify {
		cfg := base.Copy()
		if parts := strings.Split(n.ARN, ":"); len(parts) > 3 {
			cfg.Region = parts[3]
		}
		switch n.Kind {
		case "sns":
			out = append(out, doctor.ProbeSNS(cfg, n.ARN))
		case "eventbridge":
			out = append(out, doctor.ProbeEventBridge(cfg, n.ARN))
		}
	}
	return out
}

func memoryProbe(c config.Config, o Options) func(context.Context) (doctor.Memory, error) {
	return func(ctx context.Context) (doctor.Memory, error) {
		if c.Memory.Kind == "none" {
			return doctor.Memory{}, nil
		}
		key, err := store.Key(c.Memory.Prefix, c.Binding.TargetGroup, c.Binding.Port)
		if err != nil {
			return doctor.Memory{}, err
		}
		if c.Memory.Kind == "file" {
			return doctor.InFile(c.Memory.Dir, key)
		}
		cfg, err := memoryConfig(ctx, c, o.Clients)
		if err != nil {
			return doctor.Memory{}, err
		}
		return doctor.OnS3(ctx, store.ConnectS3API(doctor.Bounded(cfg)), doctor.Place{
			Bucket: c.Memory.Bucket, Key: key, Owner: c.Memory.Owner, Partition: store.Partition(cfg.Region),
			Encrypt: store.S3Config{SSE: c.Memory.SSE}.Encrypt,
		})
	}
}

// olderOf tells when the function that is replaced wrote its state.
func olderOf(c config.Config, o Options) func(context.Context) (doctor.Older, error) {
	return func(ctx context.Context) (doctor.Older, error) {
		state, err := LegacyOf(ctx, c, o)
		if err != nil {
			return doctor.Older{}, err
		}
		found, err := state.Find(ctx)
		if err != nil || found == nil {
			return doctor.Older{}, err
		}
		return doctor.Older{Source: found.Source, Written: found.Written}, nil
	}
}

// findOf looks the name up as a round does, but for those who may be missing: nobody is tracked.
func findOf(c config.Config, o Options) func(context.Context, bool) mooring.Observation {
	return func(ctx context.Context, ipv6 bool) mooring.Observation {
		ctx, cancel := context.WithTimeout(ctx, findTime)
		defer cancel()
		scope := frontScope(c)
		if !c.Embedded() {
			scope = func(context.Context) (lookup.Scope, error) {
				return lookup.Scope{IPv6: ipv6, Admits: c.Policy.Admits}, nil
			}
		}
		return lookup.New(finderOf(c, scope, o)).Find(ctx, func(context.Context) []netip.Addr { return nil })
	}
}

// aliasOf follows a name's aliases by the resolver.
func aliasOf(c config.Config, o Options) func(context.Context, string) string {
	dial := o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if len(c.DNS.Resolvers) > 0 {
			addr = c.DNS.Resolvers[0].String()
		}
		return dial(ctx, network, addr)
	}}
	return func(ctx context.Context, host string) string {
		ctx, cancel := context.WithTimeout(ctx, aliasTime)
		defer cancel()
		name, err := resolver.LookupCNAME(ctx, strings.TrimSuffix(host, ".")+".")
		if err != nil {
			return "" // what the name shows is told by another check
		}
		return strings.TrimSuffix(name, ".")
	}
}

// needsOf are the permissions that rounds of the binding need as the identity that is asked about, by the policy that is
// made for it. What is known only in part, such as the key of an alias, cannot be asked about. What another role does to the
// memory is not among them.
func needsOf(c config.Config) []doctor.Need {
	asked := c.AWS
	if c.Embedded() {
		asked = memoryIdentity(c)
	}
	who := Identity{RoleARN: asked.RoleARN}
	if asked.RoleARN == "" {
		who.Profile = asked.Profile
	}
	all, err := NeedsOf([]config.Config{c}, Deployment{})
	i := slices.IndexFunc(all, func(n Needer) bool { return n.Identity == who })
	if err != nil || i < 0 {
		return nil
	}
	var out []doctor.Need
	for _, s := range iam.New(all[i].Needs...).Statements {
		for _, pattern := range s.Resources {
			resource, one := iam.Exact(pattern)
			if !one && pattern != "*" {
				continue
			}
			for _, action := range s.Actions {
				out = append(out, doctor.Need{Action: action, Resource: resource, Context: contextOf(s.Conditions)})
			}
		}
	}
	return out
}

// contextOf is what such a call is made with: what the conditions want, for who made them knows the call.
func contextOf(c iam.Conditions) (out []doctor.Context) {
	for _, operator := range slices.Sorted(maps.Keys(c)) {
		for _, key := range slices.Sorted(maps.Keys(c[operator])) {
			out = append(out, doctor.Context{Key: key, Values: c[operator][key], List: strings.Contains(operator, ":")})
		}
	}
	return out
}

// accountOf is the account in an ARN.
func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 && parts[0] == "arn" {
		return parts[4]
	}
	return ""
}
