package deploytest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/rigtest"
)

// A Cloud is a CloudFormation that really makes resources: moto, or a world behind which it stands ([Join]). moto passes over
// AWS::Scheduler::Schedule, AWS::CloudWatch::Alarm and AWS::Lambda::EventInvokeConfig without a word; [Template.Resolve]
// sees them.
type Cloud struct {
	t   testing.TB
	url string
}

// region is where a Cloud's stacks are, and a world's group.
const region = "eu-west-1"

// Connect returns the Cloud at an endpoint, such as mototest's.
func Connect(t testing.TB, endpoint string) Cloud { return Cloud{t, endpoint} }

// Join lets moto answer in the world for all services that the world does not have itself, such as CloudFormation, Lambda, IAM,
// Scheduler, Route 53 and CloudWatch Logs. So one AWS_ENDPOINT_URL serves all.
func Join(w *rigtest.World, endpoint string) error {
	to, err := url.Parse(endpoint)
	if err == nil {
		w.AWS.Other = httputil.NewSingleHostReverseProxy(to)
	}
	return err
}

// Package puts something in the place of the function's archive, which nobody unpacks here. The bucket may be there already.
func (c Cloud) Package(bucket, key string) {
	c.t.Helper()
	const where = "<CreateBucketConfiguration><LocationConstraint>" + region + "</LocationConstraint></CreateBucketConfiguration>"
	c.send(request{service: "s3", method: http.MethodPut, path: "/" + bucket, kind: octets, body: where, tolerated: http.StatusConflict})
	c.send(request{service: "s3", method: http.MethodPut, path: "/" + bucket + "/" + key, kind: octets, body: "PK"})
}

// Create makes a stack, and returns its physical ids by logical ids. Whatever fails, fails the test.
func (c Cloud) Create(name, template string, parameters map[string]string) map[string]string {
	c.t.Helper()
	return c.stack("CreateStack", name, template, parameters)
}

// Update makes another stack of one that is there.
func (c Cloud) Update(name, template string, parameters map[string]string) map[string]string {
	c.t.Helper()
	return c.stack("UpdateStack", name, template, parameters)
}

func (c Cloud) stack(action, name, template string, parameters map[string]string) map[string]string {
	c.t.Helper()
	form := url.Values{"StackName": {name}, "TemplateBody": {template}, "Capabilities.member.1": {"CAPABILITY_IAM"}}
	i := 0
	for key, v := range parameters {
		i++
		form.Set(fmt.Sprintf("Parameters.member.%d.ParameterKey", i), key)
		form.Set(fmt.Sprintf("Parameters.member.%d.ParameterValue", i), v)
	}
	c.query(action, form, nil)
	var list struct {
		Resources []struct{ LogicalResourceId, PhysicalResourceId string } `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	c.query("DescribeStackResources", url.Values{"StackName": {name}}, &list)
	out := map[string]string{}
	for _, r := range list.Resources {
		out[r.LogicalResourceId] = r.PhysicalResourceId
	}
	return out
}

// A Made function is what a stack made, as Lambda has it.
type Made struct {
	Handler, Runtime, Role string
	Timeout, MemorySize    int
	Environment            struct{ Variables map[string]any } // text, which moto does not make of a template's numbers
}

// Function returns what Lambda has under a name, which is the physical id.
func (c Cloud) Function(name string) (m Made) {
	c.t.Helper()
	body := c.send(request{service: "lambda", method: http.MethodGet, path: "/2015-03-31/functions/" + name + "/configuration", kind: octets})
	if err := json.Unmarshal(body, &m); err != nil {
		c.t.Fatalf("function %s: %v\n%s", name, err, body)
	}
	return m
}

// Variables are a process's, sorted.
func (m Made) Variables() []string {
	var out []string
	for name, v := range m.Environment.Variables {
		out = append(out, fmt.Sprint(name, "=", v))
	}
	slices.Sort(out)
	return out
}

// query calls CloudFormation, and reads its XML.
func (c Cloud) query(action string, form url.Values, into any) {
	c.t.Helper()
	form.Set("Action", action)
	form.Set("Version", "2010-05-15")
	body := c.send(request{service: "cloudformation", path: "/", kind: formType, body: form.Encode()})
	if into == nil {
		return
	}
	if err := xml.Unmarshal(body, into); err != nil {
		c.t.Fatalf("%s: %v\n%s", action, err, body)
	}
}

const (
	formType = "application/x-www-form-urlencoded; charset=utf-8"
	octets   = "application/octet-stream" // of what is none of AWS's protocols
)

// A request is one to a service of AWS.
type request struct {
	service, method, path string // method "": POST
	kind, target, body    string // target: the action, in protocols that have it in a header
	tolerated             int    // a status that is no failure
}

// send sends a request that nobody checks the signature of; it says which service it is for.
func (c Cloud) send(r request) []byte {
	c.t.Helper()
	if r.method == "" {
		r.method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(c.t.Context(), r.method, c.url+r.path, strings.NewReader(r.body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", r.kind)
	if r.target != "" {
		req.Header.Set("X-Amz-Target", r.target)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261126/"+region+"/"+r.service+"/aws4_request, SignedHeaders=host, Signature=0")
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode >= http.StatusMultipleChoices && reply.StatusCode != r.tolerated {
		c.t.Fatalf("%s %s %s %s: %s: %v\n%s", r.service, r.method, r.path, r.target, reply.Status, err, text)
	}
	return text
}
