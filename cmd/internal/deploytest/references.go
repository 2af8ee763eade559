package deploytest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Pseudo are the parameters that every template has:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
var pseudo = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

// References are the names that a template uses, whatever its conditions come to.
type References struct {
	template *Template
	Used     map[string]bool // parameters, resources and pseudo parameters
	Held     map[string]bool // conditions
	Faults   []string        // what is used and not there
}

// References follows every reference of the template.
func (t *Template) References() References {
	r := References{template: t, Used: map[string]bool{}, Held: map[string]bool{}}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		d := t.Resources[id]
		r.condition(id, d.Condition)
		r.walk(id, d.Properties)
		names, _ := d.DependsOn.([]any)
		if one, ok := d.DependsOn.(string); ok {
			names = append(names, one)
		}
		for _, n := range names {
			if _, ok := t.Resources[fmt.Sprint(n)]; !ok {
				r.fault(id, "DependsOn", n)
			}
		}
	}
	for name, v := range t.Conditions {
		r.walk("condition "+name, v)
	}
	for name, v := range t.Rules {
		r.walk("rule "+name, v)
	}
	for name, v := range t.Outputs {
		output, _ := v.(map[string]any)
		if c, ok := output["Condition"].(string); ok {
			r.condition("output "+name, c)
		}
		r.walk("output "+name, output["Value"])
	}
	slices.Sort(r.Faults)
	return r
}

func (r *References) fault(place, what string, name any) {
	r.Faults = append(r.Faults, fmt.Sprintf("%s: %s %v: there is none", place, what, name))
}

func (r *References) condition(place, name string) {
	if name == "" {
		return
	}
	r.Held[name] = true
	if _, ok := r.template.Conditions[name]; !ok {
		r.fault(place, "condition", name)
	}
}

func (r *References) name(place, name string) {
	r.Used[name] = true
	_, parameter := r.template.Parameters[name]
	_, resource := r.template.Resources[name]
	if !parameter && !resource && !slices.Contains(pseudo, name) {
		r.fault(place, "reference", name)
	}
}

func (r *References) walk(place string, v any) {
	if name, given, ok := call(v); ok {
		r.follow(place, name, given)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			r.walk(place, child)
		}
	case []any:
		for _, child := range v {
			r.walk(place, child)
		}
	}
}

func (r *References) follow(place, function string, given any) {
	list, _ := given.([]any)
	switch function {
	case "Ref":
		r.name(place, fmt.Sprint(given))
	case "Condition":
		r.condition(place, fmt.Sprint(given))
	case "Fn::GetAtt":
		if _, ok := r.template.Resources[fmt.Sprint(list[0])]; !ok {
			r.fault(place, "Fn::GetAtt", list[0])
		}
		r.Used[fmt.Sprint(list[0])] = true
	case "Fn::If":
		if len(list) != 3 {
			r.fault(place, "Fn::If", "with three parts")
			return
		}
		r.condition(place, fmt.Sprint(list[0]))
		r.walk(place, list[1:])
	case "Fn::Sub":
		r.substitution(place, given)
	default:
		r.walk(place, given)
	}
}

// variable is a reference in the text of Fn::Sub. ${!Literal} is none.
var variable = regexp.MustCompile(`\$\{([A-Za-z0-9:.]+)\}`)

func (r *References) substitution(place string, given any) {
	text, own := parts(given)
	r.walk(place, own)
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if _, ok := own[m[1]]; ok {
			continue
		}
		name, _, _ := strings.Cut(m[1], ".")
		r.name(place, name)
	}
}

// parts are the text of Fn::Sub, and its own variables.
func parts(given any) (text string, own map[string]any) {
	if list, ok := given.([]any); ok && len(list) == 2 {
		own, _ = list[1].(map[string]any)
		return fmt.Sprint(list[0]), own
	}
	return fmt.Sprint(given), nil
}
