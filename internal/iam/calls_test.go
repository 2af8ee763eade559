package iam_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mooring/internal/iam"
)

const (
	services = "github.com/aws/aws-sdk-go-v2/service/"
	root     = "../../"
)

// programs are what is shipped. All that they import of this module is looked at.
var programs = []string{"cmd/mooring", "cmd/mooring-lambda"}

// callers are the helpers of the SDK that make calls by themselves. Any other helper has to be added to one of these lists.
var callers = map[string]map[string]string{
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds": {"NewAssumeRoleProvider": "sts.AssumeRole"},
}

// silent are the parts of the SDK that call no service, or only what needs no permission: credentials of the machine.
var silent = []string{
	"aws", "aws/middleware", "aws/retry", "aws/signer/v4", "aws/transport/http", "config", "credentials",
}

// made finds every call that non-test code can make, by its input: no call of the SDK is without one. A call whose input is
// never named, for it is nil, would be missed.
func made(t *testing.T) []string {
	t.Helper()
	found, seen := map[string]bool{}, map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		notTests := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
		packages, err := parser.ParseDir(token.NewFileSet(), root+dir, notTests, parser.SkipObjectResolution) //nolint:staticcheck // read as text, for every system
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			for _, file := range p.Files {
				for _, operation := range callsIn(t, dir, file) {
					found[dir+" "+operation] = true
				}
				for _, imported := range file.Imports {
					if next, ok := strings.CutPrefix(unquoted(t, imported), "mooring/"); ok {
						visit(next)
					} else if unquoted(t, imported) == "mooring" {
						visit(".")
					}
				}
			}
		}
	}
	for _, program := range programs {
		visit(program)
	}
	return slices.Sorted(maps.Keys(found))
}

func unquoted(t *testing.T, s *ast.ImportSpec) string {
	t.Helper()
	text, err := strconv.Unquote(s.Path.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func callsIn(t *testing.T, dir string, file *ast.File) (out []string) {
	t.Helper()
	names := map[string]string{} // of imported packages
	for _, imported := range file.Imports {
		where := unquoted(t, imported)
		name := path.Base(where)
		if imported.Name != nil {
			name = imported.Name.Name
		}
		names[name] = where
		if what, ok := strings.CutPrefix(where, "github.com/aws/aws-sdk-go-v2/"); ok && !strings.HasPrefix(what, "service/") &&
			callers[where] == nil && !slices.Contains(silent, what) {
			t.Errorf("%s imports %s: does it call a service by itself? Then name the call, or else that it does not", dir, where)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if !ok {
			return true
		}
		if call, ok := callers[names[x.Name]][s.Sel.Name]; ok {
			out = append(out, call)
		}
		service, ok := strings.CutPrefix(names[x.Name], services)
		if operation, isInput := strings.CutSuffix(s.Sel.Name, "Input"); ok && isInput {
			out = append(out, service+"."+operation)
		}
		return true
	})
	return out
}

// A call that is added to the code needs a row, and with it a permission; a row that no code answers for goes.
func TestEveryCallOfTheCodeIsKnownAndNoOther(t *testing.T) {
	var known []string
	for _, c := range iam.Calls() {
		known = append(known, c.Room+" "+c.Operation)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	got := made(t)
	for _, call := range got {
		if !slices.Contains(known, call) {
			t.Errorf("%s is called, and is not among the calls of internal/iam: which permission does it need?", call)
		}
	}
	for _, call := range known {
		if !slices.Contains(got, call) {
			t.Errorf("%s is among the calls of internal/iam, and no code makes it", call)
		}
	}
	if len(got) < 12 {
		t.Errorf("only %v were found", got)
	}
}

// An action is the call's own, and a purpose is allowed nothing that it does not call but to list the bucket.
func TestEachActionIsItsCallsOwn(t *testing.T) {
	allowed := map[string][]string{"doctor": {"s3:ListBucket"}}
	for _, c := range iam.Calls() {
		_, want, _ := strings.Cut(c.Operation, ".")
		want = strings.TrimSuffix(want, "Batch") // sns.PublishBatch takes sns:Publish
		if _, got, ok := strings.Cut(c.Action, ":"); ok && got != want {
			t.Errorf("%s is allowed by %s", c.Operation, c.Action)
		}
		allowed[c.For] = append(allowed[c.For], c.Action)
	}
	for _, purpose := range iam.Purposes() {
		need := everything()
		need.For = purpose
		for _, action := range iam.New(need).Actions() {
			if !slices.Contains(allowed[purpose], action) {
				t.Errorf("%s is allowed %s, and does not call it", purpose, action)
			}
		}
	}
}
