package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/iam"
	"mooring/internal/shift"
)

// A policyCommand prints what must be allowed.
type policyCommand struct {
	machine
	output, forWhat, identity string
	logGroup, configAt, key   string
	zones                     []string
}

// What a process is, in --for.
const (
	forCommand  = "command"
	forDaemon   = "daemon"
	forFunction = "function"

	forVerify = "verify" // no process, but what is done beside the rounds, see [iam.Purposes]
	forShift  = "shift"
)

func newIAMPolicy(m machine) *cobra.Command {
	p := &policyCommand{machine: m}
	kinds := strings.Join(append([]string{forCommand, forDaemon, forFunction}, iam.Purposes()...), "|")
	cmd := &cobra.Command{
		Use:   "iam-policy",
		Short: "Print the IAM policy that bindings need, as narrow as AWS allows",
		Long: `iam-policy prints the permissions of whoever runs these bindings: the groups whose targets may be changed, by the mode
(sync, add-only, observe); the exact objects of the memory and of an older function's state; keys, topics, buses, tables
and roles, where bindings have them. It calls nothing of AWS, unless the configuration is on S3.

A permission belongs to whom a call is made as. So each role of --role-arn and --memory-role-arn needs a policy of its own:
without --identity the policy is that of the process itself, which may then assume the roles, and those are named on
standard error.

Where AWS has no resources for an action, and where a name is known only in part, a * stands. Terraform and CloudFormation
have a comment there; JSON has none, so its comments go to standard error. A policy that is too long for a managed one
(6,144 characters) is made several, which JSON shows as a list.

--for daemon adds the leases of mooring watch, --for function the log that Lambda writes. A function in a VPC needs AWS's
AWSLambdaVPCAccessExecutionRole beside it. --for shift allows changes in every hosted zone of the account, unless
--hosted-zone names those that are meant, by their ids. What a key's, a topic's or a bucket's own policy denies, no policy here allows.

Exit codes: 0 done, 1 error.`,
		Example: `  mooring iam-policy --config bindings.yaml --for daemon
  mooring iam-policy --config bindings.yaml --identity arn:aws:iam::222233334444:role/mooring
  mooring iam-policy --hostname internal-app-123.eu-west-1.elb.amazonaws.com --port 443 --target-group ... \
    --memory s3://my-bucket --for function --log-group /aws/lambda/mooring --output terraform
  mooring iam-policy --config bindings.yaml --for shift --hosted-zone Z1PA6795UKMFR9`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&p.output, "output", "json", "form of the policy: json, terraform or cloudformation")
	flags.StringVar(&p.forWhat, "for", forCommand, "who it is that runs: "+kinds)
	flags.StringVar(&p.identity, "identity", "process", "whose policy: process, profile:NAME or a role's ARN")
	flags.StringVar(&p.logGroup, "log-group", "", "function, verify: name or ARN of the function's log group (default any of /aws/lambda/)")
	flags.StringVar(&p.configAt, "config-at", "", "s3://BUCKET/KEY that the configuration will be read from (default --config, where that is on S3)")
	flags.StringVar(&p.key, "kms-key", "", "KMS key that the memory's bucket encrypts with by default: its ARN, id or alias")
	flags.StringSliceVar(&p.zones, "hosted-zone", nil, "shift: id of a hosted zone whose records may be changed; may be given more than once (default any)")
	bindBindings(cmd)
	return cmd
}

func (p *policyCommand) run(cmd *cobra.Command) error {
	if err := p.check(); err != nil {
		return err
	}
	configs, _, err := p.bindings(cmd.Context(), cmd.Flags())
	if err != nil {
		return err
	}
	deployment, err := p.deployment(cmd.Flags())
	if err != nil {
		return err
	}
	all, err := rig.NeedsOf(configs, deployment)
	if err != nil {
		return fmt.Errorf("iam-policy: %w", err)
	}
	i := slices.IndexFunc(all, func(n rig.Needer) bool { return n.String() == p.identity })
	if i < 0 {
		return fmt.Errorf("iam-policy: --identity %q: nothing is called as that; there are %s", p.identity, cmp.Or(strings.Join(identities(all), ", "), "none: nothing of AWS is called"))
	}
	policy := iam.New(all[i].Needs...)
	for _, other := range all {
		if other.RoleARN != "" && other.String() != p.identity {
			p.note("%s is assumed and needs a policy of its own: --identity %s", other, other)
		}
	}
	return p.print(policy)
}

func (p *policyCommand) check() error {
	kinds := append([]string{forCommand, forDaemon, forFunction}, iam.Purposes()...)
	outputs := []string{"json", "terraform", "cloudformation"}
	switch {
	case !slices.Contains(kinds, p.forWhat):
		return fmt.Errorf("configuration: --for %q: want %s", p.forWhat, strings.Join(kinds, ", "))
	case !slices.Contains(outputs, p.output):
		return fmt.Errorf("configuration: --output %q: want %s", p.output, strings.Join(outputs, ", "))
	case p.logGroup != "" && !p.logs():
		return fmt.Errorf("configuration: --log-group is for --for %s, which writes there, and --for %s, which reads", forFunction, forVerify)
	}
	for i, id := range p.zones {
		if p.zones[i] = strings.TrimPrefix(id, "/hostedzone/"); !shift.IsZoneID(p.zones[i]) {
			return fmt.Errorf("configuration: --hosted-zone %q: want a hosted zone's id, such as Z1PA6795UKMFR9", id)
		}
	}
	if len(p.zones) > 0 && p.forWhat != forShift {
		return fmt.Errorf("configuration: --hosted-zone is for --for %s, which changes records", forShift)
	}
	return nil
}

// logs tells whether a log group is written or read.
func (p *policyCommand) logs() bool { return p.forWhat == forFunction || p.forWhat == forVerify }

// deployment is what the process needs beside the bindings.
func (p *policyCommand) deployment(flags *pflag.FlagSet) (rig.Deployment, error) {
	from := given(flags)
	access, err := config.LoadAWS(from, p.env)
	d := rig.Deployment{Config: p.configAt, Access: access, Daemon: p.forWhat == forDaemon, Key: p.key, Zones: p.zones}
	if d.Config == "" {
		d.Config = p.configOnS3(from)
	}
	if p.logs() {
		d.LogGroup = cmp.Or(p.logGroup, rig.AnyLogGroup)
	}
	if slices.Contains(iam.Purposes(), p.forWhat) {
		d.Purpose = p.forWhat
	}
	if err != nil {
		return d, fmt.Errorf("configuration: %w", err)
	}
	return d, nil
}

// configOnS3 is where on S3 the configuration was read from.
func (p *policyCommand) configOnS3(from config.Flags) string {
	where, _ := p.env("MOORING_CONFIG")
	if flag, ok := from("config"); ok {
		where = flag[0]
	}
	if strings.HasPrefix(where, "s3://") {
		return where
	}
	return ""
}

func identities(all []rig.Needer) []string {
	var out []string
	for _, n := range all {
		out = append(out, n.String())
	}
	return out
}

func (p *policyCommand) print(policy iam.Policy) error {
	policies := policy.Split(iam.MaxManaged)
	if len(policies) > 1 {
		p.note("the policy has %d characters, and IAM takes %d in a managed policy and %d in all inline ones of a role: it is made %d managed policies",
			policy.Size(), iam.MaxManaged, iam.MaxInline, len(policies))
	}
	if len(policies) > iam.MaxAttached {
		p.note("a role takes %d managed policies, and 20 on request: share the bindings among several roles", iam.MaxAttached)
	}
	if i := slices.IndexFunc(policies, func(one iam.Policy) bool { return one.Size() > iam.MaxManaged }); i >= 0 {
		return fmt.Errorf("iam-policy: one statement alone has more than %d characters", iam.MaxManaged)
	}
	about := "What mooring needs as " + p.identity + ", run as a " + p.forWhat + ". Made by mooring iam-policy " + program() + "."
	var text []byte
	switch p.output {
	case "terraform":
		text = iam.Terraform(about, policies)
	case "cloudformation":
		text = iam.CloudFormation(about, policies)
	default:
		text = iam.JSON(policies)
		for _, why := range iam.Comments(policies) {
			p.note("%s", why)
		}
	}
	if _, err := p.out.Write(text); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return nil
}

// note tells people what is not in the policy itself.
func (p *policyCommand) note(format string, args ...any) {
	fmt.Fprintf(p.err, "mooring: note: "+format+"\n", args...)
}
