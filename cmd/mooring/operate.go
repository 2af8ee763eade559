package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/store"
)

// An operator is what the verbs have in common that look at bindings, or change them by hand.
type operator struct {
	roundCommand
	by     string                                // who says so
	refuse func(bindings int, byName bool) error // that so many bindings are chosen, by their names or not; nil: never
}

// A chosen is a binding that was chosen, with its keeper, or why that could not be made.
type chosen struct {
	config  config.Config
	options rig.Options
	keeper  *mooring.Keeper
	err     error
}

// make makes the keeper, where there is none yet.
func (c *chosen) make(ctx context.Context) {
	if c.keeper == nil {
		c.keeper, c.err = rig.New(ctx, c.config, c.options)
	}
}

// name is the binding's, as far as it is known.
func (c *chosen) name() string {
	if c.keeper == nil {
		return c.config.Binding.Name
	}
	return c.keeper.Binding.Name
}

// keepers are those of the chosen bindings, in the configuration's order. One that cannot be made says why, and keeps
// no other from it.
func (o *operator) keepers(ctx context.Context, cmd *cobra.Command) ([]*chosen, error) {
	configs, process, err := o.bindings(ctx, cmd.Flags())
	if err != nil {
		return nil, err
	}
	if o.refuse != nil {
		if err := o.refuse(len(configs), len(process.Bindings) > 0); err != nil {
			return nil, fmt.Errorf("%s: %w", cmd.Name(), err)
		}
	}
	options := rig.Options{
		Program: program(), Log: o.logger(), DryRun: true, Dial: o.dial,
		Clients: rig.NewClients(nil), Limiter: elb.NewLimiter(process.Share), Front: unseenFront,
	}
	all := make([]*chosen, 0, len(configs))
	for _, c := range configs {
		one := &chosen{config: c, options: options}
		one.make(ctx)
		all = append(all, one)
	}
	return all, nil
}

// open reads the output's form, and makes the keepers.
func (o *operator) open(ctx context.Context, cmd *cobra.Command) ([]*chosen, error) {
	if err := o.readOutput(cmd.Flags()); err != nil {
		return nil, err
	}
	return o.keepers(ctx, cmd)
}

// color tells whether the output may be coloured.
func (o *operator) color() bool { return o.terminal && o.wantsColor() }

func (o *operator) writeJSON(v any) error {
	out := json.NewEncoder(o.out)
	out.SetIndent("", "  ")
	if err := out.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// bindEdit adds the flags of a verb that changes something.
func (o *operator) bindEdit(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.by, "by", "", "who says so, for the record (default your user's name)")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what it would do, and do nothing")
	o.bind(cmd)
}

// who is the name under which a change is noted.
func (o *operator) who() string {
	if o.by != "" {
		return o.by
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// outcomesVersion is the version of the JSON form of [outcomes].
const outcomesVersion = 1

// outcomes are what a verb did, as --output json prints it.
type outcomes struct {
	SchemaVersion int        `json:"schema_version"` // of this form: 1
	OK            bool       `json:"ok"`             // every binding was done
	Bindings      []*outcome `json:"bindings"`       // one a binding
}

// An outcome is what a verb did to one binding.
type outcome struct {
	Binding      string       `json:"binding"`           // its name
	Action       string       `json:"action"`            // the verb
	DryRun       bool         `json:"dry_run,omitempty"` // nothing was done
	Changed      bool         `json:"changed"`           // the memory was
	Addrs        []netip.Addr `json:"addrs"`             // whom it is about
	Deregistered []netip.Addr `json:"deregistered"`      // that were deregistered, as the group confirmed
	Paused       string       `json:"paused,omitempty"`  // since when, by whom and why nothing is done
	Notes        []string     `json:"notes"`             // what was said of it
	Error        string       `json:"error"`             // what went wrong, on one line

	tell func(string)
}

// say tells people at once, and programs at the end.
func (r *outcome) say(format string, args ...any) {
	text := mooring.Printable(fmt.Sprintf(format, args...))
	r.Notes = append(r.Notes, text)
	r.tell(text)
}

// unread says that the group was not read, where that is no reason not to go on.
func (r *outcome) unread(s mooring.Status) {
	if s.GroupErr != nil {
		r.say("What is in the group could not be read: %v", s.GroupErr)
	}
}

// eachEdit does a verb's work on every chosen binding. One that fails does not keep the others from it.
func (o *operator) eachEdit(cmd *cobra.Command, work func(context.Context, *mooring.Keeper, *outcome) error) error {
	ctx := cmd.Context()
	bindings, err := o.open(ctx, cmd)
	if err != nil {
		return err
	}
	all := outcomes{SchemaVersion: outcomesVersion, OK: true, Bindings: []*outcome{}}
	var faults []error
	for _, c := range bindings {
		r := &outcome{
			Binding: c.name(), Action: cmd.Name(), DryRun: o.dryRun,
			Addrs: []netip.Addr{}, Deregistered: []netip.Addr{}, Notes: []string{}, tell: o.teller(c.name()),
		}
		if err := editOne(ctx, c, r, work); err != nil {
			faults, all.OK, r.Error = append(faults, err), false, strings.Join(strings.Fields(err.Error()), " ")
		}
		all.Bindings = append(all.Bindings, r)
	}
	if o.output == "json" {
		faults = append(faults, o.writeJSON(all))
	}
	return errors.Join(faults...)
}

func editOne(ctx context.Context, c *chosen, r *outcome, work func(context.Context, *mooring.Keeper, *outcome) error) error {
	if c.err != nil {
		return c.err
	}
	if err := lasting(c.keeper); err != nil {
		return err
	}
	return work(ctx, c.keeper, r)
}

// teller prints lines under the binding's name.
func (o *operator) teller(name string) func(string) {
	if o.output == "json" {
		return func(string) {}
	}
	headed := false
	return func(text string) {
		if !headed {
			headed = true
			fmt.Fprintln(o.out, name)
		}
		fmt.Fprintf(o.out, "  %s\n", text)
	}
}

// lasting refuses a binding without memory, in which nothing that an operator says would last.
func lasting(k *mooring.Keeper) error {
	if _, none := k.Store.(store.None); none {
		return fmt.Errorf("%s has no memory (--memory none), so nothing that it is told would last: give it one with --memory s3://BUCKET or file:DIR",
			k.Binding.Name)
	}
	return nil
}

// errOnlySaid ends a change that was only to be said.
var errOnlySaid = errors.New("only said")

// edit changes the memory. Where it is only to be said what would be done, it goes as far as the change, and saves none.
func (o *operator) edit(ctx context.Context, k *mooring.Keeper, r *outcome, change func(mooring.Memory) (mooring.Memory, error)) error {
	saved, err := k.Edit(ctx, func(m mooring.Memory) (mooring.Memory, error) {
		next, err := change(m)
		if err == nil && o.dryRun {
			return m, errOnlySaid
		}
		r.Changed = err == nil && !next.Same(m)
		return next, err
	})
	switch {
	case errors.Is(err, errOnlySaid):
		return nil
	case err != nil:
		r.Changed = false
		return err
	}
	r.Paused = saved.Paused.String()
	return nil
}

// would chooses between what is so, once it was done, and what would be, where it is only to be said.
func (o *operator) would(done, said string) string {
	if o.dryRun {
		return said
	}
	return done
}

// end says whether it was done.
func (o *operator) end(r *outcome) {
	switch {
	case o.dryRun:
		r.say("Nothing was done: --dry-run.")
	case r.Changed || len(r.Deregistered) > 0:
		r.say("Done.")
	default:
		r.say("Nothing had to be changed.")
	}
}

// addrsIn reads addresses, and reports every fault at once.
func addrsIn(words []string) ([]netip.Addr, error) {
	var out []netip.Addr
	var faults []error
	for _, word := range words {
		a, err := netip.ParseAddr(word)
		if err != nil || a.Zone() != "" {
			faults = append(faults, fmt.Errorf("%q: want an IP address, such as 10.0.0.5", word))
			continue
		}
		out = append(out, a.Unmap())
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out), errors.Join(faults...)
}

// registered tells whether a target takes new flows or is about to.
func registered(a mooring.AddressStatus) bool {
	return a.Health != "" && mooring.Target{Health: a.Health}.Registered()
}

// find returns what is known of an address.
func find(s mooring.Status, addr netip.Addr) (mooring.AddressStatus, bool) {
	all := slices.Concat(s.Addresses, s.Unmanaged)
	i := slices.IndexFunc(all, func(a mooring.AddressStatus) bool { return a.Addr == addr })
	if i < 0 {
		return mooring.AddressStatus{Addr: addr}, false
	}
	return all[i], true
}

// healthOf is a target's health, in words.
func healthOf(a mooring.AddressStatus) string { return cmp.Or(string(a.Health), "not in the group") }
