package sim

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// AWS is the world's AWS: one endpoint for all services, as AWS_ENDPOINT_URL names it to a client.
// It logs every request, and injects faults. The zero value answers nothing; give it handlers.
type AWS struct {
	ELB, EC2, S3, CloudWatch http.Handler
	DynamoDB, STS            http.Handler
	SNS, EventBridge         http.Handler

	// Other answers for all further services, such as moto does; nil: they are not there.
	Other http.Handler

	Buckets *Buckets // throttles as AWS does; nil never does
	IAM     *IAM     // who may do what; nil: everybody everything

	Now func() time.Time // of the Date header of replies; nil: time.Now

	mu     sync.Mutex
	calls  []*AWSCall
	faults []*AWSFault
}

// An AWSCall is one request as the endpoint saw it. A client's retries are calls of their own.
type AWSCall struct {
	Service    string // elb, ec2, s3, cloudwatch, dynamodb, sts, sns, events; others as they are named in signatures
	Account    string // of the role whose credentials signed it, or that it assumes; "" where that is not known
	Action     string // as IAM calls it, such as RegisterTargets or GetObject; of other services in REST the method and the path
	Key        string // of the object; S3 only
	Form       url.Values
	Start, End time.Time
	Status     int // 0: the reply was lost
}

// Writes tells whether the call changes targets or objects.
func (c AWSCall) Writes() bool {
	switch c.Action {
	case "RegisterTargets", "DeregisterTargets", "PutObject", "DeleteObject":
		return true
	default:
		return false
	}
}

// NewAWS returns an AWS that has these target groups, and the subnets of their VPCs.
func NewAWS(groups ...*TargetGroup) *AWS {
	subnets := map[string][]Subnet{}
	for _, g := range groups {
		subnets[g.VPC] = append(subnets[g.VPC], g.Subnets...)
	}
	return &AWS{ELB: &ELBv2{Groups: groups}, EC2: &EC2{Subnets: subnets}}
}

// Calls returns the log so far, in the order in which the calls came. A call that is still running has no End.
func (a *AWS) Calls() []AWSCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]AWSCall, 0, len(a.calls))
	for _, c := range a.calls {
		out = append(out, *c)
	}
	return out
}

// Count returns how often an action was called.
func (a *AWS) Count(action string) (n int) {
	for _, c := range a.Calls() {
		if c.Action == action {
			n++
		}
	}
	return n
}

// Forget empties the log.
func (a *AWS) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = nil
}

// Adjust changes the fields of this AWS, and what is in them, while its endpoint is served. Calls that come afterwards see it; there
// must be none under way.
func (a *AWS) Adjust(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := identify(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call.Account = accountOf(r, call)
	reply := &awsReply{ResponseWriter: w}
	entry := a.begin(call) // after which what Adjust has changed is seen
	defer a.end(entry, reply)
	if a.Now != nil {
		w.Header().Set("Date", a.Now().UTC().Format(http.TimeFormat))
	}
	if a.Buckets != nil && !a.Buckets.take(r, call) {
		status, code, message := throttling(call.Service)
		awsError(reply, call.Service, status, code, message)
		return
	}
	fault := a.fault(call)
	if !fault.hold(r, call) {
		panic(http.ErrAbortHandler) // the client is gone, and so is its request
	}
	if fault.refuses() {
		fault.refuse(reply, call)
		return
	}
	if a.IAM != nil {
		s3, _ := a.S3.(*S3)
		denied, hides := a.IAM.refusal(r, call, s3)
		if denied != nil {
			denied.refuse(reply, call)
			return
		}
		if hides {
			r = keepsSecret(r)
		}
	}
	handler := a.handler(call)
	if handler == nil {
		awsError(reply, call.Service, http.StatusBadRequest, "InvalidAction", "The action "+call.Action+" is not valid for this web service.")
		return
	}
	if fault.Lost {
		handler.ServeHTTP(&nowhere{header: http.Header{}}, r)
		fault.done(call)
		panic(http.ErrAbortHandler) // closes the connection without a reply
	}
	handler.ServeHTTP(reply, r)
	fault.done(call)
}

func (a *AWS) handler(c AWSCall) http.Handler {
	switch c.Service {
	case "elb":
		return a.ELB
	case "ec2":
		return a.EC2
	case "cloudwatch":
		return a.CloudWatch
	case "dynamodb":
		return a.DynamoDB
	case "s3":
		return a.S3
	case "sts":
		return a.STS
	case "sns":
		return a.SNS
	case "events":
		return a.EventBridge
	default:
		return a.Other
	}
}

func (a *AWS) begin(c AWSCall) *AWSCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.Start = time.Now()
	a.calls = append(a.calls, &c)
	return &c
}

func (a *AWS) end(c *AWSCall, reply *awsReply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.End, c.Status = time.Now(), reply.status
}

// maxForm is the largest form that is read; a thousand targets take under 150 kB.
const maxForm = 4 << 20

// identify says which service and action a request is for, and leaves its body readable.
func identify(r *http.Request) (AWSCall, error) {
	const granite = "GraniteServiceVersion20100801" // CloudWatch's name on the wire
	if target := r.Header.Get("X-Amz-Target"); strings.HasPrefix(target, granite+".") {
		return AWSCall{Service: "cloudwatch", Action: strings.TrimPrefix(target, granite+".")}, nil
	}
	if action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSEvents."); ok {
		return AWSCall{Service: "events", Action: action}, nil
	}
	if action, ok := strings.CutPrefix(r.URL.Path, "/service/"+granite+"/operation/"); ok {
		return AWSCall{Service: "cloudwatch", Action: action}, nil
	}
	if action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), dynamoTarget); ok {
		return AWSCall{Service: "dynamodb", Action: action}, nil
	}
	if _, _, service := signer(r); service != "" && !ownServices[service] {
		return identifyOther(r, service)
	}
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return AWSCall{Service: "s3", Action: s3Action(r), Key: s3Key(r)}, nil
	}
	form, err := peekForm(r)
	if err != nil {
		return AWSCall{}, err
	}
	versions := map[string]string{
		"2015-12-01": "elb", "2016-11-15": "ec2", "2010-08-01": "cloudwatch", "2011-06-15": "sts", "2010-03-31": "sns",
	}
	return AWSCall{Service: versions[form.Get("Version")], Action: form.Get("Action"), Form: form}, nil
}

// ownServices are those that have handlers of their own, as signatures name them.
var ownServices = map[string]bool{
	"elasticloadbalancing": true, "ec2": true, "s3": true, "monitoring": true, "dynamodb": true, "sts": true, "sns": true, "events": true,
}

// identifyOther names a call of any further service: by its target, by its form or, in REST, by method and path.
func identifyOther(r *http.Request, service string) (AWSCall, error) {
	call := AWSCall{Service: service, Action: r.Method + " " + r.URL.Path}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		call.Action = target[strings.LastIndex(target, ".")+1:]
		return call, nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return call, nil
	}
	form, err := peekForm(r)
	if err != nil {
		return AWSCall{}, err
	}
	call.Form, call.Action = form, form.Get("Action")
	return call, nil
}

// peekForm reads the form of a request, and leaves its body readable.
func peekForm(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return url.ParseQuery(string(body))
}

// s3Key is the key of a path-style request; "" where it is about the bucket.
func s3Key(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return key
}

// s3Action names the action of a path-style request, /BUCKET/KEY.
func s3Action(r *http.Request) string {
	verb := map[string]string{http.MethodGet: "Get", http.MethodHead: "Head", http.MethodPut: "Put", http.MethodDelete: "Delete"}[r.Method]
	if s3Key(r) != "" {
		return verb + "Object"
	}
	if verb == "Get" {
		return "ListBucket"
	}
	return verb + "Bucket"
}

// An awsReply notes the status of a reply.
type awsReply struct {
	http.ResponseWriter
	status int
}

func (w *awsReply) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *awsReply) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// nowhere is where a lost reply goes.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}
