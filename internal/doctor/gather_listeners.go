package doctor

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// listeners reads those of a load balancer, 50 at the most by quota, with the rules of the binding's port and of the port
// that health checks ask, and with the idle time-out of those that send to the group.
func (g *gathering) listeners(ctx context.Context, arn string) ([]Listener, error) {
	in := &elbv2.DescribeListenersInput{LoadBalancerArn: &arn}
	out := []Listener{}
	for range maxPages {
		reply, err := ask(ctx, g, "elasticloadbalancing:DescribeListeners", g.s.Listeners.DescribeListeners, in)
		if err != nil {
			return nil, err
		}
		for _, l := range reply.Listeners {
			out = append(out, listenerOf(l))
		}
		if in.Marker = reply.NextMarker; aws.ToString(in.Marker) == "" {
			break
		}
	}
	for i := range out {
		switch l := &out[i]; {
		case l.sends(g.s.Binding.Group) && l.Protocol == "TCP":
			g.idle(ctx, l)
		case l.sends(g.s.Binding.Group) && l.Protocol == "TLS":
			l.Idle = tlsIdle
		case l.Protocol == "HTTP" || l.Protocol == "HTTPS":
			if l.Port == g.s.Binding.Port || g.checks(l.Port) {
				g.rules(ctx, l)
			}
		}
	}
	return out, nil
}

// tlsIdle cannot be changed: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html
const tlsIdle = 350 * time.Second

// checks tells whether the group's health check asks a port.
func (g *gathering) checks(port uint16) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.f.Group.Value.Check.Port == strconv.Itoa(int(port)) || g.f.port() == port
}

func (g *gathering) idle(ctx context.Context, l *Listener) {
	in := &elbv2.DescribeListenerAttributesInput{ListenerArn: &l.ARN}
	out, err := ask(ctx, g, "elasticloadbalancing:DescribeListenerAttributes", g.s.Listeners.DescribeListenerAttributes, in)
	if err != nil {
		l.IdleErr = err
		return
	}
	for _, a := range out.Attributes {
		if aws.ToString(a.Key) == "tcp.idle_timeout.seconds" {
			if n, err := strconv.Atoi(aws.ToString(a.Value)); err == nil {
				l.Idle = time.Duration(n) * time.Second
			}
		}
	}
}

func (g *gathering) rules(ctx context.Context, l *Listener) {
	in := &elbv2.DescribeRulesInput{ListenerArn: &l.ARN}
	for range maxPages {
		out, err := ask(ctx, g, "elasticloadbalancing:DescribeRules", g.s.Listeners.DescribeRules, in)
		if err != nil {
			l.RulesErr = err
			return
		}
		for _, r := range out.Rules {
			if !aws.ToBool(r.IsDefault) {
				l.Rules = append(l.Rules, ruleOf(r))
			}
		}
		if in.Marker = out.NextMarker; aws.ToString(in.Marker) == "" {
			break
		}
	}
	slices.SortStableFunc(l.Rules, func(a, b Rule) int { return cmp.Compare(a.Priority, b.Priority) })
}

func ruleOf(r types.Rule) Rule {
	out := Rule{Conditions: map[string][]string{}, Actions: actionsOf(r.Actions)}
	out.Priority, _ = strconv.Atoi(aws.ToString(r.Priority))
	for _, c := range r.Conditions {
		values := c.Values
		switch {
		case c.PathPatternConfig != nil && len(c.PathPatternConfig.Values) > 0:
			values = c.PathPatternConfig.Values
		case c.HostHeaderConfig != nil && len(c.HostHeaderConfig.Values) > 0:
			values = c.HostHeaderConfig.Values
		}
		field := aws.ToString(c.Field)
		if len(values) == 0 { // by regular expressions, or by what is not understood here
			field, values = "other", nil
		}
		out.Conditions[field] = values
	}
	return out
}

func listenerOf(l types.Listener) Listener {
	verify := l.MutualAuthentication != nil && aws.ToString(l.MutualAuthentication.Mode) == "verify"
	return Listener{
		ClientCert: verify, ARN: aws.ToString(l.ListenerArn), Balancer: aws.ToString(l.LoadBalancerArn), Protocol: string(l.Protocol),
		Port: portOf(l.Port), Actions: actionsOf(l.DefaultActions),
	}
}

func actionsOf(actions []types.Action) (out []Action) {
	for _, a := range actions {
		one := Action{Type: string(a.Type)}
		if arn := aws.ToString(a.TargetGroupArn); arn != "" {
			one.Groups = append(one.Groups, arn)
		}
		if a.ForwardConfig != nil {
			for _, t := range a.ForwardConfig.TargetGroups {
				one.Groups = append(one.Groups, aws.ToString(t.TargetGroupArn))
			}
		}
		if a.RedirectConfig != nil {
			one.Code, _ = strconv.Atoi(strings.TrimPrefix(string(a.RedirectConfig.StatusCode), "HTTP_")) // 0: not understood
		}
		if a.FixedResponseConfig != nil {
			one.Code, _ = strconv.Atoi(aws.ToString(a.FixedResponseConfig.StatusCode))
		}
		out = append(out, one)
	}
	return out
}
