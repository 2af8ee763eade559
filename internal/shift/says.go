package shift

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Says says what clients get after a step. Where no record looks at health, nothing but the weights counts.
func (s Step) Says() string {
	switch s.Kind {
	case Hold:
		return fmt.Sprintf("nothing changes: %d %% of the answers lead to the NLB already", s.Percent)
	case Restore:
		return "the original record again, exactly as it was: every answer leads to the ALB"
	case Finish:
		return "one simple record to the NLB; the original record is gone for good"
	case Move:
	}
	if s.Percent < 100 {
		return fmt.Sprintf("%d %% of the answers lead to the NLB, %d %% to the ALB", s.Percent, 100-s.Percent)
	}
	ours := func(o Set) bool { return aws.ToString(o.SetIdentifier) == NLB }
	switch {
	case !slices.ContainsFunc(s.Sets, func(o Set) bool { return ours(o) && looks(o) }):
		return "every answer leads to the NLB, healthy or not"
	case slices.ContainsFunc(s.Sets, func(o Set) bool { return ours(o) && !looks(o) }):
		return "every answer leads to the NLB, of some types whether it is healthy or not"
	default:
		return "every answer leads to the NLB, and to the ALB only while the NLB is unhealthy"
	}
}
