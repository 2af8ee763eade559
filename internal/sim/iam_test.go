package sim

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const iamGroup = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"

// allow is a policy of one statement.
func allow(action, resource, condition string) string {
	if condition != "" {
		condition = `, "Condition": ` + condition
	}
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": %q, "Resource": %q%s}}`, action, resource, condition)
}

// signedBy is a request that somebody signed.
func signedBy(key, service, method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261126/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	return r
}

func query(key, service, version, action string, more url.Values) *http.Request {
	form := url.Values{"Action": {action}, "Version": {version}}
	maps.Copy(form, more)
	r := signedBy(key, service, http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func register(key string) *http.Request {
	return query(key, "elasticloadbalancing", "2015-12-01", "RegisterTargets", url.Values{
		"TargetGroupArn": {iamGroup}, "Targets.member.1.Id": {"10.0.0.5"}, "Targets.member.1.AvailabilityZone": {"all"},
	})
}

func answerOf(t *testing.T, a *AWS, r *http.Request) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func iamWorld(t *testing.T, documents ...string) *AWS {
	t.Helper()
	a := NewAWS(&TargetGroup{ARN: iamGroup, Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443})
	a.S3, a.CloudWatch = &S3{}, &CloudWatch{}
	a.IAM = &IAM{}
	if err := a.IAM.Attach("", documents...); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhatNoStatementAllowsIsDeniedAndADenyGoesBeforeAll(t *testing.T) {
	deny := strings.Replace(allow("elasticloadbalancing:Register*", "*", ""), "Allow", "Deny", 1)
	for name, c := range map[string]struct {
		documents []string
		status    int
	}{
		"nothing":                 {nil, 403},
		"the action":              {[]string{allow("elasticloadbalancing:RegisterTargets", iamGroup, "")}, 200},
		"in other letters":        {[]string{allow("ElasticLoadBalancing:registertargets", iamGroup, "")}, 200},
		"another group":           {[]string{allow("elasticloadbalancing:RegisterTargets", strings.Replace(iamGroup, "/web/", "/db/", 1), "")}, 403},
		"any group of that name":  {[]string{allow("elasticloadbalancing:*", strings.Replace(iamGroup, "0123456789abcdef", "????????????????", 1), "")}, 200},
		"here":                    {[]string{allow("*", "*", `{"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}`)}, 200},
		"elsewhere":               {[]string{allow("*", "*", `{"StringEquals": {"aws:RequestedRegion": "us-east-1"}}`)}, 403},
		"an unknown condition":    {[]string{allow("*", "*", `{"NumericLessThan": {"aws:RequestedRegion": "5"}}`)}, 403},
		"everything, but not":     {[]string{allow("*", "*", ""), deny}, 403},
		"not, in an unknown case": {[]string{allow("*", "*", ""), strings.Replace(deny, `"Resource"`, `"Condition": {"DateLessThan": {"aws:CurrentTime": "x"}}, "Resource"`, 1)}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			a := iamWorld(t, c.documents...)
			status, body := answerOf(t, a, register("test"))
			if status != c.status || (status == 403) != (len(a.IAM.Denied()) == 1) || status == 403 && !strings.Contains(body, "<Code>AccessDenied</Code>") {
				t.Errorf("%d %s, denied %v", status, body, a.IAM.Denied())
			}
		})
	}
}

// An action for which AWS has no resources is not met by a resource.
func TestAnActionWithoutResourcesWantsAStar(t *testing.T) {
	describe := func() *http.Request {
		return query("test", "elasticloadbalancing", "2015-12-01", "DescribeTargetHealth", url.Values{"TargetGroupArn": {iamGroup}})
	}
	a := iamWorld(t, allow("elasticloadbalancing:DescribeTargetHealth", iamGroup, ""), allow("elasticloadbalancing:DescribeTargetHealth", "arn:*", ""))
	if status, _ := answerOf(t, a, describe()); status != 403 {
		t.Errorf("%d by the group's ARN", status)
	}
	a = iamWorld(t, allow("elasticloadbalancing:DescribeTargetHealth", "*", ""))
	if status, body := answerOf(t, a, describe()); status != 200 {
		t.Errorf("%d %s by *", status, body)
	}
	if status, body := answerOf(t, a, query("test", "ec2", "2016-11-15", "DescribeSubnets", nil)); status != 403 || !strings.Contains(body, "UnauthorizedOperation") {
		t.Errorf("EC2 says %d %s", status, body)
	}
}

// In REST an action is a method and a path. Who is denied one is told its name.
func TestACallInRESTIsDeniedByItsName(t *testing.T) {
	for _, c := range []struct{ service, method, path, action, resource string }{
		{"lambda", http.MethodGet, "/2015-03-31/functions/", "lambda:ListFunctions", "*"},
		{"lambda", http.MethodGet, "/", "lambda:GET /", "*"},
		{"iam", http.MethodGet, "/a/b", "iam:GET /a/b", "*"},
		{"route53", http.MethodGet, "/2013-04-01/hostedzonesbyname", "route53:ListHostedZonesByName", "*"},
		{"route53", http.MethodGet, "/2013-04-01/hostedzone/Z1", "route53:GetHostedZone", "arn:aws:route53:::hostedzone/Z1"},
		{"route53", http.MethodGet, "/2013-04-01/hostedzone/Z1/rrset", "route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/Z1"},
		{"route53", http.MethodPost, "/2013-04-01/hostedzone/Z1/rrset/", "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1"},
		{"route53", http.MethodGet, "/2013-04-01/change/C1", "route53:GetChange", "arn:aws:route53:::change/C1"},
	} {
		a := iamWorld(t)
		status, body := answerOf(t, a, signedBy("test", c.service, c.method, c.path, nil))
		denied := a.IAM.Denied()
		if status != 403 || len(denied) != 1 || denied[0].Action != c.action || denied[0].Resource != c.resource || !strings.Contains(body, "not authorized to perform: "+c.service+":") {
			t.Errorf("%s %s: %d %s, denied %v", c.method, c.path, status, body, denied)
		}
	}
}

func TestEachRoleHasItsOwnPolicies(t *testing.T) {
	a := iamWorld(t)
	if err := a.IAM.Attach("arn:aws:iam::222233334444:role/teams/mooring", allow("*", "*", "")); err != nil {
		t.Fatal(err)
	}
	if err := a.IAM.Attach("AKIDPROFILE", allow("*", "*", "")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"test": 403, "ASIA222233334444-mooring": 200, "ASIA222233334444-other": 403, "AKIDPROFILE": 200} {
		if status, body := answerOf(t, a, register(key)); status != want {
			t.Errorf("%s: %d %s", key, status, body)
		}
	}
}

// Without the permission to list a bucket nobody is told that an object is not there.
func TestAMissingObjectIsADeniedOneToWhoMayNotListTheBucket(t *testing.T) {
	get := func() *http.Request { return signedBy("test", "s3", http.MethodGet, "/state/some%20key", nil) }
	read := allow("s3:GetObject", "arn:aws:s3:::state/some key", "")
	list := allow("s3:ListBucket", "arn:aws:s3:::state", "")
	prefixed := allow("s3:ListBucket", "arn:aws:s3:::state", `{"StringLike": {"s3:prefix": "some*"}}`)
	for name, c := range map[string]struct {
		documents []string
		code      string
	}{"may not": {[]string{read}, "AccessDenied"}, "may": {[]string{read, list}, "NoSuchKey"}, "by prefix": {[]string{read, prefixed}, "AccessDenied"}} {
		a := iamWorld(t, c.documents...)
		a.S3.(*S3).CreateBucket("state")
		if _, body := answerOf(t, a, get()); !strings.Contains(body, c.code) || len(a.IAM.Denied()) > 0 {
			t.Errorf("%s: %s, denied %v", name, body, a.IAM.Denied())
		}
	}
}

// A write on condition of what is there reads it, and encryption takes the key, through S3 alone.
func TestAWriteNeedsAllThatItDoes(t *testing.T) {
	const object, key = "arn:aws:s3:::state/memory.json", "arn:aws:kms:eu-west-1:111122223333:key/1234"
	put := allow("s3:PutObject", object, `{"StringEquals": {"s3:ResourceAccount": "111122223333"}, "Null": {"s3:if-match": "false"}}`)
	get := allow("s3:GetObject", object, "")
	use := allow("kms:GenerateDataKey", key, `{"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}, "ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/st*"}}`)
	for name, c := range map[string]struct {
		documents []string
		denied    string
	}{
		"all":         {[]string{put, get, use}, ""},
		"no key":      {[]string{put, get}, "kms:GenerateDataKey"},
		"no reading":  {[]string{put, use}, "s3:GetObject"},
		"no writing":  {[]string{get, use}, "s3:PutObject"},
		"another key": {[]string{put, get, strings.Replace(use, "key/1234", "key/12345", 1)}, "kms:GenerateDataKey"},
	} {
		a := iamWorld(t, c.documents...)
		a.IAM.Keys = map[string][]string{key: {"alias/state"}}
		a.S3.(*S3).Put("state", "memory.json", []byte("old"))
		r := signedBy("test", "s3", http.MethodPut, "/state/memory.json", strings.NewReader("new"))
		r.Header.Set("If-Match", a.S3.(*S3).Objects("state")["memory.json"].ETag)
		r.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
		r.Header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "alias/state")
		status, body := answerOf(t, a, r)
		denied := a.IAM.Denied()
		if c.denied == "" && status != 200 || c.denied != "" && (len(denied) != 1 || denied[0].Action != c.denied || status != 403) {
			t.Errorf("%s: %d %s, denied %v", name, status, body, denied)
		}
		if strings.HasPrefix(c.denied, "kms:") && !strings.Contains(body, "not authorized to perform: "+c.denied+" on resource: "+key) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestWhatWasNotNeededIsKnown(t *testing.T) {
	a := iamWorld(t, `{"Version": "2012-10-17", "Statement": [{"Sid": "Change", "Effect": "Allow",
		"Action": ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"], "Resource": ["`+iamGroup+`", "arn:aws:x"]}]}`)
	answerOf(t, a, register("test"))
	want := []string{
		" Change: elasticloadbalancing:RegisterTargets on arn:aws:x", " Change: elasticloadbalancing:DeregisterTargets on " + iamGroup,
		" Change: elasticloadbalancing:DeregisterTargets on arn:aws:x",
	}
	if got := a.IAM.Unused(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestConditionsAreJudgedAsIAMDoes(t *testing.T) {
	one, two, none := []string{"a"}, []string{"a", "b"}, []string(nil)
	for _, c := range []struct {
		operator    string
		got, wanted []string
		held        bool
	}{
		{"StringEquals", one, two, true},
		{"StringEquals", []string{"A"}, two, false},
		{"StringEqualsIgnoreCase", []string{"A"}, two, true},
		{"StringEquals", none, two, false},
		{"StringEquals", two, two, false}, // of several values only the sets speak
		{"StringEqualsIfExists", none, two, true},
		{"StringEqualsIfExists", []string{"c"}, two, false},
		{"StringNotEquals", one, two, false},
		{"StringNotEquals", []string{"c"}, two, true},
		{"StringNotEquals", none, two, true},
		{"StringLike", []string{"a*c"}, []string{"a${*}?"}, true},
		{"StringLike", []string{"abc"}, []string{"a${*}?"}, false},
		{"StringLike", []string{"abc"}, []string{"a*"}, true},
		{"StringNotLike", []string{"abc"}, []string{"a*"}, false},
		{"ArnLike", []string{iamGroup}, []string{"arn:aws:elasticloadbalancing:*:111122223333:targetgroup/web/*"}, true},
		{"ArnLike", []string{iamGroup}, []string{"arn:aws:elasticloadbalancing:*:targetgroup/web/*"}, false},
		{"ArnEquals", []string{"x"}, []string{"*"}, false},
		{"Bool", []string{"true"}, []string{"TRUE"}, true},
		{"Null", none, []string{"true"}, true},
		{"Null", one, []string{"true"}, false},
		{"Null", one, []string{"false"}, true},
		{"ForAllValues:StringEquals", two, two, true},
		{"ForAllValues:StringEquals", two, one, false},
		{"ForAllValues:StringEquals", none, one, true},
		{"ForAnyValue:StringEquals", two, one, true},
		{"ForAnyValue:StringEquals", none, one, false},
	} {
		if held, known := judge(c.operator, c.got, c.wanted); held != c.held || !known {
			t.Errorf("%s of %q and %q: %t, known %t", c.operator, c.got, c.wanted, held, known)
		}
	}
	for _, operator := range []string{"IpAddress", "StringSometimes", "ForSome:StringEquals", "StringEqualsifexists", ""} {
		if held, known := judge(operator, one, one); held || known {
			t.Errorf("%q is known", operator)
		}
	}
}

func TestAPolicyThatIsNotUnderstoodIsRefused(t *testing.T) {
	for _, bad := range []string{
		``, `{}`, `[]`, `{"Version": "2008-10-17", "Statement": []}`, `{"Version": "2012-10-17", "Statement": {"Effect": "Perhaps", "Action": "*", "Resource": "*"}}`,
		`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*"}}`,
		`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "*", "Resource": "*"}}`,
		`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": {"a": 1}, "Resource": "*"}}`,
		`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}}`,
		`{"Version": "2012-10-17", "Statement": {"Sid": "two words", "Effect": "Allow", "Action": "*", "Resource": "*"}}`,
		`{"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}]}`,
	} {
		if err := new(IAM).Attach("", bad); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}
