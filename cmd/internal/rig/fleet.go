package rig

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"mooring"
	"mooring/internal/config"
)

// atOnce is how many bindings have a round at the same time.
const atOnce = 8

// NewFleet makes a fleet of these bindings. It connects to nothing: a binding that cannot be had, for its credentials
// or its group, fails alone and in its own rounds. Two bindings for one group and port are an error.
func NewFleet(_ context.Context, configs []config.Config, o Options) (*mooring.Fleet, error) {
	if len(configs) == 0 {
		return nil, errors.New("there are no bindings")
	}
	if err := config.Unique(configs...); err != nil {
		return nil, err
	}
	o = o.shared()
	members := make([]*mooring.Member, 0, len(configs))
	for _, c := range configs {
		members = append(members, newMember(c, configs, o))
	}
	return mooring.NewFleet(members, atOnce, RoundLimit, o.Log), nil
}

// shared has clients.
func (o Options) shared() Options {
	if o.Clients == nil {
		o.Clients = NewClients(nil)
	}
	if o.open == nil {
		o.open = New
	}
	return o
}

// newMember makes a member of one of these bindings.
func newMember(c config.Config, among []config.Config, o Options) *mooring.Member {
	return &mooring.Member{
		Binding:  c.Binding,
		Interval: c.Interval,
		Open: func(ctx context.Context) (*mooring.Keeper, error) {
			k, err := o.open(ctx, c, o)
			if err != nil || c.Binding.Port != 0 {
				return k, err
			}
			return k, settle(k, c, among)
		},
	}
}

// settle looks whether a binding without a port of its own turned out to be another one's double. The other one was
// told its port, so it is this one that fails.
func settle(k *mooring.Keeper, c config.Config, among []config.Config) error {
	for _, other := range among {
		switch {
		case other.Binding.Name == c.Binding.Name:
		case other.Binding.TargetGroup == c.Binding.TargetGroup && other.Binding.Port == k.Binding.Port:
			return fmt.Errorf("bindings %s and %s: both moored to port %d of %s, for that is the group's own port",
				other.Binding.Name, c.Binding.Name, k.Binding.Port, c.Binding.TargetGroup)
		case other.Binding.Name == k.Binding.Name:
			k.Binding.Name = c.Binding.Name // names are unique
		}
	}
	return nil
}

// A bound is a binding that is watched, as it was configured.
type bound struct {
	config config.Config
	member *mooring.Member
	among  []config.Config // the others of its group
	place  place
	name   string // as last told
	ended  bool   // a round of it ended
}

// bind makes members of a new configuration. An unchanged binding keeps the one it had, and with it what the last round
// saw; one whose port is its group's own is unchanged only as long as all bindings of the group are.
func bind(configs []config.Config, old []*bound, o Options) []*bound {
	var out []*bound
	places := placesOf(configs)
	for i, c := range configs {
		b := &bound{config: c, among: ofGroup(configs, c.Binding.TargetGroup), place: places[i], name: c.Binding.Name}
		kept := slices.IndexFunc(old, func(o *bound) bool {
			return reflect.DeepEqual(o.config, c) && (c.Binding.Port != 0 || reflect.DeepEqual(o.among, b.among))
		})
		if kept >= 0 {
			old[kept].place = b.place // others may have come to it, or gone
			out = append(out, old[kept])
			continue
		}
		b.member = newMember(c, configs, o)
		if b.member.Interval == 0 {
			b.member.Interval = DefaultInterval
		}
		out = append(out, b)
	}
	return out
}

// DefaultInterval is the time between rounds where none is configured.
const DefaultInterval = time.Minute

func ofGroup(configs []config.Config, group string) (out []config.Config) {
	for _, c := range configs {
		if c.Binding.TargetGroup == group {
			out = append(out, c)
		}
	}
	return out
}
