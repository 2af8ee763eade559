package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"mooring"
)

func newAdopt(m machine) *cobra.Command {
	o := &operator{roundCommand: roundCommand{machine: m}}
	var all bool
	cmd := &cobra.Command{
		Use:   "adopt ADDR... | --all",
		Short: "Make targets ours that somebody else registered",
		Long: `adopt makes targets of the group ours, so that they leave once the name is proved to be without them. What is ours
otherwise is what a round registered, or the name ever showed. It deregisters nobody by itself: an adopted target
that the name does not show counts as missing from the next round on.

An address that is not in the group on the binding's port is an error.

Exit codes: 0 done, 1 error.`,
		Example: `  mooring adopt 10.0.1.5 10.0.1.6 --target-group ... --hostname ... --memory s3://my-bucket
  mooring adopt --all --dry-run`,
		Args: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usageError{errors.New("want addresses, or --all and none"), cmd.CommandPath()}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.editAddrs(cmd, args, func(ctx context.Context, k *mooring.Keeper, r *outcome, addrs []netip.Addr) error {
				return o.adopt(ctx, k, r, addrs, all)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every target on the binding's port")
	o.bindEdit(cmd)
	return cmd
}

// editAddrs is an edit that addresses are given for, which belong to one binding.
func (o *operator) editAddrs(cmd *cobra.Command, words []string,
	work func(context.Context, *mooring.Keeper, *outcome, []netip.Addr) error,
) error {
	addrs, err := addrsIn(words)
	if err != nil {
		return fmt.Errorf("%s %w", cmd.Name(), err)
	}
	o.refuse = func(bindings int, _ bool) error {
		if len(addrs) > 0 && bindings > 1 {
			return fmt.Errorf("%d bindings are chosen, and the addresses are of one: choose it with --binding", bindings)
		}
		return nil
	}
	return o.eachEdit(cmd, func(ctx context.Context, k *mooring.Keeper, r *outcome) error { return work(ctx, k, r, addrs) })
}

func (o *operator) adopt(ctx context.Context, k *mooring.Keeper, r *outcome, addrs []netip.Addr, all bool) error {
	s := k.Status(ctx)
	if s.Err != nil {
		return s.Err
	}
	if all {
		addrs = nil
		for _, a := range slices.Concat(s.Addresses, s.Unmanaged) {
			if registered(a) {
				addrs = append(addrs, a.Addr)
			}
		}
		slices.SortFunc(addrs, netip.Addr.Compare)
	}
	var faults []error
	for _, addr := range addrs {
		switch a, _ := find(s, addr); {
		case !registered(a):
			faults = append(faults, fmt.Errorf("adopt %s into %s: it is not registered in the group on port %d (%s)",
				addr, k.Binding.Name, k.Binding.Port, healthOf(a)))
		case a.Ours && !a.Since.IsZero():
			r.say("= %s  is ours already (%s)", addr, healthOf(a))
		default:
			r.Addrs = append(r.Addrs, addr)
			r.say("+ %s  adopt (%s)", addr, healthOf(a))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	err := o.edit(ctx, k, r, func(m mooring.Memory) (mooring.Memory, error) { return m.Adopt(o.who(), k.Now(), r.Addrs...) })
	if err != nil {
		return err
	}
	if len(r.Addrs) > 0 {
		r.say("Those of them that the name does not show %s as missing from the next round on, and leave after %d rounds and %s at the earliest.",
			o.would("count", "would count"), k.Policy.Misses, k.Policy.Hold)
	}
	if s.Paused != "" {
		r.say("The binding is %s: nothing happens before mooring resume.", s.Paused)
	}
	o.end(r)
	return nil
}

func newForget(m machine) *cobra.Command {
	o := &operator{roundCommand: roundCommand{machine: m}}
	cmd := &cobra.Command{
		Use:   "forget ADDR...",
		Short: "Make addresses not ours, so that their targets stay whatever the name shows",
		Long: `forget makes addresses not ours: their targets stay registered, and no round removes them. That the group refused
them is forgotten too, so that the next round tries them again where the name shows them.

What the name shows becomes ours again in the next round, so forgetting it lasts no longer than that.

Exit codes: 0 done, 1 error, which an address is that is not ours.`,
		Example: `  mooring forget 10.0.1.5 --target-group ... --hostname ... --memory s3://my-bucket`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("no address: want at least one"), cmd.CommandPath()}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.editAddrs(cmd, args, o.forget) },
	}
	o.bindEdit(cmd)
	return cmd
}

func (o *operator) forget(ctx context.Context, k *mooring.Keeper, r *outcome, addrs []netip.Addr) error {
	s := k.Status(ctx)
	if s.MemoryErr != nil {
		return s.MemoryErr
	}
	r.unread(s)
	var faults []error
	for _, addr := range addrs {
		a, _ := find(s, addr)
		if !a.Ours && a.Refused == "" {
			faults = append(faults, fmt.Errorf("forget %s: it is not %s's", addr, k.Binding.Name))
			continue
		}
		r.Addrs = append(r.Addrs, addr)
		r.say("- %s  forget (%s): %s", addr, healthOf(a), o.afterForgetting(k, a))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	err := o.edit(ctx, k, r, func(m mooring.Memory) (mooring.Memory, error) { return m.Forget(o.who(), k.Now(), addrs...) })
	if err == nil {
		o.end(r)
	}
	return err
}

// afterForgetting says what the next rounds make of a forgotten address.
func (o *operator) afterForgetting(k *mooring.Keeper, a mooring.AddressStatus) string {
	switch {
	case k.Policy.Adopt == mooring.AdoptAll && registered(a):
		return "the next round makes it ours again, since --adopt all takes everything on our port"
	case a.Absence == nil && a.GoneSince.IsZero():
		return "the name was not known to be without it; if it still shows it, the next round makes it ours again"
	case registered(a):
		return "it stays in the group, and no round removes it"
	default:
		return "it is not known any more"
	}
}
