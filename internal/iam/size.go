package iam

import "slices"

// The limits of IAM, in characters without white space:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
const (
	MaxManaged  = 6144  // of a managed policy
	MaxInline   = 10240 // of all inline policies of a role together
	MaxAttached = 10    // managed policies of a role; AWS raises it to 20 on request
)

// Size is how many characters IAM counts of it.
func (p Policy) Size() int { return len([]rune(string(compact(p)))) }

// Split makes policies of at most so many characters each, which together allow the same. A statement that is too long is
// made several, each with some of the resources; one whose conditions alone are too long stays whole, and too long.
func (p Policy) Split(limit int) []Policy {
	if p.Size() <= limit {
		return []Policy{p}
	}
	var out []Policy
	var current Policy
	size := Policy{}.Size()
	for _, s := range p.Statements {
		for len(s.Resources) > 0 {
			n, cost := s.fit(limit - size)
			if n == 0 && len(current.Statements) > 0 {
				out, current, size = append(out, current), Policy{}, Policy{}.Size()
				continue
			}
			if n == 0 { // too long by itself
				n, cost = 1, limit
			}
			part := s
			part.Resources, s.Resources = slices.Clone(s.Resources[:n]), s.Resources[n:]
			current.Statements, size = append(current.Statements, part), size+cost
		}
	}
	out = append(out, current)
	for i := range out {
		out[i].Statements = slices.Clone(out[i].Statements)
	}
	return out
}

// fit tells how many of the statement's resources fit into so many characters, and how many characters that takes. A
// statement is followed by a comma.
func (s Statement) fit(room int) (n, size int) {
	bare := s
	bare.Resources = []string{}
	size = len([]rune(string(compact(bare)))) + 1
	for _, r := range s.Resources {
		cost := len([]rune(string(compact(r)))) + 1
		if size+cost > room {
			break
		}
		size += cost
		n++
	}
	return n, size
}
