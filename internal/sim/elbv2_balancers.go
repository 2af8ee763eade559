package sim

import (
	"cmp"
	"encoding/xml"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// describeBalancers lists the load balancers, or those asked for, sorted by ARN and in pages:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
func (e *ELBv2) describeBalancers(form url.Values) (any, error) {
	all := e.balancers()
	arns, names := members(form, "LoadBalancerArns.member"), members(form, "Names.member")
	if len(arns) > 0 && len(names) > 0 {
		return nil, invalid("ValidationError", "Load balancer names and load balancer ARNs cannot be specified at the same time")
	}
	if len(arns)+len(names) > 0 {
		asked := all[:0:0]
		for _, one := range slices.Concat(arns, names) {
			i := slices.IndexFunc(all, func(lb LoadBalancer) bool { return lb.ARN == one || nameIn(lb.ARN) == one })
			if i < 0 {
				return nil, invalid("LoadBalancerNotFound", "One or more load balancers not found")
			}
			asked = append(asked, all[i])
		}
		all = asked
	}
	some, next, err := elbPage(form, all)
	if err != nil {
		return nil, err
	}
	out := elbBalancers{NextMarker: next}
	for _, lb := range some {
		out.LoadBalancers = append(out.LoadBalancers, balancerOf(lb))
	}
	return out, nil
}

// balancers are all load balancers, those that only a group knows of too, each once.
func (e *ELBv2) balancers() []LoadBalancer {
	e.mu.Lock()
	out := slices.Clone(e.LoadBalancers)
	groups := slices.Clone(e.Groups)
	e.mu.Unlock()
	for _, g := range groups {
		g.mu.Lock()
		out = append(out, g.LoadBalancers...)
		g.mu.Unlock()
	}
	for i := range out {
		out[i].Zones = slices.Clone(out[i].Zones)
	}
	slices.SortStableFunc(out, func(a, b LoadBalancer) int { return strings.Compare(a.ARN, b.ARN) })
	return slices.CompactFunc(out, func(a, b LoadBalancer) bool { return a.ARN == b.ARN })
}

// describeBalancerAttributes reads the settings of one load balancer:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancerAttributes.html
func (e *ELBv2) describeBalancerAttributes(form url.Values) (any, error) {
	lb, err := e.balancer(form.Get("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	return elbAttributesOf("DescribeLoadBalancerAttributesResult", lb.attributes()), nil
}

func (e *ELBv2) balancer(arn string) (LoadBalancer, error) {
	all := e.balancers()
	i := slices.IndexFunc(all, func(lb LoadBalancer) bool { return lb.ARN == arn })
	switch {
	case !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":loadbalancer/"):
		return LoadBalancer{}, invalid("ValidationError", "'%s' is not a valid load balancer ARN", arn)
	case i < 0:
		return LoadBalancer{}, invalid("LoadBalancerNotFound", "One or more load balancers not found")
	default:
		return all[i], nil
	}
}

// elbPage cuts a list by PageSize (1 to 400) and Marker.
func elbPage[E any](form url.Values, items []E) (some []E, next string, err error) {
	from, size := 0, 400
	if text := form.Get("Marker"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 || from > len(items) {
			return nil, "", invalid("ValidationError", "The marker '%s' is not valid", text)
		}
	}
	if text := form.Get("PageSize"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 || size > 400 {
			return nil, "", invalid("ValidationError", "Page size must be between 1 and 400")
		}
	}
	to := min(from+size, len(items))
	if to < len(items) {
		next = strconv.Itoa(to)
	}
	return items[from:to], next, nil
}

type elbBalancers struct {
	XMLName       xml.Name      `xml:"DescribeLoadBalancersResult"`
	LoadBalancers []elbBalancer `xml:"LoadBalancers>member"`
	NextMarker    string        `xml:"NextMarker,omitempty"`
}

type elbBalancer struct {
	ARN            string    `xml:"LoadBalancerArn"`
	Name           string    `xml:"LoadBalancerName,omitempty"`
	DNSName        string    `xml:"DNSName,omitempty"`
	HostedZone     string    `xml:"CanonicalHostedZoneId,omitempty"`
	Type           string    `xml:"Type"`
	Scheme         string    `xml:"Scheme"`
	State          string    `xml:"State>Code"`
	VPC            string    `xml:"VpcId,omitempty"`
	IPAddressType  string    `xml:"IpAddressType"`
	SecurityGroups []string  `xml:"SecurityGroups>member,omitempty"`
	Zones          []elbZone `xml:"AvailabilityZones>member"`
	Pool           *elbPool  `xml:"IpamPools"`
}

type elbPool struct {
	IPv4 string `xml:"Ipv4IpamPoolId"`
}

type elbZone struct {
	Name      string       `xml:"ZoneName"`
	Subnet    string       `xml:"SubnetId,omitempty"`
	Addresses []elbAddress `xml:"LoadBalancerAddresses>member,omitempty"`
}

type elbAddress struct {
	Allocation  string `xml:"AllocationId,omitempty"`
	IP          string `xml:"IpAddress,omitempty"`
	PrivateIPv4 string `xml:"PrivateIPv4Address,omitempty"`
	IPv6        string `xml:"IPv6Address,omitempty"`
}

func balancerOf(lb LoadBalancer) elbBalancer {
	out := elbBalancer{
		ARN: lb.ARN, Name: nameIn(lb.ARN), DNSName: lb.DNSName, HostedZone: lb.HostedZone, Type: cmp.Or(lb.Type, "network"), Scheme: cmp.Or(lb.Scheme, "internal"),
		State: cmp.Or(lb.State, "active"), VPC: lb.VPC, IPAddressType: cmp.Or(lb.IPAddressType, "ipv4"), SecurityGroups: lb.SecurityGroups,
	}
	if lb.IPAMPool != "" {
		out.Pool = &elbPool{lb.IPAMPool}
	}
	for _, name := range lb.Zones {
		zone := elbZone{Name: name, Subnet: lb.Subnets[name]}
		for _, a := range lb.Addresses[name] {
			zone.Addresses = append(zone.Addresses, elbAddress{a.Allocation, textOf(a.IP), textOf(a.PrivateIPv4), textOf(a.IPv6)})
		}
		out.Zones = append(out.Zones, zone)
	}
	return out
}

// nameIn is the name in a load balancer's ARN: ...:loadbalancer/net/NAME/ID.
func nameIn(arn string) string {
	if parts := strings.Split(arn, "/"); len(parts) == 4 {
		return parts[2]
	}
	return ""
}

// textOf is "" for an address that is not there.
func textOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// elbAttributesOf is a result that holds attributes, sorted by their keys.
func elbAttributesOf(result string, attributes map[string]string) elbAttributes {
	out := elbAttributes{XMLName: xml.Name{Local: result}}
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		out.Attributes = append(out.Attributes, elbAttribute{Key: key, Value: attributes[key]})
	}
	return out
}
