package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
)

// A roundCommand is what plan and sync have in common: one round of the binding that flags and environment make.
type roundCommand struct {
	machine
	output   string
	dryRun   bool
	detailed bool // exit with 2 when there are changes
}

func newPlan(m machine) *cobra.Command {
	r := &roundCommand{machine: m, dryRun: true}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say what a round would change, and why; change nothing",
		Long: `plan runs a round up to its decision and shows it: one line an address, with what would be done, why, what is
held back and by which guard, and how long it takes until it leaves. It changes nothing, neither the group
nor the memory, so a later round counts from the same point.

Exit codes: 0 done, 1 error or inconclusive; with --detailed-exitcode 2 when there are changes.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	r.bind(cmd)
	cmd.Flags().BoolVar(&r.detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	return cmd
}

func newSync(m machine) *cobra.Command {
	r := &roundCommand{machine: m}
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Run one round: register what is new, deregister what is proved gone",
		Long: `sync runs one round. It registers every observed address that is not registered, and deregisters those that
were missing in enough conclusive rounds (--misses), for long enough (--hold), with enough evidence
(--miss-probability), as far as --max-leave, --min-targets and the health of the others allow.

Run it every minute. What it must know in the next round is in its memory (--memory).

Exit codes: 0 done, 1 error or inconclusive. An inconclusive round still registers what it saw.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	r.bind(cmd)
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "change nothing: the same as plan")
	return cmd
}

// bind adds a flag for every setting. What the flags say is read by package config, which also knows the variables.
func (r *roundCommand) bind(cmd *cobra.Command) {
	for _, s := range config.Settings() {
		usage := fmt.Sprintf("%s [%s]", s.Usage, s.Variable())
		if s.Repeatable {
			cmd.Flags().Var(&listValue{kind: s.Value}, s.Name, usage)
			continue
		}
		cmd.Flags().Var(&textValue{kind: s.Value}, s.Name, usage)
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().Var(&textValue{kind: "text|json", text: "text"}, "output", "form of the result [MOORING_OUTPUT]")
}

func (r *roundCommand) run(cmd *cobra.Command) error {
	if err := r.readOutput(cmd.Flags()); err != nil {
		return err
	}
	flags := given(cmd.Flags())
	configs, err := config.Load(cmd.Context(), flags, r.env, rig.NewReader(flags, r.env))
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if len(configs) != 1 {
		return fmt.Errorf("configuration: %d bindings: want one", len(configs))
	}
	c := configs[0]
	ctx, cancel := context.WithTimeout(cmd.Context(), rig.RoundLimit)
	defer cancel()
	keeper, err := rig.New(ctx, c, rig.Options{Program: program(), Log: r.logger(), DryRun: r.dryRun, Dial: r.dial})
	if err != nil {
		return err
	}
	report := keeper.Plan
	if !r.dryRun {
		report = keeper.Round
	}
	return r.show(report(ctx))
}

// logger lets through what is not in the report: warnings, to standard error.
func (r *roundCommand) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (r *roundCommand) show(report mooring.Report) error {
	if err := r.write(report); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	switch {
	case report.Err != nil:
		return report.Err
	case report.Inconclusive != "":
		return inconclusiveError{report.Inconclusive}
	case r.detailed && report.Changes() > 0:
		return errChanges
	default:
		return nil
	}
}

func (r *roundCommand) write(report mooring.Report) error {
	if r.output == "json" {
		out := json.NewEncoder(r.out)
		out.SetIndent("", "  ")
		return out.Encode(mooring.NewReports(report))
	}
	return report.WriteText(r.out, r.terminal && r.wantsColor())
}

// wantsColor follows https://no-color.org, and spares terminals that cannot.
func (r *roundCommand) wantsColor() bool {
	none, _ := r.env("NO_COLOR")
	term, _ := r.env("TERM")
	return none == "" && term != "dumb"
}

// given reads the flags that were set.
func given(flags *pflag.FlagSet) config.Flags {
	return func(name string) ([]string, bool) {
		f := flags.Lookup(name)
		if f == nil || !f.Changed {
			return nil, false
		}
		if list, ok := f.Value.(*listValue); ok {
			return list.values, true
		}
		return []string{f.Value.String()}, true
	}
}

func (r *roundCommand) readOutput(flags *pflag.FlagSet) error {
	f := flags.Lookup("output")
	r.output = f.Value.String()
	where := "--output"
	if v, ok := r.env("MOORING_OUTPUT"); ok && v != "" && !f.Changed {
		r.output, where = v, "MOORING_OUTPUT"
	}
	if r.output != "text" && r.output != "json" {
		return fmt.Errorf("configuration: %s %q: want text or json", where, r.output)
	}
	return nil
}

// A textValue is a flag that keeps its text, to be judged together with all others.
type textValue struct{ kind, text string }

func (v *textValue) String() string     { return v.text }
func (v *textValue) Set(s string) error { v.text = s; return nil }
func (v *textValue) Type() string       { return v.kind }

// A listValue is a flag that may be given more than once.
type listValue struct {
	kind   string
	values []string
}

func (v *listValue) String() string     { return "" }
func (v *listValue) Set(s string) error { v.values = append(v.values, s); return nil }
func (v *listValue) Type() string       { return v.kind }
