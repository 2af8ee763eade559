package shift

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"mooring"
)

// explain makes of AWS's refusal what permission is missing.
func explain(err error, action, resource string) error {
	switch codeOf(err) {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return &mooring.Denied{Action: action, Resource: resource, Err: err}
	default:
		return err
	}
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// partition is the partition of a Region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// maxReply is the largest reply that is read: a page of 300 record sets is under 1 MB.
const maxReply = 8 << 20

// bounded cuts replies off at maxReply, so that they fail to parse.
type bounded struct{ next aws.HTTPClient }

func (b bounded) Do(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = awshttp.NewBuildableClient()
	}
	reply, err := next.Do(r)
	if err == nil && reply.Body != nil {
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(reply.Body, maxReply), reply.Body}
	}
	return reply, err
}
