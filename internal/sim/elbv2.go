package sim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ELBv2 speaks the query protocol of Elastic Load Balancing for some target groups, load balancers and listeners:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html
type ELBv2 struct {
	Groups []*TargetGroup
	Now    func() time.Time // nil: time.Now

	LoadBalancers []LoadBalancer               // beside those that only groups know of
	Listeners     []Listener                   // of these load balancers
	Tags          map[string]map[string]string // by the ARN of what has them

	mu sync.Mutex
}

// Adjust changes the settings above while the fake is in use.
func (e *ELBv2) Adjust(change func(*ELBv2)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *ELBv2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		awsError(w, "elb", http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	action := r.PostForm.Get("Action")
	result, err := e.do(action, r.PostForm)
	if err != nil {
		status, code, message := apiError(err)
		awsError(w, "elb", status, code, message)
		return
	}
	awsXML(w, http.StatusOK, elbReply{
		XMLName:   xml.Name{Local: action + "Response"},
		Namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
		Result:    result,
		RequestID: requestID(),
	})
}

func apiError(err error) (status int, code, message string) {
	if api, ok := errors.AsType[*APIError](err); ok {
		return api.Status, api.Code, api.Message
	}
	return http.StatusInternalServerError, "InternalFailure", err.Error()
}

func (e *ELBv2) do(action string, form url.Values) (any, error) {
	read := map[string]func(url.Values) (any, error){
		"DescribeTargetGroups":           e.describeGroups,
		"DescribeLoadBalancers":          e.describeBalancers,
		"DescribeLoadBalancerAttributes": e.describeBalancerAttributes,
		"DescribeListeners":              e.describeListeners,
		"DescribeListenerAttributes":     e.describeListenerAttributes,
		"DescribeRules":                  e.describeRules,
		"DescribeTags":                   e.describeTags,
	}
	if f := read[action]; f != nil {
		return f(form)
	}
	switch action {
	case "DescribeTargetGroupAttributes", "DescribeTargetHealth", "RegisterTargets", "DeregisterTargets":
	default:
		return nil, invalid("InvalidAction", "The action %s is not valid for this web service.", action)
	}
	g, err := e.group(form.Get("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	switch action {
	case "DescribeTargetGroupAttributes":
		return attributesOf(g), nil
	case "DescribeTargetHealth":
		return e.describeHealth(g, form)
	}
	targets, err := elbTargets(g, form)
	if err != nil {
		return nil, err
	}
	empty := elbEmpty{XMLName: xml.Name{Local: action + "Result"}}
	if action == "RegisterTargets" {
		return empty, g.Register(e.now(), targets)
	}
	return empty, g.Deregister(e.now(), targets)
}

func (e *ELBv2) now() time.Time {
	if e.Now == nil {
		return time.Now()
	}
	return e.Now()
}

// group finds a target group. The code for a malformed ARN is the one that aws-load-balancer-controller expects
// (pkg/targetgroupbinding/resource_manager.go); its words are not documented.
func (e *ELBv2) group(arn string) (*TargetGroup, error) {
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":targetgroup/") {
		return nil, invalid("ValidationError", "'%s' is not a valid target group ARN", arn)
	}
	groups := e.groups()
	i := slices.IndexFunc(groups, func(g *TargetGroup) bool { return g.ARN == arn })
	if i < 0 {
		return nil, invalid("TargetGroupNotFound", "One or more target groups not found")
	}
	return groups[i], nil
}

func (e *ELBv2) groups() []*TargetGroup {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.Groups)
}

// describeGroups lists the groups, or those asked for: by their ARNs, or by a load balancer that sends to them.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
func (e *ELBv2) describeGroups(form url.Values) (any, error) {
	groups := e.groups()
	if lb := form.Get("LoadBalancerArn"); lb != "" {
		if _, err := e.balancer(lb); err != nil {
			return nil, err
		}
		groups = slices.DeleteFunc(groups, func(g *TargetGroup) bool { return !slices.Contains(e.groupOf(g).LoadBalancers, lb) })
	}
	if arns := members(form, "TargetGroupArns.member"); len(arns) > 0 {
		groups = nil
		for _, arn := range arns {
			g, err := e.group(arn)
			if err != nil {
				return nil, err
			}
			groups = append(groups, g)
		}
	}
	some, next, err := elbPage(form, groups)
	if err != nil {
		return nil, err
	}
	out := elbGroups{NextMarker: next}
	for _, g := range some {
		out.Groups = append(out.Groups, e.groupOf(g))
	}
	return out, nil
}

func (e *ELBv2) describeHealth(g *TargetGroup, form url.Values) (any, error) {
	states := g.Describe(e.now())
	if asked := len(members(form, "Targets.member", "Id")); asked > 0 {
		targets, err := elbTargets(g, form)
		if err != nil {
			return nil, err
		}
		states = only(g, states, targets)
	}
	var out elbHealth
	for _, s := range states {
		out.Targets = append(out.Targets, healthOf(s.Addr.String(), int(s.Port), s))
	}
	for _, id := range g.others() {
		out.Targets = append(out.Targets, healthOf(id, int(g.Port), TargetState{State: "healthy"}))
	}
	return out, nil
}

func (g *TargetGroup) others() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.Others)
}

// only picks the asked targets. What is not registered is unused:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
func only(g *TargetGroup, states []TargetState, asked []TargetDescription) []TargetState {
	out := make([]TargetState, 0, len(asked))
	for _, t := range asked {
		key := g.key(t)
		i := slices.IndexFunc(states, func(s TargetState) bool { return g.key(s.TargetDescription) == key })
		if i >= 0 {
			out = append(out, states[i])
			continue
		}
		t.Port = key.Port()
		out = append(out, TargetState{
			TargetDescription: t, State: "unused", Reason: "Target.NotRegistered",
			Description: "Target is not registered to the target group",
		})
	}
	return out
}

// elbTargets reads Targets.member.N.{Id,Port,AvailabilityZone}. That an id is no address of the group's family
// is told in words that were seen in the field (ansible-collections/community.aws issue 1441).
func elbTargets(g *TargetGroup, form url.Values) ([]TargetDescription, error) {
	ids := members(form, "Targets.member", "Id")
	out := make([]TargetDescription, 0, len(ids))
	for i, id := range ids {
		addr, err := netip.ParseAddr(id)
		if err != nil {
			return nil, invalid("ValidationError", "The IP address '%s' is not a valid %s address", id, g.family())
		}
		member := fmt.Sprintf("Targets.member.%d.", i+1)
		port := 0
		if text := form.Get(member + "Port"); text != "" {
			if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
				return nil, invalid("ValidationError", "Port '%s' is not valid", text)
			}
		}
		out = append(out, TargetDescription{Addr: addr, Port: uint16(port), Zone: form.Get(member + "AvailabilityZone")})
	}
	return out, nil
}

// members reads a list of the query protocol: PREFIX.1, PREFIX.2 and so on, or one field of each.
func members(form url.Values, prefix string, field ...string) []string {
	var out []string
	for n := 1; ; n++ {
		key := strings.Join(append([]string{prefix, strconv.Itoa(n)}, field...), ".")
		if !form.Has(key) {
			return out
		}
		out = append(out, form.Get(key))
	}
}

// attributesOf are a group's settings, those of a group that is used by network load balancers with their defaults:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
func attributesOf(g *TargetGroup) elbAttributes {
	g.mu.Lock()
	defer g.mu.Unlock()
	attributes := map[string]string{
		"deregistration_delay.timeout_seconds":                           strconv.Itoa(int(g.DrainFor.Seconds())),
		"load_balancing.cross_zone.enabled":                              strconv.FormatBool(g.CrossZone),
		"target_group_health.dns_failover.minimum_healthy_targets.count": "1",
	}
	if g.Type == "ip" {
		attributes["preserve_client_ip.enabled"] = strconv.FormatBool(g.Protocol != "TCP" && g.Protocol != "TLS")
		attributes["proxy_protocol_v2.enabled"] = "false"
	}
	maps.Copy(attributes, g.Attributes)
	return elbAttributesOf("DescribeTargetGroupAttributesResult", attributes)
}
