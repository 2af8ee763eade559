package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/doctor"
	"mooring/internal/elb"
)

// A doctorCommand looks at what bindings stand on.
type doctorCommand struct {
	operator
	strict bool
}

func newDoctor(m machine) *cobra.Command {
	d := &doctorCommand{operator: operator{roundCommand: roundCommand{machine: m, dryRun: true}}}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a binding stands on, and say what to do",
		Long: `doctor looks at a binding's prerequisites and says of each whether it holds: credentials and permissions, the
network's way to AWS's APIs, the memory, the name, the target group and its health check, both load balancers, their
zones, time-outs and security groups, the clock, and whether anybody else manages the same targets. What does not pass
says what was seen, what to do, and where the rule is from. It ends with the alternatives that AWS itself has: which of
them would serve the binding better, and which of its limits rules the others out.

Run it where mooring runs, and as whom: in a function's subnet and with its role the network and the policy are those
that count. It changes nothing. To see that the memory can be written, it tries a write whose condition never holds.

What could not be seen is unknown, which is neither good nor bad, and says why. It takes permissions to look, which
rounds do not need: docs/doctor.md lists them. Without one, only what it would show is unknown.

Exit codes: 0 nothing fails, though something may warn; 1 something fails, or nothing could be looked at. With --strict,
warnings fail too.`,
		Example: `  mooring doctor --target-group ... --hostname ... --memory s3://my-bucket
  mooring doctor --config bindings.yaml --strict --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	cmd.Flags().BoolVar(&d.strict, "strict", false, "exit with 1 also where something warns")
	d.bind(cmd)
	return cmd
}

// diagnoses are what doctor prints as JSON.
type diagnoses struct {
	SchemaVersion int         `json:"schema_version"` // of this form: 1
	OK            bool        `json:"ok"`             // nothing fails and, with --strict, nothing warns
	Bindings      []diagnosis `json:"bindings"`       // one a binding
}

// A diagnosis is what was found of one binding.
type diagnosis struct {
	Binding     string           `json:"binding"`      // its name
	TargetGroup string           `json:"target_group"` // the group's ARN, or tcp://ADDR:PORT
	OK          bool             `json:"ok"`           // as above
	Findings    []doctor.Finding `json:"findings"`     // the worst first
	Advice      []doctor.Advice  `json:"advice"`       // on what AWS itself has instead
	Error       string           `json:"error"`        // why nothing could be looked at
}

func (d *doctorCommand) run(cmd *cobra.Command) error {
	if err := d.readOutput(cmd.Flags()); err != nil {
		return err
	}
	ctx := cmd.Context()
	configs, process, err := d.bindings(ctx, cmd.Flags())
	if err != nil {
		return err
	}
	options := rig.Options{
		Program: program(), Log: d.logger(), DryRun: true, Dial: d.dial,
		Clients: rig.NewClients(nil), Limiter: elb.NewLimiter(process.Share), Front: unseenFront,
	}
	all := diagnoses{SchemaVersion: 1, OK: true, Bindings: []diagnosis{}}
	var faults []error
	for i, c := range configs { // one after the other: AWS bears a few dozen reads at once
		one, err := d.examine(ctx, c, options)
		faults, all.OK = append(faults, err), all.OK && err == nil
		all.Bindings = append(all.Bindings, one)
		if d.output == "json" {
			continue
		}
		if i > 0 {
			fmt.Fprintln(d.out)
		}
		d.show(one)
	}
	if d.output == "json" {
		faults = append(faults, d.writeJSON(all))
	}
	return errors.Join(faults...)
}

// examine looks at one binding. The error is what fails.
func (d *doctorCommand) examine(ctx context.Context, c config.Config, o rig.Options) (diagnosis, error) {
	out := diagnosis{Binding: c.Binding.Name, TargetGroup: c.Binding.TargetGroup, Findings: []doctor.Finding{}, Advice: []doctor.Advice{}}
	sources, err := rig.Doctor(ctx, c, o)
	if err != nil {
		out.Error = strings.Join(strings.Fields(err.Error()), " ")
		return out, fmt.Errorf("doctor for %s: %w", out.Binding, err)
	}
	facts := doctor.Gather(ctx, sources)
	out.Binding = sources.Binding.Name
	out.Findings, out.Advice = doctor.WorstFirst(doctor.Judge(facts)), doctor.Advise(facts)
	if err = d.fails(out); ctx.Err() != nil {
		err = fmt.Errorf("doctor for %s: %w", out.Binding, context.Cause(ctx))
	}
	out.OK = err == nil
	return out, err
}

// fails says in one error which checks do not pass.
func (d *doctorCommand) fails(one diagnosis) error {
	var bad []string
	seen := false
	for _, f := range one.Findings {
		seen = seen || f.Verdict != doctor.Unknown
		if f.Verdict == doctor.Fail || d.strict && f.Verdict == doctor.Warn {
			bad = append(bad, f.ID)
		}
	}
	switch {
	case !seen:
		return fmt.Errorf("doctor for %s: nothing could be looked at", one.Binding)
	case len(bad) > 0:
		return fmt.Errorf("doctor for %s: %s", one.Binding, strings.Join(bad, ", "))
	default:
		return nil
	}
}

// What a verdict looks like, and in which colour.
var verdicts = map[doctor.Verdict]struct{ word, color string }{
	doctor.Fail: {"FAIL", "\x1b[31m"}, doctor.Warn: {"warn", "\x1b[33m"}, doctor.Unknown: {"?", "\x1b[36m"}, doctor.Pass: {"ok", "\x1b[32m"},
}

// show prints it for people: what is to be done at the top, and what is well in a line each.
func (d *doctorCommand) show(one diagnosis) {
	w := d.out
	fmt.Fprintf(w, "%s  %s\n", one.Binding, one.TargetGroup)
	counts := map[doctor.Verdict]int{}
	for _, f := range one.Findings {
		counts[f.Verdict]++
		d.line(w, f)
	}
	if len(one.Findings) == 0 {
		return
	}
	fmt.Fprintf(w, "%d fail, %d warn, %d unknown, %d ok.\n", counts[doctor.Fail], counts[doctor.Warn], counts[doctor.Unknown], counts[doctor.Pass])
	if len(one.Advice) > 0 {
		fmt.Fprintln(w, "Instead of this binding:")
	}
	for _, a := range one.Advice {
		mark := "no "
		if a.Serves {
			mark = "yes"
		}
		fmt.Fprintf(w, "  %s  %s: %s\n", mark, a.Title, mooring.Printable(a.Why))
		if a.Serves {
			fmt.Fprintf(w, "       see %s\n", a.Source)
		}
	}
}

func (d *doctorCommand) line(w io.Writer, f doctor.Finding) {
	look := verdicts[f.Verdict]
	word := fmt.Sprintf("%-4s", look.word)
	if d.color() {
		word = look.color + word + "\x1b[0m"
	}
	fmt.Fprintf(w, "  %s  %-15s  %s\n", word, f.ID, mooring.Printable(cmp.Or(f.Seen, f.Title)))
	if f.Verdict == doctor.Pass {
		return
	}
	const indent = "                         "
	if f.Do != "" {
		fmt.Fprintf(w, "%sdo:  %s\n", indent, mooring.Printable(f.Do))
	}
	if f.Source != "" {
		fmt.Fprintf(w, "%ssee: %s\n", indent, f.Source)
	}
}
