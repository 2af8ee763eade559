package mooring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// ReportVersion is the version of the JSON form of [Reports].
const ReportVersion = 1

// Reports are the reports of one run, as `sync --output json` and the function return them.
type Reports struct {
	SchemaVersion int      `json:"schema_version"` // of this form: 1
	OK            bool     `json:"ok"`             // no binding has an error or is inconclusive
	Bindings      []Report `json:"bindings"`       // one a binding, in the order of the configuration
}

// NewReports puts the reports of one run together.
func NewReports(bindings ...Report) Reports {
	bad := func(r Report) bool { return !r.OK() }
	return Reports{SchemaVersion: ReportVersion, OK: !slices.ContainsFunc(bindings, bad), Bindings: bindings}
}

// A Report is what one round of one binding saw, planned, did and could not confirm.
// The slices are never nil, and sorted by address.
type Report struct {
	Binding      string          `json:"binding"`            // its name
	Hostnames    []string        `json:"hostnames"`          // that were looked up, sorted
	Port         uint16          `json:"port"`               // of its targets
	TargetGroup  string          `json:"target_group"`       // the group's ARN, or tcp://ADDR:PORT
	DNS          string          `json:"dns"`                // authoritative, resolver, both joined by "+", or "" when nobody answered
	Resolved     []netip.Addr    `json:"resolved"`           // every address that some answer held
	Registered   []netip.Addr    `json:"registered"`         // confirmed in this round
	Deregistered []netip.Addr    `json:"deregistered"`       // confirmed in this round
	Missing      []MissingReport `json:"missing"`            // ours, in the group, and not observed
	Held         []HeldReport    `json:"held"`               // who would leave, and which guard keeps it
	Refused      []RefusedReport `json:"refused"`            // set aside, because the group does not take it
	Unmanaged    []string        `json:"unmanaged"`          // in the group and not ours: an address, or ADDR:PORT where the port is not ours
	Inconclusive string          `json:"inconclusive"`       // why the round may count against nobody; its first word is the class
	Error        string          `json:"error"`              // what went wrong, on one line
	Warnings     []string        `json:"warnings,omitempty"` // what somebody should know, and nothing fails for
	Planned      *PlannedReport  `json:"planned,omitempty"`  // only where the plan was not acted on
	Others       *OthersReport   `json:"others,omitempty"`   // only where somebody else changes the same targets
	Paused       string          `json:"paused,omitempty"`   // since when, by whom and why nothing is done
	TookMS       int64           `json:"took_ms"`            // milliseconds that the round took

	Plan    Plan     `json:"-"` // what was decided
	Targets []Target `json:"-"` // what the group held when the round began; nil where it was not read
	Healthy int      `json:"-"` // healthy targets of ours when the round began
	// Unremembered says that the round could not read its memory or could not save it: nobody leaves while that lasts.
	Unremembered bool `json:"-"`

	Glance bool  `json:"-"` // only the name was looked at, for nothing had changed; the rest is the last round's
	Err    error `json:"-"` // what Error says

	unsettled bool // the last round was inconclusive, and glances since do not make up for it
}

// An OthersReport is what somebody else did to targets on our port since the last round, and whether that is a program.
type OthersReport struct {
	Another string          `json:"another"` // why another program is thought to manage the same targets; "" where it is not
	Steps   []StepReport    `json:"steps"`   // changes that were not ours
	Overdue []OverdueReport `json:"overdue"` // changes that this binding would have made long ago, in mode observe
}

// A StepReport is somebody else's change, and what this round says of it.
type StepReport struct {
	Addr    netip.Addr `json:"addr"`    // of the target
	Action  string     `json:"action"`  // registered or deregistered
	Verdict string     `json:"verdict"` // right, wrong, early (without proof) or late
	Why     string     `json:"why"`     // the verdict's reason
}

// An OverdueReport is a step that nobody has taken yet.
type OverdueReport struct {
	Addr   netip.Addr `json:"addr"`   // of the target
	Action string     `json:"action"` // register or deregister
	Since  time.Time  `json:"since"`  // when this binding would have taken it
}

// A MissingReport is an address of ours that is in the group and was not observed.
type MissingReport struct {
	Addr            netip.Addr `json:"addr"`                   // of the target
	Missed          int        `json:"missed"`                 // conclusive rounds in a row without it
	MissProbability float64    `json:"miss_probability"`       // that a live address had stayed unseen all the while
	MissingSince    time.Time  `json:"missing_since,omitzero"` // its first recorded miss
}

// A HeldReport is a target that would leave, and why it stays.
type HeldReport struct {
	Addr   netip.Addr `json:"addr"`   // of the target
	Reason string     `json:"reason"` // its first word is the guard
}

// A RefusedReport is an address that is set aside.
type RefusedReport struct {
	Addr   netip.Addr `json:"addr"`           // that is not registered
	Reason string     `json:"reason"`         // in the group's words
	Until  time.Time  `json:"until,omitzero"` // not tried again before
}

// A PlannedReport is what a plan, or a round that only observes, would do.
type PlannedReport struct {
	Register   []netip.Addr `json:"register"`   // observed, and not registered
	Deregister []netip.Addr `json:"deregister"` // ours, and proved absent
}

// OK tells whether the round came through and was conclusive.
func (r Report) OK() bool { return r.Error == "" && r.Inconclusive == "" }

// Changes counts what the plan would change in the group.
func (r Report) Changes() int { return len(r.Plan.Register) + len(r.Plan.Deregister) }

// LogValue is the report as a log line holds it: every field of the JSON form.
func (r Report) LogValue() slog.Value {
	body, err := json.Marshal(r)
	if err != nil {
		return slog.StringValue(err.Error())
	}
	return slog.AnyValue(json.RawMessage(body))
}

// report is a Report in the making.
type report struct{ Report }

func newReport(b Binding) Report {
	return Report{
		Binding: b.Name, Hostnames: slices.Sorted(slices.Values(b.Hostnames)), Port: b.Port, TargetGroup: b.TargetGroup,
		Resolved: []netip.Addr{}, Registered: []netip.Addr{}, Deregistered: []netip.Addr{},
		Missing: []MissingReport{}, Held: []HeldReport{}, Refused: []RefusedReport{}, Unmanaged: []string{},
	}
}

func (r *report) saw(s sight) {
	r.DNS, r.Inconclusive, r.Targets = s.observation.DNS(), s.observation.Inconclusive, s.holding.Targets
	r.unsettled = r.Inconclusive != ""
	r.Resolved = append(r.Resolved, s.observation.Addrs()...)
}

func (r *report) planned(p Plan) {
	r.Plan = p
	r.Warnings = append(r.Warnings, p.Warnings...)
	for _, m := range p.Missing {
		r.Missing = append(r.Missing, MissingReport{
			Addr: m.Addr, Missed: m.Missed, MissProbability: math.Exp(-m.Evidence), MissingSince: m.Since,
		})
	}
	for _, t := range p.Unmanaged {
		name := t.Addr.String()
		if t.Port != r.Port {
			name = netip.AddrPortFrom(t.Addr, t.Port).String()
		}
		r.Unmanaged = append(r.Unmanaged, name)
	}
	for _, f := range p.Refused {
		r.Refused = append(r.Refused, RefusedReport{Addr: f.Addr, Reason: f.Reason, Until: f.Until})
	}
	r.Healthy, r.Paused = p.Healthy, p.Paused.String()
	r.kept(p.Held)
	r.others(p)
}

func (r *report) others(p Plan) {
	if p.Another == "" && len(p.Steps) == 0 && len(p.Overdue) == 0 {
		return
	}
	o := OthersReport{Another: p.Another, Steps: []StepReport{}, Overdue: []OverdueReport{}}
	for _, s := range p.Steps {
		o.Steps = append(o.Steps, StepReport(s))
	}
	for _, d := range p.Overdue {
		o.Overdue = append(o.Overdue, OverdueReport(d))
	}
	r.Others = &o
	if p.Another != "" {
		r.warn("another program manages the same targets: %s", p.Another)
	}
}

// kept says who was held back, in the end.
func (r *report) kept(held []Held) {
	r.Held = []HeldReport{}
	for _, h := range held {
		r.Held = append(r.Held, HeldReport{Addr: h.Addr, Reason: h.Reason})
	}
	r.Plan.Held = held
}

func (r *report) registered(o Outcome) {
	r.Registered = append(r.Registered, addrsOf(o.Registered)...)
	slices.SortFunc(r.Registered, netip.Addr.Compare)
	for _, f := range o.Refused {
		r.Refused = append(r.Refused, RefusedReport{Addr: f.Target.Addr, Reason: f.Reason})
	}
}

// refused adds until when those refused in this round are set aside.
func (r *report) refused(m Memory) {
	for i := range r.Refused {
		if f := m.refusal(r.Refused[i].Addr); f != nil {
			r.Refused[i].Until = f.Until
		}
	}
	slices.SortFunc(r.Refused, func(a, b RefusedReport) int { return a.Addr.Compare(b.Addr) })
}

func (r *report) deregistered(targets []Target) {
	r.Deregistered = append(r.Deregistered, addrsOf(targets)...)
	slices.SortFunc(r.Deregistered, netip.Addr.Compare)
}

func (r *report) fail(err error) { r.Err = errors.Join(r.Err, err) }

func (r *report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// memoryFailed tells apart what is done without, what is harmless, and what somebody must look at.
func (r *report) memoryFailed(binding string, err error) {
	switch {
	case err == nil: // a binding without memory only adds, as it was told to
	case errors.Is(err, ErrConflict):
		r.warn("nobody leaves in this round: %v", err)
	case errors.Is(err, ErrDenied):
		r.warn("nobody leaves without memory: %v%s", err, missingStatement(err))
	default:
		r.fail(fmt.Errorf("memory of %s: %w", binding, err))
	}
}

// missingStatement is the IAM statement that would allow what was denied, where the error knows it.
func missingStatement(err error) string {
	var denied interface{ Statement() string }
	if !errors.As(err, &denied) {
		return ""
	}
	return "; this statement allows it: " + denied.Statement()
}

// done finishes the report and writes the round's one log line.
func (r *report) done(ctx context.Context, log *slog.Logger, took time.Duration) Report {
	if r.Err != nil {
		r.Error = strings.Join(strings.Fields(r.Err.Error()), " ")
	}
	r.TookMS = took.Milliseconds()
	log.LogAttrs(ctx, slog.LevelInfo, "round", slog.Any("report", r.Report))
	return r.Report
}
