package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

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
		return errors.New("want one name: give the flag once for each")
	}
	if strings.Contains(name, "://") || strings.ContainsAny(name, "/:") {
		return errors.New("want a bare name, without scheme, port or path")
	}
	if len(name) == 0 || len(name) > 253 {
		return errors.New("want a name of 1 to 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) > maxLabel || !labelForm.MatchString(label) {
			return fmt.Errorf("want a name: %q is no label of one", label)
		}
	}
	if len(c.Binding.Hostnames) == maxHostnames {
		return fmt.Errorf("want at most %d names", maxHostnames)
	}
	c.Binding.Hostnames = append(c.Binding.Hostnames, name)
	return nil
}

// Lengths are checked beside these forms: a counted repetition takes long to compile, in every start of the program.
var (
	labelForm  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$`)
	groupForm  = regexp.MustCompile(`^arn:(aws[a-z-]*):elasticloadbalancing:([a-z0-9-]+):([0-9]{12}):targetgroup/([A-Za-z0-9-]+)/([A-Za-z0-9]+)$`)
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]+[a-z0-9]$`)
	zoneForm   = regexp.MustCompile(`^[a-z][a-z](-[a-z0-9]+)+$`)
	regionForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`)
	roleForm   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+$`)
)

const (
	maxLabel  = 63  // RFC 1035 section 2.3.4
	maxBucket = 63  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	maxARN    = 256 // target groups have names of 32 characters; other ARNs here are no longer
	maxRole   = 640 // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: 512 of path, 64 of name
)

// setTargetGroup takes the ARN of a target group:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
func setTargetGroup(c *Config, v string) error {
	switch {
	case len(v) <= maxARN && groupForm.MatchString(v):
		c.Binding.TargetGroup = v
		return nil
	case strings.Contains(v, ":loadbalancer/"):
		return errors.New("want the ARN of a target group: this is a load balancer's")
	case strings.Contains(v, ":listener/"):
		return errors.New("want the ARN of a target group: this is a listener's")
	default:
		return errors.New("want the ARN of a target group: arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID")
	}
}

// GroupRegion is the region in a target group's ARN.
func GroupRegion(arn string) string {
	if m := groupForm.FindStringSubmatch(arn); m != nil {
		return m[2]
	}
	return ""
}

func nameOf(b mooring.Binding) string {
	name := b.TargetGroup
	if m := groupForm.FindStringSubmatch(b.TargetGroup); m != nil {
		name = m[4]
	}
	if b.Port != 0 {
		name = fmt.Sprintf("%s-%d", name, b.Port)
	}
	return name
}

func setMemory(c *Config, v string) error {
	kept := Memory{SSE: c.Memory.SSE}
	switch {
	case v == "none":
		kept.Kind = "none"
	case strings.HasPrefix(v, "file:"):
		kept.Kind, kept.Dir = "file", strings.TrimPrefix(strings.TrimPrefix(v, "file:"), "//")
		if kept.Dir == "" {
			return errors.New("want file:DIR: there is no directory")
		}
	case strings.HasPrefix(v, "s3://"):
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(v, "s3://"), "/")
		if len(bucket) > maxBucket || !bucketForm.MatchString(bucket) {
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

func setZone(c *Config, v string) error {
	if v != "auto" && v != "all" && v != "none" && !zoneForm.MatchString(v) {
		return errors.New("want auto, all, none, or a zone such as eu-west-1a")
	}
	c.Zone = v
	return nil
}

func setRegion(c *Config, v string) error {
	if len(v) > maxLabel || !regionForm.MatchString(v) {
		return errors.New("want a region, such as eu-west-1")
	}
	c.AWS.Region = v
	return nil
}

func setRole(c *Config, v string) error {
	if len(v) > maxRole || !roleForm.MatchString(v) {
		return errors.New("want the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME")
	}
	c.AWS.RoleARN = v
	return nil
}
