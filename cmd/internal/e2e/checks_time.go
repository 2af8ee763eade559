package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func (w *walk) listed(ctx context.Context) (verdict, error) {
	arn, one, p := w.stack.Scratch.ARN, w.inside(250).String(), w.stack.Scratch.Port
	if code, _, err := w.register(ctx, arn, target(one), target(one, port(int32(p)+1))); err != nil || code != "" {
		return verdict{}, cannot("register a target on two ports", code, "", err)
	}
	state, err := w.state(ctx, arn)
	if err != nil {
		return verdict{}, err
	}
	d, there := state[fmt.Sprintf("%s:%d", one, p)]
	switch {
	case !there || !registered(state, one, p+1):
		return found(differs, "of two ports of one address these are listed at once: %v", sorted(state)), w.clear(ctx, arn)
	case d.Target.AvailabilityZone == nil:
		return found(differs, "a target inside the VPC is listed without its zone"), w.clear(ctx, arn)
	case *d.Target.AvailabilityZone != w.stack.Subnets[0].Zone:
		return found(differs, "a target of %s is listed in %s", w.stack.Subnets[0].Zone, *d.Target.AvailabilityZone), w.clear(ctx, arn)
	default:
		return found(holds, "both ports are listed at once, in their zone, as %s %s", d.TargetHealth.State, d.TargetHealth.Reason), w.clear(ctx, arn)
	}
}

const (
	poll       = 10 * time.Second
	longHealth = 20 * time.Minute
	longDrain  = 15 * time.Minute
)

// until lists the attached group until done says so, and tells how long it took from since. It is false after too long.
func (w *walk) until(ctx context.Context, since time.Time, limit time.Duration, done func(map[string]types.TargetHealthDescription) bool) (took time.Duration, ok bool, err error) {
	for {
		now := w.clock.Now()
		state, err := w.state(ctx, w.stack.Attached.ARN)
		switch {
		case err != nil:
			return 0, false, err
		case done(state):
			return now.Sub(since), true, nil
		case now.Sub(since) > limit:
			return now.Sub(since), false, nil
		}
		if err := w.clock.Wait(ctx, poll); err != nil {
			return 0, false, err
		}
	}
}

// times registers the load balancer's own nodes behind the other load balancer, as mooring would.
func (w *walk) times(ctx context.Context) (verdict, error) {
	arn, p := w.stack.Attached.ARN, w.stack.Attached.Port
	var ids []string
	var all []types.TargetDescription
	for _, a := range w.stack.Nodes[:min(len(w.stack.Nodes), 8)] {
		ids, all = append(ids, a.String()), append(all, target(a.String()))
	}
	if len(ids) == 0 {
		return found(untried, "the load balancer's nodes are not known"), nil
	}
	since := w.clock.Now()
	if code, message, err := w.register(ctx, arn, all...); err != nil || code != "" {
		return verdict{}, cannot("register the nodes", code, message, err)
	}
	healthy, ok, err := w.until(ctx, since, longHealth, func(state map[string]types.TargetHealthDescription) bool {
		for _, id := range ids {
			if d, ok := state[fmt.Sprintf("%s:%d", id, p)]; !ok || d.TargetHealth.State != types.TargetHealthStateEnumHealthy {
				return false
			}
		}
		return true
	})
	switch {
	case err != nil:
		return verdict{}, err
	case !ok:
		return found(differs, "not all of %d nodes were healthy %s after their registration", len(ids), healthy.Round(time.Second)), w.clear(ctx, arn)
	}
	w.measured.HealthySeconds = max(healthy-time.Second, 0).Seconds()
	return w.drain(ctx, ids[0], healthy)
}

// drain takes a target away, back, and away for good.
func (w *walk) drain(ctx context.Context, id string, healthy time.Duration) (verdict, error) {
	arn, p := w.stack.Attached.ARN, w.stack.Attached.Port
	key := fmt.Sprintf("%s:%d", id, p)
	for _, call := range []func(context.Context, string, ...types.TargetDescription) (string, string, error){w.deregister, w.register} {
		if code, message, err := call(ctx, arn, target(id)); err != nil || code != "" {
			return verdict{}, cannot("take a target away and back", code, message, err)
		}
	}
	state, err := w.state(ctx, arn)
	if err != nil {
		return verdict{}, err
	}
	back := registered(state, id, p)
	since := w.clock.Now()
	if code, message, err := w.deregister(ctx, arn, target(id)); err != nil || code != "" {
		return verdict{}, cannot("take a target away", code, message, err)
	}
	drained := false
	took, ok, err := w.until(ctx, since, longDrain, func(state map[string]types.TargetHealthDescription) bool {
		d, there := state[key]
		drained = drained || there && d.TargetHealth.State == types.TargetHealthStateEnumDraining
		return !there
	})
	if err != nil {
		return verdict{}, err
	}
	w.measured.DrainSeconds = max(took-time.Second, 0).Seconds()
	saw := fmt.Sprintf("healthy after at most %s; taken back while it drained: %t; listed as draining: %t; gone: %t after at most %s",
		healthy.Round(time.Second), back, drained, ok, took.Round(time.Second))
	if !back || !drained || !ok || healthy > 5*time.Minute+poll {
		return found(differs, "%s", saw), w.clear(ctx, arn)
	}
	return found(holds, "%s", saw), w.clear(ctx, arn)
}

func (w *walk) removeNothing(ctx context.Context) (verdict, error) {
	arn, one, p := w.stack.Scratch.ARN, w.inside(250).String(), w.stack.Scratch.Port
	absent, message, err := w.deregister(ctx, arn, target(one, port(int32(p)+1)))
	if err != nil {
		return verdict{}, err
	}
	if code, _, err := w.register(ctx, arn, target(one)); err != nil || code != "" {
		return verdict{}, cannot("register a target", code, "", err)
	}
	other, _, err := w.deregister(ctx, arn, target(one, port(int32(p)+1)))
	if err != nil {
		return verdict{}, err
	}
	state, err := w.state(ctx, arn)
	if err != nil {
		return verdict{}, err
	}
	stays := registered(state, one, p)
	if absent != "" || other != "" || !stays {
		return found(differs, "an absent target: %q %q; another port of a registered one: %q, which stayed: %t", absent, message, other, stays), w.clear(ctx, arn)
	}
	return found(holds, "removing an absent target succeeds, and so does another port, of which the target stays"), w.clear(ctx, arn)
}

func (w *walk) removeOutside(ctx context.Context) (verdict, error) {
	arn, out, in := w.stack.Scratch.ARN, outside.String(), w.inside(250).String()
	for _, step := range []struct {
		call func(context.Context, string, ...types.TargetDescription) (string, string, error)
		of   types.TargetDescription
	}{
		{w.register, target(out, everyZone)},
		{w.deregister, target(out, everyZone)},
		{w.register, target(in)},
		{w.deregister, target(in)},
	} {
		code, message, err := step.call(ctx, arn, step.of)
		if err != nil {
			return verdict{}, err
		}
		if code != "" {
			return found(differs, "refused with %s: %s", code, message), w.clear(ctx, arn)
		}
	}
	state, err := w.state(ctx, arn)
	if err != nil {
		return verdict{}, err
	}
	if registered(state, out, w.stack.Scratch.Port) || registered(state, in, w.stack.Scratch.Port) {
		return found(differs, "still registered afterwards: %v", sorted(state)), w.clear(ctx, arn)
	}
	return found(holds, "both are draining or gone"), nil
}
