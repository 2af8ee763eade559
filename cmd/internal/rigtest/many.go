package rigtest

import (
	"fmt"
	"time"

	"mooring/internal/sim"
)

// A Mooring is a name and a group of a world with many.
type Mooring struct {
	Name  string
	Group *sim.TargetGroup
}

// accounts are how many own the groups that [World.Many] makes.
const accounts = 10

// Many adds n names, each with as many addresses as given, and a target group for each, in ten accounts.
func (w *World) Many(n, addresses int) []Mooring {
	subnets := map[string][]sim.Subnet{w.Group.VPC: w.Group.Subnets}
	groups := []*sim.TargetGroup{w.Group}
	var out []Mooring
	for i := range n {
		m := Mooring{Name: fmt.Sprintf("internal-app-%d.%s", i, Zone), Group: &sim.TargetGroup{
			ARN:  fmt.Sprintf("arn:aws:elasticloadbalancing:eu-west-1:%012d:targetgroup/web-%d/%016x", 111122220000+i%accounts, i, i+1),
			Type: "ip", Protocol: "TCP", VPC: w.Group.VPC, Port: Port, CrossZone: true, DrainFor: 300 * time.Second, Subnets: w.Group.Subnets,
		}}
		w.DNS.Set(m.Name, Addrs(1, addresses)...)
		groups, out = append(groups, m.Group), append(out, m)
	}
	w.AWS.ELB = &sim.ELBv2{Groups: groups, Now: w.Now}
	w.AWS.EC2 = &sim.EC2{Subnets: subnets}
	return out
}
