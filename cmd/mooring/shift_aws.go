package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/spf13/pflag"

	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/metrics"
	"mooring/internal/probe"
	"mooring/internal/shift"
)

// A shiftJob is what a shift works on, and its plan.
type shiftJob struct {
	zone    shift.HostedZone
	name    string // canonical
	records *shift.Name
	nlb     shift.Balancer // where it is needed
	gates   []shift.Gate
	plan    shift.Plan
	notes   []string
}

// open reads all that the plan is made of. It changes nothing.
func (c *shiftCommand) open(ctx context.Context, flags *pflag.FlagSet) (*shiftJob, error) {
	name, err := shift.Canonical(c.name)
	if err != nil {
		return nil, err
	}
	who, group, binding, err := c.whose(ctx, flags)
	if err != nil {
		return nil, err
	}
	clients := rig.NewClients(nil)
	job := &shiftJob{name: name}
	if err := c.openZone(ctx, job, clients, who); err != nil {
		return nil, err
	}
	cfg, err := clients.Config(ctx, who, regionOf(c.nlb, group))
	if err != nil {
		return nil, err
	}
	if c.needsNLB() {
		if err := findNLB(ctx, job, cfg, c.nlb, group); err != nil {
			return nil, err
		}
	}
	if err := c.readState(ctx, job); err != nil {
		return nil, err
	}
	if c.to == "nlb" && c.print == "" && slices.ContainsFunc(job.plan.Steps, func(s shift.Step) bool { return s.Percent < 100 }) {
		if err := lookAtALB(ctx, job, cfg); err != nil {
			return nil, err
		}
	}
	if c.to != "" && len(c.alarms) > 0 {
		job.gates = append(job.gates, shift.Alarms(metrics.Connect(cfg), c.alarms))
	}
	if c.verify {
		job.gates = append(job.gates, c.verified(binding, clients, job.name))
	}
	return job, nil
}

// whose is as whom the calls are made, and the target group by which the NLB is found, where it is not given. A target
// group alone is enough; of a configuration one binding is.
func (c *shiftCommand) whose(ctx context.Context, flags *pflag.FlagSet) (who config.AWS, group string, binding config.Config, err error) {
	from := given(flags)
	_, file := from("config")
	_, byName := from("binding")
	if words, ok := from("target-group"); ok && !file && !byName {
		group = words[0]
	}
	if !c.verify && (group != "" || c.nlb != "" || !c.needsNLB()) {
		who, err = config.LoadAWS(from, c.env)
		return who, group, binding, err
	}
	configs, _, err := c.bindings(ctx, flags)
	switch {
	case err != nil:
		return who, "", binding, fmt.Errorf("%w\nthe NLB is found by a binding's target group; without one give it with --nlb, or --target-group", err)
	case len(configs) != 1:
		return who, "", binding, fmt.Errorf("there are %d bindings: choose the one that is meant with --binding", len(configs))
	case configs[0].Embedded():
		return who, "", binding, fmt.Errorf("the binding's group is a front (%s), and no NLB's", configs[0].Binding.TargetGroup)
	}
	return configs[0].AWS, configs[0].Binding.TargetGroup, configs[0], nil
}

// wants is what verify asks as a gate, under the name that moves. A wildcard is no name to ask for.
func (c *shiftCommand) wants(name string) rig.VerifyOptions {
	wants := rig.VerifyOptions{Path: c.path, Expect: c.codes}
	if host := shift.Shown(name); !strings.HasPrefix(host, "*") {
		wants.Host = host
	}
	return wants
}

// verified is the gate of what mooring verify asks.
func (c *shiftCommand) verified(binding config.Config, clients *rig.Clients, name string) shift.Gate {
	wants := c.wants(name)
	options := rig.Options{Program: program(), Log: c.logger(), DryRun: true, Dial: c.dial, Clients: clients}
	var gate probe.Gate
	return shift.Gate{Name: "verify", Check: func(ctx context.Context) (string, error) {
		verdict := rig.Verify(ctx, binding, options, wants)
		if err := context.Cause(ctx); err != nil {
			return "", fmt.Errorf("it took too long: %w", err) // what was cut short is not judged
		}
		return gate.Judge(verdict, time.Now())
	}}
}

// lookAtALB adds the gate of each load balancer whose health decides whether the weights hold.
func lookAtALB(ctx context.Context, job *shiftJob, cfg aws.Config) error {
	for _, name := range job.plan.From.Asked() {
		there := cfg.Copy()
		there.Region = cmp.Or(shift.RegionOf(name), cfg.Region)
		api := elbv2.NewFromConfig(there)
		balancer, err := shift.FindAsked(ctx, api, name)
		switch {
		case errors.Is(err, shift.ErrNotFound):
			job.notes = append(job.notes, "while Route 53 counts "+name+" as unhealthy (one target group without a healthy target is enough), every answer leads to the NLB, at any step; nobody looks at that, for "+err.Error())
		case err != nil:
			return err
		default:
			job.gates = append(job.gates, shift.Weights(api, balancer))
		}
	}
	return nil
}

// regionOf is the region that an ARN or a DNS name of a network load balancer names.
func regionOf(nlb, group string) string {
	if parts := strings.Split(nlb+group, ":"); len(parts) > 5 {
		return parts[3]
	}
	return shift.RegionOf(nlb)
}

// globalRegion is where Route 53 is asked when no region is configured: it is one service for a whole partition.
const globalRegion = "us-east-1"

func (c *shiftCommand) openZone(ctx context.Context, job *shiftJob, clients *rig.Clients, who config.AWS) error {
	if c.zoneRole != "" {
		who.RoleARN, who.ExternalID = c.zoneRole, ""
	}
	cfg, err := clients.Config(ctx, who, globalRegion)
	if err != nil {
		return err
	}
	api := shift.ConnectRoute53(cfg)
	if job.zone, err = shift.FindZone(ctx, api, c.zone, cfg.Region); err != nil {
		return err
	}
	if in, _ := shift.Within(job.name, job.zone.Name); !in {
		return fmt.Errorf("it is not in the hosted zone %s (%s)", shift.Shown(job.zone.Name), job.zone.ID)
	}
	job.records = shift.NewName(api, job.zone, job.name, cfg.Region)
	return nil
}

func findNLB(ctx context.Context, job *shiftJob, cfg aws.Config, nlb, group string) error {
	if cfg.Region == "" {
		return errors.New("no region: set --region or AWS_REGION to the NLB's")
	}
	api := elbv2.NewFromConfig(cfg)
	by := nlb
	if by == "" {
		by = group
	}
	var err error
	if job.nlb, err = shift.FindBalancer(ctx, api, by); err != nil {
		return err
	}
	for _, g := range job.nlb.Groups {
		job.gates = append(job.gates, shift.Targets(api, g))
	}
	if job.nlb.Internal && !job.zone.Private {
		job.notes = append(job.notes, "the NLB is internal and the zone is public: clients get private addresses")
	}
	return nil
}

// readState reads the records, and makes the plan of them.
func (c *shiftCommand) readState(ctx context.Context, job *shiftJob) error {
	listed, err := job.records.Records(ctx)
	if err != nil {
		return err
	}
	_, apex := shift.Within(job.name, job.zone.Name)
	state, err := shift.Read(listed, apex, c.types())
	if err != nil {
		return err
	}
	job.plan, err = c.planned(state, job.nlb)
	job.notes = append(job.notes, state.Notes...)
	return err
}
