package main

import (
	"context"

	"github.com/spf13/cobra"

	"mooring"
)

func newPause(m machine) *cobra.Command {
	o := &operator{roundCommand: roundCommand{machine: m}}
	var why string
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Keep a binding's rounds from changing anything, until mooring resume",
		Long: `pause notes in the binding's memory that nothing is to be done. Every copy of mooring that keeps the binding reads
that at the beginning of its next round: it goes on looking and reporting, and changes neither the group nor the
memory, so new addresses are not registered either. A round that has begun ends as it would have.

The pause is in the memory and nowhere else. A process that cannot read the memory, and never could, does not know of
it: it still registers what the name shows, as without memory, and removes nobody.

Pausing a paused binding changes nothing: who paused it first, and why, is kept.

Exit codes: 0 done, 1 error.`,
		Example: `  mooring pause --why "moving to another VPC" --target-group ... --hostname ... --memory s3://my-bucket`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.eachEdit(cmd, func(ctx context.Context, k *mooring.Keeper, r *outcome) error { return o.pause(ctx, k, r, why) })
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "the reason, which status and every report then show")
	o.bindEdit(cmd)
	return cmd
}

func (o *operator) pause(ctx context.Context, k *mooring.Keeper, r *outcome, why string) error {
	var was mooring.Pause
	err := o.edit(ctx, k, r, func(m mooring.Memory) (mooring.Memory, error) {
		was = m.Paused
		return m.Pause(o.who(), why, k.Now())
	})
	if err != nil {
		return err
	}
	if was != (mooring.Pause{}) {
		r.say("It is already %s.", was)
	} else {
		r.say("From the next round on nothing %s registered or deregistered; rounds go on looking and reporting.", o.would("is", "would be"))
		r.say("mooring resume ends that; counts of missing addresses then start again.")
	}
	o.end(r)
	return nil
}

func newResume(m machine) *cobra.Command {
	o := &operator{roundCommand: roundCommand{machine: m}}
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Let a paused or released binding's rounds act again",
		Long: `resume ends what pause or release began. From the next round on what the name shows is registered; where rounds
follow each other closely that is within 30 s, for until then watch may look at the name alone. Nobody looked meanwhile,
so the counts of missing addresses start again: nobody leaves before the full number of rounds, time and evidence. After
a release nothing is ours but what the name shows from now on.

Resuming what is not paused changes nothing.

Exit codes: 0 done, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.eachEdit(cmd, o.resume) },
	}
	o.bindEdit(cmd)
	return cmd
}

func (o *operator) resume(ctx context.Context, k *mooring.Keeper, r *outcome) error {
	var was mooring.Pause
	err := o.edit(ctx, k, r, func(m mooring.Memory) (mooring.Memory, error) {
		was = m.Paused
		return m.Resume(o.who(), k.Now())
	})
	if err != nil {
		return err
	}
	if was == (mooring.Pause{}) {
		r.say("It is not paused.")
		o.end(r)
		return nil
	}
	r.say("From the next round on what the name shows %s registered, and who is missing is counted anew.", o.would("is", "would be"))
	switch {
	case o.dryRun:
		r.say("It is %s.", was)
	case was.Released:
		r.say("It was %s. Of the targets in the group only those that the name shows become ours; mooring adopt takes over others.", was)
	default:
		r.say("It was %s.", was)
	}
	o.end(r)
	return nil
}
