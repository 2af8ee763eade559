package store

import (
	"encoding/json"
	"fmt"
	"regexp"

	"mooring"
)

// Denied is a call that a permission is missing for. It is a [mooring.ErrDenied].
type Denied struct {
	Action   string // such as s3:PutObject
	Resource string // the ARN it was denied on
	Err      error  // what AWS said
}

func (e *Denied) Error() string {
	return fmt.Sprintf("%s on %s denied: %v", e.Action, e.Resource, e.Err)
}

// Unwrap makes it a [mooring.ErrDenied], and what AWS said.
func (e *Denied) Unwrap() []error { return []error{mooring.ErrDenied, e.Err} }

// Statement returns the IAM statement that is missing, as JSON.
func (e *Denied) Statement() string {
	body, err := json.Marshal(struct{ Effect, Action, Resource string }{"Allow", e.Action, e.Resource})
	if err != nil {
		return err.Error() // strings always marshal
	}
	return string(body)
}

// kmsDenied finds the key in a denial that is not about the object but about what encrypts it. AWS names it only in words:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var kmsDenied = regexp.MustCompile(`not authorized to perform: (kms:[A-Za-z]+) on (?:this )?resource:? "?(arn:[A-Za-z0-9:/_-]+)?`)

// newDenied makes of AWS's refusal of action on resource what is really missing.
func newDenied(action, resource string, err error) *Denied {
	if m := kmsDenied.FindStringSubmatch(err.Error()); m != nil {
		action, resource = m[1], m[2]
		if resource == "" {
			resource = "*" // AWS does not always say which key
		}
	}
	return &Denied{Action: action, Resource: resource, Err: err}
}
