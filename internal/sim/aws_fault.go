package sim

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// An AWSFault is something that goes wrong, or merely slowly, with some requests.
type AWSFault struct {
	Action string             // which action; "" is every one
	When   func(AWSCall) bool // and which of its calls; nil is every one
	Skip   int                // so many of them pass first
	Times  int                // and then so many are hit; 0 is for ever

	Latency       time.Duration
	Before, After func(AWSCall) // called before and after the action takes effect, within the request

	// At most one of these. All but Lost keep the action from taking effect.
	Throttled bool
	Denied    bool
	Lost      bool // the action takes effect, and the connection is closed instead of a reply
	Status    int  // a reply of this status, with Code and Message

	Code, Message string
}

// Inject adds a fault. The faults of a request add up; of several that refuse it, the first does.
func (a *AWS) Inject(f AWSFault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &f)
}

// Heal takes all faults away.
func (a *AWS) Heal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// awsFaults are all that befall one request.
type awsFaults struct {
	hit  []AWSFault
	Lost bool
}

func (a *AWS) fault(c AWSCall) awsFaults {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out awsFaults
	for _, f := range a.faults {
		if f.takes(c) {
			out.hit = append(out.hit, *f)
			out.Lost = out.Lost || f.Lost
		}
	}
	return out
}

// takes tells whether the fault hits this call, and counts it.
func (f *AWSFault) takes(c AWSCall) bool {
	switch {
	case f.Action != "" && f.Action != c.Action, f.When != nil && !f.When(c), f.Times < 0:
		return false
	case f.Skip > 0:
		f.Skip--
		return false
	case f.Times == 1:
		f.Times = -1 // used up
	case f.Times > 1:
		f.Times--
	}
	return true
}

// hold runs the hooks and waits. It returns false when the client gave up meanwhile.
func (f awsFaults) hold(r *http.Request, c AWSCall) bool {
	for _, one := range f.hit {
		if one.Before != nil {
			one.Before(c)
		}
		if one.Latency <= 0 {
			continue
		}
		timer := time.NewTimer(one.Latency)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return false
		}
	}
	return true
}

func (f awsFaults) done(c AWSCall) {
	for _, one := range f.hit {
		if one.After != nil {
			one.After(c)
		}
	}
}

func (f AWSFault) refuses() bool { return f.Throttled || f.Denied || f.Status != 0 }

func (f awsFaults) refuses() bool { return slices.ContainsFunc(f.hit, AWSFault.refuses) }

func (f awsFaults) refuse(w http.ResponseWriter, c AWSCall) {
	one := f.hit[slices.IndexFunc(f.hit, AWSFault.refuses)]
	switch {
	case one.Throttled:
		status, code, message := throttling(c.Service)
		awsError(w, c.Service, status, code, message)
	case one.Denied:
		code, message := denial(c)
		awsError(w, c.Service, http.StatusForbidden, code, message)
	default:
		awsError(w, c.Service, one.Status, cmp.Or(one.Code, "InternalFailure"), cmp.Or(one.Message, "An internal failure occurred"))
	}
}

// throttling is how a service says that it is asked too often:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func throttling(service string) (status int, code, message string) {
	switch service {
	case "ec2":
		return http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."
	case "s3":
		return http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."
	default:
		return http.StatusBadRequest, "ThrottlingException", "Rate exceeded"
	}
}

// denial is how a service says that a permission is missing. EC2 has a code of its own:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func denial(c AWSCall) (code, message string) {
	prefix := cmp.Or(map[string]string{"elb": "elasticloadbalancing", "sns": "SNS"}[c.Service], c.Service)
	message = "User: arn:aws:sts::123456789012:assumed-role/mooring/session is not authorized to perform: " +
		prefix + ":" + c.Action + " because no identity-based policy allows the " + prefix + ":" + c.Action + " action"
	switch c.Service {
	case "ec2":
		return "UnauthorizedOperation", "You are not authorized to perform this operation. " + message
	case "s3":
		return "AccessDenied", "Access Denied"
	case "sns":
		return "AuthorizationError", message
	case "events", "dynamodb", "logs", "lambda":
		return "AccessDeniedException", message
	default:
		return "AccessDenied", message
	}
}
