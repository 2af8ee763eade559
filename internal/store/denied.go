package store

import (
	"regexp"

	"mooring"
)

// kmsDenied finds the key in a denial that is not about the object but about what encrypts it. AWS names it only in words:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var kmsDenied = regexp.MustCompile(`not authorized to perform: (kms:[A-Za-z]+) on (?:this )?resource:? "?(arn:[A-Za-z0-9:/_-]+)?`)

// newDenied makes of AWS's refusal of action on resource what is really missing.
func newDenied(action, resource string, err error) *mooring.Denied {
	if m := kmsDenied.FindStringSubmatch(err.Error()); m != nil {
		action, resource = m[1], m[2]
		if resource == "" {
			resource = "*" // AWS does not always say which key
		}
	}
	return &mooring.Denied{Action: action, Resource: resource, Err: err}
}
