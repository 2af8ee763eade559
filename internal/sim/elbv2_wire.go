package sim

import (
	"encoding/xml"
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
	XMLName    xml.Name       `xml:"DescribeTargetGroupAttributesResult"`
	Attributes []elbAttribute `xml:"Attributes>member"`
}

type elbAttribute struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type elbGroups struct {
	XMLName xml.Name   `xml:"DescribeTargetGroupsResult"`
	Groups  []elbGroup `xml:"TargetGroups>member"`
}

type elbGroup struct {
	ARN           string `xml:"TargetGroupArn"`
	Name          string `xml:"TargetGroupName"`
	Protocol      string `xml:"Protocol,omitempty"`
	Port          int    `xml:"Port,omitempty"`
	VPC           string `xml:"VpcId,omitempty"`
	Type          string `xml:"TargetType"`
	IPAddressType string `xml:"IpAddressType"`

	LoadBalancers []string `xml:"LoadBalancerArns>member"`
}

func groupOf(g *TargetGroup) elbGroup {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := elbGroup{
		ARN: g.ARN, Protocol: g.Protocol, Port: int(g.Port), VPC: g.VPC, Type: g.Type,
		IPAddressType: strings.ToLower(g.family()),
	}
	if parts := strings.Split(g.ARN, "/"); len(parts) > 1 {
		out.Name = parts[1] // arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
	}
	for _, lb := range g.LoadBalancers {
		out.LoadBalancers = append(out.LoadBalancers, lb.ARN)
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
