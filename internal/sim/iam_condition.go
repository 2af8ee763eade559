package sim

import (
	"slices"
	"strconv"
	"strings"
)

// judge tells whether a condition holds for what a request has of its key; nil where it has none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func judge(operator string, got, wanted []string) (held, known bool) {
	set, name, qualified := strings.Cut(operator, ":")
	if !qualified {
		set, name = "", operator
	}
	if name == "Null" {
		return len(wanted) == 1 && strconv.FormatBool(got == nil) == wanted[0], set == ""
	}
	name, optional := strings.CutSuffix(name, "IfExists")
	match, known := comparisons[name]
	if !known {
		return false, false
	}
	if got == nil && optional {
		return true, true
	}
	negated := strings.Contains(name, "Not")
	one := func(value string) bool {
		return slices.ContainsFunc(wanted, func(want string) bool { return match(value, want) }) != negated
	}
	switch set {
	case "ForAllValues": // also of none
		return !slices.ContainsFunc(got, func(v string) bool { return !one(v) }), true
	case "ForAnyValue":
		return slices.ContainsFunc(got, one), true
	case "":
		if got == nil {
			return negated, true
		}
		return len(got) == 1 && one(got[0]), true // of several values only the sets speak
	default:
		return false, false
	}
}

var comparisons = map[string]func(got, want string) bool{
	"StringEquals":              func(got, want string) bool { return got == want },
	"StringNotEquals":           func(got, want string) bool { return got == want },
	"StringEqualsIgnoreCase":    strings.EqualFold,
	"StringNotEqualsIgnoreCase": strings.EqualFold,
	"StringLike":                like,
	"StringNotLike":             like,
	"ArnEquals":                 arnLike,
	"ArnLike":                   arnLike,
	"ArnNotEquals":              arnLike,
	"ArnNotLike":                arnLike,
	"Bool":                      strings.EqualFold,
}

func like(got, want string) bool {
	p, err := patternOf(want, "")
	return err == nil && p.form.MatchString(got)
}

// arnLike compares each of the six parts by itself.
func arnLike(got, want string) bool {
	g, w := strings.SplitN(got, ":", 6), strings.SplitN(want, ":", 6)
	if len(g) != 6 || len(w) != 6 {
		return false
	}
	for i := range g {
		if !like(g[i], w[i]) {
			return false
		}
	}
	return true
}
