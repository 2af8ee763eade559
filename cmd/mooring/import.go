package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/store"
)

// An importCommand shows what an older function left, and on request makes it the beginning of a memory.
type importCommand struct {
	operator
	from   config.Legacy
	writes bool
}

func newImport(m machine) *cobra.Command {
	i := &importCommand{operator: operator{roundCommand: roundCommand{machine: m}}}
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Show what an older function left, and what of it would be taken over",
		Long: `import reads the state of a function that mooring replaces and shows what its first round would take over: the
addresses that become ours, and how many of its misses count. It never writes that state.

Formats (--from): ` + strings.Join(store.LegacyFormats(), ", ") + `.
  v1            AWS's functions of 2018 and 2021, on S3 by the load balancer's name
  v3            AWS's hostname-as-target of 2020, on S3 by the hostname and the group
  cresta        cresta/hostname-for-target-group, in a DynamoDB table
  read-replica  AWS's function for the read replicas of RDS, on S3 below a prefix
  dual-group    the function for two groups of one load balancer, on S3 by the load balancer's own name

In the environment of such a function nothing has to be said, and nothing has to be done: the first round takes its
state over by itself. With a configuration of your own, say where it is, look, and let --write make it the beginning
of the memory. A memory that exists is never replaced.

Exit codes: 0 done, also where there is nothing; 1 error, which a state is that cannot be read.`,
		Example: `  mooring import --from v1 --hostname internal-app-123.eu-west-1.elb.amazonaws.com --port 443 \
    --target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef \
    --from-bucket old-bucket --memory s3://my-bucket --write`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return i.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&i.from.Format, "from", "", "format of the state (default that of the environment's function)")
	flags.StringVar(&i.from.Bucket, "from-bucket", "", "bucket that it is in (default the memory's)")
	flags.StringVar(&i.from.BucketRegion, "from-region", "", "region of that bucket (default the memory's)")
	flags.StringVar(&i.from.Name, "from-name", "", "name in its keys: the load balancer's DNS name, the hostname, the prefix (default the hostname; read-replica: rds-cluster-read-replicas)")
	flags.StringVar(&i.from.Table, "from-table", "", "cresta: its DynamoDB table")
	flags.BoolVar(&i.from.TLS, "from-tls", false, "dual-group: the state of the second group")
	flags.IntVar(&i.from.Misses, "from-misses", 0, "v3: its INVOCATIONS_BEFORE_DEREGISTRATION, from which it counts down (default 3)")
	flags.BoolVar(&i.writes, "write", false, "make it the beginning of the memory, where there is none yet")
	i.bind(cmd)
	return cmd
}

// imports are what import prints as JSON.
type imports struct {
	SchemaVersion int        `json:"schema_version"` // of this form: 1
	OK            bool       `json:"ok"`             // all of it could be read, and was written where that was asked for
	Bindings      []imported `json:"bindings"`       // one a binding
}

// An imported is what one binding's older function left.
type imported struct {
	Binding   string       `json:"binding"`            // its name
	Format    string       `json:"format"`             // of the state
	Source    string       `json:"source"`             // where it was found; "" where nothing was
	Written   time.Time    `json:"written,omitzero"`   // when any of it was last written
	CountsOn  bool         `json:"counts_on"`          // its misses are young enough to count
	Addresses []importAddr `json:"addresses"`          // that become ours, sorted
	Memory    string       `json:"memory"`             // none: the first round takes it over; exists: it is not taken over; written
	Error     string       `json:"error,omitempty"`    // what went wrong
	Warnings  []string     `json:"warnings,omitempty"` // what somebody should know
}

// An importAddr is one address that becomes ours.
type importAddr struct {
	Addr   netip.Addr `json:"addr"`             // of the target
	Missed int        `json:"missed,omitempty"` // runs in a row without it
}

func (i *importCommand) run(cmd *cobra.Command) error {
	if err := i.readOutput(cmd.Flags()); err != nil {
		return err
	}
	ctx := cmd.Context()
	configs, process, err := i.bindings(ctx, cmd.Flags())
	if err != nil {
		return err
	}
	options := rig.Options{
		Program: program(), Log: i.logger(), DryRun: true, Dial: i.dial,
		Clients: rig.NewClients(nil), Limiter: elb.NewLimiter(process.Share),
	}
	all := imports{SchemaVersion: 1, OK: true, Bindings: []imported{}}
	var faults []error
	for _, c := range configs {
		one, err := i.one(ctx, c, options)
		if err != nil {
			faults, all.OK, one.Error = append(faults, err), false, strings.Join(strings.Fields(err.Error()), " ")
		}
		all.Bindings = append(all.Bindings, one)
		if i.output != "json" && err == nil {
			i.show(one)
		}
	}
	if i.output == "json" {
		faults = append(faults, i.writeJSON(all))
	}
	return errors.Join(faults...)
}

// one reads what one binding's function left.
func (i *importCommand) one(ctx context.Context, c config.Config, o rig.Options) (imported, error) {
	out := imported{Binding: c.Binding.Name, Addresses: []importAddr{}, Memory: "none"}
	if c.Embedded() {
		return out, fmt.Errorf("import for %s: the older functions kept target groups, and %s is a front: give the ARN of the target group",
			out.Binding, c.Binding.TargetGroup)
	}
	legacy, err := i.legacyOf(c)
	if err != nil {
		return out, err
	}
	c.Legacy, out.Format = legacy, legacy.Format
	keeper, err := rig.New(ctx, c, o)
	if err != nil {
		return out, err
	}
	out.Binding = keeper.Binding.Name
	state, err := rig.LegacyOf(ctx, c, o)
	if err != nil {
		return out, fmt.Errorf("import for %s: %w", out.Binding, err)
	}
	found, err := state.Find(ctx)
	if err != nil {
		return out, fmt.Errorf("import for %s: %w", out.Binding, err)
	}
	if err := unreadable(found); err != nil {
		return out, fmt.Errorf("import for %s: nothing of format %s could be read: %w", out.Binding, out.Format, err)
	}
	out.found(found)
	return out, i.settle(ctx, keeper, &out)
}

// unreadable tells a state that may be there and was not to be read from one that is not there. A first round goes on
// without it, for its notes are in the report; somebody who asks for it wants to know.
func unreadable(found *mooring.Import) error {
	if found == nil || len(found.Addrs)+len(found.Missed) > 0 {
		return nil
	}
	notes, ok := strings.CutPrefix(found.Source, "nothing (")
	if !ok {
		return nil
	}
	return errors.New(sayOnce(strings.TrimSuffix(notes, ")")))
}

// requestIDs are what differs between AWS's answers that say the same.
var requestIDs = regexp.MustCompile(`(RequestID|HostID): [^,;]*,? ?`)

// sayOnce leaves out the notes that say the same of another object, and the numbers of AWS's answers. Long notes are
// cut, so they are compared as far as both go, and up to those numbers.
func sayOnce(notes string) string {
	const unreadable = " unreadable: "
	var said, out []string
	for note := range strings.SplitSeq(notes, "; ") {
		what, _, _ := strings.Cut(note, ", RequestID: ")
		if _, why, ok := strings.Cut(what, unreadable); ok {
			what = why
		}
		same := func(s string) bool { return strings.HasPrefix(s, what) || strings.HasPrefix(what, s) }
		if !slices.ContainsFunc(said, same) {
			said, out = append(said, what), append(out, strings.TrimRight(requestIDs.ReplaceAllString(note, ""), ", "))
		}
	}
	return strings.Join(out, "; ")
}

// found takes what was read.
func (out *imported) found(i *mooring.Import) {
	if i == nil {
		return
	}
	out.Source, out.Written, out.CountsOn = i.Source, i.Written, i.Counts(time.Now())
	addrs := slices.Clone(i.Addrs)
	for a := range i.Missed {
		addrs = append(addrs, a)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	for _, a := range slices.Compact(addrs) {
		out.Addresses = append(out.Addresses, importAddr{a, i.Missed[a]})
	}
}

// settle looks whether there is a memory, and makes one where that is asked for.
func (i *importCommand) settle(ctx context.Context, k *mooring.Keeper, out *imported) error {
	if _, none := k.Store.(store.None); none {
		out.Warnings = append(out.Warnings, "the binding has no memory (--memory none), so nothing is taken over")
		if i.writes {
			return lasting(k)
		}
		return nil
	}
	m, tag, err := k.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("memory of %s: %w", k.Binding.Name, err)
	}
	if tag != "" {
		out.Memory = "exists"
		if i.writes {
			return fmt.Errorf("memory of %s: there is one already (revision %d), and it is not replaced: move it away to begin anew", k.Binding.Name, m.Revision)
		}
		return nil
	}
	if !i.writes || len(out.Addresses) == 0 {
		return nil
	}
	if _, err := k.Edit(ctx, func(m mooring.Memory) (mooring.Memory, error) { return m, nil }); err != nil {
		return err
	}
	out.Memory = "written"
	return nil
}

// legacyOf is where the state is: as the environment's function has it, and what the flags say.
func (i *importCommand) legacyOf(c config.Config) (*config.Legacy, error) {
	var l config.Legacy
	if c.Legacy != nil {
		l = *c.Legacy
	}
	given := i.from
	l.Format = cmp.Or(given.Format, l.Format)
	if !slices.Contains(store.LegacyFormats(), l.Format) {
		return nil, fmt.Errorf("--from %q: want %s", l.Format, strings.Join(store.LegacyFormats(), ", "))
	}
	l.Bucket = cmp.Or(given.Bucket, l.Bucket, c.Memory.Bucket)
	l.BucketRegion = cmp.Or(given.BucketRegion, l.BucketRegion)
	l.Table = cmp.Or(given.Table, l.Table)
	l.Misses = cmp.Or(given.Misses, l.Misses)
	l.TLS = l.TLS || given.TLS
	l.Name = cmp.Or(given.Name, l.Name, config.LegacyName(l.Format, c.Binding.Hostnames))
	switch {
	case l.Format == "cresta" && l.Table == "":
		return nil, fmt.Errorf("--from cresta: want --from-table, the DynamoDB table of its state")
	case l.Format != "cresta" && l.Bucket == "":
		return nil, fmt.Errorf("--from %s: want --from-bucket, the bucket of its state", l.Format)
	}
	return &l, nil
}

// show prints it for people.
func (i *importCommand) show(one imported) {
	w := i.out
	fmt.Fprintf(w, "%s\n", one.Binding)
	if one.Source == "" || len(one.Addresses) == 0 {
		fmt.Fprintf(w, "  nothing of format %s was found\n", one.Format)
		return
	}
	fmt.Fprintf(w, "  from %s%s\n", mooring.Printable(one.Source), writtenAt(one.Written))
	for _, a := range one.Addresses {
		fmt.Fprintf(w, "  + %-15s  becomes ours%s\n", a.Addr, missedIn(a.Missed, one.CountsOn))
	}
	for _, warning := range one.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	switch one.Memory {
	case "written":
		fmt.Fprintf(w, "  Written: this is the beginning of the memory, and rounds go on from it.\n")
	case "exists":
		fmt.Fprintf(w, "  There is a memory already, so nothing of this is taken over.\n")
	default:
		fmt.Fprintf(w, "  Nothing was written: --write makes it the beginning of the memory.\n")
	}
}

func writtenAt(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", last written at " + at.UTC().Format(time.RFC3339)
}

func missedIn(runs int, counts bool) string {
	switch {
	case runs == 0:
		return ""
	case counts:
		return fmt.Sprintf("; missed in %d of its runs, which count", runs)
	default:
		return fmt.Sprintf("; missed in %d of its runs, too long ago to count", runs)
	}
}
