package terraform

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

var update = flag.Bool("update", false, "write the tables of the module's README.md anew")

// A variable of the module, or an output.
type declaration struct {
	name, description, kind, standard string
	required                          bool
}

// declarations lists the blocks of one kind, by name. Of a variable's type only the first word is told: the rest of an
// object is in the code.
func declarations(t *testing.T, folder, of string) []declaration {
	t.Helper()
	var out []declaration
	for name, body := range bodies(t, folder) {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		said := func(b *hclsyntax.Body, attribute string) string {
			a, ok := b.Attributes[attribute]
			if !ok {
				return ""
			}
			return string(a.Expr.Range().SliceBytes(text))
		}
		for _, b := range body.Blocks {
			if b.Type != of {
				continue
			}
			d := declaration{name: b.Labels[0], kind: said(b.Body, "type"), standard: said(b.Body, "default")}
			if a, ok := b.Body.Attributes["description"]; ok {
				v, problems := a.Expr.Value(nil)
				if problems.HasErrors() {
					t.Fatal(problems)
				}
				d.description = v.AsString()
			}
			d.kind, _, _ = strings.Cut(d.kind, "({")
			d.required = d.standard == ""
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b declaration) int { return strings.Compare(a.name, b.name) })
	return out
}

func TestEveryInputAndOutputIsDescribed(t *testing.T) {
	for _, folder := range folders(t)[1:] {
		for _, of := range []string{"variable", "output"} {
			for _, d := range declarations(t, folder, of) {
				if d.description == "" || !strings.HasSuffix(d.description, ".") || of == "variable" && d.kind == "" {
					t.Errorf("%s: %s %s: a description that ends in a stop, and a type", folder, of, d.name)
				}
			}
		}
	}
}

func TestTheReadmesTablesAreTheCodes(t *testing.T) {
	file := module + "/README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	inputs, outputs := "| Input | Type | Default | What it sets |\n|---|---|---|---|\n", "| Output | What it is |\n|---|---|\n"
	for _, d := range declarations(t, module, "variable") {
		inputs += fmt.Sprintf("| `%s` | `%s` | `%s` | %s |\n", d.name, d.kind, d.standard, d.description)
	}
	for _, d := range declarations(t, module, "output") {
		outputs += fmt.Sprintf("| `%s` | %s |\n", d.name, d.description)
	}
	want := between(t, between(t, got, "inputs", inputs), "outputs", outputs)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s: its tables are not the code's: go -C tools test ./terraform -run Readme -update", file)
	}
}

// between puts a table between two marks.
func between(t *testing.T, text, mark, table string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, "<!-- "+mark+" -->\n")
	_, after, ended := strings.Cut(rest, "<!-- /"+mark+" -->\n")
	if !ok || !ended {
		t.Fatalf("no place for the table of %s", mark)
	}
	return before + "<!-- " + mark + " -->\n" + table + "<!-- /" + mark + " -->\n" + after
}

// The examples give the module what it has and what it needs, and ask it for what it tells; what they move or import is
// there.
func TestTheExamplesUseTheModuleAsItIs(t *testing.T) {
	has, tells, resources := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, d := range declarations(t, module, "variable") {
		has[d.name] = d.required
	}
	for _, d := range declarations(t, module, "output") {
		tells[d.name] = true
	}
	for _, body := range bodies(t, module) {
		declare(body, resources)
	}
	called := 0
	for _, folder := range folders(t)[2:] {
		for _, body := range bodies(t, folder) {
			modules := map[string]bool{}
			for _, b := range body.Blocks {
				if b.Type != "module" {
					continue
				}
				called++
				modules[b.Labels[0]] = true
				for name := range b.Body.Attributes {
					if _, ok := has[name]; !ok && name != "source" {
						t.Errorf("%s: the module has no input %s", folder, name)
					}
				}
				for name, required := range has {
					if _, given := b.Body.Attributes[name]; required && !given {
						t.Errorf("%s: %s is not given", folder, name)
					}
				}
			}
			for _, b := range body.Blocks {
				checkUse(t, folder, b, modules, tells, resources)
			}
		}
	}
	if called < 5 {
		t.Errorf("the test saw %d calls of the module", called)
	}
}

func checkUse(t *testing.T, folder string, b *hclsyntax.Block, modules, tells, resources map[string]bool) {
	t.Helper()
	if a, ok := b.Body.Attributes["to"]; ok && (b.Type == "moved" || b.Type == "import") {
		to := words(a.Expr.Variables()[0])
		if len(to) != 4 || !modules[to[1]] || !resources[to[2]+"."+to[3]] {
			t.Errorf("%s:%d: %s is nowhere", folder, a.Range().Start.Line, strings.Join(to, "."))
		}
		return
	}
	if b.Type != "output" {
		return
	}
	for _, traversal := range b.Body.Attributes["value"].Expr.Variables() {
		if w := words(traversal); w[0] == "module" && (len(w) < 3 || !tells[w[2]]) {
			t.Errorf("%s: the module has no output %s", folder, strings.Join(w, "."))
		}
	}
}

// What a binding of the module may say is what mooring's configuration knows, and nothing else: but for a profile, which a
// function has not, and for fronts, which it cannot be.
func TestABindingOfTheModuleHasEveryKeyOfTheConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../docs/mooring.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for variable, more := range map[string][]string{"bindings": {"hostnames"}, "defaults": nil} {
		got := keysOf(t, variable)
		want := append(schemaKeys(t, text, variable), more...)
		want = slices.DeleteFunc(want, func(k string) bool { return k == "profile" || strings.HasPrefix(k, "front_") })
		if variable == "defaults" {
			want = slices.DeleteFunc(want, func(k string) bool { return slices.Contains([]string{"hostname", "port", "target_group"}, k) })
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", variable, got, want)
		}
	}
}

func keysOf(t *testing.T, variable string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, body := range bodies(t, module) {
		for _, b := range body.Blocks {
			if b.Type != "variable" || b.Labels[0] != variable {
				continue
			}
			_ = hclsyntax.VisitAll(b.Body.Attributes["type"].Expr.(hclsyntax.Node), func(n hclsyntax.Node) (none hcl.Diagnostics) {
				if item, ok := n.(*hclsyntax.ObjectConsKeyExpr); ok {
					if v, problems := item.Value(nil); !problems.HasErrors() && v.Type() == cty.String {
						found[v.AsString()] = true
					}
				}
				return none
			})
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func schemaKeys(t *testing.T, text []byte, of string) []string {
	t.Helper()
	var schema struct {
		Properties map[string]struct {
			Properties map[string]json.RawMessage
			Items      struct{ Properties map[string]json.RawMessage }
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	at := schema.Properties[of]
	if of == "bindings" {
		return slices.Collect(maps.Keys(at.Items.Properties))
	}
	return slices.Collect(maps.Keys(at.Properties))
}
