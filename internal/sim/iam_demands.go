package sim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A demand is a permission that a call needs.
type demand struct {
	action, resource string              // *: AWS has no resources for the action
	context          map[string][]string // by condition key, in lower case
	silent           bool                // without it the call goes on, and less is told
}

// A judged call is one that is looked at for its demands.
type judged struct {
	*http.Request
	call   AWSCall
	region string
	iam    *IAM
	s3     *S3 // where that is this world's own; may be nil
}

// demandsOf are, by service and action on the wire, what a call needs, as the Service Authorization Reference has it:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
// Of the calls that are not here the action is named as on the wire, or as rest has it, and no resource is known.
var demandsOf = map[string]func(judged) []demand{
	"elb RegisterTargets":   judged.onGroup,
	"elb DeregisterTargets": judged.onGroup,
	"s3 GetObject":          judged.read,
	"s3 HeadObject":         judged.read,
	"s3 PutObject":          judged.write,
	"s3 DeleteObject":       func(r judged) []demand { return []demand{r.needs("s3:DeleteObject", r.object())} },
	"s3 ListBucket":         judged.list,
	"cloudwatch PutMetricData": func(r judged) []demand {
		return []demand{r.needs("cloudwatch:PutMetricData", "*", "cloudwatch:namespace", r.call.Form.Get("Namespace"))}
	},
	"dynamodb GetItem": judged.item,
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
	"sts GetCallerIdentity": func(judged) []demand { return nil },
	"sts AssumeRole": func(r judged) []demand {
		return []demand{r.needs("sts:AssumeRole", r.call.Form.Get("RoleArn"), "sts:externalid", r.call.Form.Get("ExternalId"))}
	},
	"sns Publish":      judged.publish,
	"sns PublishBatch": judged.publish,
	"events PutEvents": judged.events,
}

// prefixes are the services' names in actions, where they differ from those of signatures.
var prefixes = map[string]string{"elb": "elasticloadbalancing"}

func (i *IAM) demands(r *http.Request, c AWSCall, region string, s3 *S3) []demand {
	one := judged{r, c, region, i, s3}
	if of, ok := demandsOf[c.Service+" "+c.Action]; ok {
		return of(one)
	}
	if action, resource := one.rest(); action != "" {
		return []demand{one.needs(action, resource)}
	}
	return []demand{one.needs(cmp.Or(prefixes[c.Service], c.Service)+":"+c.Action, "*")}
}

// rest names the actions of calls in REST that mooring makes; "" is that of others:
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html
func (r judged) rest() (action, resource string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 2 {
		return "", ""
	}
	id := parts[min(2, len(parts)-1)]
	switch r.call.Service + " " + r.Method + " " + parts[1] + strings.Repeat("/", len(parts)-2) + strings.Join(parts[min(3, len(parts)):], "") {
	case "lambda GET functions":
		return "lambda:ListFunctions", "*"
	case "route53 GET hostedzonesbyname":
		return "route53:ListHostedZonesByName", "*"
	case "route53 GET hostedzone/":
		return "route53:GetHostedZone", "arn:" + r.partition() + ":route53:::hostedzone/" + id
	case "route53 GET hostedzone//rrset":
		return "route53:ListResourceRecordSets", "arn:" + r.partition() + ":route53:::hostedzone/" + id
	case "route53 POST hostedzone//rrset":
		return "route53:ChangeResourceRecordSets", "arn:" + r.partition() + ":route53:::hostedzone/" + id
	case "route53 GET change/":
		return "route53:GetChange", "arn:" + r.partition() + ":route53:::change/" + id
	default:
		return "", ""
	}
}

// needs is a demand with the keys that every request has, and pairs of others. An empty value is none.
func (r judged) needs(action, resource string, pairs ...string) demand {
	d := demand{action: action, resource: resource, context: map[string][]string{"aws:requestedregion": {r.region}}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			d.context[pairs[i]] = []string{pairs[i+1]}
		}
	}
	return d
}

func (r judged) partition() string {
	switch {
	case strings.HasPrefix(r.region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(r.region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

func (r judged) account() string { return cmp.Or(r.call.Account, r.iam.Account, "111122223333") }

// arn is one of the caller's own account and Region.
func (r judged) arn(service, resource string) string {
	if strings.HasPrefix(resource, "arn:") {
		return resource
	}
	return "arn:" + r.partition() + ":" + service + ":" + r.region + ":" + r.account() + ":" + resource
}

func (r judged) onGroup() []demand {
	return []demand{r.needs("elasticloadbalancing:"+r.call.Action, r.call.Form.Get("TargetGroupArn"))}
}

func (r judged) bucket() string {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket
}

func (r judged) object() string {
	return "arn:" + r.partition() + ":s3:::" + r.bucket() + "/" + r.call.Key
}

func (r judged) owner() string {
	return cmp.Or(r.iam.Owners[r.bucket()], r.iam.Account, "111122223333")
}

func (r judged) list() []demand {
	return []demand{r.needs("s3:ListBucket", "arn:"+r.partition()+":s3:::"+r.bucket(),
		"s3:resourceaccount", r.owner(), "s3:prefix", r.URL.Query().Get("prefix"))}
}

// read needs the object, and the key that it is encrypted with. Whether an object is there at all is told to who may list the
// bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (r judged) read() []demand {
	out := []demand{r.needs("s3:GetObject", r.object(), "s3:resourceaccount", r.owner())}
	if r.s3 != nil {
		if o, ok := r.s3.Objects(r.bucket())[r.call.Key]; ok && o.KMSKey != "" {
			out = append(out, r.key("kms:Decrypt", o.KMSKey))
		}
	}
	list := r.list()[0]
	list.silent = true
	return append(out, list)
}

// write needs the object, and the key that it is to be encrypted with. A write that is conditional on what is there needs to
// read it too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (r judged) write() []demand {
	sse, key := r.Header.Get("X-Amz-Server-Side-Encryption"), r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	keys := []string{
		"s3:resourceaccount", r.owner(), "s3:x-amz-server-side-encryption", sse, "s3:x-amz-server-side-encryption-aws-kms-key-id", key,
		"s3:if-match", r.Header.Get("If-Match"), "s3:if-none-match", r.Header.Get("If-None-Match"),
	}
	out := []demand{r.needs("s3:PutObject", r.object(), keys...)}
	if r.Header.Get("If-Match") != "" {
		out = append(out, r.needs("s3:GetObject", r.object(), "s3:resourceaccount", r.owner()))
	}
	if sse == "aws:kms" && key != "" { // AWS's own key needs no permission
		out = append(out, r.key("kms:GenerateDataKey", key))
	}
	return out
}

// key is what S3 does with a key in the caller's name:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (r judged) key(action, name string) demand {
	arn := r.arn("kms", "key/"+name)
	if strings.HasPrefix(name, "arn:") {
		arn = name
	}
	for key, aliases := range r.iam.Keys {
		if slices.Contains(aliases, name[strings.LastIndex(name, ":")+1:]) {
			arn = key
		}
	}
	host := "amazonaws.com"
	if r.partition() == "aws-cn" {
		host += ".cn"
	}
	d := r.needs(action, arn, "kms:viaservice", "s3."+r.region+"."+host)
	if aliases := r.iam.Keys[arn]; len(aliases) > 0 {
		d.context["kms:resourcealiases"] = aliases
	}
	return d
}

func (r judged) publish() []demand {
	return []demand{r.needs("sns:Publish", r.call.Form.Get("TopicArn"))}
}

func (r judged) item() []demand {
	var in struct {
		TableName string
		Key       map[string]map[string]string
	}
	r.peek(&in)
	d := r.needs("dynamodb:GetItem", r.arn("dynamodb", "table/"+in.TableName))
	if strings.HasPrefix(in.TableName, "arn:") {
		d.resource = in.TableName
	}
	for _, value := range in.Key { // the tables of this world have a partition key alone
		for _, v := range value {
			d.context["dynamodb:leadingkeys"] = append(d.context["dynamodb:leadingkeys"], v)
		}
	}
	return []demand{d}
}

func (r judged) events() (out []demand) {
	var in struct {
		Entries []struct{ EventBusName string }
	}
	r.peek(&in)
	for _, e := range in.Entries {
		bus := cmp.Or(e.EventBusName, "default")
		if !strings.HasPrefix(bus, "arn:") {
			bus = "event-bus/" + bus
		}
		out = append(out, r.needs("events:PutEvents", r.arn("events", bus)))
	}
	if len(out) == 0 {
		out = append(out, r.needs("events:PutEvents", "*"))
	}
	return out
}

// peek reads a body of JSON, and leaves it readable. What is no JSON says nothing, and is refused for what it is later.
func (r judged) peek(into any) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, into)
}

// A secret request is by somebody who may not list the bucket.
type secret struct{}

func keepsSecret(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), secret{}, true))
}

func isSecret(r *http.Request) bool { return r.Context().Value(secret{}) != nil }
