package sim

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// describeListeners lists those of a load balancer, or those asked for, in pages:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListeners.html
func (e *ELBv2) describeListeners(form url.Values) (any, error) {
	arns, of := members(form, "ListenerArns.member"), form.Get("LoadBalancerArn")
	if (len(arns) > 0) == (of != "") {
		return nil, invalid("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
	}
	var found []Listener
	if of != "" {
		if _, err := e.balancer(of); err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(e.listeners(), func(l Listener) bool { return l.LoadBalancer != of })
	}
	for _, arn := range arns {
		l, err := e.listener(arn)
		if err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	some, next, err := elbPage(form, found)
	if err != nil {
		return nil, err
	}
	out := elbListeners{NextMarker: next}
	for _, l := range some {
		out.Listeners = append(out.Listeners, listenerOf(l))
	}
	return out, nil
}

func (e *ELBv2) listeners() []Listener {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.Listeners)
}

func (e *ELBv2) listener(arn string) (Listener, error) {
	all := e.listeners()
	i := slices.IndexFunc(all, func(l Listener) bool { return l.ARN() == arn })
	if i < 0 {
		return Listener{}, invalid("ListenerNotFound", "One or more listeners not found")
	}
	return all[i], nil
}

// describeListenerAttributes reads the settings of one listener:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListenerAttributes.html
func (e *ELBv2) describeListenerAttributes(form url.Values) (any, error) {
	l, err := e.listener(form.Get("ListenerArn"))
	if err != nil {
		return nil, err
	}
	return elbAttributesOf("DescribeListenerAttributesResult", l.attributes()), nil
}

// describeRules lists the rules of a listener, the default one last, in pages:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html
func (e *ELBv2) describeRules(form url.Values) (any, error) {
	l, err := e.listener(form.Get("ListenerArn"))
	if err != nil {
		return nil, err
	}
	base := strings.Replace(l.ARN(), ":listener/", ":listener-rule/", 1) + "/"
	var all []elbRule
	for _, r := range l.Rules {
		all = append(all, elbRule{
			ARN: base + strconv.Itoa(r.Priority), Priority: strconv.Itoa(r.Priority), Actions: actionsOf(r.Actions),
			Conditions: []elbCondition{{r.Field, r.Values}},
		})
	}
	all = append(all, elbRule{ARN: base + "default", Priority: "default", IsDefault: true, Actions: actionsOf(l.Actions)})
	some, next, err := elbPage(form, all)
	if err != nil {
		return nil, err
	}
	return elbRules{Rules: some, NextMarker: next}, nil
}

// describeTags lists the tags of resources:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
func (e *ELBv2) describeTags(form url.Values) (any, error) {
	arns := members(form, "ResourceArns.member")
	if len(arns) == 0 || len(arns) > 20 { // the limit is in the SDK's words: up to 20 in a single call
		return nil, invalid("ValidationError", "Between 1 and 20 resources must be specified")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var out elbTags
	for _, arn := range arns {
		if strings.Contains(arn, ":targetgroup/") && !slices.ContainsFunc(e.Groups, func(g *TargetGroup) bool { return g.ARN == arn }) {
			return nil, invalid("TargetGroupNotFound", "One or more target groups not found")
		}
		one := elbTagged{ARN: arn}
		for key, value := range e.Tags[arn] {
			one.Tags = append(one.Tags, elbAttribute{Key: key, Value: value})
		}
		slices.SortFunc(one.Tags, func(a, b elbAttribute) int { return strings.Compare(a.Key, b.Key) })
		out.Resources = append(out.Resources, one)
	}
	return out, nil
}

type elbListeners struct {
	XMLName    xml.Name      `xml:"DescribeListenersResult"`
	Listeners  []elbListener `xml:"Listeners>member"`
	NextMarker string        `xml:"NextMarker,omitempty"`
}

type elbListener struct {
	ARN         string      `xml:"ListenerArn"`
	Balancer    string      `xml:"LoadBalancerArn"`
	Port        int         `xml:"Port"`
	Protocol    string      `xml:"Protocol"`
	Certificate string      `xml:"Certificates>member>CertificateArn,omitempty"`
	Actions     []elbAction `xml:"DefaultActions>member"`
}

type elbAction struct {
	Type     string      `xml:"Type"`
	Order    int         `xml:"Order"`
	Group    string      `xml:"TargetGroupArn,omitempty"`
	Forward  *elbForward `xml:"ForwardConfig"`
	Redirect *elbStatus  `xml:"RedirectConfig"`
	Fixed    *elbStatus  `xml:"FixedResponseConfig"`
}

type elbForward struct {
	Groups []elbWeighted `xml:"TargetGroups>member"`
}

type elbWeighted struct {
	ARN    string `xml:"TargetGroupArn"`
	Weight int    `xml:"Weight"`
}

type elbStatus struct {
	Code string `xml:"StatusCode"`
}

type elbRules struct {
	XMLName    xml.Name  `xml:"DescribeRulesResult"`
	Rules      []elbRule `xml:"Rules>member"`
	NextMarker string    `xml:"NextMarker,omitempty"`
}

type elbRule struct {
	ARN        string         `xml:"RuleArn"`
	Priority   string         `xml:"Priority"`
	IsDefault  bool           `xml:"IsDefault"`
	Conditions []elbCondition `xml:"Conditions>member,omitempty"`
	Actions    []elbAction    `xml:"Actions>member"`
}

type elbCondition struct {
	Field  string   `xml:"Field"`
	Values []string `xml:"Values>member"`
}

type elbTags struct {
	XMLName   xml.Name    `xml:"DescribeTagsResult"`
	Resources []elbTagged `xml:"TagDescriptions>member"`
}

type elbTagged struct {
	ARN  string         `xml:"ResourceArn"`
	Tags []elbAttribute `xml:"Tags>member"`
}

func listenerOf(l Listener) elbListener {
	return elbListener{
		ARN: l.ARN(), Balancer: l.LoadBalancer, Port: int(l.Port), Protocol: l.Protocol,
		Certificate: l.Certificate, Actions: actionsOf(l.Actions),
	}
}

// actionsOf names the group of a forward action twice where it has only one, as AWS does.
func actionsOf(actions []Action) []elbAction {
	var out []elbAction
	for i, a := range actions {
		one := elbAction{Type: a.Type, Order: i + 1}
		switch a.Type {
		case "forward":
			one.Forward = &elbForward{}
			for _, arn := range a.Groups {
				one.Forward.Groups = append(one.Forward.Groups, elbWeighted{arn, 1})
			}
			if len(a.Groups) == 1 {
				one.Group = a.Groups[0]
			}
		case "redirect":
			one.Redirect = &elbStatus{a.Status}
		case "fixed-response":
			one.Fixed = &elbStatus{a.Status}
		}
		out = append(out, one)
	}
	return out
}
