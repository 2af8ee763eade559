package deploytest_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/deploy/cloudformation"
)

var update = flag.Bool("update", false, "write the document's tables anew")

func TestTheDocumentsTablesAreTheTemplates(t *testing.T) {
	body, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	page := string(body)
	for name, text := range map[string]string{"mooring.yaml": cloudformation.Mooring, "front.yaml": cloudformation.Front} {
		head, rest, begun := strings.Cut(page, "<!-- parameters: "+name+" -->\n")
		_, tail, ended := strings.Cut(rest, "<!-- end -->")
		if !begun || !ended {
			t.Fatalf("no place for the parameters of %s", name)
		}
		page = head + "<!-- parameters: " + name + " -->\n" + table(t, parse(t, text)) + "<!-- end -->" + tail
	}
	switch {
	case page == string(body):
	case *update:
		if err := os.WriteFile(document, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not the templates': go test ./cmd/internal/deploytest -run Document -update", document)
	}
}

// table has the parameters in the order of the console's form.
func table(t *testing.T, template *deploytest.Template) string {
	t.Helper()
	var b strings.Builder
	form, _ := template.Metadata["AWS::CloudFormation::Interface"].(map[string]any)
	for _, g := range form["ParameterGroups"].([]any) {
		group := g.(map[string]any)
		fmt.Fprintf(&b, "\n**%s**\n\n| Parameter | Default | What it sets |\n|---|---|---|\n", group["Label"].(map[string]any)["default"])
		for _, name := range group["Parameters"].([]any) {
			p := template.Parameters[name.(string)]
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, standard(p), strings.ReplaceAll(p.Description+allowed(p), "|", `\|`))
		}
	}
	return b.String() + "\n"
}

func standard(p deploytest.Parameter) string {
	switch v := fmt.Sprint(p.Default); {
	case p.Default == nil:
		return "required"
	case v == "":
		return ""
	default:
		return "`" + v + "`"
	}
}

func allowed(p deploytest.Parameter) string {
	values := map[string]bool{}
	for _, v := range p.AllowedValues {
		if v != "" && len(p.AllowedValues) < 6 {
			values["`"+fmt.Sprint(v)+"`"] = true
		}
	}
	if len(values) == 0 {
		return ""
	}
	return " One of " + strings.Join(slices.Sorted(maps.Keys(values)), ", ") + "."
}
