package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A statement is one of a policy, ready to be matched.
type statement struct {
	sid                string
	denies             bool
	actions, resources []pattern
	conditions         map[string]map[string]oneOrMore
	used               map[[2]int]bool // by action and resource, those that something was allowed by
}

// oneOrMore is one string, or a list of them.
type oneOrMore []string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *oneOrMore) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(w))
	}
	var one any
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	switch one.(type) {
	case string, bool, float64:
		*w = oneOrMore{fmt.Sprint(one)}
		return nil
	default:
		return errors.New("want a string, or a list of strings")
	}
}

// A rawStatement is one as it is written.
type rawStatement struct {
	Sid, Effect      string
	Action, Resource oneOrMore
	Condition        map[string]map[string]oneOrMore
}

// parsePolicy reads a policy, and refuses what it does not know: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func parsePolicy(text string) ([]statement, error) {
	var raw struct {
		Version, ID string
		Statement   json.RawMessage
	}
	if err := strictly(text, &raw); err != nil {
		return nil, err
	}
	if raw.Version != "2012-10-17" {
		return nil, fmt.Errorf("version %q: want 2012-10-17", raw.Version)
	}
	var list []rawStatement
	if strings.HasPrefix(string(raw.Statement), "{") {
		raw.Statement = []byte("[" + string(raw.Statement) + "]")
	}
	if err := strictly(string(raw.Statement), &list); err != nil {
		return nil, err
	}
	sids := map[string]bool{}
	var out []statement
	for _, r := range list {
		s, err := r.parse()
		if err == nil && s.sid != "" && sids[s.sid] {
			err = errors.New("two statements have this Sid")
		}
		if err != nil {
			return nil, fmt.Errorf("statement %q: %w", r.Sid, err)
		}
		sids[s.sid] = true
		out = append(out, s)
	}
	return out, nil
}

func strictly(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

var sidForm = regexp.MustCompile(`^[A-Za-z0-9]*$`)

func (r rawStatement) parse() (statement, error) {
	s := statement{sid: r.Sid, denies: r.Effect == "Deny", conditions: r.Condition, used: map[[2]int]bool{}}
	switch {
	case !sidForm.MatchString(r.Sid):
		return s, errors.New("want letters and digits")
	case r.Effect != "Allow" && r.Effect != "Deny":
		return s, fmt.Errorf("effect %q: want Allow or Deny", r.Effect)
	case len(r.Action) == 0 || len(r.Resource) == 0:
		return s, errors.New("no Action, or no Resource")
	}
	for _, a := range r.Action {
		p, err := patternOf(a, "(?i)")
		if err != nil {
			return s, err
		}
		s.actions = append(s.actions, p)
	}
	for _, a := range r.Resource {
		p, err := patternOf(a, "")
		if err != nil {
			return s, err
		}
		s.resources = append(s.resources, p)
	}
	return s, nil
}

// A pattern is text with * and ? for others.
type pattern struct {
	text string
	form *regexp.Regexp
}

// patternOf reads a pattern. ${*}, ${?} and ${$} are those letters themselves; other variables are not known here:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func patternOf(text, flags string) (pattern, error) {
	var out strings.Builder
	out.WriteString("(?s)" + flags + "^")
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "${*}"), strings.HasPrefix(rest, "${?}"), strings.HasPrefix(rest, "${$}"):
			out.WriteString(regexp.QuoteMeta(rest[2:3]))
			rest = rest[4:]
			continue
		case strings.HasPrefix(rest, "${"):
			return pattern{}, fmt.Errorf("%q: this variable is not known", text)
		case rest[0] == '*':
			out.WriteString(".*")
		case rest[0] == '?':
			out.WriteString(".")
		default:
			out.WriteString(regexp.QuoteMeta(rest[:1]))
		}
		rest = rest[1:]
	}
	form, err := regexp.Compile(out.String() + "$")
	return pattern{text, form}, err
}

// matches returns the actions and resources by which a statement is about a demand. An action for which AWS has no resources
// is met by * alone.
func (s statement) matches(d demand) (hit [][2]int) {
	if !s.holds(d) {
		return nil
	}
	for a, action := range s.actions {
		for r, resource := range s.resources {
			about := resource.text == "*" || d.resource != "*" && resource.form.MatchString(d.resource)
			if about && action.form.MatchString(d.action) {
				hit = append(hit, [2]int{a, r})
			}
		}
	}
	return hit
}

// holds tells whether all conditions do.
func (s statement) holds(d demand) bool {
	for operator, keys := range s.conditions {
		for key, wanted := range keys {
			held, known := judge(operator, d.context[strings.ToLower(key)], wanted)
			if !known {
				return s.denies // what is not known lets nobody through
			}
			if !held {
				return false
			}
		}
	}
	return true
}
