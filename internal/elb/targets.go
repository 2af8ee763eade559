package elb

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"mooring"
)

// Targets lists the group with one call; the API has no pages.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
func (g *Group) Targets(ctx context.Context) ([]mooring.Target, error) {
	targets, err := g.describeHealth(ctx)
	g.seen.note(targets)
	return targets, err
}

func (g *Group) describeHealth(ctx context.Context) ([]mooring.Target, error) {
	in := &elbv2.DescribeTargetHealthInput{TargetGroupArn: &g.c.ARN}
	reply, err := ask(ctx, g, "elasticloadbalancing:DescribeTargetHealth", g.api.DescribeTargetHealth, in)
	if err != nil {
		return nil, err
	}
	targets := make([]mooring.Target, 0, len(reply.TargetHealthDescriptions))
	for _, d := range reply.TargetHealthDescriptions {
		target, ok, err := targetOf(d)
		if err != nil {
			return nil, err
		}
		if ok {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// targetOf reads one line of the list. What is no address of this kind of group is not ours to touch, so it is
// left out; but an instance or a function means that the group is of another kind altogether.
func targetOf(d types.TargetHealthDescription) (t mooring.Target, ok bool, err error) {
	if d.Target == nil {
		return mooring.Target{}, false, nil
	}
	id, port := aws.ToString(d.Target.Id), aws.ToInt32(d.Target.Port)
	if strings.HasPrefix(id, "i-") || strings.HasPrefix(id, "arn:") {
		return mooring.Target{}, false, fmt.Errorf("the group holds %.100q: it must be of target type ip", id)
	}
	addr, _ := netip.ParseAddr(id) // invalid where it is none
	if !addr.IsValid() || addr.Zone() != "" || port < 1 || port > 65535 {
		return mooring.Target{}, false, nil
	}
	t = mooring.Target{
		Addr: addr.Unmap(), Port: uint16(port), Zone: aws.ToString(d.Target.AvailabilityZone),
		Health: mooring.HealthUnavailable,
	}
	if h := d.TargetHealth; h != nil && h.State != "" {
		t.Health, t.Reason = mooring.Health(h.State), reasonOf(h)
	}
	return t, true, nil
}

func reasonOf(h *types.TargetHealth) string {
	reason := string(h.Reason)
	if text := aws.ToString(h.Description); text != "" {
		reason = strings.TrimPrefix(reason+": "+text, ": ")
	}
	return brief(reason)
}

// descriptions are targets as the API takes them. The port is always sent: an address may be in the group on
// several ports, and without one the group's own would be meant.
func (g *Group) descriptions(targets []candidate) []types.TargetDescription {
	out := make([]types.TargetDescription, 0, len(targets))
	for _, t := range targets {
		d := types.TargetDescription{Id: aws.String(t.target.Addr.String()), Port: aws.Int32(int32(g.port(t.target)))}
		if t.zone != zoneNone {
			d.AvailabilityZone = aws.String(t.zone)
		}
		out = append(out, d)
	}
	return out
}

func (g *Group) port(t mooring.Target) uint16 {
	if t.Port == 0 {
		return g.c.Port
	}
	return t.Port
}

// checkPorts refuses targets without a port: the group's own would be meant, and perhaps not by whom they came from.
func (g *Group) checkPorts(targets []mooring.Target) error {
	for _, t := range targets {
		if g.port(t) == 0 {
			return fmt.Errorf("%s has no port", t.Addr)
		}
	}
	return nil
}
