package sim

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// A LoadBalancer is one as Elastic Load Balancing describes it. Of its fields a target group needs the first three.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancer.html
type LoadBalancer struct {
	ARN   string   // arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/net/NAME/ID, or app/NAME/ID
	Type  string   // network, which is what "" means, or application
	Zones []string // the names of those in which it has an address

	DNSName        string
	HostedZone     string // the id of the zone that its DNS name is in
	Scheme         string // internal, which is what "" means, or internet-facing
	State          string // active, which is what "" means, provisioning, active_impaired, or failed
	VPC            string
	SecurityGroups []string // their ids; a network load balancer may have none
	IPAddressType  string   // ipv4, which is what "" means, dualstack, or dualstack-without-public-ipv4
	IPAMPool       string   // the id of the pool of public IPv4 addresses; application load balancers only

	Subnets   map[string]string    // the id of the subnet, by the zone's name
	Addresses map[string][]Address // the addresses that were given to it, by the zone's name; those that AWS chose are not told

	Attributes map[string]string // beside and before the defaults, see [LoadBalancer.attributes]
}

// An Address is one that was given to a network load balancer in a zone: an Elastic IP address (Allocation and IP) where
// it is internet-facing, a private address where it is internal, and an IPv6 address where it is dualstack.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAddress.html
type Address struct {
	Allocation  string // of the Elastic IP address, such as eipalloc-0123456789abcdef0
	IP          netip.Addr
	PrivateIPv4 netip.Addr
	IPv6        netip.Addr
}

// A Listener of a load balancer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Listener.html
type Listener struct {
	LoadBalancer string // its ARN
	ID           string // the last part of the listener's ARN; "" is 16 digits made of its port
	Port         uint16
	Protocol     string         // TCP, TLS, UDP ...; HTTP or HTTPS of an application load balancer
	Certificate  string         // its ARN
	Actions      []Action       // of the default rule
	Rules        []ListenerRule // before the default rule, in their order; application load balancers only

	Attributes map[string]string // beside and before the defaults, see [Listener.attributes]
}

// ARN of the listener: arn:...:listener/net/NAME/ID/LISTENER.
func (l Listener) ARN() string {
	return strings.Replace(l.LoadBalancer, ":loadbalancer/", ":listener/", 1) + "/" + cmp.Or(l.ID, fmt.Sprintf("%016x", l.Port))
}

// An Action says what is done with a request, or a flow.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html
type Action struct {
	Type   string   // forward, redirect, fixed-response, authenticate-oidc, authenticate-cognito, jwt-validation
	Groups []string // forward: the ARNs of its target groups, all of the same weight
	Status string   // redirect: HTTP_301 or HTTP_302; fixed-response: such as 404
}

// A ListenerRule of an application load balancer's listener, with one condition.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Rule.html
type ListenerRule struct {
	Priority int
	Field    string // such as host-header or path-pattern
	Values   []string
	Actions  []Action
}

// A HealthCheck is how a target group's targets are checked. The zero value is the default of a TCP group:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
type HealthCheck struct {
	Protocol  string // TCP, which is what "" means, HTTP, or HTTPS
	Port      string // traffic-port, which is what "" means, or a number
	Path      string // HTTP and HTTPS: / where it is empty
	Matcher   string // HTTP and HTTPS: 200-399 where it is empty
	Interval  int    // seconds: 30 where it is 0
	Timeout   int    // seconds: 10 where it is 0, and 6 of HTTP
	Healthy   int    // checks in a row: 5 where it is 0
	Unhealthy int    // checks in a row: 2 where it is 0
}

// attributes of a load balancer, with AWS's defaults:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
func (lb LoadBalancer) attributes() map[string]string {
	out := map[string]string{"deletion_protection.enabled": "false", "access_logs.s3.enabled": "false"}
	if lb.Type == "application" {
		maps.Copy(out, map[string]string{
			"load_balancing.cross_zone.enabled":         "true", // it cannot be switched off
			"idle_timeout.timeout_seconds":              "60",
			"client_keep_alive.seconds":                 "3600",
			"routing.http.xff_header_processing.mode":   "append",
			"routing.http.preserve_host_header.enabled": "false",
		})
	} else {
		maps.Copy(out, map[string]string{
			"load_balancing.cross_zone.enabled":      "false",
			"dns_record.client_routing_policy":       "any_availability_zone",
			"secondary_ips.auto_assigned.per_subnet": "0",
		})
	}
	maps.Copy(out, lb.Attributes)
	return out
}

// attributes of a listener. Those of a network load balancer have one:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
func (l Listener) attributes() map[string]string {
	out := map[string]string{}
	if strings.Contains(l.LoadBalancer, ":loadbalancer/net/") && l.Protocol == "TCP" {
		out["tcp.idle_timeout.seconds"] = "350"
	}
	maps.Copy(out, l.Attributes)
	return out
}

// sends tells whether flows of the listener go to the group.
func (l Listener) sends(group string) bool {
	return slices.ContainsFunc(l.Actions, func(a Action) bool { return slices.Contains(a.Groups, group) }) ||
		slices.ContainsFunc(l.Rules, func(r ListenerRule) bool {
			return slices.ContainsFunc(r.Actions, func(a Action) bool { return slices.Contains(a.Groups, group) })
		})
}
