package main

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// inside is an address of the first subnet. Load balancers take theirs from anywhere in it, but the scratch group is
// used by nobody, so that it does not matter whose it is.
func (w *walk) inside(n int) netip.Addr {
	base := w.stack.Subnets[0].Prefix.Addr().As4()
	base[3] = byte(n)
	return netip.AddrFrom4(base)
}

type option func(*types.TargetDescription)

// everyZone registers an address outside of the VPC.
func everyZone(t *types.TargetDescription) { t.AvailabilityZone = aws.String("all") }

func port(n int32) option { return func(t *types.TargetDescription) { t.Port = &n } }

func target(id string, options ...option) types.TargetDescription {
	t := types.TargetDescription{Id: &id}
	for _, o := range options {
		o(&t)
	}
	return t
}

func (w *walk) register(ctx context.Context, arn string, targets ...types.TargetDescription) (code, message string, err error) {
	_, err = w.groups.RegisterTargets(ctx, &elbv2.RegisterTargetsInput{TargetGroupArn: &arn, Targets: targets})
	return refusal(err)
}

func (w *walk) deregister(ctx context.Context, arn string, targets ...types.TargetDescription) (code, message string, err error) {
	_, err = w.groups.DeregisterTargets(ctx, &elbv2.DeregisterTargetsInput{TargetGroupArn: &arn, Targets: targets})
	return refusal(err)
}

// state lists a group by id and port, such as 10.83.0.9:443.
func (w *walk) state(ctx context.Context, arn string) (map[string]types.TargetHealthDescription, error) {
	out, err := w.groups.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: &arn})
	if err != nil {
		return nil, fmt.Errorf("list targets: %w", err)
	}
	state := map[string]types.TargetHealthDescription{}
	for _, d := range out.TargetHealthDescriptions {
		if d.Target != nil && d.TargetHealth != nil {
			state[fmt.Sprintf("%s:%d", aws.ToString(d.Target.Id), aws.ToInt32(d.Target.Port))] = d
		}
	}
	return state, nil
}

// registered tells whether a target is in the group and is not leaving it.
func registered(state map[string]types.TargetHealthDescription, id string, port uint16) bool {
	d, ok := state[fmt.Sprintf("%s:%d", id, port)]
	return ok && d.TargetHealth.State != types.TargetHealthStateEnumDraining
}

// clear empties a group.
func (w *walk) clear(ctx context.Context, arn string) error {
	state, err := w.state(ctx, arn)
	if err != nil {
		return err
	}
	var all []types.TargetDescription
	for _, key := range sorted(state) {
		if d := state[key]; d.TargetHealth.State != types.TargetHealthStateEnumDraining {
			all = append(all, *d.Target)
		}
	}
	for batch := range slices.Chunk(all, 100) {
		if code, message, err := w.deregister(ctx, arn, batch...); err != nil || code != "" {
			return cannot("empty the group", code, message, err)
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *walk) wholeBatches(ctx context.Context) (verdict, error) {
	arn, one := w.stack.Scratch.ARN, w.inside(250).String()
	code, message, err := w.register(ctx, arn, target(one), target(public.String()))
	if err != nil {
		return verdict{}, err
	}
	state, err := w.state(ctx, arn)
	switch {
	case err != nil:
		return verdict{}, err
	case code == "":
		return found(differs, "a batch with a public address was taken"), w.clear(ctx, arn)
	case registered(state, one, w.stack.Scratch.Port):
		return found(differs, "%s (%s), and yet the other target was registered", code, message), w.clear(ctx, arn)
	}
	if again, _, err := w.register(ctx, arn, target(one)); err != nil || again != "" {
		return verdict{}, cannot("register one target", again, "", err)
	}
	removal, _, err := w.deregister(ctx, arn, target(one), target("not-an-address"))
	if err != nil {
		return verdict{}, err
	}
	if state, err = w.state(ctx, arn); err != nil {
		return verdict{}, err
	}
	left := !registered(state, one, w.stack.Scratch.Port)
	if removal != "" && left {
		return found(differs, "the removal was refused (%s), and yet one target left", removal), w.clear(ctx, arn)
	}
	return found(holds, "refused with %s and nobody registered; a removal with an impossible address: %q, and the other target left: %t", code, removal, left), w.clear(ctx, arn)
}

func (w *walk) zoneWords(ctx context.Context) (verdict, error) {
	arn, out, in := w.stack.Scratch.ARN, outside.String(), w.inside(250).String()
	zoneCode := func(code string) bool { return code == "ValidationError" || code == "InvalidTarget" }
	without, words, err := w.register(ctx, arn, target(out))
	if err != nil {
		return verdict{}, err
	}
	all, _, err := w.register(ctx, arn, target(out, everyZone))
	if err != nil {
		return verdict{}, err
	}
	overridden, theirs, err := w.register(ctx, arn, target(in, everyZone))
	if err != nil {
		return verdict{}, err
	}
	saw := fmt.Sprintf("outside without a zone: %s %q; with all: %q; inside with all: %s %q", without, words, all, overridden, theirs)
	good := zoneCode(without) && strings.Contains(words, "Availability Zone") && strings.Contains(words, out) && all == "" &&
		zoneCode(overridden) && strings.Contains(theirs, in) &&
		(strings.Contains(theirs, "within the VPC") || strings.Contains(theirs, "cannot have its Availability Zone overridden"))
	if !good {
		return found(differs, "%s", saw), w.clear(ctx, arn)
	}
	return found(holds, "%s", saw), w.clear(ctx, arn)
}

func (w *walk) errorCodes(ctx context.Context) (verdict, error) {
	arn := w.stack.Scratch.ARN
	absent := arn[:len(arn)-1] + map[bool]string{true: "1", false: "0"}[strings.HasSuffix(arn, "0")]
	odd, words, err := w.register(ctx, arn, target("not-an-address"))
	if err != nil {
		return verdict{}, err
	}
	gone, _, err := w.register(ctx, absent, target(w.inside(250).String()))
	if err != nil {
		return verdict{}, err
	}
	_, err = w.groups.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: aws.String("nonsense")})
	malformed, about, err := refusal(err)
	if err != nil {
		return verdict{}, err
	}
	names := func(text string) bool {
		return strings.Contains(text, "IP address") || strings.Contains(text, "not-an-address")
	}
	saw := fmt.Sprintf("no address: %s %q; no such group: %s; no ARN: %s %q", odd, words, gone, malformed, about)
	if odd != "ValidationError" || !names(words) || gone != "TargetGroupNotFound" || malformed != "ValidationError" || names(about) {
		return found(differs, "%s", saw), w.clear(ctx, arn)
	}
	return found(holds, "%s", saw), nil
}

func (w *walk) publicAddress(ctx context.Context) (verdict, error) {
	arn := w.stack.Scratch.ARN
	code, message, err := w.register(ctx, arn, target(public.String()))
	if err != nil {
		return verdict{}, err
	}
	if code == "InvalidTarget" || code == "ValidationError" && strings.Contains(message, public.String()) {
		return found(holds, "%s %q", code, message), nil
	}
	return found(differs, "%q %q", code, message), w.clear(ctx, arn)
}

func (w *walk) hundred(ctx context.Context) (verdict, error) {
	var all []types.TargetDescription
	for n := range 100 {
		all = append(all, target(w.inside(100+n).String()))
	}
	code, message, err := w.register(ctx, w.stack.Scratch.ARN, all...)
	if err != nil {
		return verdict{}, err
	}
	state, err := w.state(ctx, w.stack.Scratch.ARN)
	switch {
	case err != nil:
		return verdict{}, err
	case code != "":
		return found(differs, "refused with %s: %s", code, message), w.clear(ctx, w.stack.Scratch.ARN)
	case len(state) < len(all):
		return found(differs, "%d of %d are listed", len(state), len(all)), w.clear(ctx, w.stack.Scratch.ARN)
	default:
		return found(holds, "100 targets were registered by one call, and %d are listed", len(state)), w.clear(ctx, w.stack.Scratch.ARN)
	}
}

func (w *walk) crossZone(ctx context.Context) (verdict, error) {
	out, err := w.groups.DescribeTargetGroupAttributes(ctx, &elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &w.stack.Attached.ARN})
	if err != nil {
		return verdict{}, err
	}
	for _, a := range out.Attributes {
		if aws.ToString(a.Key) != "load_balancing.cross_zone.enabled" {
			continue
		}
		value := aws.ToString(a.Value)
		if slices.Contains([]string{"true", "false", "use_load_balancer_configuration"}, value) {
			return found(holds, "%q", value), nil
		}
		return found(differs, "%q", value), nil
	}
	return found(differs, "the group has no such attribute"), nil
}

var zoneID = regexp.MustCompile(`^[a-z0-9]+-az[0-9]+$`)

func (w *walk) zoneIDs(ctx context.Context) (verdict, error) {
	out, err := w.network.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{
		Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{w.stack.VPC}}},
	})
	if err != nil {
		return verdict{}, err
	}
	var ids []string
	for _, s := range out.Subnets {
		if ids = append(ids, aws.ToString(s.AvailabilityZoneId)); !zoneID.MatchString(ids[len(ids)-1]) {
			return found(differs, "zone %s has the id %q", aws.ToString(s.AvailabilityZone), ids[len(ids)-1]), nil
		}
	}
	return found(holds, "%s; that they are the same in another account takes another account", strings.Join(ids, ", ")), nil
}

// interfaces are the addresses of the load balancer's own network interfaces.
func (w *walk) interfaces(ctx context.Context) (out []netip.Addr, err error) {
	if w.network == nil {
		return nil, fmt.Errorf("it needs an account")
	}
	pages := ec2.NewDescribeNetworkInterfacesPaginator(w.network, &ec2.DescribeNetworkInterfacesInput{
		MaxResults: aws.Int32(100),
		Filters: []ec2types.Filter{
			{Name: aws.String("vpc-id"), Values: []string{w.stack.VPC}},
			{Name: aws.String("description"), Values: []string{"ELB " + w.stack.Balancer}},
		},
	})
	for n := 0; pages.HasMorePages() && n < 20; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range page.NetworkInterfaces {
			if a, err := netip.ParseAddr(aws.ToString(i.PrivateIpAddress)); err == nil {
				out = append(out, a)
			}
		}
	}
	return union(out), nil
}
