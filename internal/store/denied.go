package store

import (
	"regexp"
	"strings"

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

// saysMissing tells whether a denied GetObject is about an object that is not there. To who may read an object, and may not
// list its bucket, S3 hides that by a denial. But within an account or an organization a denial names the action that is
// missing, and here that is s3:ListBucket, by which it says what it hides. The words are seen in S3's answers; that there are
// such words, and for whom: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
func saysMissing(err error) bool {
	return isCode(err, "AccessDenied") && strings.Contains(err.Error(), "not authorized to perform: s3:ListBucket on ")
}

// saysWhat tells whether a denial names what is missing.
func saysWhat(err error) bool { return strings.Contains(err.Error(), "not authorized to perform: ") }
