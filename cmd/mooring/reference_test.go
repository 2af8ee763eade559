package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/metrics"
	"mooring/internal/metrics/prom"
	"mooring/internal/notify"
)

var update = flag.Bool("update", false, "write docs/reference.md anew")

const referencePath = "../../docs/reference.md"

func TestTheReferenceIsThatOfTheCode(t *testing.T) {
	want := reference(t)
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/reference.md is another: run `make docs` and read the difference\n%s", firstDifferingLine(string(got), want))
	}
}

func firstDifferingLine(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n- %s\n+ %s", i+1, g[i], w[i])
		}
	}
	return "one of them is longer"
}

// A page is a document in the making.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) table(head ...string) {
	p.line("\n| %s |", strings.Join(head, " | "))
	p.line("|%s", strings.Repeat("---|", len(head)))
}

func (p *page) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	p.line("| %s |", strings.Join(cells, " | "))
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func reference(t *testing.T) string {
	t.Helper()
	p := &page{}
	p.line("# Reference")
	p.line("\nMade from the code by `make docs`; a test fails where it is not the code's.")
	p.verbs()
	p.settings()
	p.older()
	p.fields(t, "The report", "What `sync --output json`, `plan --output json` and the function return, and what the log line `round` holds for one binding.", "../..", "Reports")
	p.words()
	p.fields(t, "The memory", "The object `<PREFIX>mooring/<group's name>/<group's id>/<port>.json`, and of a front (`tcp://ADDR:PORT`) the file `mooring/tcp/<address>_<its port>/<port>.json`, with hyphens for an IPv6 address's colons. It is mooring's own: read it, but change it by the verbs only.", "../..", "Memory")
	p.fields(t, "The status", "What `status --output json` prints, and `status --watch --output json` once a line.", "../..", "Statuses")
	p.fields(t, "The explanation", "What `explain --output json` prints.", "../..", "Explanations")
	p.fields(t, "What a verb did", "What `pause`, `resume`, `adopt`, `forget` and `release` print with `--output json`.", ".", "outcomes")
	p.fields(t, "The import", "What `import --output json` prints.", ".", "imports")
	p.fields(t, "The verification", "What `verify --output json` prints.", "../../internal/probe", "Summary")
	p.fields(t, "The diagnosis", "What `doctor --output json` prints; [doctor.md](doctor.md) has the checks.", ".", "diagnoses")
	p.fields(t, "A finding", "One of a diagnosis.", "../../internal/doctor", "Finding")
	p.fields(t, "An advice", "One of a diagnosis.", "../../internal/doctor", "Advice")
	p.fields(t, "Events", "One JSON value a change, wherever `--notify` says. SNS messages carry the attributes `binding` and `change`; EventBridge's have the source `mooring` and the detail types "+detailTypes()+".", "../../internal/notify", "Event")
	p.prometheus()
	p.cloudWatch(t)
	p.exits()
	return p.String()
}

// verbs lists every verb with the flags that are its own.
func (p *page) verbs() {
	shared := map[string]bool{"help": true, "version": true, "output": true}
	for _, s := range slices.Concat(config.Settings(), config.ProcessSettings()) {
		shared[s.Name] = true
	}
	p.line("\n## Verbs")
	p.table("Verb", "What it does", "Flags of its own")
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
				continue
			}
			var own []string
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if !shared[f.Name] {
					own = append(own, fmt.Sprintf("`--%s` %s", f.Name, f.Usage))
				}
			})
			p.row(code(strings.TrimSpace(strings.TrimPrefix(c.UseLine(), "mooring ")+"")), c.Short, strings.Join(own, "; "))
			walk(c)
		}
	}
	walk(newRoot(machine{out: io.Discard, err: io.Discard, env: func(string) (string, bool) { return "", false }}))
}

func (p *page) settings() {
	p.line("\n## Settings")
	p.line("\nA flag goes before its variable, the variable before the key of the binding in the file, that before the file's")
	p.line("`defaults:`, and those before the default. A repeatable flag's variable is a list with commas, its key takes one value")
	p.line("or a list. The file is described by [mooring.schema.json](mooring.schema.json).")
	p.table("Flag", "Variable", "Key", "Takes", "What it sets")
	for _, s := range config.Settings() {
		p.row(code("--"+s.Name), code(s.Variable()), code(s.Key()), code(s.Value), s.Usage)
	}
	p.line("\nOf the whole program, and so without a key:")
	p.table("Flag", "Variable", "Takes", "What it sets")
	for _, s := range config.ProcessSettings() {
		p.row(code("--"+s.Name), code(s.Variable()), code(s.Value), s.Usage)
	}
	p.row("`--output`", "`MOORING_OUTPUT`", "`text|json`", "form of the result (default text)")
	p.row("", "`MOORING_METRICS`", "`basic|all|none`", "the function's embedded metrics (default basic)")
	p.row("", "`NO_COLOR`", "", "set: no colour, also on a terminal")
	p.line("\nAWS's own variables (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_CA_BUNDLE`, credentials) are read by its SDK.")
}

func (p *page) older() {
	p.line("\n## Environments of the functions that mooring replaces")
	p.line("\nUsed where no `--config` is given and all required variables of one are set; the first of them, in this order.")
	p.table("Format", "What it was", "Required", "Optional")
	for _, f := range config.Formats() {
		p.row(code(f.Name), f.Title, variables(f.Required), variables(f.Optional))
	}
}

func variables(names []string) string {
	words := make([]string, 0, len(names))
	for _, n := range names {
		words = append(words, code(n))
	}
	return strings.Join(words, " ")
}

func (p *page) fields(t *testing.T, title, about, dir, name string) {
	t.Helper()
	p.line("\n## %s", title)
	p.line("\n%s", about)
	p.table("Field", "Type", "Meaning")
	for _, f := range jsonFields(t, dir, name) {
		kind := f.kind
		if f.optional {
			kind += ", may be missing"
		}
		p.row(code(f.path), kind, f.meaning)
	}
}

func detailTypes() string {
	var out []string
	for _, c := range []notify.Change{notify.Registered, notify.Deregistered, notify.Refused} {
		out = append(out, code(c.DetailType()))
	}
	return strings.Join(out, ", ")
}

func (p *page) prometheus() {
	p.line("\n## Prometheus")
	p.line("\nServed by `watch --listen` at `/metrics`, beside those of Go and of the process.")
	p.line("Rules for alerts: [deploy/prometheus/alerts.yaml](../deploy/prometheus/alerts.yaml).")
	p.table("Metric", "Type", "Labels", "Meaning")
	for _, m := range prom.Describe() {
		p.row(code(m.Name), m.Type, variables(m.Labels), m.Help)
	}
}

// words are those that a program may look for in a report: the first of a reason.
func (p *page) words() {
	guards := []string{}
	for _, g := range mooring.Guards() {
		if !strings.Contains(g.Name, " ") {
			guards = append(guards, code(g.Name))
		}
	}
	p.line("\nThe first word of a `held` reason is the guard: %s (also about a zone), and of the round itself `memory`,", strings.Join(guards, ", "))
	p.line("`registration` and `seen again`. The first word of `inconclusive` is the class: `timeout`, `servfail`, `refused`,")
	p.line("`nxdomain`, `empty`, `truncated`, `tainted`, `cname-loop`, `too-few-servers`, `partial`.")
}

func (p *page) exits() {
	p.line("\n## Exit codes")
	p.table("Code", "Meaning")
	p.row("0", "done")
	p.row("1", "an error, or a round was inconclusive")
	p.row("2", "`plan --detailed-exitcode`: there are changes")
}

func (p *page) cloudWatch(t *testing.T) {
	t.Helper()
	p.line("\n## CloudWatch")
	p.line("\nEmbedded metrics of the function, namespace `Mooring`, dimensions `Binding` and `TargetGroup`. What a round does not")
	p.line("know is left out.")
	p.table("Metric", "Unit", "With", "Meaning")
	for _, m := range embedded(t) {
		p.row(code(m.name), m.unit, m.with, m.meaning)
	}
	p.line("\nFor alarms in use, where the replaced function's environment asks for it: `AWS/ApplicationELB` `LoadBalancerIPCount`")
	p.line("by `LoadBalancerName` (v1), and `AWS/NetworkELB` `HostnameAsTargetIPCount` by `HostnameIPCount` (v3).")
}

type embeddedMetric struct{ name, unit, with, meaning string }

// meanings of the embedded metrics; a test holds them to what is emitted.
var meanings = map[string]string{
	"RoundFailures":     "1 when the binding has an error or was inconclusive, else 0",
	"ResolvedAddresses": "addresses that the name showed",
	"HealthyTargets":    "healthy targets of ours when the round began",
	"HeldRemovals":      "targets that would leave and are kept by a guard",
	"Registered":        "registered in the round",
	"Deregistered":      "deregistered in the round",
	"Missing":           "ours, in the group and not observed",
	"Refused":           "set aside, because the group does not take them",
	"Unmanaged":         "in the group and not ours",
	"RoundDuration":     "how long the round took",
}

// embedded are the metrics that are emitted, in their order.
func embedded(t *testing.T) (out []embeddedMetric) {
	t.Helper()
	emitted := func(all bool) []struct{ Name, Unit string } {
		line, err := metrics.EMF(mooring.Report{Binding: "web-443", TargetGroup: "web"}, time.Now(), all)
		if err != nil {
			t.Fatal(err)
		}
		var form struct {
			AWS struct {
				CloudWatchMetrics []struct{ Metrics []struct{ Name, Unit string } }
			} `json:"_aws"`
		}
		if err := json.Unmarshal(line, &form); err != nil {
			t.Fatal(err)
		}
		return form.AWS.CloudWatchMetrics[0].Metrics
	}
	basic := emitted(false)
	for _, m := range emitted(true) {
		if meanings[m.Name] == "" {
			t.Errorf("the metric %s has no meaning", m.Name)
		}
		with := "`all`"
		if slices.Contains(basic, m) {
			with = "`basic`, `all`"
		}
		out = append(out, embeddedMetric{m.Name, m.Unit, with, meanings[m.Name]})
	}
	return out
}
