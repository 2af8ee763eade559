package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// frontCommands are what scripts say of the load balancers before and behind the group. Without an argument front adds them
// as they are where all is well. Otherwise it adds them and changes one thing:
//
//	front idle=400            the application load balancer's idle time-out
//	front scheme=internet-facing, state=failed, vpc=vpc-9, zones=eu-west-1a   the application load balancer's
//	front check=HTTP          the group's health check
//	front default=404         what the application load balancer's default action answers
//	front group=KEY:VALUE     an attribute of the group
//	front listener=TLS        the protocol of the network load balancer's listener
//	front nlb=internal        no static addresses
//	front sg=10.9.0.0/16      the only range that the application load balancer's security group admits
//	front egress=10.9.0.0/16  the only range that the network load balancer's security group lets flows out to
//	front clock=2m            how far AWS's clock is ahead
//	front silent=elb          a service that never answers
//	front eni=10.0.0.11       an address of the application load balancer's network interfaces
//	front loose               a store that ignores conditions
func frontCommands(w *rigtest.World) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// objects N fails unless there are so many in the bucket
		"objects": func(ts *testscript.TestScript, _ bool, args []string) {
			if got := fmt.Sprint(len(w.S3.Objects(rigtest.Bucket))); got != args[0] {
				ts.Fatalf("%s objects", got)
			}
		},
		"front": func(ts *testscript.TestScript, _ bool, args []string) {
			lb, network := w.Front()
			for _, arg := range args {
				key, value, _ := strings.Cut(arg, "=")
				if key == "silent" {
					w.AWS.Inject(sim.AWSFault{When: func(c sim.AWSCall) bool { return c.Service == value }, Latency: time.Minute})
					continue
				}
				w.AWS.Adjust(func() { changeFront(ts, w, lb, network, key, value) })
			}
		},
	}
}

func changeFront(ts *testscript.TestScript, w *rigtest.World, lb *sim.ELBv2, network *sim.EC2, key, value string) {
	alb, nlb := &lb.LoadBalancers[0], &lb.LoadBalancers[1]
	switch key {
	case "idle":
		alb.Attributes = map[string]string{"idle_timeout.timeout_seconds": value}
	case "scheme":
		alb.Scheme = value
	case "state":
		alb.State = value
	case "vpc":
		alb.VPC = value
	case "zones":
		alb.Zones = strings.Split(value, ",")
	case "check":
		w.Group.Adjust(func(g *sim.TargetGroup) { g.HealthCheck.Protocol = value })
	case "default":
		lb.Listeners[0].Actions = []sim.Action{{Type: "fixed-response", Status: value}}
	case "group":
		name, v, _ := strings.Cut(value, ":")
		w.Group.Adjust(func(g *sim.TargetGroup) { g.Attributes = map[string]string{name: v} })
	case "listener":
		lb.Listeners[1].Protocol = value
	case "nlb":
		nlb.Scheme, nlb.Addresses = value, nil
	case "sg":
		network.SecurityGroups[0].Ingress[0].Groups = nil
		network.SecurityGroups[0].Ingress[0].CIDRs = []netip.Prefix{netip.MustParsePrefix(value)}
	case "egress":
		network.SecurityGroups[1].Egress = []sim.IngressRule{{Protocol: "-1", CIDRs: []netip.Prefix{netip.MustParsePrefix(value)}}}
	case "clock":
		ahead, err := time.ParseDuration(value)
		ts.Check(err)
		w.AWS.Now = func() time.Time { return time.Now().Add(ahead) }
	case "eni":
		network.Interfaces = append(network.Interfaces, sim.NetworkInterface{
			ID: "eni-c", Description: "ELB app/app/1234567890abcdef", VPC: w.Group.VPC, Addr: netip.MustParseAddr(value),
		})
	case "loose":
		w.AWS.S3 = loose{w.S3}
	default:
		ts.Fatalf("unknown setting %s", key)
	}
}

// loose is a store that does not know conditional writes.
type loose struct{ next http.Handler }

func (l loose) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("If-Match")
	l.next.ServeHTTP(w, r)
}
