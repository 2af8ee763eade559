package elb

import (
	"context"
	"fmt"
	"slices"

	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"mooring"
)

// batchSize is how many targets a call carries. The API's model has no limit; AWS's own Kubernetes controller
// sends 200.
const batchSize = 100

// Register adds targets. Those that the group does not take are set aside in the outcome, each with AWS's
// reason; none is sent with the same zone again that was refused for it. Other errors stop it, and the outcome
// holds what was confirmed before.
func (g *Group) Register(ctx context.Context, targets []mooring.Target, permit mooring.Permit) (mooring.Outcome, error) {
	if err := g.checkPorts(targets); err != nil {
		return mooring.Outcome{}, fmt.Errorf("register %d targets: %w", len(targets), err)
	}
	if len(targets) == 0 {
		return mooring.Outcome{}, nil
	}
	z, err := g.zoning(ctx)
	if err != nil {
		return mooring.Outcome{}, fmt.Errorf("register %d targets: %w", len(targets), err)
	}
	r := &registration{g: g, zoning: z}
	for chunk := range slices.Chunk(targets, batchSize) {
		batch := make([]candidate, 0, len(chunk))
		for _, t := range chunk {
			batch = append(batch, r.zoning.first(t))
		}
		r.queue = append(r.queue, batch)
	}
	return r.settle(r.run(ctx, permit))
}

// settle blames those who were refused in unknown words, if others were taken; else it is no target's fault.
func (r *registration) settle(err error) (mooring.Outcome, error) {
	switch {
	case len(r.outcome.Registered) > 0:
		r.outcome.Refused = append(r.outcome.Refused, r.doubted...)
	case err == nil && len(r.doubted) > 0:
		err = fmt.Errorf("register %d targets: each was refused: %w", len(r.doubted), r.doubt)
	}
	return r.outcome, err
}

// A registration is one Register on its way.
type registration struct {
	g       *Group
	zoning  zoning
	queue   [][]candidate // batches still to be sent
	outcome mooring.Outcome
	full    string // the group is at its quota, in AWS's words
	swept   bool   // guesses were changed at once

	doubted []mooring.Refused // refused alone, in words that are not known
	doubts  int               // batches refused so,
	doubt   error             // the last of them
}

// maxDoubts bounds the calls that are refused in words that are not known. It finds some six such targets in a batch.
const maxDoubts = 40

func (r *registration) run(ctx context.Context, permit mooring.Permit) error {
	for len(r.queue) > 0 {
		batch := r.queue[0]
		r.queue = r.queue[1:]
		if r.full != "" {
			r.refuse(batch, r.full)
			continue
		}
		turn, err := r.g.permitted(ctx, actionRegister, permit)
		if err != nil {
			return fmt.Errorf("register %d targets: %w", len(batch), err)
		}
		err = r.g.registerBatch(turn, batch)
		if err == nil {
			r.confirm(batch)
			continue
		}
		why := causeOf(err)
		if why.kind == causeUnknown {
			r.doubts, r.doubt = r.doubts+1, err
		}
		if !r.split(batch, why) {
			return fmt.Errorf("register %d targets: %w", len(batch), err)
		}
	}
	return nil
}

func (g *Group) registerBatch(ctx context.Context, batch []candidate) error {
	in := &elbv2.RegisterTargetsInput{TargetGroupArn: &g.c.ARN, Targets: g.descriptions(batch)}
	_, err := within(ctx, g.api.RegisterTargets, in)
	return g.explain(err, actionRegister, g.c.ARN)
}

// The calls that change the group, as IAM calls them.
const (
	actionRegister   = "elasticloadbalancing:RegisterTargets"
	actionDeregister = "elasticloadbalancing:DeregisterTargets"
)

// permitted waits for the turn to change the group, and then asks whether it still may.
func (g *Group) permitted(ctx context.Context, action string, permit mooring.Permit) (context.Context, error) {
	turn, err := g.turn(ctx, action)
	if err != nil {
		return nil, err
	}
	return turn, permit()
}

func (r *registration) confirm(batch []candidate) {
	for _, c := range batch {
		t := c.target
		t.Zone = ""
		if c.told {
			t.Zone = c.zone
		}
		r.outcome.Registered = append(r.outcome.Registered, t)
	}
}

func (r *registration) refuse(batch []candidate, reason string) {
	for _, c := range batch {
		r.outcome.Refused = append(r.outcome.Refused, mooring.Refused{Target: c.target, Reason: reason})
	}
}

// split queues a refused batch again without, or apart from, those that were at fault.
// It returns false where no target was.
func (r *registration) split(batch []candidate, why cause) bool {
	guilty, others := why.blamed(batch)
	switch {
	case why.kind == causeElsewhere, why.kind == causeUnknown && r.doubts > maxDoubts:
		return false
	case why.kind == causeUnknown && len(batch) == 1:
		r.doubted = append(r.doubted, mooring.Refused{Target: batch[0].target, Reason: why.message})
	case why.kind == causeZone && (len(guilty) > 0 || len(batch) == 1):
		r.rezone(batch, why)
	case len(batch) == 1:
		r.refuse(batch, why.message)
		if why.kind == causeQuota {
			r.full = why.message // for all others too
		}
	case why.kind == causeTarget && len(guilty) == 1:
		r.refuse(guilty, why.message)
		r.again(others)
	case why.kind == causeTarget && len(guilty) > 0 && len(others) > 0:
		r.again(others, guilty) // perhaps not all that are named are at fault
	default:
		half := len(batch) / 2
		r.again(batch[:half], batch[half:])
	}
	return true
}

// again puts batches at the head of the queue.
func (r *registration) again(batches ...[]candidate) {
	batches = slices.DeleteFunc(batches, func(b []candidate) bool { return len(b) == 0 })
	r.queue = append(slices.Clone(batches), r.queue...)
}

// rezone queues a batch again, those at fault with another zone. The first time, all whose place is as much of a
// guess change with them: the addresses behind a name are mostly all inside the VPC, or all outside.
func (r *registration) rezone(batch []candidate, why cause) {
	guilty, _ := why.blamed(batch)
	rest := make([]candidate, 0, len(batch))
	var from, to string
	for _, c := range batch {
		if len(batch) > 1 && !slices.ContainsFunc(guilty, c.same) {
			rest = append(rest, c)
			continue
		}
		sent := c.zone
		c.tried = append(slices.Clone(c.tried), sent)
		c.zone, c.told = r.zoning.next(c, why.message), true
		if c.zone == "" {
			r.refuse([]candidate{c}, why.message)
			continue
		}
		if c.guess && !r.swept {
			r.swept, from, to = true, sent, c.zone
		}
		rest = append(rest, c)
	}
	r.again(rest)
	r.sweep(from, to)
}

func (c candidate) same(other candidate) bool {
	return c.target.Addr == other.target.Addr && c.target.Port == other.target.Port
}

// sweep changes the zone of every guess that is still queued.
func (r *registration) sweep(from, to string) {
	for _, batch := range r.queue {
		for i, c := range batch {
			if c.guess && c.zone == from {
				batch[i].zone, batch[i].told = to, true
			}
		}
	}
}

// Deregister removes targets. AWS takes those that are not registered without an error:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
func (g *Group) Deregister(ctx context.Context, targets []mooring.Target, permit mooring.Permit) ([]mooring.Target, error) {
	if err := g.checkPorts(targets); err != nil {
		return nil, fmt.Errorf("deregister %d targets: %w", len(targets), err)
	}
	var gone []mooring.Target
	for chunk := range slices.Chunk(targets, batchSize) {
		turn, err := g.permitted(ctx, actionDeregister, permit)
		if err != nil {
			return gone, fmt.Errorf("deregister %d targets: %w", len(chunk), err)
		}
		if err := g.deregisterBatch(turn, chunk); err != nil {
			return gone, fmt.Errorf("deregister %d targets: %w", len(chunk), err)
		}
		gone = append(gone, chunk...)
	}
	return gone, nil
}

func (g *Group) deregisterBatch(ctx context.Context, targets []mooring.Target) error {
	batch := make([]candidate, 0, len(targets))
	for _, t := range targets {
		c := candidate{target: t, zone: zoneNone}
		if t.Zone == zoneAll {
			c.zone = zoneAll // as it was registered; AWS takes a zone here too, and does not say what it is for
		}
		batch = append(batch, c)
	}
	in := &elbv2.DeregisterTargetsInput{TargetGroupArn: &g.c.ARN, Targets: g.descriptions(batch)}
	// A removal is not tried again by itself: it would come later than it was permitted. The next round judges anew.
	once := func(ctx context.Context, in *elbv2.DeregisterTargetsInput, _ ...func(*elbv2.Options)) (*elbv2.DeregisterTargetsOutput, error) {
		return g.api.DeregisterTargets(ctx, in, func(o *elbv2.Options) { o.RetryMaxAttempts = 1 })
	}
	_, err := within(ctx, once, in)
	return g.explain(err, actionDeregister, g.c.ARN)
}
