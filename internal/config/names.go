package config

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"mooring"
)

const maxHostnames = 32

// setHostname takes a name as DNS writes it (RFC 1035 §2.3.4: 253 characters, labels of 63).
func setHostname(c *Config, v string) error {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(v), "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return errors.New("want a name: this is an address, which needs no keeping")
	}
	if strings.Contains(name, ",") {
		return errors.New("want one name, without commas: give the flag once for each, or a list in a file")
	}
	if strings.Contains(name, "://") || strings.ContainsAny(name, "/:") {
		return errors.New("want a bare name, without scheme, port or path")
	}
	if len(name) == 0 || len(name) > 253 {
		return errors.New("want a name of 1 to 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) > maxLabel || !labelForm.matches(label) {
			return fmt.Errorf("want a name: %q is no label of one", label)
		}
	}
	if len(c.Binding.Hostnames) == maxHostnames {
		return fmt.Errorf("want at most %d names", maxHostnames)
	}
	c.Binding.Hostnames = append(c.Binding.Hostnames, name)
	return nil
}

// A form is a regular expression that is compiled when it is first used: few are in one start of the program, and
// compiling all of them was most of what this package took of it. Lengths are checked beside the forms, for counted
// repetitions take the longest. The schema of a file quotes them, so they keep to what JSON Schema's patterns (ECMA-262)
// have too.
type form struct {
	text     string
	compiled func() *regexp.Regexp
}

func formOf(text string) form {
	return form{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (f form) matches(v string) bool { return f.compiled().MatchString(v) }

var (
	labelForm      = formOf(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$`)
	nameForm       = formOf(`^[A-Za-z0-9._-]+$`)
	groupForm      = formOf(`^arn:(aws[a-z-]*):elasticloadbalancing:([a-z0-9-]+):([0-9]{12}):targetgroup/([A-Za-z0-9-]+)/([A-Za-z0-9]+)$`)
	bucketForm     = formOf(`^[a-z0-9][a-z0-9._-]+[a-z0-9]$`)
	zoneForm       = formOf(`^[a-z][a-z](-[a-z0-9]+)+$`)
	zoneIDForm     = formOf(`^[a-z]+[0-9]+(-[a-z0-9]+)*-(az|wlz)[0-9]+$`)
	regionForm     = formOf(`^[a-z]+(-[a-z]+)+-[0-9]+$`)
	roleForm       = formOf(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+$`)
	memoryRoleForm = formOf(`^(none|arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+)$`)
	accountForm    = formOf(`^[0-9]{12}$`)
	topicForm      = formOf(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$`)
	busForm        = formOf(`^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[/._A-Za-z0-9-]+$`)
)

const (
	maxLabel  = 63   // RFC 1035 section 2.3.4
	maxBucket = 63   // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	maxName   = 128  // as long as reports and metrics can carry
	maxARN    = 256  // target groups have names of 32 characters; other ARNs here are no longer
	maxTopic  = 512  // https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html: 256 of name
	maxBus    = 1600 // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
	maxRole   = 640  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: 512 of path, 64 of name
)

// These are for the schema alone.
const (
	memoryForm = `^(none|file:.+|s3://[a-z0-9][a-z0-9._-]+[a-z0-9](/.*)?)$`
	sseForm    = `^(none|AES256|aws:kms(:.+)?)$`
	notifyForm = `^(stdout|sns:arn:.+|eventbridge:.+)$`
)

// setTargetGroup takes the ARN of a target group, or the address of a front:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
func setTargetGroup(c *Config, v string) error {
	scheme, place, hasScheme := strings.Cut(v, "://")
	switch {
	case len(v) <= maxARN && groupForm.matches(v):
		c.Binding.TargetGroup, c.Front.Listen = v, netip.AddrPort{}
		return nil
	case hasScheme && scheme == "tcp":
		return setFront(c, place)
	case hasScheme:
		return errors.New("want tcp://ADDR:PORT, such as tcp://0.0.0.0:8443: a front passes TCP on, whatever it carries, and nothing else")
	case strings.Contains(v, ":loadbalancer/"):
		return errors.New("want the ARN of a target group: this is a load balancer's")
	case strings.Contains(v, ":listener/"):
		return errors.New("want the ARN of a target group: this is a listener's")
	default:
		return errors.New("want the ARN of a target group: arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID, or tcp://ADDR:PORT")
	}
}

// GroupRegion is the region in a target group's ARN.
func GroupRegion(arn string) string {
	if m := groupForm.compiled().FindStringSubmatch(arn); m != nil {
		return m[2]
	}
	return ""
}

func nameOf(b mooring.Binding) string {
	if at := frontOf(b.TargetGroup); at.IsValid() {
		return frontName(at, b.Port)
	}
	name := b.TargetGroup
	if m := groupForm.compiled().FindStringSubmatch(b.TargetGroup); m != nil {
		name = m[4]
	}
	if b.Port != 0 {
		name = fmt.Sprintf("%s-%d", name, b.Port)
	}
	return name
}

func setMemory(c *Config, v string) error {
	kept := c.Memory
	kept.Kind, kept.Bucket, kept.Prefix, kept.Dir = "", "", "", ""
	switch {
	case v == "none":
		kept.Kind = "none"
	case strings.HasPrefix(v, "file:"):
		kept.Kind, kept.Dir = "file", strings.TrimPrefix(strings.TrimPrefix(v, "file:"), "//")
		if kept.Dir == "" {
			return errors.New("want file:DIR: there is no directory")
		}
		kept.Dir = filepath.Clean(kept.Dir)
	case strings.HasPrefix(v, "s3://"):
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(v, "s3://"), "/")
		if len(bucket) > maxBucket || !bucketForm.matches(bucket) {
			return fmt.Errorf("want s3://BUCKET[/PREFIX]: %q is no bucket's name", bucket)
		}
		if prefix != "" && !strings.HasSuffix(prefix, "/") {
			prefix += "/"
		}
		kept.Kind, kept.Bucket, kept.Prefix = "s3", bucket, prefix
	default:
		return errors.New("want s3://BUCKET[/PREFIX], file:DIR, or none")
	}
	c.Memory = kept
	return nil
}

func setSSE(c *Config, v string) error {
	if v == "none" || v == "AES256" || v == "aws:kms" || strings.HasPrefix(v, "aws:kms:") && len(v) > len("aws:kms:") && len(v) <= maxText {
		c.Memory.SSE = v
		return nil
	}
	return errors.New("want none, AES256, aws:kms or aws:kms:KEY")
}

// setZone takes an availability zone by its name, which means another zone in another account, or by its id, which
// does not: https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
func setZone(c *Config, v string) error {
	named := len(v) <= maxLabel && (zoneForm.matches(v) || zoneIDForm.matches(v))
	if v != "auto" && v != "all" && v != "none" && !named {
		return errors.New("want auto, all, none, or a zone such as eu-west-1a or euw1-az1")
	}
	c.Zone = v
	return nil
}

func regionOf(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if len(v) > maxLabel || !regionForm.matches(v) {
			return errors.New("want a region, such as eu-west-1")
		}
		*at(c) = v
		return nil
	}
}

var errRole = errors.New("want the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME")

func setRole(c *Config, v string) error {
	if len(v) > maxRole || !roleForm.matches(v) {
		return errRole
	}
	c.AWS.RoleARN = v
	return nil
}

func setMemoryRole(c *Config, v string) error {
	if len(v) > maxRole || !memoryRoleForm.matches(v) {
		return fmt.Errorf("%w, or none", errRole)
	}
	c.Memory.RoleARN = v
	return nil
}

func setMemoryOwner(c *Config, v string) error {
	if !accountForm.matches(v) {
		return errors.New("want an account: 12 digits")
	}
	c.Memory.Owner = v
	return nil
}

// setNotify takes what SNS and EventBridge write: the ARN of a topic, and a bus's name or ARN.
func setNotify(c *Config, v string) error {
	kind, target, _ := strings.Cut(v, ":")
	switch {
	case v == "stdout":
	case kind == "sns" && len(target) <= maxTopic && topicForm.matches(target):
	case kind == "eventbridge" && len(target) <= maxBus && busForm.matches(target):
	case kind == "sns":
		return errors.New("want sns:ARN with the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME")
	case kind == "eventbridge":
		return errors.New("want eventbridge:BUS with the name or the ARN of an event bus")
	default:
		return errors.New("want sns:ARN, eventbridge:BUS, or stdout")
	}
	if n := (Notify{Kind: kind, ARN: target}); !slices.Contains(c.Notify, n) {
		c.Notify = append(c.Notify, n)
	}
	return nil
}

func checkName(v string) error {
	if len(v) > maxName || !nameForm.matches(v) {
		return fmt.Errorf("want a name of 1 to %d letters, digits, dots, dashes and underscores", maxName)
	}
	return nil
}

func setResolver(c *Config, v string) error {
	addr, err := netip.ParseAddrPort(v)
	if err != nil {
		alone, aloneErr := netip.ParseAddr(v)
		if aloneErr != nil {
			return errors.New("want ADDR:PORT, such as 10.0.0.2:53")
		}
		addr = netip.AddrPortFrom(alone, 53)
	}
	c.DNS.Resolvers = append(c.DNS.Resolvers, addr)
	return nil
}

// setAdmit replaces the default ranges by the first one given, and adds the others.
func setAdmit(c *Config, v string) error {
	prefix, err := netip.ParsePrefix(v)
	if err != nil {
		return errors.New("want a CIDR, such as 10.1.0.0/16")
	}
	if !c.AdmitGiven {
		c.Policy.Admit = nil
	}
	c.AdmitGiven = true
	c.Policy.Admit = append(c.Policy.Admit, prefix.Masked())
	return nil
}
