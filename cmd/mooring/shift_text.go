package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"mooring"
	"mooring/internal/shift"
)

// shiftVersion is the version of the JSON form of [shiftResult].
const shiftVersion = 1

// A shiftResult is what shift did, as --output json prints it.
type shiftResult struct {
	SchemaVersion int         `json:"schema_version"`   // of this form: 1
	OK            bool        `json:"ok"`               // it was done, or there was nothing to do
	Name          string      `json:"name"`             // whose traffic moves
	Zone          string      `json:"hosted_zone"`      // its id
	NLB           string      `json:"nlb,omitempty"`    // its ARN, where it was needed
	DryRun        bool        `json:"dry_run"`          // nothing was done
	From          int         `json:"from_percent"`     // of the answers led to the NLB before
	Percent       int         `json:"percent"`          // of the answers lead to the NLB now
	Steps         []shiftStep `json:"steps"`            // that were planned
	Done          int         `json:"done"`             // steps that were done, with what is watched after them
	RolledBack    bool        `json:"rolled_back"`      // a gate was shut, and the original record is there again
	Restored      bool        `json:"restored"`         // the original record is there again
	Original      []any       `json:"original_records"` // as Route 53 lists them
	Notes         []string    `json:"notes"`            // what somebody should know
	Log           []shiftLine `json:"log"`              // what happened
	Error         string      `json:"error"`            // what went wrong, on one line
}

// A shiftStep is one change.
type shiftStep struct {
	Kind    string `json:"kind"`    // hold, move, restore or finish
	Percent int    `json:"percent"` // of the answers lead to the NLB after it
	Says    string `json:"says"`    // what clients get
}

// A shiftLine is one line of progress.
type shiftLine struct {
	At   time.Time `json:"at"`   // when
	Text string    `json:"text"` // what
}

func (c *shiftCommand) result(job *shiftJob) *shiftResult {
	from := job.plan.From
	r := &shiftResult{
		SchemaVersion: shiftVersion, OK: true, Name: shift.Shown(job.name), Zone: job.zone.ID, NLB: job.nlb.ARN, DryRun: c.dryRun,
		From: from.Percent, Percent: from.Percent, Steps: []shiftStep{}, Original: []any{}, Notes: append([]string{}, job.notes...), Log: []shiftLine{},
	}
	for _, s := range job.plan.Steps {
		r.Steps = append(r.Steps, shiftStep{string(s.Kind), s.Percent, s.Says()})
	}
	for _, o := range from.Original {
		r.Original = append(r.Original, shift.PlainSet(o))
	}
	if len(job.plan.Steps) == 0 && !from.Pair && !c.needsNLB() {
		r.Notes = append(r.Notes, noPair)
	}
	return r
}

// noPair is why there is nothing to take back. Where such records lead is not known without the NLB.
const noPair = "the records are no pair of mooring's"

// teller tells of progress: people at once, programs at the end. Where the result is JSON people are told beside it.
func (c *shiftCommand) teller(r *shiftResult) func(string) {
	return func(text string) {
		line := shiftLine{time.Now().UTC().Truncate(time.Second), mooring.Printable(text)}
		r.Log = append(r.Log, line)
		fmt.Fprintf(c.progress(), "%s  %s\n", line.At.Format(time.TimeOnly), line.Text)
	}
}

// progress is where people look.
func (c *shiftCommand) progress() io.Writer {
	if c.output == "json" {
		return c.err
	}
	return c.out
}

func (c *shiftCommand) showPlan(job *shiftJob) {
	if c.output == "json" {
		return
	}
	w, from := c.out, job.plan.From
	say := func(format string, args ...any) {
		fmt.Fprintln(w, mooring.Printable(fmt.Sprintf(format, args...)))
	}
	say("%s in hosted zone %s (%s)", shift.Shown(job.name), job.zone.ID, shift.Shown(job.zone.Name))
	for _, s := range from.Sets {
		say("  %-8s %-5s %s%s", "now", s.Type, shift.Target(s), weightOf(s))
	}
	if job.nlb.ARN != "" {
		say("  %-8s %s", "nlb", job.nlb.DNSName)
	}
	for _, s := range job.plan.Steps {
		say("  %-8s %s", stepName(s), s.Says())
	}
	for _, note := range job.notes {
		say("  note: %s", note)
	}
	if len(job.gates) > 0 && job.plan.Rollback != nil {
		say("Each step is watched for %s; a gate that is shut %d times in a row takes everything back. Gates:", c.watched(job.plan), shift.Patience)
		for _, g := range job.gates {
			say("  %s", g.Name)
		}
	}
	if from.Pair && !c.finish || job.plan.Rollback != nil {
		for _, o := range from.Original {
			say("The way back (--back) leads to the original: %s %s", o.Type, shift.Target(o))
		}
	}
}

func stepName(s shift.Step) string {
	if s.Kind == shift.Move || s.Kind == shift.Hold {
		return fmt.Sprintf("%d %%", s.Percent)
	}
	return string(s.Kind)
}

func weightOf(s shift.Set) string {
	if s.Weight == nil || s.SetIdentifier == nil {
		return ""
	}
	return fmt.Sprintf(" (%s, weight %d)", *s.SetIdentifier, *s.Weight)
}

// showEnd says how it ended; what went wrong is told as an error.
func (c *shiftCommand) showEnd(r *shiftResult) {
	switch {
	case len(r.Steps) == 0 && slices.Contains(r.Notes, noPair):
		fmt.Fprintf(c.out, "There is nothing to take back: %s.\n", noPair)
	case len(r.Steps) == 0:
		fmt.Fprintf(c.out, "There is nothing to do: %d %% of the answers lead to the NLB.\n", r.Percent)
	case r.DryRun:
		fmt.Fprintln(c.out, "Nothing was done: --dry-run.")
	case r.OK && r.Restored:
		fmt.Fprintln(c.out, "Done: the original record is there again, exactly as it was.")
	case r.OK:
		fmt.Fprintf(c.out, "Done: %d %% of the answers lead to the NLB.\n", r.Percent)
	}
}
