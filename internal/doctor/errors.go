package doctor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"mooring"
)

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// isDeniedCode knows the codes of a missing permission; EC2 has its own:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func isDeniedCode(code string) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, code)
}

func isDenied(err error) bool { return errors.Is(err, mooring.ErrDenied) }

// sent tells whether a request was on its way to the API itself. Credentials are asked for elsewhere, and the SDK says so
// in these words only.
func sent(err error) bool {
	if strings.Contains(err.Error(), "get credentials") {
		return false
	}
	_, failed := errors.AsType[*smithyhttp.RequestSendError](err)
	return failed || errors.Is(err, errSilent) || answered(err)
}

// answered tells whether a reply came, be it an error, or one that is not understood.
func answered(err error) bool {
	if errors.Is(err, errBusy) {
		return true
	}
	_, said := errors.AsType[smithy.APIError](err)
	reply, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	return said || ok && reply.HTTPStatusCode() > 0 // 0: the SDK has such an error for what never came, too
}

// cutAction parts an action's service from its name.
func cutAction(action string) (service, name string, ok bool) { return strings.Cut(action, ":") }

// assumed finds the role in the ARN of its session: arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION.
var assumed = regexp.MustCompile(`^arn:([\w-]+):sts::([0-9]{12}):assumed-role/([\w+=,.@-]+)/`)

// principalOf is whose policies are simulated. The path of a role is not in the ARN of its session: one that has a path is
// not found then.
func principalOf(arn string) (string, error) {
	if m := assumed.FindStringSubmatch(arn); m != nil {
		return "arn:" + m[1] + ":iam::" + m[2] + ":role/" + m[3], nil
	}
	if strings.Contains(arn, ":user/") {
		return arn, nil
	}
	return "", fmt.Errorf("%s is neither a user nor a role: nothing is attached to it that could be simulated", arn)
}
