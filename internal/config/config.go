// Package config makes bindings from flags, from the environment, from a YAML file, and from the environments of the
// functions that mooring replaces. It is strict, and reports every fault at once, each with where it was set.
package config

import (
	"errors"
	"net/netip"
	"time"

	"mooring"
)

// A Config is all that one binding needs.
type Config struct {
	Binding mooring.Binding // Port 0: the group's own
	Named   bool            // Binding.Name was given; or else it is the group's name and the port, where that is known
	Policy  mooring.Policy
	Front   Front // zero where the group is a target group's ARN

	Memory   Memory
	DNS      DNS
	Zone     string // auto, all, none, or an availability zone by name or id: what the group is told of addresses outside its VPC
	AWS      AWS
	Interval time.Duration // between rounds; 0: not set (watch then takes 60 s, the function one round an invocation)
	Notify   []Notify      // where each change is told

	// Legacy is set when the binding comes from the environment of a function that mooring replaces.
	Legacy *Legacy

	LegacyState LegacyState // an older function's state that is kept true

	AdmitGiven bool // the default ranges of Policy.Admit were replaced
}

// A Memory says where a binding's memory is kept, and who reads and writes it.
type Memory struct {
	Kind   string // s3, file or none
	Bucket string // s3
	Prefix string // s3: "" or ending in a slash
	Dir    string // file
	SSE    string // none (the bucket's default), AES256, aws:kms or aws:kms:KEY

	RoleARN    string // "": as for the group; none: as the process itself
	ExternalID string
	Region     string // of the bucket; "": as for the binding
	Owner      string // the account that must own the bucket; "": any
}

func (m Memory) String() string {
	switch m.Kind {
	case "s3":
		return "s3://" + m.Bucket + "/" + m.Prefix
	case "file":
		return "file:" + m.Dir
	default:
		return m.Kind
	}
}

// A DNS says how names are resolved.
type DNS struct {
	Mode       string           // auto, authoritative or resolver
	Resolvers  []netip.AddrPort // empty: the system's
	MaxLookups int              // questions that the search for one hostname's addresses may ask
}

// An AWS says as whom, and where, AWS is called.
type AWS struct {
	Region     string // "": the environment's, or else the target group's
	Profile    string
	RoleARN    string
	ExternalID string
}

// A Notify is one place where each change is told.
type Notify struct {
	Kind string // sns, eventbridge or stdout
	ARN  string // the topic's, or the bus's name or ARN
}

// A Legacy is what only the environment of a replaced function says.
type Legacy struct {
	Format       string // v1 (AWS 2018 and 2021), v3 (hostname-as-target 2020), camptocamp, cresta, read-replica, dual-group
	Name         string // v1: ALB_DNS_NAME as written; v3: TARGET_FQDN as written; dual-group: the load balancer's name; read-replica: STATE_PREFIX
	Bucket       string // S3_BUCKET
	BucketRegion string // v3: BUCKET_REGION
	Table        string // cresta: DYNAMODB_TABLE
	TLS          bool   // dual-group: the second group, whose objects end in _tls
	Misses       int    // INVOCATIONS_BEFORE_DEREGISTRATION, which v3's counts run down from
	IPCount      bool   // the old metric goes on (v1: CW_METRIC_FLAG_IP_COUNT, v3: REPORT_IP_COUNT_CW_METRIC)
}

// fresh is a configuration of which nothing is set.
func fresh() Config {
	return Config{
		Policy: mooring.DefaultPolicy(), Zone: "auto", DNS: DNS{Mode: "auto", MaxLookups: defaultLookups}, Front: defaultFront,
	}
}

// Select returns the bindings of these names, in their own order; without names, all.
func Select(configs []Config, names []string) ([]Config, error) {
	if len(names) == 0 {
		return configs, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var out []Config
	var known []string
	for _, c := range configs {
		known = append(known, c.Binding.Name)
		if wanted[c.Binding.Name] {
			out = append(out, c)
			delete(wanted, c.Binding.Name)
		}
	}
	var faults []error
	for _, name := range names {
		if wanted[name] {
			faults = append(faults, &Fault{Where: where("binding"), Value: name, Err: errors.New("no binding of this name" + didYouMean(name, known))})
		}
	}
	return out, errors.Join(faults...)
}
