//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// These stories let the generated policies judge every call: nothing is denied, and nothing is allowed that no call needs.

const (
	farRole    = "arn:aws:iam::111122220001:role/teams/mooring"
	memoryRole = "arn:aws:iam::333344445555:role/mooring-memory"
	topicARN   = "arn:aws:sns:eu-west-1:111122223333:changes"
	busARN     = "arn:aws:events:eu-west-1:111122220001:event-bus/ops"
	stateKey   = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
	farKey     = "arn:aws:kms:eu-west-1:333344445555:key/99999999-2222-3333-4444-555555555555"
)

// A guarded desk is one whose AWS asks IAM.
type guarded struct {
	*desk
	iam *sim.IAM
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	d := &guarded{desk: newDesk(t), iam: &sim.IAM{
		Owners: map[string]string{"far-bucket": "333344445555"}, Keys: map[string][]string{stateKey: {"alias/state"}},
	}}
	d.AWS.STS = &sim.STS{Roles: map[string]sim.Role{farRole: {ExternalID: "far"}, memoryRole: {}}}
	d.AWS.SNS, d.AWS.EventBridge = &sim.SNS{Topics: []string{topicARN}}, &sim.EventBridge{Buses: []string{"ops"}}
	d.AWS.DynamoDB = &sim.DynamoDB{}
	d.S3.CreateBucket("far-bucket")
	return d
}

// The roles that a process assumes are named on standard error.
var assumed = regexp.MustCompile(`--identity (arn:\S+)`)

// guard gives everybody the policies that the verb prints, of which AWS is asked nothing.
func (d *guarded) guard(t *testing.T, args ...string) {
	t.Helper()
	d.AWS.IAM = d.iam
	before := len(d.AWS.Calls())
	code, out, errs := d.mooring(t.Context(), "", append([]string{"iam-policy"}, args...)...)
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	d.attach(t, "", out)
	for _, m := range assumed.FindAllStringSubmatch(errs, -1) {
		d.attach(t, m[1], d.must(t, append([]string{"iam-policy", "--identity", m[1]}, args...)...))
	}
	if got := d.AWS.Calls()[before:]; len(got) > 0 {
		t.Errorf("to make the policies took %d calls, such as %s", len(got), got[0].Action)
	}
}

// attach takes one policy, or a list of them.
func (d *guarded) attach(t *testing.T, who, text string) {
	t.Helper()
	list := []json.RawMessage{json.RawMessage(text)}
	if strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
	}
	var documents []string
	for _, one := range list {
		documents = append(documents, string(one))
	}
	if err := d.iam.Attach(who, documents...); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// settle wants nothing to have been denied, and nothing to be left that was allowed for nothing.
func (d *guarded) settle(t *testing.T) {
	t.Helper()
	for _, x := range d.iam.Denied() {
		t.Errorf("denied to %q: %s on %s", x.Identity, x.Action, x.Resource)
	}
	for _, unused := range d.iam.Unused() {
		t.Errorf("never needed: %s", unused)
	}
}

// balanced puts groups behind a load balancer, whose zones are then of interest.
func balanced(groups ...*sim.TargetGroup) {
	front := sim.LoadBalancer{
		ARN: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/front/0123456789abcdef", Zones: []string{"eu-west-1a", "eu-west-1b"},
	}
	for _, one := range groups {
		one.Adjust(func(g *sim.TargetGroup) { g.LoadBalancers = []sim.LoadBalancer{front} })
	}
}

// wholeFile has a binding of every kind, in the bucket.
func (d *guarded) wholeFile(t *testing.T) (path string) {
	t.Helper()
	ms := d.Many(5, 3)
	balanced(d.Group, ms[1].Group)
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	at := func(i int, more string) string {
		return fmt.Sprintf("- {name: b%d, hostname: %q, target_group: %q, %s}\n", i, ms[i].Name, ms[i].Group.ARN, more)
	}
	text := fmt.Sprintf("defaults: {memory: 's3://%s/some where', port: 443, hold: 0s, misses: 1, miss_probability: 0.1, interval: 1s}\nbindings:\n", rigtest.Bucket) +
		fmt.Sprintf("- {name: web, hostname: %q, target_group: %q, memory_sse: 'aws:kms:alias/state', memory_owner: '111122223333', notify: ['sns:%s', stdout]}\n", rigtest.Name, rigtest.ARN, topicARN) +
		at(0, "mode: add-only, memory_sse: AES256") +
		at(1, fmt.Sprintf("role_arn: %q, external_id: far, memory: 's3://far-bucket', memory_role_arn: %q, memory_owner: '333344445555', memory_sse: %q, notify: 'eventbridge:ops'", farRole, memoryRole, "aws:kms:"+farKey)) +
		at(2, "mode: observe, notify: 'sns:"+topicARN+"2'") +
		at(3, "memory: none") +
		at(4, "memory_sse: aws:kms")
	d.S3.Put(rigtest.Bucket, "config/bindings.yaml", []byte(text))
	path = filepath.Join(t.TempDir(), "bindings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"MOORING_HOSTNAME", "MOORING_TARGET_GROUP", "MOORING_PORT", "MOORING_HOLD", "MOORING_MEMORY"} {
		delete(d.env, name)
	}
	return path
}

const configAt = "s3://" + rigtest.Bucket + "/config/bindings.yaml"

// lose takes the last address of every name away, until all that may let it go have.
func (d *guarded) lose(t *testing.T, args ...string) {
	t.Helper()
	for i := range 5 {
		d.DNS.Set(fmt.Sprintf("internal-app-%d.%s", i, rigtest.Zone), rigtest.Addrs(1, 2)...)
	}
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	for range 3 {
		d.must(t, append([]string{"sync"}, args...)...)
	}
	if got := d.Registered(); len(got) != 2 {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
}

func TestEveryVerbIsAllowedWhatItDoesAndNothingIsAllowedInVain(t *testing.T) {
	d := newGuarded(t)
	file := d.wholeFile(t)
	d.guard(t, "--config", file, "--config-at", configAt)
	d.must(t, "sync", "--config", configAt)
	d.lose(t, "--config", configAt)
	d.settle(t) // the rounds need all of it already
	for _, verb := range [][]string{
		{"plan"},
		{"status"},
		{"explain", "10.0.0.11"},
		{"config", "check"},
		{"adopt", "--binding", "web", "10.0.0.11"},
		{"forget", "--binding", "web", "10.0.0.11"},
		{"pause", "--binding", "web"},
		{"resume", "--binding", "web"},
		{"release", "--binding", "web", "--binding", "b1", "--deregister", "--yes"},
	} {
		d.must(t, append(verb, "--config", configAt)...)
	}
	d.settle(t)
}

func TestTheDaemonIsAllowedItsLeasesToo(t *testing.T) {
	d := newGuarded(t)
	file := d.wholeFile(t)
	d.guard(t, "--config", file, "--config-at", configAt, "--for", "daemon")
	v := keepVigil(t, d.World, "--config", configAt)
	ended := map[any]bool{}
	for len(ended) < 6 {
		ended[v.round()["binding"]] = true
	}
	if code := v.end(); code != 0 {
		t.Errorf("exit code %d: %s", code, &v.errs)
	}
	d.lose(t, "--config", configAt)
	d.settle(t)
}

// trussworks is what the policy of trussworks/nlb-tg-to-alb/aws allows, Lambda's log apart: the exact objects of AWS's
// function of 2021, and no Describe but one.
// https://github.com/trussworks/terraform-aws-nlb-tg-to-alb
const trussworks = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": [
		"arn:aws:s3:::` + rigtest.Bucket + `/` + rigtest.Name + `/pending_ip.json", "arn:aws:s3:::` + rigtest.Bucket + `/` + rigtest.Name + `/active_ip.json"]},
	{"Effect": "Allow", "Action": "elasticloadbalancing:DescribeTargetHealth", "Resource": "*"},
	{"Effect": "Allow", "Action": ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"], "Resource": "` + rigtest.ARN + `"},
	{"Effect": "Allow", "Action": "cloudwatch:putMetricData", "Resource": "*"}]}`

// The memory has no place under that policy. So addresses come, and none leaves, until the statements that the warnings hold
// are granted; then the older function's counts go on.
func TestUnderTrussworksPolicyAddressesComeAndLeaveOnceTheMissingStatementIsGranted(t *testing.T) {
	d := newGuarded(t)
	d.env = map[string]string{
		"ALB_DNS_NAME": rigtest.Name, "ALB_LISTENER": "443", "S3_BUCKET": rigtest.Bucket, "NLB_TG_ARN": rigtest.ARN,
		"MAX_LOOKUP_PER_INVOCATION": "50", "INVOCATIONS_BEFORE_DEREGISTRATION": "3", "CW_METRIC_FLAG_IP_COUNT": "true",
		"MOORING_HOLD": "0s", "MOORING_RESOLVER": d.DNS.Resolver().String(),
	}
	active := `{"LoadBalancerName": "` + rigtest.Name + `", "IPList": ["10.0.0.12", "10.0.0.13", "10.0.0.14"], "IPCount": 3}`
	d.S3.Put(rigtest.Bucket, rigtest.Name+"/active_ip.json", []byte(active))
	d.S3.Put(rigtest.Bucket, rigtest.Name+"/pending_ip.json", []byte("{}"))
	d.AWS.IAM = d.iam
	d.attach(t, "", trussworks)
	for _, a := range rigtest.Addrs(2, 4) {
		if err := d.Group.Register(d.Now(), []sim.TargetDescription{{Addr: a, Port: rigtest.Port}}); err != nil {
			t.Fatal(err)
		}
	}
	var out string
	d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	for range 5 {
		out = d.must(t, "sync")
	}
	if got := d.Registered(); !slices.Equal(got, rigtest.Addrs(1, 4)) {
		t.Errorf("registered: %s", rigtest.Strings(got))
	}
	if data := d.CloudWatch.Data(); len(data) == 0 || data[0].Value != 3 {
		t.Errorf("the metric: %v", data)
	}
	missing := regexp.MustCompile(`\{"Effect":"Allow"[^}]*"s3:[^}]*}`)
	granted := map[string]bool{}
	for range 6 { // first the save, then what it needs to replace what is there, then three misses
		for _, statement := range missing.FindAllString(out, -1) {
			granted[statement] = true
		}
		statements := strings.Join(slices.Sorted(maps.Keys(granted)), ",")
		d.attach(t, "", `[`+trussworks+`, {"Version": "2012-10-17", "Statement": [`+statements+`]}]`)
		out = d.must(t, "sync")
	}
	if len(granted) != 2 {
		t.Errorf("the warnings named %v", granted)
	}
	if got := d.Registered(); !slices.Equal(got, rigtest.Addrs(1, 3)) {
		t.Errorf("with %d statements more these are registered: %s\n%s", len(granted), rigtest.Strings(got), out)
	}
	if got := d.S3.Objects(rigtest.Bucket)[rigtest.Name+"/active_ip.json"]; string(got.Body) != active {
		t.Errorf("the older function's state was changed: %s", got.Body)
	}
}

// crestaItem is what cresta's tool left for the world's name.
const crestaItem = `{"Key": {"S": "` + rigtest.ARN + ` ` + rigtest.Name + `"}, "State": {"M": {"Targets": {"L": [{"M": {"IP": {"S": "10.0.0.11"}}}]}}}}`

// What each older function left is read by the policy of its environment, and its metric goes on.
func TestEachOlderFunctionsEnvironmentHasItsPolicy(t *testing.T) {
	common := map[string]string{
		"S3_BUCKET": rigtest.Bucket, "NLB_TG_ARN": rigtest.ARN, "ELB_TG_ARN": rigtest.ARN, "MAX_LOOKUP_PER_INVOCATION": "50",
		"INVOCATIONS_BEFORE_DEREGISTRATION": "3", "ALB_LISTENER": "443", "RDS_LISTENER_PORT": "443", "MOORING_HOLD": "0s",
	}
	for name, more := range map[string]map[string]string{
		"v1":           {"ALB_DNS_NAME": rigtest.Name, "CW_METRIC_FLAG_IP_COUNT": "true"},
		"v1, own port": {"ALB_DNS_NAME": rigtest.Name, "CW_METRIC_FLAG_IP_COUNT": "false", "MOORING_MEMORY_SSE": "aws:kms:" + stateKey},
		"v3":           {"TARGET_FQDN": rigtest.Name, "BUCKET_REGION": "eu-west-1", "REPORT_IP_COUNT_CW_METRIC": "true", "MOORING_PORT": "443"},
		"read-replica": {"RDS_REPLICA_DNS_NAMES": rigtest.Name},
		"dual-group":   {"NLB_TLS_TG_ARN": strings.Replace(rigtest.ARN, "/web/", "/tls/", 1), "MOORING_HOSTNAME": rigtest.Name},
		"cresta":       {"TARGET_FQDN": rigtest.Name, "DYNAMODB_TABLE": "state", "MOORING_MEMORY": "s3://" + rigtest.Bucket, "S3_BUCKET": ""},
		"camptocamp":   {"TARGET_FQDNS": rigtest.Name, "S3_BUCKET": ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newGuarded(t)
			balanced(d.Group)
			d.AWS.ELB = &sim.ELBv2{Now: d.Now, Groups: []*sim.TargetGroup{d.Group, {
				ARN: strings.Replace(rigtest.ARN, "/web/", "/tls/", 1), Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 8443, CrossZone: true, Subnets: d.Group.Subnets,
			}}}
			if err := d.AWS.DynamoDB.(*sim.DynamoDB).PutItem("state", []byte(crestaItem)); err != nil {
				t.Fatal(err)
			}
			d.env = maps.Clone(common)
			maps.Copy(d.env, more)
			d.env["MOORING_RESOLVER"] = d.DNS.Resolver().String()
			d.guard(t)
			d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
			d.must(t, "sync")
			d.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
			for range 3 {
				d.must(t, "sync")
			}
			if got, stays := d.Registered(), d.env["TARGET_FQDNS"] != ""; !stays && !slices.Equal(got, rigtest.Addrs(1, 2)) {
				t.Errorf("registered: %s", rigtest.Strings(got))
			}
			d.settle(t)
		})
	}
}
