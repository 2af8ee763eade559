package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A field is one of a documented JSON form, as the source declares it.
type field struct {
	path, kind, meaning string
	optional            bool
}

// jsonFields lists the fields of a struct type of the package in dir, with those of the structs that it holds.
// A field without a comment fails the test: a documented form has no silent parts.
func jsonFields(t *testing.T, dir, name string) []field {
	t.Helper()
	notTests := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), dir, notTests, parser.ParseComments) //nolint:staticcheck // one package, read as text
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string]*ast.StructType{}
	docs := map[string]string{}
	for _, p := range packages {
		ast.Inspect(p, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[spec.Name.Name] = s
				}
			}
			if decl, ok := n.(*ast.GenDecl); ok && len(decl.Specs) == 1 {
				if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok {
					docs[spec.Name.Name] = firstSentence(decl.Doc.Text())
				}
			}
			return true
		})
	}
	if structs[name] == nil {
		t.Fatalf("%s: no struct %s", dir, name)
	}
	var out []field
	var walk func(prefix string, s *ast.StructType)
	walk = func(prefix string, s *ast.StructType) {
		for _, f := range s.Fields.List {
			if len(f.Names) == 0 && f.Tag == nil && structs[element(f.Type)] != nil { // embedded
				walk(prefix, structs[element(f.Type)])
				continue
			}
			out = append(out, fieldsOf(t, prefix, f, docs)...)
			if inner := structs[element(f.Type)]; inner != nil && !skipped(f) {
				walk(out[len(out)-1].path+".", inner)
			}
		}
	}
	walk("", structs[name])
	return out
}

func skipped(f *ast.Field) bool { return f.Tag == nil || jsonTag(f) == "-" }

func jsonTag(f *ast.Field) string {
	return reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
}

func fieldsOf(t *testing.T, prefix string, f *ast.Field, docs map[string]string) []field {
	t.Helper()
	if skipped(f) {
		return nil
	}
	name, options, _ := strings.Cut(jsonTag(f), ",")
	kind := types.ExprString(f.Type)
	path := prefix + name
	if strings.HasPrefix(kind, "[]") {
		path += "[]"
	}
	meaning := strings.TrimSpace(f.Comment.Text())
	if meaning == "" {
		meaning = strings.Join(strings.Fields(f.Doc.Text()), " ")
	}
	if meaning == "" {
		meaning = docs[element(f.Type)]
	}
	if meaning == "" {
		t.Errorf("%s has no comment", path)
	}
	return []field{{path: path, kind: jsonKind(kind), meaning: meaning, optional: strings.HasPrefix(options, "omit")}}
}

// element is the named type that a field holds, or holds many of.
func element(e ast.Expr) string {
	return strings.TrimPrefix(strings.TrimPrefix(types.ExprString(e), "[]"), "*")
}

func jsonKind(goType string) string {
	many := strings.HasPrefix(goType, "[]")
	kind, known := map[string]string{
		"string": "string", "bool": "true or false", "int": "number", "int64": "number", "uint16": "number", "uint64": "number", "float64": "number",
		"netip.Addr": "address", "time.Time": "time (RFC 3339)", "time.Duration": "nanoseconds",
	}[strings.TrimPrefix(goType, "[]")]
	switch {
	case !known && many:
		return "list of objects"
	case !known:
		return "object"
	case many:
		return "list of " + kind
	default:
		return kind
	}
}

func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(strings.Join(strings.Fields(text), " "), ". ")
	return strings.TrimSuffix(sentence, ".")
}

func TestFieldsAreReadFromTheSource(t *testing.T) {
	fields := append(jsonFields(t, "../..", "Reports"), jsonFields(t, "../..", "Memory")...)
	for _, want := range []string{"schema_version", "bindings[]", "bindings[].missing[].miss_probability", "bindings[].others.steps[].verdict"} {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.path == want }) {
			t.Errorf("no %s in %v", want, fields)
		}
	}
}
