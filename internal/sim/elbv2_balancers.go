package sim

import (
	"cmp"
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// describeBalancers lists the load balancers of all groups, or those asked for, sorted by ARN and in pages:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
func (e *ELBv2) describeBalancers(form url.Values) (any, error) {
	all := e.balancers()
	if arns := members(form, "LoadBalancerArns.member"); len(arns) > 0 {
		asked := all[:0:0]
		for _, arn := range arns {
			i := slices.IndexFunc(all, func(lb LoadBalancer) bool { return lb.ARN == arn })
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

// balancers are the load balancers of all groups, each once.
func (e *ELBv2) balancers() []LoadBalancer {
	var out []LoadBalancer
	for _, g := range e.Groups {
		g.mu.Lock()
		for _, lb := range g.LoadBalancers {
			lb.Zones = slices.Clone(lb.Zones)
			out = append(out, lb)
		}
		g.mu.Unlock()
	}
	slices.SortStableFunc(out, func(a, b LoadBalancer) int { return strings.Compare(a.ARN, b.ARN) })
	return slices.CompactFunc(out, func(a, b LoadBalancer) bool { return a.ARN == b.ARN })
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
	ARN   string    `xml:"LoadBalancerArn"`
	Type  string    `xml:"Type"`
	Zones []elbZone `xml:"AvailabilityZones>member"`
}

type elbZone struct {
	Name string `xml:"ZoneName"`
}

func balancerOf(lb LoadBalancer) elbBalancer {
	out := elbBalancer{ARN: lb.ARN, Type: cmp.Or(lb.Type, "network")}
	for _, name := range lb.Zones {
		out.Zones = append(out.Zones, elbZone{Name: name})
	}
	return out
}
