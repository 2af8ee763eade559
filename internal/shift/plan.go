package shift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// A Kind is what a step is for.
type Kind string

// The kinds of steps.
const (
	Hold    Kind = "hold"    // nothing is changed: a run that was interrupted is watched on where it stands
	Move    Kind = "move"    // the pair with other weights; the first one makes the pair of the original
	Restore Kind = "restore" // the original again
	Finish  Kind = "finish"  // a simple record to the NLB, and the original is gone
)

// A Step is one batch, and what is watched after it.
type Step struct {
	Kind    Kind
	Percent int   // of the answers lead to the NLB after it
	Sets    []Set // what there is after it
	Watch   bool  // gates are watched after it, for as long as a step takes
}

// A Plan is what is done, step by step. It is a value; making one changes nothing.
type Plan struct {
	From  State
	Steps []Step // none: there is nothing to do

	// Rollback is done where a gate fails: the original again, whatever was there before the run. nil: the run stops
	// where it stands.
	Rollback *Step
}

// Batches are the changes of each step, if all goes as planned.
func (p Plan) Batches() [][]types.Change {
	var out [][]types.Change
	from := p.From.Sets
	for _, s := range p.Steps {
		out = append(out, Changes(from, s.Sets))
		from = s.Sets
	}
	return out
}

// Forward plans the way to the NLB in steps of percent. What is done already is skipped. No step makes the pair without
// moving anything: a weight of 0 is no promise of none, for Route 53 answers with such a record too while it counts the
// other one as unhealthy. So every change has gates before it and is watched after it.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
func Forward(s State, to Balancer, steps []int) (Plan, error) {
	if err := checkSteps(steps); err != nil {
		return Plan{}, err
	}
	if leads(s, to) {
		return Plan{From: arrived(s)}, nil
	}
	if err := ready(s, to); err != nil {
		return Plan{}, err
	}
	others := nlbSets(s, to)
	p := Plan{From: s, Rollback: &Step{Kind: Restore, Sets: s.Original}}
	for _, percent := range steps {
		if percent <= s.Percent {
			continue
		}
		if s.Percent > 0 && len(p.Steps) == 0 {
			p.Steps = append(p.Steps, Step{Kind: Hold, Percent: s.Percent, Sets: s.Sets, Watch: true})
		}
		p.Steps = append(p.Steps, Step{Kind: Move, Percent: percent, Sets: at(s.Original, others, percent), Watch: true})
	}
	return p, nil
}

// Backward plans the way back in steps: each is how many percent of the answers lead to the original. The last, 100, gives
// the original back.
func Backward(s State, steps []int) (Plan, error) {
	if err := checkSteps(steps); err != nil {
		return Plan{}, err
	}
	if !s.Pair {
		return Plan{From: s}, nil
	}
	if s.Odd != "" {
		return Plan{}, odd(s)
	}
	p := Plan{From: s}
	var others []Set
	for _, o := range s.Original {
		others = append(others, original(*member(s.Sets, o.Type, NLB)))
	}
	for _, percent := range steps {
		step := Step{Kind: Move, Percent: 100 - percent, Sets: at(s.Original, others, 100-percent), Watch: true}
		if percent == 100 {
			step = Step{Kind: Restore, Sets: s.Original}
		} else if step.Percent >= s.Percent {
			continue
		}
		p.Steps = append(p.Steps, step)
	}
	return p, nil
}

// Back gives the original back in one batch, from wherever a shift stands.
func Back(s State) Plan {
	if !s.Pair {
		return Plan{From: s}
	}
	return Plan{From: s, Steps: []Step{{Kind: Restore, Sets: s.Original}}}
}

// End makes a simple record to the NLB of the pair, from where all traffic is there. There is no way back then.
func End(s State, to Balancer) (Plan, error) {
	switch {
	case leads(s, to):
		return Plan{From: arrived(s)}, nil
	case s.Odd != "":
		return Plan{}, odd(s)
	case !s.Pair || s.Percent < 100:
		return Plan{}, &Refused{fmt.Sprintf("%d %% of its answers lead to the NLB: it can be finished when all do", s.Percent)}
	}
	if err := ready(s, to); err != nil {
		return Plan{}, err
	}
	return Plan{From: s, Steps: []Step{{Kind: Finish, Percent: 100, Sets: nlbSets(s, to)}}}, nil
}

// arrived is a state whose simple records lead to the NLB.
func arrived(s State) State {
	s.Percent = 100
	return s
}

// leads tells whether a name's simple records lead to that load balancer already.
func leads(s State, to Balancer) bool {
	return !s.Pair && !slices.ContainsFunc(s.Original, func(o Set) bool { return !leadsTo(o, to) })
}

func leadsTo(s Set, to Balancer) bool {
	want := dotted(to.DNSName)
	if s.AliasTarget != nil {
		return strings.TrimPrefix(dotted(aws.ToString(s.AliasTarget.DNSName)), "dualstack.") == want
	}
	return s.Type == types.RRTypeCname && len(s.ResourceRecords) == 1 && dotted(aws.ToString(s.ResourceRecords[0].Value)) == want
}

func odd(s State) error {
	return &Refused{s.Odd + "; --back gives the original back"}
}

// ready refuses what cannot be moved to that load balancer.
func ready(s State, to Balancer) error {
	if s.Odd != "" {
		return odd(s)
	}
	for _, o := range s.Original {
		switch {
		case o.AliasTarget != nil && !elbName(aws.ToString(o.AliasTarget.DNSName)):
			return &Refused{fmt.Sprintf("its %s record is an %s, which is no load balancer", o.Type, Target(o))}
		case o.HealthCheckId != nil && !s.Pair:
			return &Refused{fmt.Sprintf("its %s record has a health check (%s), which means nothing to one simple record; beside another one, every answer leads there while it fails: take it off first", o.Type, *o.HealthCheckId)}
		case leadsTo(o, to):
			return &Refused{fmt.Sprintf("its %s record leads to the NLB already, and another does not", o.Type)}
		case o.Type == types.RRTypeAaaa && !to.Dualstack:
			return &Refused{fmt.Sprintf("it has an AAAA record, and %s has only IPv4 addresses: make it dualstack, or leave the IPv6 clients where they are with --only A", to.Name)}
		}
		if pair := member(s.Sets, o.Type, NLB); s.Pair && !leadsTo(*pair, to) {
			return &Refused{fmt.Sprintf("its %s leads elsewhere (%s), and not to %s: take that back first with --back", NLB, Target(*pair), to.DNSName)}
		}
	}
	return nil
}

// member is one of a pair, or nil.
func member(sets []Set, t types.RRType, id string) *Set {
	i := slices.IndexFunc(sets, func(s Set) bool { return s.Type == t && aws.ToString(s.SetIdentifier) == id })
	if i < 0 {
		return nil
	}
	return &sets[i]
}

// nlbSets are the records that lead to the load balancer, one for each of the original's. An alias looks at the health of
// the NLB's targets where the original looked at that of its own, and where the original could not: then Route 53
// answers with the other of the pair while the NLB has no healthy target, also when that has weight 0.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html
func nlbSets(s State, to Balancer) []Set {
	var out []Set
	for _, o := range s.Original {
		set := Set{Name: o.Name, Type: o.Type}
		if o.Type == types.RRTypeCname {
			set.TTL = o.TTL
			set.ResourceRecords = []types.ResourceRecord{{Value: aws.String(dotted(to.DNSName))}}
		} else {
			set.AliasTarget = &types.AliasTarget{
				DNSName: aws.String(dotted(to.DNSName)), HostedZoneId: aws.String(to.ZoneID),
				EvaluateTargetHealth: o.AliasTarget == nil || o.AliasTarget.EvaluateTargetHealth,
			}
		}
		out = append(out, set)
	}
	return out
}

// at are the pairs that lead so many percent to the NLB.
func at(originals, others []Set, percent int) []Set {
	var out []Set
	for i, o := range originals {
		out = append(out, weighted(o, ALB, 100-percent), weighted(others[i], NLB, percent))
	}
	return out
}

func checkSteps(steps []int) error {
	if len(steps) == 0 || len(steps) > 100 {
		return fmt.Errorf("steps %v: want percents, such as 1,5,25,50,100", steps)
	}
	before := 0
	for _, s := range steps {
		if s <= before || s > 100 {
			return fmt.Errorf("steps %v: want percents from 1 to 100, each larger than the one before, such as 1,5,25,50,100", steps)
		}
		before = s
	}
	return nil
}
