package shift_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"mooring/internal/shift"
)

var zone = shift.HostedZone{ID: "Z1PA6795UKMFR9", Name: "example.com."}

// The printed script is shell, and each of its steps hands AWS's command line the batch that a run would make: a command
// of that name in its place makes them in the fake zone.
func TestThePrintedScriptMakesTheSameBatches(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	quoted := values(types.RRTypeCname, 300, `it's-"$(exit 7)"-`+"`exit 8`"+`.example.`)
	for _, originals := range [][]shift.Set{{alias(types.RRTypeA, albName), alias(types.RRTypeAaaa, albName)}, {quoted}} {
		scriptMakesTheSameBatches(t, sh, originals)
	}
}

func scriptMakesTheSameBatches(t *testing.T, sh string, originals []shift.Set) {
	t.Helper()
	z := &fakeZone{sets: slices.Clone(originals)}
	plan, err := shift.Forward(read(t, z.sets), balancer(), []int{20, 100})
	if err != nil {
		t.Fatal(err)
	}
	var script bytes.Buffer
	if err := plan.WriteCLI(&script, zone, name); err != nil {
		t.Fatal(err)
	}
	const fakeAWS = `aws() { case "$2" in change-*) printf '%s' "$6" >&3; echo C1 ;; wait) ;; *) exit 9 ;; esac; }` + "\n"
	run := func(step string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), sh, "-c", "exec 3>&1\n"+fakeAWS+script.String(), "shift.sh", step)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", step, err, script.String())
		}
		var batch types.ChangeBatch
		if err := json.Unmarshal(out, &batch); err != nil {
			t.Fatalf("%s: %v\n%s", step, err, out)
		}
		if _, err := z.Change(t.Context(), batch.Changes, ""); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	for _, step := range []string{"20", "back-from-20", "20", "100", "back-from-100"} {
		run(step)
	}
	if !shift.SameSets(z.sets, originals) || !holds(z.sets, originals[0]) {
		t.Errorf("%+v", z.sets)
	}
	cmd := exec.CommandContext(t.Context(), sh, "-c", script.String(), "shift.sh")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "want one of: 20 back-from-20 100 back-from-100") {
		t.Errorf("without a step: %v, %s", err, out)
	}
}

// What is printed for Terraform is HCL, its references lead somewhere, and what a value holds stays a value.
func TestThePrintedTerraformParses(t *testing.T) {
	hostile := values(types.RRTypeCname, 300, "a\"b${file(\"/etc/passwd\")}%{if true}\\x\n.example")
	wild := alias(types.RRTypeA, albName)
	wild.Name = aws.String(`\052.example.com.`)
	to := balancer()
	to.Name = "front\nresource \"null_resource\" \"more\" {}"
	for _, sets := range [][]shift.Set{{alias(types.RRTypeA, albName), alias(types.RRTypeAaaa, albName)}, {hostile}, {wild}} {
		var out bytes.Buffer
		if err := shift.WriteTerraform(&out, read(t, sets), to, zone, *sets[0].Name, steps); err != nil {
			t.Fatal(err)
		}
		file, diags := hclsyntax.ParseConfig(out.Bytes(), "shift.tf", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, out.String())
		}
		resources := map[string]*hclsyntax.Body{}
		for _, b := range file.Body.(*hclsyntax.Body).Blocks {
			if b.Type == "resource" {
				resources[b.Labels[0]+"."+b.Labels[1]] = b.Body
			}
		}
		if len(resources) != 2*len(sets) {
			t.Errorf("%d resources", len(resources))
		}
		for label, body := range resources {
			attribute := func(name string) string {
				v, diags := body.Attributes[name].Expr.Value(nil)
				if diags.HasErrors() {
					t.Fatalf("%s of %s: %v", name, label, diags)
				}
				return v.AsString()
			}
			if got := attribute("name"); got != shift.Shown(*sets[0].Name) {
				t.Errorf("%s is named %s", label, got)
			}
			if id := attribute("set_identifier"); id == shift.NLB {
				for percent, want := range map[int64]int64{0: 0, 1: 1, 100: 1} { // at 0 there is none that could get an answer
					at := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{"nlb_percent": cty.NumberIntVal(percent)})}}
					if n, diags := body.Attributes["count"].Expr.Value(at); diags.HasErrors() || !n.RawEquals(cty.NumberIntVal(want)) {
						t.Errorf("%d records at %d %%, %v", n.AsBigFloat(), percent, diags)
					}
				}
				after := body.Attributes["depends_on"].Expr.Variables()[0]
				if before := after.RootName() + "." + after[1].(hcl.TraverseAttr).Name; resources[before] == nil {
					t.Errorf("%s depends on %s, which is not there", label, before)
				}
			} else if records := body.Attributes["records"]; records != nil {
				v, diags := records.Expr.Value(nil)
				if diags.HasErrors() || v.AsValueSlice()[0].AsString() != *sets[0].ResourceRecords[0].Value {
					t.Errorf("%s: %v, %v", label, v.GoString(), diags)
				}
			}
			weight := body.Blocks[len(body.Blocks)-1]
			if weight.Type != "weighted_routing_policy" || weight.Body.Attributes["weight"].Expr.Variables()[0].RootName() != "var" {
				t.Errorf("%s has no weight that nlb_percent sets", label)
			}
		}
	}
}

// A name that leads to the NLB already, or that is no pair to take back, has no steps: what is printed is a comment in either
// language, and not the NLB's record as though it were the original.
func TestWithNothingToDoACommentIsPrinted(t *testing.T) {
	there := read(t, []shift.Set{alias(types.RRTypeA, nlbName)})
	plan, err := shift.Forward(there, balancer(), steps)
	if err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func(*bytes.Buffer) error{
		"terraform":           func(b *bytes.Buffer) error { return shift.WriteTerraform(b, there, balancer(), zone, name, steps) },
		"terraform of a plan": func(b *bytes.Buffer) error { return shift.WriteTerraform(b, plan.From, balancer(), zone, name, steps) },
		"cli":                 func(b *bytes.Buffer) error { return plan.WriteCLI(b, zone, name) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "# There is nothing to do for app.example.com: it is one simple record, and 100 % of its answers lead to the NLB.\n" {
			t.Errorf("%s: %s", what, got)
		}
	}
	var out bytes.Buffer
	if err := shift.Back(read(t, []shift.Set{alias(types.RRTypeA, albName)})).WriteCLI(&out, zone, name); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%v, %s", err, out.String())
	}
}

func TestThePrintedTerraformHasNothingToFormat(t *testing.T) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("Terraform is not installed")
	}
	checked := alias(types.RRTypeA, albName)
	checked.HealthCheckId = aws.String("abcdef11")
	for _, sets := range [][]shift.Set{
		{alias(types.RRTypeA, albName), alias(types.RRTypeAaaa, albName)},
		{values(types.RRTypeCname, 300, albName)},
		{member(checked, shift.ALB, 50), member(alias(types.RRTypeA, nlbName), shift.NLB, 50)},
	} {
		var out bytes.Buffer
		if err := shift.WriteTerraform(&out, read(t, sets), balancer(), zone, name, steps); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), path, "fmt", "-check", "-diff", "-")
		cmd.Stdin = &out
		if diff, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	}
}
