package shift

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// A Set is a record set, as Route 53 lists it.
type Set = types.ResourceRecordSet

// The SetIdentifiers of a pair.
const (
	ALB = "mooring-alb" // the original record
	NLB = "mooring-nlb"
)

// Changes are one batch that makes to of from, which must be what Route 53 lists now: it deletes the sets that are not in
// to, with all their values, and creates those that were not in from. Route 53 refuses the whole batch where one of them
// is not as it was read. The deletions come first, for simple and weighted records of a name do not stand side by side.
func Changes(from, to []Set) []types.Change {
	var out []types.Change
	for _, s := range from {
		if !contains(to, s) {
			out = append(out, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &s})
		}
	}
	for _, s := range to {
		if !contains(from, s) {
			out = append(out, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &s})
		}
	}
	return out
}

func contains(sets []Set, s Set) bool {
	return slices.ContainsFunc(sets, func(other Set) bool { return Same(s, other) })
}

// Same tells whether two sets say the same: Route 53 lists names of alias targets in lower case and with a dot at their
// end, and the values of a set in any order.
func Same(a, b Set) bool { return reflect.DeepEqual(plain(a), plain(b)) }

// SameSets tells whether two lists hold the same sets, in any order.
func SameSets(a, b []Set) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = sorted(a), sorted(b)
	return slices.EqualFunc(a, b, Same)
}

func plain(s Set) Set {
	s.Name = aws.String(dotted(aws.ToString(s.Name)))
	if s.AliasTarget != nil {
		alias := *s.AliasTarget
		alias.DNSName = aws.String(dotted(aws.ToString(alias.DNSName)))
		s.AliasTarget = &alias
	}
	s.ResourceRecords = slices.Clone(s.ResourceRecords)
	slices.SortFunc(s.ResourceRecords, func(a, b types.ResourceRecord) int {
		return strings.Compare(aws.ToString(a.Value), aws.ToString(b.Value))
	})
	return s
}

// dotted is a name in lower case with a dot at its end.
func dotted(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }

// sorted orders sets by type and SetIdentifier.
func sorted(sets []Set) []Set {
	return slices.SortedFunc(slices.Values(sets), func(a, b Set) int {
		return cmp.Or(
			strings.Compare(string(a.Type), string(b.Type)),
			strings.Compare(aws.ToString(a.SetIdentifier), aws.ToString(b.SetIdentifier)))
	})
}

// weighted is a set as one of a pair.
func weighted(s Set, id string, weight int) Set {
	s.SetIdentifier, s.Weight = aws.String(id), aws.Int64(int64(weight))
	return s
}

// original is the set that became one of a pair.
func original(s Set) Set {
	s.SetIdentifier, s.Weight = nil, nil
	return s
}

// Target says where a set leads, for people.
func Target(s Set) string {
	if s.AliasTarget != nil {
		return "alias of " + strings.TrimSuffix(aws.ToString(s.AliasTarget.DNSName), ".")
	}
	var values []string
	for _, r := range s.ResourceRecords {
		values = append(values, aws.ToString(r.Value))
	}
	const most = 4
	if more := len(values) - most; more > 0 {
		values = append(values[:most], "...")
	}
	return strings.Join(values, ", ")
}
