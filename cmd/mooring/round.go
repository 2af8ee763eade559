package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/elb"
)

// A roundCommand is what plan and sync have in common: one round of each binding that flags, environment and file make.
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

With a file of many bindings (--config) it shows all of them, in the file's order, or those that --binding names.
One that fails does not keep the others from being shown.

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

Run it every minute, or let "mooring watch" do so. What it must know in the next round is in its memory (--memory).

The bindings of a file (--config) have their rounds side by side, 8 at once, each within 45 s. One that fails does not
disturb the others, but makes the exit code 1.

Exit codes: 0 done, 1 error or inconclusive, of any binding. An inconclusive round still registers what it saw.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	r.bind(cmd)
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "change nothing: the same as plan")
	return cmd
}

// bind adds a flag for every setting. What the flags say is read by package config, which also knows the variables.
func (r *roundCommand) bind(cmd *cobra.Command) {
	bindBindings(cmd)
	cmd.Flags().Var(&textValue{kind: "text|json", text: "text"}, "output", "form of the result [MOORING_OUTPUT]")
}

// bindBindings adds the flags that make bindings, and choose among them.
func bindBindings(cmd *cobra.Command) {
	process := slices.DeleteFunc(config.ProcessSettings(), func(s config.Setting) bool { return s.Name == "listen" })
	bindSettings(cmd.Flags(), process)
	bindSettings(cmd.Flags(), config.Settings())
}

// bindings reads every binding that was chosen, and what is set once for the whole process.
func (m machine) bindings(ctx context.Context, flags *pflag.FlagSet) ([]config.Config, config.Process, error) {
	m.warn()
	from := given(flags)
	process, processErr := config.LoadProcess(from, m.env)
	configs, err := config.Load(ctx, from, m.env, rig.NewReader(from, m.env))
	if err = errors.Join(processErr, err); err != nil {
		return nil, process, fmt.Errorf("configuration: %w", err)
	}
	chosen, err := config.Select(configs, process.Bindings)
	if err != nil {
		return nil, process, fmt.Errorf("configuration: %w; there are %s", err, namesOf(configs))
	}
	return chosen, process, nil
}

// warn tells of variables that look like settings and are none: a misspelt one would be ignored in silence.
func (m machine) warn() {
	if m.environ == nil {
		return
	}
	for _, text := range config.UnknownVariables(m.environ()) {
		fmt.Fprintf(m.err, "mooring: warning: %s\n", text)
	}
}

// namesOf lists the names of bindings, and of many the first.
func namesOf(configs []config.Config) string {
	const most = 50
	var names []string
	for _, c := range configs[:min(len(configs), most)] {
		names = append(names, c.Binding.Name)
	}
	if more := len(configs) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func (r *roundCommand) run(cmd *cobra.Command) error {
	if err := r.readOutput(cmd.Flags()); err != nil {
		return err
	}
	ctx := cmd.Context()
	configs, process, err := r.bindings(ctx, cmd.Flags())
	if err != nil {
		return err
	}
	if err := onlyFronts(configs); err != nil {
		return err
	}
	fleet, err := rig.NewFleet(ctx, configs, rig.Options{
		Program: program(), Log: r.logger(), DryRun: r.dryRun, Dial: r.dial, Out: r.eventsTo(), Limiter: elb.NewLimiter(process.Share),
	})
	if err != nil {
		return err
	}
	if r.dryRun {
		return r.show(fleet.Plan(ctx))
	}
	return r.show(fleet.Round(ctx))
}

// onlyFronts refuses to begin where no binding can have a round. Beside others one with a front fails alone.
func onlyFronts(configs []config.Config) error {
	var faults []error
	for _, c := range configs {
		if !c.Embedded() {
			return nil
		}
		faults = append(faults, fmt.Errorf("binding %s, %s: %w", c.Binding.Name, c.Binding.TargetGroup, rig.ErrFront))
	}
	return errors.Join(faults...)
}

// eventsTo is where --notify stdout goes: beside the report, and to standard error where that is one JSON value.
func (r *roundCommand) eventsTo() io.Writer {
	if r.output == "json" {
		return r.err
	}
	return r.out
}

// logger lets through what is not in the report: warnings, to standard error.
func (r *roundCommand) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (r *roundCommand) show(reports []mooring.Report) error {
	if err := r.write(reports); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	var failed []error
	changes := 0
	for _, report := range reports {
		changes += report.Changes()
		switch {
		case report.Err != nil:
			failed = append(failed, report.Err)
		case report.Inconclusive != "" && len(reports) > 1:
			failed = append(failed, inconclusiveError{report.Binding + ": ", report.Inconclusive})
		case report.Inconclusive != "":
			failed = append(failed, inconclusiveError{"", report.Inconclusive})
		}
	}
	switch {
	case len(failed) > 0:
		return errors.Join(failed...)
	case r.detailed && changes > 0:
		return errChanges
	default:
		return nil
	}
}

func (r *roundCommand) write(reports []mooring.Report) error {
	if r.output == "json" {
		out := json.NewEncoder(r.out)
		out.SetIndent("", "  ")
		return out.Encode(mooring.NewReports(reports...))
	}
	for i, report := range reports {
		if i > 0 {
			if _, err := io.WriteString(r.out, "\n"); err != nil {
				return err
			}
		}
		if err := report.WriteText(r.out, r.terminal && r.wantsColor()); err != nil {
			return err
		}
	}
	return nil
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
