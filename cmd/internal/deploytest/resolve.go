package deploytest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Case is what a stack is made with.
type Case struct {
	Parameters map[string]string
	Region     string // "": eu-west-1
	Name       string // of the stack; "": mooring
}

// A Stack is a template resolved for a case. Physical ids are made up: the stack's name and the logical id.
type Stack struct {
	Conditions map[string]bool
	Resources  map[string]Declared // with resolved properties; without those whose condition does not hold
	Outputs    map[string]string

	template   *Template
	parameters map[string]any // text, or a list of text
	c          Case
}

// account is who has the stack.
const account = "111122223333"

// noValue is AWS::NoValue: what it is the value of is not there.
type noValue struct{}

// Resolve makes the stack that a case has, or says what CloudFormation would refuse: a parameter that is not there, missing or
// not allowed, or a rule that does not hold.
func (t *Template) Resolve(c Case) (*Stack, error) {
	if c.Region == "" {
		c.Region = "eu-west-1"
	}
	if c.Name == "" {
		c.Name = "mooring"
	}
	s := &Stack{template: t, c: c, Conditions: map[string]bool{}, Resources: map[string]Declared{}, Outputs: map[string]string{}}
	var err error
	if s.parameters, err = t.accept(c.Parameters); err != nil {
		return nil, err
	}
	for name, rule := range t.Rules {
		if err := s.assert(name, rule); err != nil {
			return nil, err
		}
	}
	for name := range t.Conditions {
		if s.Conditions[name], err = s.condition(map[string]any{"Condition": name}); err != nil {
			return nil, err
		}
	}
	return s, errors.Join(s.resources(), s.outputs())
}

func (s *Stack) resources() error {
	for id, d := range s.template.Resources {
		if d.Condition != "" && !s.Conditions[d.Condition] {
			continue
		}
		v, err := s.value(d.Properties)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		d.Properties, _ = v.(map[string]any)
		s.Resources[id] = d
	}
	return nil
}

func (s *Stack) outputs() error {
	for name, o := range s.template.Outputs {
		output, _ := o.(map[string]any)
		if c, ok := output["Condition"].(string); ok && !s.Conditions[c] {
			continue
		}
		v, err := s.value(output["Value"])
		if err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
		s.Outputs[name] = fmt.Sprint(v)
	}
	return nil
}

// accept checks the parameters that are given, and fills in the others.
func (t *Template) accept(given map[string]string) (map[string]any, error) {
	var faults []error
	for name := range given {
		if _, ok := t.Parameters[name]; !ok {
			faults = append(faults, fmt.Errorf("parameter %s: there is none", name))
		}
	}
	out := map[string]any{}
	for name, p := range t.Parameters {
		v, ok := given[name]
		if !ok {
			if p.Default == nil {
				faults = append(faults, fmt.Errorf("parameter %s: must have a value", name))
				continue
			}
			v = fmt.Sprint(p.Default)
		}
		if err := p.allows(v); err != nil {
			faults = append(faults, fmt.Errorf("parameter %s %q: %w", name, v, err))
		}
		out[name] = v
		if strings.HasPrefix(p.Type, "List<") || p.Type == "CommaDelimitedList" {
			list := []any{}
			for word := range strings.SplitSeq(v, ",") {
				list = append(list, strings.TrimSpace(word))
			}
			out[name] = list
		}
	}
	return out, errors.Join(faults...)
}

// hasForm compares a value with the pattern: the whole of it, and of a list each
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html).
func (p Parameter) hasForm(v string) bool {
	values := []string{v}
	if p.Type == "CommaDelimitedList" {
		values = strings.Split(v, ",")
	}
	form := regexp.MustCompile(`^(?:` + p.AllowedPattern + `)$`)
	return p.AllowedPattern == "" || !slices.ContainsFunc(values, func(one string) bool { return !form.MatchString(strings.TrimSpace(one)) })
}

func (p Parameter) allows(v string) error {
	if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(a any) bool { return fmt.Sprint(a) == v }) {
		return fmt.Errorf("want one of %v", p.AllowedValues)
	}
	if !p.hasForm(v) {
		return fmt.Errorf("want %s", p.AllowedPattern)
	}
	if p.MinLength != nil && len(v) < *p.MinLength {
		return fmt.Errorf("want %d letters or more", *p.MinLength)
	}
	if p.MaxLength != nil && len(v) > *p.MaxLength {
		return fmt.Errorf("want %d letters at most", *p.MaxLength)
	}
	if p.Type != "Number" {
		return nil
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || p.MinValue != nil && n < *p.MinValue || p.MaxValue != nil && n > *p.MaxValue {
		return errors.New("no number, or out of its range")
	}
	return nil
}

func (s *Stack) assert(name string, rule any) error {
	r, _ := rule.(map[string]any)
	list, _ := r["Assertions"].([]any)
	for _, a := range list {
		assertion, _ := a.(map[string]any)
		ok, err := s.condition(assertion["Assert"])
		if err != nil {
			return fmt.Errorf("rule %s: %w", name, err)
		}
		if !ok {
			return fmt.Errorf("rule %s: %v", name, assertion["AssertDescription"])
		}
	}
	return nil
}

func (s *Stack) condition(v any) (bool, error) {
	name, given, ok := call(v)
	if !ok {
		return false, fmt.Errorf("no condition: %v", v)
	}
	list, _ := given.([]any)
	switch name {
	case "Condition":
		c, ok := s.template.Conditions[fmt.Sprint(given)]
		if !ok {
			return false, fmt.Errorf("condition %v: there is none", given)
		}
		return s.condition(c)
	case "Fn::Equals":
		a, errA := s.value(list[0])
		b, errB := s.value(list[1])
		return fmt.Sprint(a) == fmt.Sprint(b), errors.Join(errA, errB)
	case "Fn::Not":
		ok, err := s.condition(list[0])
		return !ok, err
	case "Fn::And", "Fn::Or":
		for _, child := range list {
			ok, err := s.condition(child)
			if err != nil || ok == (name == "Fn::Or") {
				return ok, err
			}
		}
		return name == "Fn::And", nil
	default:
		return false, fmt.Errorf("no condition: %s", name)
	}
}

// IDs are the resources that the stack has, of a type; "": all.
func (s *Stack) IDs(of string) []string {
	ids := slices.Collect(maps.Keys(s.Resources))
	ids = slices.DeleteFunc(ids, func(id string) bool { return of != "" && s.Resources[id].Type != of })
	slices.Sort(ids)
	return ids
}
