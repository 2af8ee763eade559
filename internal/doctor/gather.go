package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring"
)

// patience is how long an API may take for one answer, with all retries. Who hangs in a private subnet hangs for ever.
const patience = 3 * time.Second

// gatherTime bounds all of it.
const gatherTime = 25 * time.Second

// The calls of AWS's SDK that are made, by what they are for.
type (
	// IdentityAPI says who the credentials belong to.
	IdentityAPI interface {
		GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
	}

	// PolicyAPI simulates policies.
	PolicyAPI interface {
		SimulatePrincipalPolicy(context.Context, *iam.SimulatePrincipalPolicyInput, ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error)
	}

	// FunctionsAPI lists Lambda's functions.
	FunctionsAPI interface {
		ListFunctions(context.Context, *lambda.ListFunctionsInput, ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error)
	}
)

// Sources are who is asked. What is nil is not looked at.
type Sources struct {
	Binding Binding
	Needs   []Need // what rounds of the binding call

	Identity  IdentityAPI
	Policy    PolicyAPI
	Functions FunctionsAPI
	Groups    GroupsAPI
	Balancers BalancersAPI
	Listeners ListenersAPI
	Network   NetworkAPI
	Probes    []Probe // of APIs that are only reached

	Memory func(context.Context) (Memory, error)
	Status func(context.Context) mooring.Status
	Older  func(context.Context) (Older, error)
	Find   func(ctx context.Context, ipv6 bool) mooring.Observation
	Alias  func(ctx context.Context, host string) string // what a name is an alias of; "" where it is none
}

// A Probe reaches an API. What it answers does not matter.
type Probe struct {
	Service string
	Call    func(context.Context) error
}

// A gathering is one look around.
type gathering struct {
	s Sources

	mu      sync.Mutex
	f       Facts
	reached map[string]*Reach
	shown   chan struct{} // closed when the name was looked up
}

// Gather looks at everything, most of it at the same time, and changes nothing. It takes 25 s at the most.
func Gather(ctx context.Context, s Sources) Facts {
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	g := &gathering{s: s, f: Facts{Binding: s.Binding, At: time.Now()}, reached: map[string]*Reach{}, shown: make(chan struct{})}
	var all mooring.Tasks
	all.Go(func() { g.identity(ctx) })
	all.Go(func() { g.balancing(ctx) })
	all.Go(func() { g.functions(ctx) })
	for _, p := range s.Probes {
		all.Go(func() { g.reach(p.Service, limited(ctx, p.Call)) })
	}
	if s.Memory != nil {
		all.Go(func() { g.memory(ctx) })
	}
	if s.Status != nil {
		all.Go(func() {
			status := s.Status(ctx)
			g.set(func(f *Facts) { f.Status = Is(status) })
		})
	}
	if s.Older != nil {
		all.Go(func() {
			older, err := s.Older(ctx)
			g.set(func(f *Facts) { f.Older = factOf(older, err) })
		})
	}
	all.Wait()
	return g.facts()
}

func factOf[T any](v T, err error) Fact[T] { return Fact[T]{Value: v, Err: err, Looked: true} }

func (g *gathering) set(change func(*Facts)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.f)
}

func (g *gathering) facts() Facts {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, service := range slices.Sorted(maps.Keys(g.reached)) {
		g.f.Reached = append(g.f.Reached, *g.reached[service])
	}
	slices.Sort(g.f.Denied)
	g.f.Denied = slices.Compact(g.f.Denied)
	return g.f
}

// limited gives a call its time. An API that replied and was asked again, for it is busy or out of order, is not silent.
func limited(ctx context.Context, call func(context.Context) error) error {
	ctx, e := listening(ctx)
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
	defer cancel()
	err := call(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	if e.heard() && errors.Is(cause, errSilent) {
		cause = errBusy
	}
	return fmt.Errorf("%w: %w", cause, err)
}

var (
	errSilent = fmt.Errorf("no answer within %s", patience)
	errBusy   = fmt.Errorf("it answers, and not as it should within %s", patience)
)

// reach notes whether an API answered. One answer is enough, whatever became of other calls. A call that was not sent, for
// want of credentials, says nothing of the API.
func (g *gathering) reach(service string, err error) {
	if err != nil && !sent(err) || service == "iam" || service == "lambda" || service == "sts" && !answered(err) && err != nil {
		return // no round needs iam and lambda, and none asks sts who it is: credentials tells whether it has a role
	}
	if answered(err) {
		err = nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if before := g.reached[service]; before != nil && before.Err == nil {
		return
	}
	g.reached[service] = &Reach{Service: service, Endpoint: endpointOf(service, g.s.Binding.GroupRegion), Err: err, Silent: errors.Is(err, errSilent)}
}

// endpointOf names the VPC endpoint of a service; "" where the Region is not known.
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
func endpointOf(service, region string) string {
	if region == "" {
		return ""
	}
	prefix := "com.amazonaws."
	if strings.HasPrefix(region, "cn-") {
		prefix = "cn.com.amazonaws."
	}
	return prefix + region + "." + service
}

// ask makes one call of the SDK, and notes whether its API answered, and what it denied.
func ask[In, Out, Options any](
	ctx context.Context, g *gathering, action string, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In,
) (*Out, error) {
	var out *Out
	ctx, e := listening(ctx)
	err := limited(ctx, func(ctx context.Context) (err error) {
		out, err = call(ctx, in)
		return err
	})
	service, _, _ := cutAction(action)
	g.reach(service, err)
	if skew, ok := e.skew(); ok {
		g.set(func(f *Facts) { f.Skew = Is(skew) })
	}
	if isDeniedCode(codeOf(err)) {
		g.set(func(f *Facts) { f.Denied = append(f.Denied, action) })
		return nil, &mooring.Denied{Action: action, Resource: "*", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", action, err)
	}
	g.set(func(f *Facts) { f.Done = append(f.Done, action) })
	return out, nil
}

func (g *gathering) identity(ctx context.Context) {
	if g.s.Identity == nil {
		return
	}
	out, err := ask(ctx, g, "sts:GetCallerIdentity", g.s.Identity.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		g.set(func(f *Facts) { f.Identity = Hidden[Identity](err) })
		return
	}
	who := Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
	g.set(func(f *Facts) { f.Identity = Is(who) })
	if g.s.Policy != nil && len(g.s.Needs) > 0 {
		found, err := g.simulate(ctx, who)
		g.set(func(f *Facts) { f.Permissions = factOf(found, err) })
	}
}

// simulate asks IAM about all needs, those of one resource at a time. It knows what is attached to the identity and bounds
// it; it does not know the policies of buckets.
func (g *gathering) simulate(ctx context.Context, who Identity) ([]Permission, error) {
	principal, err := principalOf(who.ARN)
	if err != nil {
		return nil, err
	}
	alike := map[string][]Need{}
	for _, n := range g.s.Needs {
		key := fmt.Sprint(n.Resource, " ", n.Context)
		alike[key] = append(alike[key], n)
	}
	var out []Permission
	for _, key := range slices.Sorted(maps.Keys(alike)) {
		of := alike[key][0]
		in := &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &principal, ResourceArns: []string{of.Resource}, ContextEntries: entriesOf(of.Context), MaxItems: aws.Int32(1000),
		}
		for _, n := range alike[key] {
			in.ActionNames = append(in.ActionNames, n.Action)
		}
		reply, err := ask(ctx, g, "iam:SimulatePrincipalPolicy", g.s.Policy.SimulatePrincipalPolicy, in)
		if err != nil {
			return nil, err
		}
		for _, r := range reply.EvaluationResults {
			asks := slices.Clone(r.MissingContextValues)
			for _, one := range r.ResourceSpecificResults {
				asks = append(asks, one.MissingContextValues...)
			}
			slices.Sort(asks)
			out = append(out, Permission{
				Need:    Need{Action: aws.ToString(r.EvalActionName), Resource: of.Resource},
				Allowed: r.EvalDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed, Why: string(r.EvalDecision), Asks: slices.Compact(asks),
			})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("IAM's answer is empty")
	}
	return out, nil
}

// entriesOf tells the simulation what the calls say of themselves. What it is not told does not meet a condition:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func entriesOf(all []Context) (out []iamtypes.ContextEntry) {
	for _, c := range all {
		entry := iamtypes.ContextEntry{ContextKeyName: aws.String(c.Key), ContextKeyValues: c.Values, ContextKeyType: iamtypes.ContextKeyTypeEnumString}
		if c.List {
			entry.ContextKeyType = iamtypes.ContextKeyTypeEnumStringList
		}
		out = append(out, entry)
	}
	return out
}

// The pages of a list that are read at the most: 50 functions a page, or 400 load balancers.
const maxPages = 10

func (g *gathering) functions(ctx context.Context) {
	if g.s.Functions == nil {
		return
	}
	found := []Function{}
	in := &lambda.ListFunctionsInput{MaxItems: aws.Int32(50)}
	for range maxPages {
		out, err := ask(ctx, g, "lambda:ListFunctions", g.s.Functions.ListFunctions, in)
		if err != nil {
			g.set(func(f *Facts) { f.Others = Fact[[]Function]{Value: found, Err: err, Looked: true} })
			return
		}
		for _, fn := range out.Functions {
			if fn.Environment == nil {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(fn.Environment.Variables)) {
				if fn.Environment.Variables[name] == g.s.Binding.Group {
					found = append(found, Function{aws.ToString(fn.FunctionName), string(fn.Runtime), name})
					break
				}
			}
		}
		if in.Marker = out.NextMarker; aws.ToString(in.Marker) == "" {
			break
		}
	}
	g.set(func(f *Facts) { f.Others = Is(found) })
}

func (g *gathering) memory(ctx context.Context) {
	m, err := g.s.Memory(ctx)
	if g.s.Binding.Memory == "s3" {
		g.reach("s3", firstError(firstError(err, m.Read), firstError(m.Write, m.Doubt)))
	}
	g.set(func(f *Facts) { f.Memory = factOf(m, err) })
}
