package sim

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// EC2 answers DescribeSubnets, DescribeSecurityGroups and DescribeNetworkInterfaces:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
type EC2 struct {
	Subnets        map[string][]Subnet // by VPC
	SecurityGroups []SecurityGroup
	Interfaces     []NetworkInterface

	mu sync.Mutex
}

// Adjust changes the settings above while the fake is in use.
func (e *EC2) Adjust(change func(*EC2)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *EC2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		awsError(w, "ec2", http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	reply, err := e.do(r.PostForm)
	if err != nil {
		status, code, message := apiError(err)
		awsError(w, "ec2", status, code, message)
		return
	}
	awsXML(w, http.StatusOK, reply)
}

func (e *EC2) do(form url.Values) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch action := form.Get("Action"); action {
	case "DescribeSubnets":
		return e.describeSubnets(form)
	case "DescribeSecurityGroups":
		return e.describeSecurityGroups(form)
	case "DescribeNetworkInterfaces":
		return e.describeInterfaces(form)
	default:
		return nil, invalid("InvalidAction", "The action %s is not valid for this web service.", action)
	}
}

func (e *EC2) describeSubnets(form url.Values) (any, error) {
	vpcs, err := vpcFilter(form)
	if err != nil {
		return nil, err
	}
	var items []ec2Subnet
	for _, vpc := range vpcs {
		for _, s := range e.Subnets[vpc] {
			items = append(items, subnetOf(vpc, s))
		}
	}
	slices.SortFunc(items, func(a, b ec2Subnet) int { return strings.Compare(a.ID, b.ID) })
	items, next, err := page(form, items)
	return ec2Subnets{
		Namespace: ec2Namespace, RequestID: requestID(), Items: items, NextToken: next,
	}, err
}

const ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// vpcFilter reads the VPCs asked for. Other filters exist, but nobody here asks by them.
func vpcFilter(form url.Values) ([]string, error) {
	if names := members(form, "Filter", "Name"); len(names) != 1 || names[0] != "vpc-id" {
		return nil, invalid("InvalidParameterValue", "The filters %q are not served here", names)
	}
	return members(form, "Filter.1.Value"), nil
}

// page cuts a list by MaxResults (5 to 1000) and NextToken:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
func page[T any](form url.Values, items []T) (some []T, next string, err error) {
	from := 0
	if token := form.Get("NextToken"); token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(items) {
			return nil, "", invalid("InvalidNextToken", "The token '%s' is not valid", token)
		}
	}
	size := 1000
	if text := form.Get("MaxResults"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 5 || size > 1000 {
			return nil, "", invalid("InvalidParameterValue", "Value ( %s ) for parameter maxResults is invalid. Expecting a value between 5 and 1000", text)
		}
	}
	to := min(from+size, len(items))
	if to < len(items) {
		next = strconv.Itoa(to)
	}
	return items[from:to], next, nil
}

type ec2Subnets struct {
	XMLName   xml.Name    `xml:"DescribeSubnetsResponse"`
	Namespace string      `xml:"xmlns,attr"`
	RequestID string      `xml:"requestId"`
	Items     []ec2Subnet `xml:"subnetSet>item"`
	NextToken string      `xml:"nextToken,omitempty"`
}

type ec2Subnet struct {
	ID     string    `xml:"subnetId"`
	State  string    `xml:"state"`
	VPC    string    `xml:"vpcId"`
	CIDR   string    `xml:"cidrBlock,omitempty"`
	IPv6   []ec2IPv6 `xml:"ipv6CidrBlockAssociationSet>item,omitempty"`
	Zone   string    `xml:"availabilityZone"`
	ZoneID string    `xml:"availabilityZoneId,omitempty"`
}

type ec2IPv6 struct {
	CIDR  string `xml:"ipv6CidrBlock"`
	State string `xml:"ipv6CidrBlockState>state"`
}

func subnetOf(vpc string, s Subnet) ec2Subnet {
	out := ec2Subnet{ID: s.ID, State: "available", VPC: vpc, Zone: s.Zone, ZoneID: s.ZoneID}
	if s.Prefix.Addr().Is4() {
		out.CIDR = s.Prefix.String()
		return out
	}
	out.IPv6 = []ec2IPv6{{CIDR: s.Prefix.String(), State: "associated"}}
	return out
}
