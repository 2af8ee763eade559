package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mooring"
)

func newExplain(m machine) *cobra.Command {
	o := &operator{roundCommand: roundCommand{machine: m}}
	cmd := &cobra.Command{
		Use:   "explain ADDR",
		Short: "Tell every decision about an address, and what comes next",
		Long: `explain tells all that a binding's memory holds about an address, the oldest first: when it was registered, first
missed, held back by which guard, deregistered, by which evidence and by which version of mooring, and what
operators said. Then what holds now, and what must happen, by the policy's numbers, until it leaves.

A memory keeps the last 200 decisions of its binding. Of several bindings those are shown that know the address.
It never looks at the name, and changes nothing.

Exit codes: 0 done, also for an address that nobody knows; 1 error.`,
		Example: `  mooring explain 10.0.1.5 --target-group ... --hostname ... --memory s3://my-bucket`,
		Args:    oneAddress,
		RunE:    func(cmd *cobra.Command, args []string) error { return o.explain(cmd, args[0]) },
	}
	o.bind(cmd)
	return cmd
}

func oneAddress(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%d addresses: want one", len(args)), cmd.CommandPath()}
	}
	return nil
}

func (o *operator) explain(cmd *cobra.Command, word string) error {
	addrs, err := addrsIn([]string{word})
	if err != nil {
		return fmt.Errorf("explain %w", err)
	}
	bindings, err := o.open(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	all := explanations(cmd.Context(), bindings, addrs[0])
	if o.output == "json" {
		err = o.writeJSON(all)
	} else {
		err = o.tellExplanations(all)
	}
	faults := []error{err}
	for _, one := range all.Bindings {
		faults = append(faults, one.Err)
	}
	return errors.Join(faults...)
}

// explanations are those of the bindings that know the address, or else of all of them.
func explanations(ctx context.Context, bindings []*chosen, addr netip.Addr) mooring.Explanations {
	ctx, cancel := context.WithTimeout(ctx, statusTimeOf(len(bindings)))
	defer cancel()
	out := mooring.Explanations{SchemaVersion: mooring.StatusVersion, Bindings: make([]mooring.Explanation, len(bindings))}
	var reads mooring.Tasks
	for i, c := range bindings {
		reads.Go(func() { out.Bindings[i] = c.explain(ctx, addr) })
	}
	reads.Wait()
	out.OK = !slices.ContainsFunc(out.Bindings, func(e mooring.Explanation) bool { return e.Err != nil })
	knows := func(e mooring.Explanation) bool { return e.Known || e.Err != nil }
	if slices.ContainsFunc(out.Bindings, knows) {
		out.Bindings = slices.DeleteFunc(out.Bindings, func(e mooring.Explanation) bool { return !knows(e) })
	}
	return out
}

func (c *chosen) explain(ctx context.Context, addr netip.Addr) mooring.Explanation {
	if c.err != nil {
		return mooring.ExplanationUnread(c.config.Binding, c.config.Policy, time.Now(), c.err, addr)
	}
	return c.keeper.Explain(ctx, addr)
}

func (o *operator) tellExplanations(all mooring.Explanations) error {
	for i, one := range all.Bindings {
		if i > 0 {
			fmt.Fprintln(o.out)
		}
		if err := one.WriteText(o.out, o.color()); err != nil {
			return fmt.Errorf("write the explanation: %w", err)
		}
	}
	return nil
}
