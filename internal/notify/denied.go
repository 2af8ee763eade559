package notify

import (
	"errors"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"

	"mooring"
)

// kmsDenied finds the key in a denial that is about what encrypts a topic. AWS names it only in words:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var kmsDenied = regexp.MustCompile(`not authorized to perform: (kms:[A-Za-z]+) on (?:this )?resource:? "?(arn:[A-Za-z0-9:/_-]+)?`)

// explain makes of AWS's refusal what is missing. SNS has a code of its own:
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors
func explain(err error, action, resource string) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	code := strings.TrimSuffix(api.ErrorCode(), "Exception")
	switch code {
	case "AuthorizationError", "AccessDenied", "KMSAccessDenied":
	default:
		return err
	}
	if m := kmsDenied.FindStringSubmatch(err.Error()); m != nil {
		action, resource = m[1], m[2]
	} else if code == "KMSAccessDenied" {
		action, resource = "kms:GenerateDataKey", ""
	}
	if resource == "" {
		resource = "*" // AWS does not always say which key
	}
	return &mooring.Denied{Action: action, Resource: resource, Err: err}
}

// refusal is why one message of a batch was not taken.
func refusal(code, text, action, resource string) error {
	const most = 400
	text = strings.ToValidUTF8(text[:min(len(text), most)], "")
	return explain(&smithy.GenericAPIError{Code: code, Message: text}, action, resource)
}
