package rig_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

// example loads one of the configurations that are published.
func example(t *testing.T, name string) []config.Config {
	t.Helper()
	configs, err := config.Load(t.Context(), func(flag string) ([]string, bool) {
		return []string{"../../../examples/" + name}, flag == "config"
	}, func(string) (string, bool) { return "", false }, func(_ context.Context, where string) ([]byte, error) { return os.ReadFile(where) })
	if err != nil {
		t.Fatal(err)
	}
	return configs
}

// A stage is a world in which a configuration has all that it names: names, groups, roles, buckets, topics.
type stage struct {
	*rigtest.World
	groups map[string]*sim.TargetGroup
	sts    *sim.STS
}

func stageFor(t *testing.T, configs []config.Config) *stage {
	t.Helper()
	var zones []string
	for _, c := range configs {
		for _, name := range c.Binding.Hostnames {
			_, zone, _ := strings.Cut(name, ".")
			zones = append(zones, zone)
		}
	}
	slices.Sort(zones)
	s := &stage{groups: map[string]*sim.TargetGroup{}, sts: &sim.STS{Roles: map[string]sim.Role{}}}
	s.World = rigtest.NewInZones(t, sim.DNSConfig{Seed: 40, Servers: 2}, slices.Compact(zones))
	for i, c := range configs {
		s.add(c, i)
	}
	fake := &sim.ELBv2{Now: s.Now}
	subnets := map[string][]sim.Subnet{}
	for arn, g := range s.groups {
		fake.Groups = append(fake.Groups, g)
		subnets[g.VPC] = g.Subnets
		_ = arn
	}
	s.AWS.ELB, s.AWS.EC2, s.AWS.STS = fake, &sim.EC2{Subnets: subnets}, s.sts
	enter(t, s.World)
	return s
}

// add makes what one binding needs.
func (s *stage) add(c config.Config, i int) {
	if s.groups[c.Binding.TargetGroup] == nil {
		region := config.GroupRegion(c.Binding.TargetGroup)
		g := &sim.TargetGroup{
			ARN: c.Binding.TargetGroup, Type: "ip", Protocol: "TCP", VPC: fmt.Sprintf("vpc-%d", i), Port: c.Binding.Port, CrossZone: true,
		}
		ids := map[string][]string{"us-east-1": {"use1-az4", "use1-az6"}, "eu-west-1": {"euw1-az2", "euw1-az3"}}
		for j, letter := range []string{"a", "b"} {
			subnet := sim.Subnet{ID: fmt.Sprintf("subnet-%d-%s", i, letter), Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(j), 0}), 24), Zone: region + letter}
			if known := ids[region]; known != nil {
				subnet.ZoneID = known[j]
			}
			g.Subnets = append(g.Subnets, subnet)
		}
		s.groups[c.Binding.TargetGroup] = g
	}
	for _, role := range [][2]string{{c.AWS.RoleARN, c.AWS.ExternalID}, {c.Memory.RoleARN, c.Memory.ExternalID}} {
		if role[0] != "" && role[0] != "none" {
			s.sts.Roles[role[0]] = sim.Role{ExternalID: role[1]}
		}
	}
	if c.Memory.Kind == "s3" {
		s.S3.CreateBucket(c.Memory.Bucket)
	}
	for _, name := range c.Binding.Hostnames {
		s.DNS.Set(name, addressesOf(c, i)...)
	}
}

// addressesOf are two addresses that the binding admits; one where a name has one holder.
func addressesOf(c config.Config, i int) []netip.Addr {
	first := netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + 2*i)})
	if c.AdmitGiven {
		first = c.Policy.Admit[0].Addr().Next()
	}
	if c.Policy.Answers == mooring.AnswersWhole {
		return []netip.Addr{first}
	}
	return []netip.Addr{first, first.Next()}
}

// dial leads to the world's resolver whoever a configuration names as one.
func (s *stage) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := s.DNS.Dial(ctx, network, addr)
	if err != nil {
		return s.DNS.Dial(ctx, network, s.DNS.Resolver().String())
	}
	return conn, nil
}

func TestTheExamplesRun(t *testing.T) {
	for name, bindings := range map[string]int{"one-port.yaml": 1, "forty-bindings.yaml": 40} {
		t.Run(name, func(t *testing.T) {
			configs := example(t, name)
			if len(configs) != bindings {
				t.Fatalf("%d bindings", len(configs))
			}
			s := stageFor(t, configs)
			for i := range configs {
				configs[i].Notify = nil // told of elsewhere
				if len(configs[i].DNS.Resolvers) == 0 {
					configs[i].DNS.Resolvers = []netip.AddrPort{s.DNS.Resolver()}
				}
			}
			o := optionsIn(s.World)
			o.Dial, o.Limiter = s.dial, elb.NewLimiter(1)
			fleet, err := rig.NewFleet(t.Context(), configs, o)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range fleet.Round(t.Context()) {
				want := len(r.Resolved)
				if configs[i].Policy.Mode == mooring.ModeObserve {
					want = 0
				}
				if !r.OK() || len(r.Resolved) == 0 || len(r.Registered) != want {
					t.Errorf("%s: error %q, inconclusive %q, resolved %v, registered %v", r.Binding, r.Error, r.Inconclusive, r.Resolved, r.Registered)
				}
			}
			s.wantAccounts(t)
		})
	}
}

// wantAccounts looks that each group was called as who its binding says, and no group as somebody of another account.
func (s *stage) wantAccounts(t *testing.T) {
	t.Helper()
	accounts := map[string]bool{}
	for _, c := range s.AWS.Calls() {
		arn := c.Form.Get("TargetGroupArn")
		if c.Service != "elb" || arn == "" {
			continue
		}
		owner := strings.Split(arn, ":")[4]
		if c.Account != "" && c.Account != owner {
			t.Errorf("%s of %s as account %s", c.Action, arn, c.Account)
		}
		accounts[owner] = true
	}
	if len(s.groups) > 1 && len(accounts) != 3 {
		t.Errorf("groups of %v were called", accounts)
	}
}
