// Package deploytest plays CloudFormation for tests: it reads a template and resolves it for some parameters, lets moto make a
// stack of it, and runs the built function as that stack's schedule does.
package deploytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Template is one, with each short form of an intrinsic function in its long form, such as {"Fn::Sub": "…"}.
type Template struct {
	AWSTemplateFormatVersion, Description string

	Metadata   map[string]any
	Parameters map[string]Parameter
	Rules      map[string]any
	Conditions map[string]any
	Resources  map[string]Declared
	Outputs    map[string]any
}

// A Parameter is what a template says of one.
type Parameter struct {
	Type, Description     string
	Default               any // nil: it must be given
	AllowedValues         []any
	AllowedPattern        string
	ConstraintDescription string
	MinValue, MaxValue    *float64
	MinLength             *int
	MaxLength             *int
}

// A Declared resource is as the template has it.
type Declared struct {
	Type, Condition                     string
	DeletionPolicy, UpdateReplacePolicy string
	DependsOn                           any // a name or a list of them
	Properties                          map[string]any
}

// Parse reads a template in YAML or JSON. As CloudFormation does it takes no aliases; and it takes no transform, no mappings
// and nothing else that these templates do without.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
func Parse(text string) (*Template, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, err
	}
	if len(root.Content) == 0 {
		return nil, errors.New("an empty template")
	}
	long, err := lengthen(root.Content[0])
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(long)
	if err != nil {
		return nil, err
	}
	var t Template
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return nil, err
	}
	return &t, nil
}

// lengthen returns a node's value, with intrinsic functions in their long form.
func lengthen(n *yaml.Node) (any, error) {
	var v any
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		v, err = mapping(n)
	case yaml.SequenceNode:
		v, err = sequence(n)
	case yaml.ScalarNode:
		if name, ok := intrinsic(n); ok {
			return function(name, n.Value), nil
		}
		err = n.Decode(&v)
	default:
		return nil, fmt.Errorf("line %d: CloudFormation takes no aliases", n.Line)
	}
	if err != nil {
		return nil, err
	}
	if name, ok := intrinsic(n); ok {
		return function(name, v), nil
	}
	return v, nil
}

func mapping(n *yaml.Node) (any, error) {
	out := map[string]any{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if _, ok := out[key.Value]; ok {
			return nil, fmt.Errorf("line %d: %s is there twice", key.Line, key.Value)
		}
		v, err := lengthen(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		out[key.Value] = v
	}
	return out, nil
}

func sequence(n *yaml.Node) (any, error) {
	out := []any{}
	for _, c := range n.Content {
		v, err := lengthen(c)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// intrinsic tells whether a node is tagged with the short form of a function.
func intrinsic(n *yaml.Node) (string, bool) {
	if strings.HasPrefix(n.Tag, "!!") || !strings.HasPrefix(n.Tag, "!") {
		return "", false
	}
	return n.Tag[1:], true
}

func function(name string, v any) any {
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: v}
	case "GetAtt":
		if text, ok := v.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			v = []any{resource, attribute}
		}
	}
	return map[string]any{"Fn::" + name: v}
}

// call takes a value apart that is a function's long form: its name and what it is given.
func call(v any) (name string, given any, ok bool) {
	m, isMap := v.(map[string]any)
	if !isMap || len(m) != 1 {
		return "", nil, false
	}
	for name, given = range m {
		ok = name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
	}
	return name, given, ok
}
