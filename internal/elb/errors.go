package elb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"mooring"
)

// callTimeout bounds each call, with all its retries.
const callTimeout = 5 * time.Second

var errSlow = fmt.Errorf("no answer within %s", callTimeout)

// within makes one call of the SDK inside the context's deadline and its own.
func within[In, Out, Options any](ctx context.Context, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) (*Out, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errSlow)
	defer cancel()
	out, err := call(ctx, in)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return out, err
}

// ask makes one call that changes nothing, in its turn, and explains its error.
func ask[In, Out, Options any](
	ctx context.Context, g *Group, action string, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In,
) (*Out, error) {
	ctx, err := g.turn(ctx, action)
	if err != nil {
		return nil, err
	}
	out, err := within(ctx, call, in)
	if err != nil {
		return nil, g.explain(err, action, "*")
	}
	return out, nil
}

// A Denied is an error for want of a permission. It is a [mooring.ErrDenied].
type Denied struct {
	Action   string // as in IAM, such as elasticloadbalancing:RegisterTargets
	Resource string // an ARN or *
	err      error
}

func (d *Denied) Error() string {
	return fmt.Sprintf("%s on %s is denied: %v", d.Action, d.Resource, d.err)
}

// Unwrap makes errors.Is and errors.As see both the kind of error and AWS's own.
func (d *Denied) Unwrap() []error { return []error{mooring.ErrDenied, d.err} }

// Statement returns the missing IAM statement, as JSON.
func (d *Denied) Statement() string { return statement(d.Resource, d.Action) }

func statement(resource string, actions ...string) string {
	text, err := json.Marshal(struct {
		Effect   string
		Action   []string
		Resource string
	}{"Allow", actions, resource})
	if err != nil {
		return err.Error() // strings always marshal
	}
	return string(text)
}

// explain tells what an error of AWS means for us. EC2 has its own code for a missing permission:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (g *Group) explain(err error, action, resource string) error {
	switch codeOf(err) {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return &Denied{Action: action, Resource: resource, err: err}
	case "TargetGroupNotFound":
		return fmt.Errorf("there is no target group %s: %w", g.c.ARN, err)
	default:
		return err
	}
}

func codeOf(err error) string {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// A cause is what AWS says about targets that it does not take.
type cause struct {
	kind    causeKind
	message string
	named   []netip.Addr // the addresses that the message names
}

type causeKind int

const (
	causeElsewhere causeKind = iota // not the targets' fault: everything stops
	causeTarget                     // some of the targets cannot be taken
	causeZone                       // some must be sent with another zone, or none
	causeQuota                      // the group is full
	causeUnknown                    // a refusal in words that are not known: perhaps some of the targets
)

// causeOf tells whether targets are at fault, and which.
//
// Errors about zones are ValidationErrors, a code that the API's model does not list and that also stands for
// things no target is guilty of, such as a malformed ARN; so the message decides. The messages were seen in
// aws-load-balancer-controller's issues 561, 3084, 3508 and 3714.
func causeOf(err error) cause {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return cause{}
	}
	message := api.ErrorMessage()
	c := cause{message: brief(api.ErrorCode() + ": " + message), named: addressesIn(message)}
	text := strings.ToLower(message)
	switch code := api.ErrorCode(); {
	case code == "TooManyTargets":
		c.kind = causeQuota
	case (code == "ValidationError" || code == "InvalidTarget") && strings.Contains(text, "availability zone"):
		c.kind = causeZone
	case code == "InvalidTarget", code == "TooManyRegistrationsForTargetId":
		c.kind = causeTarget
	case code == "ValidationError" && (len(c.named) > 0 || strings.Contains(text, "ip address")):
		c.kind = causeTarget
	case refuses(err, code) && !strings.Contains(text, "target group arn"):
		c.kind = causeUnknown
	}
	return c
}

// refuses tells a refusal that may be about single targets from those that never are: throttling, permissions,
// credentials, and what does not exist.
func refuses(err error, code string) bool {
	var reply interface{ HTTPStatusCode() int }
	if !errors.As(err, &reply) || errors.Is(err, mooring.ErrDenied) {
		return false
	}
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return false
	}
	switch status := reply.HTTPStatusCode(); status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	default:
		return status/100 == 4 && !aboutTheCaller.MatchString(code)
	}
}

// aboutTheCaller finds the codes that come with status 400 and are about credentials, the request's form, or something
// that does not exist: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html
var aboutTheCaller = regexp.MustCompile("NotFound|Token|Signature|Credential|Unrecognized|Expired|AccessDenied|NotAuthorized|" +
	"OptInRequired|MissingAction|InvalidAction|MalformedQueryString|InvalidQueryParameter")

// maxMessage is how much of a message is looked at; a batch of 100 IPv6 addresses takes under 5 kB.
const maxMessage = 64 << 10

// addressesIn finds the IP addresses that a message names, whole ones only: 10.0.0.1 is not in 10.0.0.12.
func addressesIn(message string) []netip.Addr {
	words := strings.FieldsFunc(message[:min(len(message), maxMessage)], func(r rune) bool {
		return !strings.ContainsRune("0123456789abcdefABCDEF.:", r)
	})
	var out []netip.Addr
	for _, word := range words {
		if addr, ok := addressOf(word); ok {
			out = append(out, addr.Unmap())
		}
	}
	return out
}

func addressOf(word string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(word, ".")); err == nil {
		return addr, true
	}
	word = strings.TrimRight(word, ".:") // as in "10.0.0.5: not supported"
	if addr, err := netip.ParseAddr(word); err == nil {
		return addr, true
	}
	both, err := netip.ParseAddrPort(word)
	return both.Addr(), err == nil
}

// brief makes a message of AWS fit for one line of a report.
func brief(message string) string {
	const limit = 400
	text := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(message[:min(len(message), 4*limit)], "")), " "))
	return string(text[:min(len(text), limit)])
}

// blamed parts a batch into the candidates that the message names and the others.
func (c cause) blamed(batch []candidate) (guilty, others []candidate) {
	for _, one := range batch {
		if slices.Contains(c.named, one.target.Addr) {
			guilty = append(guilty, one)
		} else {
			others = append(others, one)
		}
	}
	return guilty, others
}
