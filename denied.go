package mooring

import (
	"encoding/json"
	"fmt"
)

// Denied is a call that a permission is missing for. It is an [ErrDenied].
type Denied struct {
	Action   string // such as s3:PutObject
	Resource string // the ARN it was denied on, or *
	Err      error  // what AWS said
}

func (e *Denied) Error() string {
	return fmt.Sprintf("%s on %s denied: %v", e.Action, e.Resource, e.Err)
}

// Unwrap makes it an [ErrDenied], and what AWS said.
func (e *Denied) Unwrap() []error { return []error{ErrDenied, e.Err} }

// Statement returns the IAM statement that is missing, as JSON.
func (e *Denied) Statement() string {
	body, err := json.Marshal(struct{ Effect, Action, Resource string }{"Allow", e.Action, e.Resource})
	if err != nil {
		return err.Error() // strings always marshal
	}
	return string(body)
}
