package sim

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// STS lends the credentials of its roles, by AssumeRole in the query protocol, and says who somebody is, by
// GetCallerIdentity. The credentials' access key names the role, so that the log of an [AWS] can tell by whom later
// calls were made.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
type STS struct {
	Roles map[string]Role  // by ARN
	Now   func() time.Time // nil: time.Now
	User  string           // the ARN of who has credentials that are no role's; "" is a user of account 111122223333

	mu      sync.Mutex
	assumed []AssumedRole
}

// A Role is what its trust policy asks for.
type Role struct {
	ExternalID string // "" asks for none, and takes any
}

// An AssumedRole is one call of AssumeRole.
type AssumedRole struct {
	ARN, ExternalID, Session string
	Granted                  bool
}

// Assumed returns the calls so far.
func (s *STS) Assumed() []AssumedRole {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.assumed)
}

func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		awsError(w, "sts", http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	if r.PostForm.Get("Action") == "GetCallerIdentity" {
		awsXML(w, http.StatusOK, s.identity(r))
		return
	}
	reply, err := s.assume(r.PostForm)
	if err != nil {
		awsError(w, "sts", err.Status, err.Code, err.Message)
		return
	}
	awsXML(w, http.StatusOK, reply)
}

var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	roleARN     = regexp.MustCompile(`^arn:[\w-]+:iam::([0-9]{12}):role/([\w+=,.@/-]+)$`)
)

func (s *STS) assume(form url.Values) (stsReply, *APIError) {
	if form.Get("Action") != "AssumeRole" {
		return stsReply{}, invalid("InvalidAction", "Could not find operation %s for version %s", form.Get("Action"), form.Get("Version"))
	}
	call := AssumedRole{ARN: form.Get("RoleArn"), ExternalID: form.Get("ExternalId"), Session: form.Get("RoleSessionName")}
	parts := roleARN.FindStringSubmatch(call.ARN)
	seconds := 3600
	if text := form.Get("DurationSeconds"); text != "" {
		seconds, _ = strconv.Atoi(text) // what is no number is out of bounds
	}
	switch {
	case parts == nil:
		return stsReply{}, invalid("ValidationError", "%s is invalid", call.ARN)
	case !sessionName.MatchString(call.Session):
		return stsReply{}, invalid("ValidationError", "The role session name '%s' is not valid", call.Session)
	case seconds < 900 || seconds > 43200:
		return stsReply{}, invalid("ValidationError", "The requested DurationSeconds is outside of 900 to 43200")
	}
	role, known := s.Roles[call.ARN]
	call.Granted = known && (role.ExternalID == "" || role.ExternalID == call.ExternalID)
	s.note(call)
	if !call.Granted { // which of the two it was is not told
		return stsReply{}, &APIError{
			Status: http.StatusForbidden, Code: "AccessDenied",
			Message: "User: arn:aws:sts::123456789012:assumed-role/mooring/session is not authorized to perform: sts:AssumeRole on resource: " + call.ARN,
		}
	}
	return s.lend(parts[1], parts[2], call.Session, time.Duration(seconds)*time.Second), nil
}

func (s *STS) note(call AssumedRole) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.assumed = append(s.assumed, call)
}

// lend makes up credentials. Real access keys hold no names.
func (s *STS) lend(account, name, session string, d time.Duration) stsReply {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	name = name[strings.LastIndex(name, "/")+1:]
	return stsReply{
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", RequestID: requestID(),
		Key: lentKey + account + "-" + name, Secret: "secret", Token: "token", Expiration: now().Add(d).UTC().Format(time.RFC3339),
		User: "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session, UserID: "AROAEXAMPLE:" + session,
	}
}

// lentKey begins the access keys of temporary credentials:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
const lentKey = "ASIA"

var lent = regexp.MustCompile("^" + lentKey + "([0-9]{12})-(.+)")

// identity says whose credentials signed the request.
func (s *STS) identity(r *http.Request) stsIdentity {
	arn := cmp.Or(s.User, "arn:aws:iam::111122223333:user/engineer")
	key, _, _ := signer(r)
	if parts := lent.FindStringSubmatch(key); parts != nil {
		arn = "arn:aws:sts::" + parts[1] + ":assumed-role/" + parts[2] + "/mooring"
	}
	return stsIdentity{
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", RequestID: requestID(),
		ARN: arn, Account: strings.Split(arn, ":")[4], UserID: "AIDAEXAMPLE",
	}
}

type stsIdentity struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// accountOf is the account of the role that signed a call, or that it assumes.
func accountOf(r *http.Request, c AWSCall) string {
	if parts := roleARN.FindStringSubmatch(c.Form.Get("RoleArn")); c.Service == "sts" && parts != nil {
		return parts[1]
	}
	key, _, _ := signer(r)
	if parts := lent.FindStringSubmatch(key); parts != nil {
		return parts[1]
	}
	return ""
}

type stsReply struct {
	XMLName    xml.Name `xml:"AssumeRoleResponse"`
	Namespace  string   `xml:"xmlns,attr"`
	Key        string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
	Secret     string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
	Token      string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
	Expiration string   `xml:"AssumeRoleResult>Credentials>Expiration"`
	UserID     string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	User       string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	RequestID  string   `xml:"ResponseMetadata>RequestId"`
}
