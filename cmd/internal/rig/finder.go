package rig

import (
	"context"
	"errors"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/lookup"
	"mooring/internal/metrics"
)

func finderOf(c config.Config, scope func(context.Context) (lookup.Scope, error), o Options) lookup.Config {
	return lookup.Config{
		Hostnames:  c.Binding.Hostnames,
		Mode:       c.DNS.Mode,
		Whole:      c.Policy.Answers == mooring.AnswersWhole,
		Resolvers:  c.DNS.Resolvers,
		MaxLookups: c.DNS.MaxLookups,
		RoundShare: c.Policy.RoundShare(),
		Admits:     c.Policy.Admits,
		Scope:      scope,
		Dial:       o.Dial,
	}
}

// oldMetricOf puts the metric of the function that is replaced; nil where that is not asked for.
func oldMetricOf(base aws.Config, c config.Config, o Options) func(context.Context, []netip.Addr) {
	if c.Legacy == nil || !c.Legacy.IPCount || o.DryRun || c.Policy.Mode == mooring.ModeObserve {
		return nil
	}
	return (&ipCount{api: metrics.Connect(base), metric: oldMetric(*c.Legacy), log: o.Log}).put
}

// oldMetric is the metric of the function that is replaced.
func oldMetric(l config.Legacy) metrics.OldMetric {
	if l.Format == "v3" {
		return metrics.HostnameAsTargetIPCount(l.Name)
	}
	return metrics.LoadBalancerIPCount(l.Name)
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
