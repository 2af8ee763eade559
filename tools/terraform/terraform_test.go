// Package terraform holds the Terraform of deploy to what can be held without AWS, and where Terraform itself is installed to
// what it says of the module.
package terraform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

const (
	stack  = "../../deploy/e2e"
	module = "../../deploy/terraform"
)

// folders are all that hold Terraform: each is one module.
func folders(t *testing.T) []string {
	t.Helper()
	examples, err := filepath.Glob(module + "/examples/*")
	if err != nil || len(examples) < 4 {
		t.Fatalf("%v, %v", examples, err)
	}
	return append([]string{stack, module}, examples...)
}

func TestEveryReferenceLeadsSomewhereAndNothingIsDeclaredInVain(t *testing.T) {
	for _, folder := range folders(t) {
		declared, used := map[string]bool{}, map[string]bool{}
		for _, body := range bodies(t, folder) {
			declare(body, declared)
		}
		for name, body := range bodies(t, folder) {
			refer(body, nil, func(at hcl.Range, what string) {
				if what == "" {
					return
				}
				if used[what] = true; !declared[what] {
					t.Errorf("%s/%s:%d: %s is nowhere", folder, name, at.Start.Line, what)
				}
			})
		}
		for what := range declared {
			if kind, _, _ := strings.Cut(what, "."); !used[what] && (kind == "var" || kind == "local" || kind == "data") {
				t.Errorf("%s: %s is used by nobody", folder, what)
			}
		}
		for _, what := range seen[folder] {
			if !used[what] {
				t.Errorf("%s: the test saw no reference to %s: it sees too little", folder, what)
			}
		}
	}
}

// seen are references of each kind, of which the test must know.
var seen = map[string][]string{
	stack:  {"var.account", "local.name", "data.aws_iam_policy_document.trust", "aws_lb.application"},
	module: {"var.bindings", "local.config", "data.aws_region.current", "aws_lambda_function.this"},

	module + "/examples/two-ports": {"aws_lb_target_group.web", "module.mooring"},
}

// Whatever is made once an element must be asked for with each, and nothing else may.
func TestEachIsSaidOnlyWhereThereAreSeveral(t *testing.T) {
	for _, folder := range folders(t) {
		for name, body := range bodies(t, folder) {
			for _, b := range body.Blocks {
				_, several := b.Body.Attributes["for_each"]
				_, counted := b.Body.Attributes["count"]
				allReferences(b.Body, func(at hcl.Range, root string) {
					if root == "each" && !several || root == "count" && !counted {
						t.Errorf("%s/%s:%d: %s of a block without it", folder, name, at.Start.Line, root)
					}
				})
			}
		}
	}
}

func TestAllTerraformIsFormatted(t *testing.T) {
	for _, folder := range folders(t) {
		for _, file := range files(t, folder) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(hclwrite.Format(text)) != string(text) {
				t.Errorf("%s: terraform fmt", file)
			}
		}
	}
}

// Nothing of the stack may be without the tag by which leftovers are found, nor be kept from being torn down.
func TestEverythingIsTaggedAndCanBeTornDown(t *testing.T) {
	tagged := false
	for name, body := range bodies(t, stack) {
		for _, block := range body.Blocks {
			if block.Type == "provider" {
				for _, inner := range block.Body.Blocks {
					tagged = tagged || inner.Type == "default_tags"
				}
				if _, ok := block.Body.Attributes["allowed_account_ids"]; !ok {
					t.Errorf("%s: the provider takes any account", name)
				}
			}
			for attribute := range block.Body.Attributes {
				if strings.Contains(attribute, "protection") {
					t.Errorf("%s: %s has %s", name, strings.Join(block.Labels, "."), attribute)
				}
			}
			if block.Type == "resource" && block.Labels[0] == "aws_s3_bucket" {
				if _, ok := block.Body.Attributes["force_destroy"]; !ok {
					t.Errorf("%s: a bucket with objects in it stays", name)
				}
			}
			for _, inner := range block.Body.Blocks {
				if inner.Type == "lifecycle" {
					t.Errorf("%s: %s has a life of its own", name, strings.Join(block.Labels, "."))
				}
			}
		}
	}
	if !tagged {
		t.Error("nothing is tagged")
	}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil || len(out) == 0 {
		t.Fatalf("%s: %v, %v", folder, out, err)
	}
	return out
}

func bodies(t *testing.T, folder string) map[string]*hclsyntax.Body {
	t.Helper()
	parser := hclparse.NewParser()
	out := map[string]*hclsyntax.Body{}
	for _, file := range files(t, folder) {
		parsed, problems := parser.ParseHCLFile(file)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		out[filepath.Base(file)] = parsed.Body.(*hclsyntax.Body)
	}
	return out
}

func declare(body *hclsyntax.Body, into map[string]bool) {
	for _, block := range body.Blocks {
		switch block.Type {
		case "variable":
			into["var."+block.Labels[0]] = true
		case "locals":
			for name := range block.Body.Attributes {
				into["local."+name] = true
			}
		case "resource":
			into[strings.Join(block.Labels, ".")] = true
		case "data", "module":
			into[block.Type+"."+strings.Join(block.Labels, ".")] = true
		}
	}
}

// refer tells of each reference in a body. Within a dynamic block its own name is the iterator's. What moved and import
// blocks speak of is another module's, or gone.
func refer(body *hclsyntax.Body, iterators []string, tell func(hcl.Range, string)) {
	for name, attribute := range body.Attributes {
		if name == "source" || name == "version" {
			continue
		}
		for _, traversal := range attribute.Expr.Variables() {
			tell(traversal.SourceRange(), referenceOf(traversal, iterators))
		}
	}
	for _, block := range body.Blocks {
		inner := iterators
		switch block.Type {
		case "moved", "import":
			continue
		case "variable":
			if _, ok := block.Body.Attributes["type"]; ok { // whose words are no references
				referTo(block.Body.Blocks, inner, tell)
				continue
			}
		case "dynamic":
			inner = append(inner, block.Labels[0])
		}
		refer(block.Body, inner, tell)
	}
}

func referTo(blocks hclsyntax.Blocks, iterators []string, tell func(hcl.Range, string)) {
	for _, b := range blocks {
		refer(b.Body, iterators, tell)
	}
}

func allReferences(body *hclsyntax.Body, tell func(hcl.Range, string)) {
	for _, attribute := range body.Attributes {
		for _, traversal := range attribute.Expr.Variables() {
			tell(traversal.SourceRange(), traversal.RootName())
		}
	}
	for _, b := range body.Blocks {
		allReferences(b.Body, tell)
	}
}

func referenceOf(t hcl.Traversal, iterators []string) string {
	root, parts := t.RootName(), 2
	switch root {
	case "count", "each", "path", "self": // of Terraform itself
		return ""
	case "data":
		parts = 3
	}
	for _, i := range iterators {
		if root == i {
			return ""
		}
	}
	return strings.Join(words(t[:min(parts, len(t))]), ".")
}

// words are the names in a reference, without what is in brackets.
func words(t hcl.Traversal) []string {
	out := []string{t.RootName()}
	for _, step := range t[1:] {
		if name, ok := step.(hcl.TraverseAttr); ok {
			out = append(out, name.Name)
		}
	}
	return out
}
