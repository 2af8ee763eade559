package rigtest

import (
	"net/netip"

	"mooring/internal/sim"
)

// What [World.Front] adds.
const (
	ALB     = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/app/1234567890abcdef"
	NLB     = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/front/fedcba0987654321"
	NLBName = "front-fedcba0987654321.elb.eu-west-1.amazonaws.com"
	NLBZone = "Z2IFOLAFXWLO4F"                                                                       // of every NLB in eu-west-1: https://docs.aws.amazon.com/general/latest/gr/elb.html
	AppARN  = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/app/fedcba9876543210" // of the ALB's own targets
)

// Front adds what is around the group where all is well: the internal application load balancer behind [Name], with a
// listener on [Port], and an internet-facing network load balancer with an Elastic IP address in each of the two zones,
// whose listener on [Port] sends to the group. Both are as the fake of load balancing and that of EC2 describe them, and
// may be adjusted there.
func (w *World) Front() (*sim.ELBv2, *sim.EC2) {
	zones := map[string]string{"eu-west-1a": "subnet-a", "eu-west-1b": "subnet-b"}
	names := []string{"eu-west-1a", "eu-west-1b"}
	alb := sim.LoadBalancer{
		ARN: ALB, Type: "application", Zones: names, Subnets: zones, DNSName: Name, VPC: w.Group.VPC, SecurityGroups: []string{"sg-app"},
	}
	nlb := sim.LoadBalancer{
		ARN: NLB, Zones: names, Subnets: zones, DNSName: NLBName, HostedZone: NLBZone, Scheme: "internet-facing", VPC: w.Group.VPC,
		SecurityGroups: []string{"sg-front"}, Addresses: map[string][]sim.Address{
			"eu-west-1a": {{Allocation: "eipalloc-0a", IP: netip.MustParseAddr("203.0.113.10")}},
			"eu-west-1b": {{Allocation: "eipalloc-0b", IP: netip.MustParseAddr("203.0.113.11")}},
		},
	}
	app := &sim.TargetGroup{ARN: AppARN, Type: "instance", Protocol: "HTTP", VPC: w.Group.VPC, Port: 8080, Others: []string{"i-0123456789abcdef0"}}
	listeners := []sim.Listener{
		{LoadBalancer: ALB, Port: Port, Protocol: "HTTPS", Certificate: "arn:aws:acm:eu-west-1:111122223333:certificate/app", Actions: []sim.Action{{Type: "forward", Groups: []string{AppARN}}}},
		{LoadBalancer: NLB, Port: Port, Protocol: "TCP", Actions: []sim.Action{{Type: "forward", Groups: []string{ARN}}}},
	}
	lb := &sim.ELBv2{Groups: []*sim.TargetGroup{w.Group, app}, Now: w.Now, LoadBalancers: []sim.LoadBalancer{alb, nlb}, Listeners: listeners}
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	network := &sim.EC2{
		Subnets: map[string][]sim.Subnet{w.Group.VPC: w.Group.Subnets},
		SecurityGroups: []sim.SecurityGroup{
			{ID: "sg-app", VPC: w.Group.VPC, Ingress: []sim.IngressRule{{Protocol: "tcp", From: Port, To: Port, Groups: []string{"sg-front"}}}},
			{ID: "sg-front", VPC: w.Group.VPC, Ingress: []sim.IngressRule{{Protocol: "tcp", From: Port, To: Port, CIDRs: anywhere}}},
		},
		Interfaces: []sim.NetworkInterface{
			{ID: "eni-a", Description: "ELB net/front/fedcba0987654321", VPC: w.Group.VPC, Subnet: "subnet-a", Zone: "eu-west-1a", Addr: netip.MustParseAddr("10.0.0.5"), Groups: []string{"sg-front"}},
			{ID: "eni-b", Description: "ELB net/front/fedcba0987654321", VPC: w.Group.VPC, Subnet: "subnet-b", Zone: "eu-west-1b", Addr: netip.MustParseAddr("10.0.1.5"), Groups: []string{"sg-front"}},
		},
	}
	w.AWS.Adjust(func() {
		w.AWS.ELB, w.AWS.EC2 = lb, network
		if w.AWS.STS == nil {
			w.AWS.STS = &sim.STS{}
		}
	})
	return lb, network
}
