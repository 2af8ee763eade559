// Package config makes bindings from flags, from the environment, and from the environment of the functions that
// mooring replaces. It is strict, and reports every fault at once, each with where it was set.
package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"mooring"
)

// A Config is all that one binding needs.
type Config struct {
	Binding mooring.Binding // Port 0: the group's own
	Policy  mooring.Policy

	Memory Memory
	DNS    DNS
	Zone   string // auto, all, none, or an availability zone: what the group is told of addresses outside its VPC
	AWS    AWS

	// Original is set when the binding comes from the environment of one of the functions that AWS published.
	Original *Original

	AdmitGiven bool // the default ranges of Policy.Admit were replaced
}

// A Memory says where a binding's memory is kept.
type Memory struct {
	Kind   string // s3, file or none
	Bucket string // s3
	Prefix string // s3: "" or ending in a slash
	Dir    string // file
	SSE    string // none (the bucket's default), AES256, aws:kms or aws:kms:KEY
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

// An Original holds what only the original function's environment says.
type Original struct {
	ALBName string // ALB_DNS_NAME, as it was written
	IPCount bool   // CW_METRIC_FLAG_IP_COUNT
}

// Environment looks a variable up, as [os.LookupEnv] does.
type Environment func(name string) (value string, set bool)

// Flags looks a flag up: its values, and whether it was given.
type Flags func(name string) (values []string, set bool)

// Load makes the binding. A flag goes before its variable, the variable before the original function's
// environment, and that before the default. The error joins every fault.
func Load(flags Flags, env Environment) (Config, error) {
	l := &loader{flags: flags, env: env}
	l.original, l.incomplete = originalOf(env)
	c := Config{Policy: mooring.DefaultPolicy(), Zone: "auto", DNS: DNS{Mode: "auto", MaxLookups: defaultLookups}}
	l.apply(&c, setting("answers")) // it chooses the profile that the others change
	for _, s := range settings {
		if s.Name != "answers" {
			l.apply(&c, s)
		}
	}
	l.finish(&c)
	return c, errors.Join(l.faults...)
}

// loader collects the faults of one configuration.
type loader struct {
	flags      Flags
	env        Environment
	original   map[string]string // the original's values, by the name of our setting
	incomplete []string          // the original's variables that are missing, where some are set
	faults     []error
}

// A Fault is one thing that is wrong with a configuration.
type Fault struct {
	Where string // the flag, or the variable; both where neither was set
	Value string
	Err   error
}

func (f *Fault) Error() string {
	if f.Value == "" {
		return f.Where + ": " + f.Err.Error()
	}
	return fmt.Sprintf("%s %q: %v", f.Where, f.Value, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

func (l *loader) apply(c *Config, s Setting) {
	values, where := l.lookup(s)
	for _, v := range values {
		if err := s.set(c, v); err != nil {
			l.fault(where, v, err)
		}
	}
}

// lookup finds the values of a setting, and where they were set.
func (l *loader) lookup(s Setting) (values []string, where string) {
	if v, ok := l.flags(s.Name); ok {
		return v, "--" + s.Name
	}
	if v, ok := l.env(s.Variable()); ok && v != "" {
		if s.Repeatable {
			return splitList(v), s.Variable()
		}
		return []string{v}, s.Variable()
	}
	if v, ok := l.original[s.Name]; ok {
		return []string{v}, originalVariables[s.Name]
	}
	return nil, ""
}

func (l *loader) fault(where, value string, err error) {
	l.faults = append(l.faults, &Fault{Where: where, Value: value, Err: err})
}

// finish checks what no single setting can.
func (l *loader) finish(c *Config) {
	missing := func(name, want string) {
		if !l.given(name) {
			l.fault(where(name), "", errors.New(want))
		}
	}
	missing("hostname", "not set: want the name whose addresses are to be registered")
	missing("target-group", "not set: want the ARN of the target group")
	missing("memory", "not set: want s3://BUCKET[/PREFIX], file:DIR, or none (which only ever adds)")
	if len(l.incomplete) > 0 && len(l.faults) > 0 {
		l.fault("the original function's environment", "", fmt.Errorf("not complete, and so not used: %s is not set", l.incomplete))
	}
	slices.Sort(c.Binding.Hostnames)
	c.Binding.Hostnames = slices.Compact(c.Binding.Hostnames)
	c.Binding.Name = nameOf(c.Binding)
	if l.original != nil {
		c.Original = &Original{ALBName: l.original["hostname"], IPCount: isTrue(l.original["ip-count"])}
	}
	if c.AWS.ExternalID != "" && c.AWS.RoleARN == "" {
		l.fault(where("external-id"), "", errors.New("set without --role-arn, which it belongs to"))
	}
	l.faults = append(l.faults, unjoin(c.Policy.Validate())...)
}

func (l *loader) given(name string) bool {
	values, _ := l.lookup(setting(name))
	return len(values) > 0
}

func setting(name string) Setting {
	return settings[slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })]
}

func where(name string) string { return "--" + name + " or " + Setting{Name: name}.Variable() }

func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}

// Unique refuses two bindings for one group and port: each would take the other's targets for strangers at best.
func Unique(configs ...Config) error {
	type moored struct {
		group string
		port  uint16
	}
	var faults []error
	first := map[moored]string{}
	for _, c := range configs {
		at := moored{c.Binding.TargetGroup, c.Binding.Port}
		if name, ok := first[at]; ok {
			faults = append(faults, fmt.Errorf("bindings %s and %s: both moored to port %d of %s", name, c.Binding.Name, at.port, at.group))
			continue
		}
		first[at] = c.Binding.Name
	}
	return errors.Join(faults...)
}
