// Package terraform holds the Terraform of deploy to what can be held without Terraform and without AWS.
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

const folder = "../../deploy/e2e"

func TestEveryReferenceOfTheStackLeadsSomewhereAndNothingIsDeclaredInVain(t *testing.T) {
	declared, used := map[string]bool{}, map[string]bool{}
	for _, body := range bodies(t) {
		declare(body, declared)
	}
	for name, body := range bodies(t) {
		refer(body, nil, func(at hcl.Range, what string) {
			if what == "" {
				return
			}
			if used[what] = true; !declared[what] {
				t.Errorf("%s:%d: %s is nowhere", name, at.Start.Line, what)
			}
		})
	}
	for what := range declared {
		if kind, _, _ := strings.Cut(what, "."); !used[what] && (kind == "var" || kind == "local" || kind == "data") {
			t.Errorf("%s is used by nobody", what)
		}
	}
	for _, what := range []string{"var.account", "local.name", "data.aws_iam_policy_document.trust", "aws_lb.application"} {
		if !used[what] {
			t.Errorf("the test saw no reference to %s: it sees too little", what)
		}
	}
}

func TestWhatTheStackIsWrittenInIsFormatted(t *testing.T) {
	for _, file := range files(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(hclwrite.Format(text)) != string(text) {
			t.Errorf("%s: terraform fmt", file)
		}
	}
}

// Nothing of the stack may be without the tag by which leftovers are found, nor be kept from being torn down.
func TestEverythingIsTaggedAndCanBeTornDown(t *testing.T) {
	tagged := false
	for name, body := range bodies(t) {
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

func files(t *testing.T) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil || len(out) < 4 {
		t.Fatalf("%v, %v", out, err)
	}
	return out
}

func bodies(t *testing.T) map[string]*hclsyntax.Body {
	t.Helper()
	parser := hclparse.NewParser()
	out := map[string]*hclsyntax.Body{}
	for _, file := range files(t) {
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
		case "data":
			into["data."+strings.Join(block.Labels, ".")] = true
		}
	}
}

// refer tells of each reference in a body. Within a dynamic block its own name is the iterator's.
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
		if block.Type == "dynamic" {
			inner = append(inner, block.Labels[0])
		}
		refer(block.Body, inner, tell)
	}
}

func referenceOf(t hcl.Traversal, iterators []string) string {
	root, parts := t.RootName(), 2
	switch root {
	case "count", "each", "path", "self", "string", "number", "bool": // of Terraform itself
		return ""
	case "data":
		parts = 3
	}
	for _, i := range iterators {
		if root == i {
			return ""
		}
	}
	out := []string{root}
	for _, step := range t[1:min(parts, len(t))] {
		if name, ok := step.(hcl.TraverseAttr); ok {
			out = append(out, name.Name)
		}
	}
	return strings.Join(out, ".")
}
