package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Policy is what is allowed, in the order of what it is for.
type Policy struct{ Statements []Statement }

// A Statement allows some actions on some resources. Its lists are sorted and have no doubles.
type Statement struct {
	Sid        string
	Actions    []string
	Resources  []string
	Conditions Conditions // nil: none

	Why []string // for people: sentences about what stands there as *
}

// Conditions are values by operator and key. All of them must hold, and of each one value is enough.
type Conditions map[string]map[string][]string

// A grant is one permission, before those that belong together are.
type grant struct {
	kind       kind
	action     string
	resource   string
	conditions Conditions
	why        string
}

// New makes the policy of an identity out of all that it does. The same needs make the same policy, in any order.
func New(needs ...Need) Policy {
	var grants []grant
	for _, n := range needs {
		grants = append(grants, n.grants()...)
	}
	grants = append(grants, shared(needs)...)
	return Policy{numbered(merge(grants))}
}

// merge makes one statement of all grants that are of one kind and differ in their resources alone.
func merge(grants []grant) []Statement {
	type place struct {
		kind                 kind
		conditions, resource string
	}
	actions, conditions := map[place]map[string]bool{}, map[string]Conditions{}
	why := map[place]map[string]bool{}
	for _, g := range grants {
		p := place{g.kind, g.conditions.text(), g.resource}
		if actions[p] == nil {
			actions[p], why[p] = map[string]bool{}, map[string]bool{}
		}
		actions[p][g.action], conditions[p.conditions] = true, g.conditions
		if g.why != "" {
			why[p][g.why] = true
		}
	}
	type form struct {
		kind                kind
		conditions, actions string
	}
	found := map[form]*Statement{}
	for p, set := range actions {
		names := slices.Sorted(maps.Keys(set))
		f := form{p.kind, p.conditions, strings.Join(names, " ")}
		if found[f] == nil {
			found[f] = &Statement{Sid: p.kind.String(), Actions: names, Conditions: conditions[p.conditions]}
		}
		found[f].Resources = append(found[f].Resources, p.resource)
		found[f].Why = append(found[f].Why, slices.Collect(maps.Keys(why[p]))...)
	}
	order := slices.SortedFunc(maps.Keys(found), func(a, b form) int {
		if a.kind != b.kind {
			return int(a.kind) - int(b.kind)
		}
		return strings.Compare(a.actions+a.conditions, b.actions+b.conditions)
	})
	var out []Statement
	for _, f := range order {
		slices.Sort(found[f].Resources)
		slices.Sort(found[f].Why)
		found[f].Why = slices.Compact(found[f].Why)
		out = append(out, *found[f])
	}
	return out
}

// numbered gives each statement a name of its own, which a policy must have.
func numbered(statements []Statement) []Statement {
	seen := map[string]int{}
	for i, s := range statements {
		if seen[s.Sid]++; seen[s.Sid] > 1 {
			statements[i].Sid = fmt.Sprintf("%s%d", s.Sid, seen[s.Sid])
		}
	}
	return statements
}

func (c Conditions) text() string {
	if len(c) == 0 {
		return ""
	}
	return string(compact(c))
}

// compact is a value as JSON without white space. Angle brackets stay what they are.
func compact(v any) []byte {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return []byte(err.Error()) // lists and maps of strings always encode
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}

// MarshalJSON is a statement as IAM takes it.
func (s Statement) MarshalJSON() ([]byte, error) {
	return compact(struct {
		Sid       string
		Effect    string
		Action    []string
		Resource  []string
		Condition Conditions `json:",omitempty"`
	}{s.Sid, "Allow", s.Actions, s.Resources, s.Conditions}), nil
}

// version is that of the language that policies are written in.
const version = "2012-10-17"

// MarshalJSON is the policy as IAM takes it, without its comments.
func (p Policy) MarshalJSON() ([]byte, error) {
	return compact(struct {
		Version   string
		Statement []Statement
	}{version, p.Statements}), nil
}

// Actions are all that it allows, sorted.
func (p Policy) Actions() []string {
	set := map[string]bool{}
	for _, s := range p.Statements {
		for _, a := range s.Actions {
			set[a] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
