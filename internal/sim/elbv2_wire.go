package sim

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

// The replies of ELBv2, as its API reference shows them:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html

type elbReply struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    any
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type elbEmpty struct{ XMLName xml.Name }

type elbHealth struct {
	XMLName xml.Name          `xml:"DescribeTargetHealthResult"`
	Targets []elbTargetHealth `xml:"TargetHealthDescriptions>member"`
}

type elbTargetHealth struct {
	HealthCheckPort string    `xml:"HealthCheckPort"`
	Health          elbState  `xml:"TargetHealth"`
	Target          elbTarget `xml:"Target"`
}

type elbState struct {
	State       string `xml:"State"`
	Reason      string `xml:"Reason,omitempty"`
	Description string `xml:"Description,omitempty"`
}

type elbTarget struct {
	ID   string `xml:"Id"`
	Port int    `xml:"Port"`
	Zone string `xml:"AvailabilityZone,omitempty"`
}

type elbAttributes struct {
	XMLName    xml.Name
	Attributes []elbAttribute `xml:"Attributes>member"`
}

type elbAttribute struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type elbGroups struct {
	XMLName    xml.Name   `xml:"DescribeTargetGroupsResult"`
	Groups     []elbGroup `xml:"TargetGroups>member"`
	NextMarker string     `xml:"NextMarker,omitempty"`
}

type elbGroup struct {
	ARN           string `xml:"TargetGroupArn"`
	Name          string `xml:"TargetGroupName"`
	Protocol      string `xml:"Protocol,omitempty"`
	Port          int    `xml:"Port,omitempty"`
	VPC           string `xml:"VpcId,omitempty"`
	Type          string `xml:"TargetType"`
	IPAddressType string `xml:"IpAddressType"`

	CheckEnabled   bool   `xml:"HealthCheckEnabled"`
	CheckProtocol  string `xml:"HealthCheckProtocol,omitempty"`
	CheckPort      string `xml:"HealthCheckPort,omitempty"`
	CheckPath      string `xml:"HealthCheckPath,omitempty"`
	CheckMatcher   string `xml:"Matcher>HttpCode,omitempty"`
	CheckInterval  int    `xml:"HealthCheckIntervalSeconds,omitempty"`
	CheckTimeout   int    `xml:"HealthCheckTimeoutSeconds,omitempty"`
	CheckHealthy   int    `xml:"HealthyThresholdCount,omitempty"`
	CheckUnhealthy int    `xml:"UnhealthyThresholdCount,omitempty"`

	LoadBalancers []string `xml:"LoadBalancerArns>member"`
}

// checks fills in how the targets are checked, with the defaults of a network load balancer's groups.
func (out *elbGroup) checks(c HealthCheck) {
	out.CheckEnabled, out.CheckProtocol, out.CheckPort = true, cmp.Or(c.Protocol, "TCP"), cmp.Or(c.Port, "traffic-port")
	out.CheckInterval, out.CheckHealthy, out.CheckUnhealthy = cmp.Or(c.Interval, 30), cmp.Or(c.Healthy, 5), cmp.Or(c.Unhealthy, 2)
	out.CheckTimeout = cmp.Or(c.Timeout, 10)
	if out.CheckProtocol == "HTTP" {
		out.CheckTimeout = cmp.Or(c.Timeout, 6)
	}
	if out.CheckProtocol != "TCP" {
		out.CheckPath, out.CheckMatcher = cmp.Or(c.Path, "/"), cmp.Or(c.Matcher, "200-399")
	}
}

// groupOf describes a group. It names the load balancers that it knows of, and those whose listeners send to it.
func (e *ELBv2) groupOf(g *TargetGroup) elbGroup {
	listeners := e.listeners()
	g.mu.Lock()
	defer g.mu.Unlock()
	out := elbGroup{
		ARN: g.ARN, Protocol: g.Protocol, Port: int(g.Port), VPC: g.VPC, Type: g.Type,
		IPAddressType: strings.ToLower(g.family()),
	}
	if parts := strings.Split(g.ARN, "/"); len(parts) > 1 {
		out.Name = parts[1] // arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
	}
	out.checks(g.HealthCheck)
	for _, lb := range g.LoadBalancers {
		out.LoadBalancers = append(out.LoadBalancers, lb.ARN)
	}
	for _, l := range listeners {
		if l.sends(g.ARN) && !slices.Contains(out.LoadBalancers, l.LoadBalancer) {
			out.LoadBalancers = append(out.LoadBalancers, l.LoadBalancer)
		}
	}
	return out
}

func healthOf(id string, port int, s TargetState) elbTargetHealth {
	return elbTargetHealth{
		HealthCheckPort: strconv.Itoa(port),
		Health:          elbState{State: s.State, Reason: s.Reason, Description: s.Description},
		Target:          elbTarget{ID: id, Port: port, Zone: s.Zone},
	}
}
