package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring/internal/probe"
	"mooring/internal/shift"
)

// A shiftCommand moves a name's traffic to a network load balancer by weighted records, or back.
type shiftCommand struct {
	operator
	zone, name   string
	to           string
	steps        []int
	wait         time.Duration
	back, finish bool
	print        string
	nlb          string
	alarms       []string
	verify       bool
	path, expect string
	codes        probe.Codes // of expect
	only         []string
	zoneRole     string
	yes          bool
}

func newShift(m machine) *cobra.Command {
	c := &shiftCommand{operator: operator{roundCommand: roundCommand{machine: m}}}
	cmd := &cobra.Command{
		Use:   "shift",
		Short: "Move a name's traffic to the NLB step by step, and back, by weighted records of Route 53",
		Long: `shift makes a pair of weighted records of the present record of a name, and moves their weights in steps: to the
network load balancer (--to nlb), or back to where the record led before (--to alb). It shows the plan first, and asks.

The present record becomes one of the pair, with nothing changed but a SetIdentifier (` + shift.ALB + `) and a weight; the
other is ` + shift.NLB + `. A and AAAA move together. Each change is one batch, which Route 53 makes wholly or not at all, so
the name is never without records; and it deletes exactly what was read, so that what somebody else changed meanwhile
is never overwritten.

After each step it waits until all name servers have it, and then for --wait (and at least the record's TTL; 0 does not
wait), while it looks at the gates every 10 s: the target groups of the NLB; those of the ALB, below 100 %, where its record
evaluates their health, for else Route 53 leads every answer to the NLB; the alarms that --alarm names; and, with --verify,
what mooring verify asks of the binding. A gate that is shut three times in a row takes everything back at once: the original
record, exactly as it was, which is tried for half an hour. On the way back (--to alb) only alarms are looked at, and one
that is shut stops the run where it stands.

The records are its only memory. After an interruption (Ctrl-C ends it between two changes) the same command goes on
from the weights that it finds, and --back gives the original record back in one batch, at any time; it needs nothing but
Route 53 for that. At 100 % the pair stays, for the way back, until --finish replaces it by one simple record to the NLB.

The NLB is that of the binding's target group, or --nlb. Records with another routing policy, or with weights that are
not mooring's, are refused. For records that belong to Terraform, or to somebody else's scripts, --print writes the same
steps in that form and changes nothing. docs/shift.md has all of it.

Exit codes: 0 done, 1 error, also where a gate was shut and everything was taken back.`,
		Example: `  mooring shift --hosted-zone example.com --name app.example.com --to nlb --target-group arn:... --dry-run
  mooring shift --hosted-zone example.com --name app.example.com --to nlb --target-group arn:... --alarm app-5xx
  mooring shift --hosted-zone example.com --name app.example.com --back`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.bindShift(cmd.Flags())
	c.bind(cmd)
	return cmd
}

func (c *shiftCommand) bindShift(flags *pflag.FlagSet) {
	flags.StringVar(&c.zone, "hosted-zone", "", "hosted zone of the name, by its id or its name")
	flags.StringVar(&c.name, "name", "", "name whose traffic moves, such as app.example.com")
	flags.StringVar(&c.to, "to", "", "where to: nlb, or alb, which is where the record led before")
	flags.IntSliceVar(&c.steps, "steps", []int{1, 5, 25, 50, 100}, "how many percent of the answers lead there, step by step")
	flags.DurationVar(&c.wait, "wait", 10*time.Minute, "how long the gates are watched after each step; 0: they are looked at once")
	flags.BoolVar(&c.back, "back", false, "give the original record back, at once")
	flags.BoolVar(&c.finish, "finish", false, "at 100 %, replace the pair by one simple record to the NLB; there is no way back then")
	flags.StringVar(&c.print, "print", "", "print the steps as cli or terraform, and change nothing")
	flags.StringVar(&c.nlb, "nlb", "", "the NLB, by its ARN or its DNS name (default that of the target group)")
	flags.StringArrayVar(&c.alarms, "alarm", nil, "CloudWatch alarm that must not be in ALARM; may be given more than once")
	flags.BoolVar(&c.verify, "verify", false, "what mooring verify asks of the binding is a gate too, under the name that moves")
	flags.StringVar(&c.path, "verify-path", "/", "path that --verify requests")
	flags.StringVar(&c.expect, "verify-expect", "200-399", "status codes that are well for --verify, such as 200-399 or 200,401")
	flags.StringSliceVar(&c.only, "only", nil, "only the records of this type: A, AAAA or CNAME; the others stay")
	flags.StringVar(&c.zoneRole, "hosted-zone-role-arn", "", "role to assume for Route 53, where the zone is in another account")
	flags.BoolVar(&c.yes, "yes", false, "do not ask")
	flags.BoolVar(&c.dryRun, "dry-run", false, "show the plan, and do nothing")
}

// check reports every fault of the command line at once.
func (c *shiftCommand) check() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.zone == "", "want --hosted-zone, the id or the name of the hosted zone")
	fault(c.name == "", "want --name, the name whose traffic moves")
	ways := 0
	for _, given := range []bool{c.to != "", c.back, c.finish} {
		if given {
			ways++
		}
	}
	fault(ways != 1, "want one of --to nlb, --to alb, --back and --finish")
	fault(c.to != "" && c.to != "nlb" && c.to != "alb", "--to %q: want nlb or alb", c.to)
	fault(c.wait < 0 || c.wait > 24*time.Hour, "--wait %s: want 0 to 24h", c.wait)
	fault(c.print != "" && c.print != "cli" && c.print != "terraform", "--print %q: want cli or terraform", c.print)
	fault(c.print == "terraform" && c.to != "nlb", "--print terraform: want --to nlb; what it prints says how to go back")
	fault(c.verify && c.to != "nlb", "--verify: want --to nlb, since what it asks is whether the NLB serves")
	codes, err := readRequest("verify-", c.path, c.expect)
	fault(err != nil, "%w", err)
	c.codes = codes
	fault(slices.Contains(c.alarms, ""), "--alarm: want the name of an alarm, and it is empty")
	fault(len(c.alarms) > shift.MaxAlarms, "want at most %d alarms", shift.MaxAlarms)
	for i, t := range c.only {
		c.only[i] = strings.ToUpper(t)
		fault(!slices.Contains([]string{"A", "AAAA", "CNAME"}, c.only[i]), "--only %q: want A, AAAA or CNAME", t)
	}
	return errors.Join(faults...)
}

func (c *shiftCommand) run(cmd *cobra.Command) error {
	if err := c.readOutput(cmd.Flags()); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	job, err := c.open(cmd.Context(), cmd.Flags())
	if err != nil {
		return fmt.Errorf("shift %s: %w", c.name, err)
	}
	if c.print != "" {
		return c.printed(job)
	}
	return c.carryOut(cmd, job)
}

// planned makes the plan of what was asked for.
func (c *shiftCommand) planned(s shift.State, nlb shift.Balancer) (shift.Plan, error) {
	switch {
	case c.back:
		return shift.Back(s), nil
	case c.finish:
		return shift.End(s, nlb)
	case c.to == "alb":
		return shift.Backward(s, c.steps)
	default:
		return shift.Forward(s, nlb, c.steps)
	}
}

// needsNLB tells whether the NLB must be found: the way back needs nothing but the records.
func (c *shiftCommand) needsNLB() bool { return c.to == "nlb" || c.finish }

func (c *shiftCommand) types() []types.RRType {
	var out []types.RRType
	for _, t := range c.only {
		out = append(out, types.RRType(t))
	}
	return out
}

func (c *shiftCommand) printed(job *shiftJob) error {
	if c.print == "terraform" {
		return shift.WriteTerraform(c.out, job.plan.From, job.nlb, job.zone, job.name, c.steps)
	}
	return job.plan.WriteCLI(c.out, job.zone, job.name)
}

// carryOut shows the plan, asks, and does it.
func (c *shiftCommand) carryOut(cmd *cobra.Command, job *shiftJob) error {
	ctx := cmd.Context()
	c.showPlan(job)
	r := c.result(job)
	var err error
	if !c.dryRun && len(job.plan.Steps) > 0 {
		if err = c.ask(ctx, cmd); err == nil {
			err = c.do(ctx, job, r)
		}
	}
	if err != nil {
		err = fmt.Errorf("shift %s: %w", shift.Shown(job.name), err)
		r.OK, r.Error = false, strings.Join(strings.Fields(err.Error()), " ")
	}
	if c.output == "json" {
		return errors.Join(err, c.writeJSON(r))
	}
	c.showEnd(r)
	return err
}

func (c *shiftCommand) ask(ctx context.Context, cmd *cobra.Command) error {
	if c.yes {
		return nil
	}
	return c.confirmed(ctx, cmd, "shift", "moves traffic", "Do it?")
}

// do runs the plan, and notes how far it came.
func (c *shiftCommand) do(ctx context.Context, job *shiftJob, r *shiftResult) error {
	runner := shift.Runner{Zone: job.records, Gates: job.gates, Wait: c.watched(job.plan), Tell: c.teller(r)}
	out, err := runner.Run(ctx, job.plan)
	r.Percent, r.Done, r.RolledBack, r.Restored = out.Percent, out.Done, out.RolledBack, out.Restored
	stands := fmt.Sprintf("it stands at %d %% of the answers to the NLB", out.Percent)
	switch {
	case err == nil:
		return nil
	case out.RolledBack:
		return fmt.Errorf("everything was taken back, and the original record is there again: %w", err)
	case errors.Is(err, shift.ErrChanged):
		return fmt.Errorf("it stood at %d %% of the answers to the NLB, and no longer may: %w; --dry-run shows what is there", out.Percent, err)
	case out.Stuck:
		return fmt.Errorf("the original record could not be given back: %s, until somebody runs: %s\n%w", stands, c.backCommand(job), err)
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return fmt.Errorf("interrupted: %s, and the same command goes on from there; --back takes it back", stands)
	case c.back || out.Restored || !job.plan.From.Pair && out.Percent == 0:
		return err
	default:
		return fmt.Errorf("%s, and --back takes it back: %w", stands, err)
	}
}

// backCommand gives the original back, from any machine with the same identity.
func (c *shiftCommand) backCommand(job *shiftJob) string {
	words := []string{"mooring shift --hosted-zone", job.zone.ID, "--name", "'" + shift.Shown(job.name) + "'", "--back"}
	if len(c.only) > 0 {
		words = append(words, "--only", strings.Join(c.only, ","))
	}
	if c.zoneRole != "" {
		words = append(words, "--hosted-zone-role-arn", c.zoneRole)
	}
	return strings.Join(words, " ")
}

// watched is how long a step is watched: no shorter than clients keep the old answer.
func (c *shiftCommand) watched(p shift.Plan) time.Duration {
	if c.wait == 0 {
		return 0
	}
	return max(c.wait, time.Duration(p.From.TTL)*time.Second)
}
