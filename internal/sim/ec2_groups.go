package sim

import (
	"encoding/xml"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A SecurityGroup admits what its rules name:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroup.html
type SecurityGroup struct {
	ID      string
	VPC     string
	Ingress []IngressRule
	Egress  []IngressRule // nil: out to everywhere, as AWS makes a group
}

// An IngressRule admits flows to a range of ports from some sources:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
type IngressRule struct {
	Protocol   string // tcp, udp, or -1 for all, which has no ports
	From, To   uint16
	CIDRs      []netip.Prefix
	Groups     []string // the ids of security groups
	PrefixList []string // the ids of prefix lists, whose members are not told
}

// A NetworkInterface is one as the owner of the account sees it:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html
type NetworkInterface struct {
	ID          string
	Description string // "ELB net/NAME/ID" of a network load balancer's, "ELB app/NAME/ID" of an application load balancer's
	VPC         string
	Subnet      string
	Zone        string
	Addr        netip.Addr
	Groups      []string // the ids of its security groups
}

// describeSecurityGroups lists those asked for by their ids:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
func (e *EC2) describeSecurityGroups(form url.Values) (any, error) {
	var items []ec2Group
	for _, id := range members(form, "GroupId") {
		i := slices.IndexFunc(e.SecurityGroups, func(g SecurityGroup) bool { return g.ID == id })
		if i < 0 {
			return nil, invalid("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
		items = append(items, securityGroupOf(e.SecurityGroups[i]))
	}
	items, next, err := page(form, items)
	return ec2Groups{Namespace: ec2Namespace, RequestID: requestID(), Items: items, NextToken: next}, err
}

// flat lets the wildcards of a filter stand for slashes too, which path.Match does not.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x00") }

// describeInterfaces lists those that filters for VPC and description let through. Filters take * and ? as wildcards:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func (e *EC2) describeInterfaces(form url.Values) (any, error) {
	want := map[string][]string{}
	for i, name := range members(form, "Filter", "Name") {
		if name != "vpc-id" && name != "description" {
			return nil, invalid("InvalidParameterValue", "The filter '%s' is not served here", name)
		}
		want[name] = members(form, "Filter."+string(rune('1'+i))+".Value")
	}
	passes := func(name, value string) bool {
		return want[name] == nil || slices.ContainsFunc(want[name], func(pattern string) bool {
			ok, err := path.Match(flat(pattern), flat(value))
			return pattern == value || err == nil && ok
		})
	}
	var items []ec2Interface
	for _, n := range e.Interfaces {
		if passes("vpc-id", n.VPC) && passes("description", n.Description) {
			items = append(items, interfaceOf(n))
		}
	}
	items, next, err := page(form, items)
	return ec2Interfaces{Namespace: ec2Namespace, RequestID: requestID(), Items: items, NextToken: next}, err
}

type ec2Groups struct {
	XMLName   xml.Name   `xml:"DescribeSecurityGroupsResponse"`
	Namespace string     `xml:"xmlns,attr"`
	RequestID string     `xml:"requestId"`
	Items     []ec2Group `xml:"securityGroupInfo>item"`
	NextToken string     `xml:"nextToken,omitempty"`
}

type ec2Group struct {
	ID      string          `xml:"groupId"`
	VPC     string          `xml:"vpcId"`
	Ingress []ec2Permission `xml:"ipPermissions>item"`
	Egress  []ec2Permission `xml:"ipPermissionsEgress>item"`
}

type ec2Permission struct {
	Protocol string     `xml:"ipProtocol"`
	From     *int       `xml:"fromPort"`
	To       *int       `xml:"toPort"`
	IPv4     []ec2CIDR  `xml:"ipRanges>item"`
	IPv6     []ec2CIDR6 `xml:"ipv6Ranges>item"`
	Groups   []ec2ID    `xml:"groups>item"`
	Lists    []ec2List  `xml:"prefixListIds>item"`
}

type ec2CIDR struct {
	CIDR string `xml:"cidrIp"`
}

type ec2CIDR6 struct {
	CIDR string `xml:"cidrIpv6"`
}

type ec2ID struct {
	ID string `xml:"groupId"`
}

type ec2List struct {
	ID string `xml:"prefixListId"`
}

type ec2Interfaces struct {
	XMLName   xml.Name       `xml:"DescribeNetworkInterfacesResponse"`
	Namespace string         `xml:"xmlns,attr"`
	RequestID string         `xml:"requestId"`
	Items     []ec2Interface `xml:"networkInterfaceSet>item"`
	NextToken string         `xml:"nextToken,omitempty"`
}

type ec2Interface struct {
	ID          string  `xml:"networkInterfaceId"`
	Description string  `xml:"description"`
	VPC         string  `xml:"vpcId"`
	Subnet      string  `xml:"subnetId"`
	Zone        string  `xml:"availabilityZone"`
	Status      string  `xml:"status"`
	Addr        string  `xml:"privateIpAddress"`
	Groups      []ec2ID `xml:"groupSet>item"`
}

func securityGroupOf(g SecurityGroup) ec2Group {
	egress := g.Egress
	if egress == nil {
		egress = []IngressRule{{Protocol: "-1", CIDRs: []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0)}}}
	}
	return ec2Group{ID: g.ID, VPC: g.VPC, Ingress: permissionsOf(g.Ingress), Egress: permissionsOf(egress)}
}

func permissionsOf(rules []IngressRule) (out []ec2Permission) {
	for _, r := range rules {
		p := ec2Permission{Protocol: r.Protocol}
		if r.Protocol != "-1" {
			from, to := int(r.From), int(r.To)
			p.From, p.To = &from, &to
		}
		for _, c := range r.CIDRs {
			if c.Addr().Is4() {
				p.IPv4 = append(p.IPv4, ec2CIDR{c.String()})
			} else {
				p.IPv6 = append(p.IPv6, ec2CIDR6{c.String()})
			}
		}
		for _, id := range r.Groups {
			p.Groups = append(p.Groups, ec2ID{id})
		}
		for _, id := range r.PrefixList {
			p.Lists = append(p.Lists, ec2List{id})
		}
		out = append(out, p)
	}
	return out
}

func interfaceOf(n NetworkInterface) ec2Interface {
	out := ec2Interface{
		ID: n.ID, Description: n.Description, VPC: n.VPC, Subnet: n.Subnet, Zone: n.Zone, Status: "in-use", Addr: textOf(n.Addr),
	}
	for _, id := range n.Groups {
		out.Groups = append(out.Groups, ec2ID{id})
	}
	return out
}
