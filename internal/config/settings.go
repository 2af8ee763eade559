package config

import (
	"slices"
	"strings"
	"time"

	"mooring"
)

// A Setting is one thing that can be configured: by its flag, by the flag's twin in the environment, or by its key in
// a file.
type Setting struct {
	Name       string // of the flag, without dashes
	Value      string // what the flag takes, for the help
	Usage      string // with the default, for people
	Default    string // by itself; "" where there is none, or where it depends on something else
	Repeatable bool   // the flag may be given more than once; its variable is a list with commas, its key takes one or a list

	most   int    // values of a repeatable one in a file
	wanted string // what to say where it is not set, and must be
	value  value
}

const defaultLookups = 200

var settings = []Setting{
	{
		Name: "hostname", Value: "NAME", Repeatable: true, most: maxHostnames, value: text(setHostname),
		Usage:  "name whose addresses are to be registered; several are the union of theirs",
		wanted: "the name whose addresses are to be registered",
	},
	{
		Name: "port", Value: "PORT", value: whole(setPort, 1, 65535),
		Usage: "port of the targets (default the group's own; with tcp:// it must be given)",
	},
	{
		Name: "target-group", Value: "ARN|tcp://ADDR:PORT", value: text(setTargetGroup, groupForm.text+"|"+frontForm),
		Usage:  "target group to keep in step; with tcp:// watch itself listens there and is the load balancer",
		wanted: "the ARN of the target group, or tcp://ADDR:PORT",
	},
	{
		Name: "memory", Value: "s3://BUCKET[/PREFIX]|file:DIR|none", value: text(setMemory, memoryForm),
		Usage:  "where to remember who is ours and since when it is missing; with none nobody ever leaves",
		wanted: "s3://BUCKET[/PREFIX], file:DIR, or none (which only ever adds)",
	},
	{
		Name: "memory-sse", Value: "none|AES256|aws:kms[:KEY]", Default: "none", value: text(setSSE, sseForm),
		Usage: "server-side encryption of the memory (default none: the bucket's own default)",
	},
	{
		Name: "memory-role-arn", Value: "ARN|none", value: text(setMemoryRole, memoryRoleForm.text),
		Usage: "role to assume for the memory's bucket; with none it is used as the process itself (default as --role-arn)",
	},
	{
		Name: "memory-external-id", Value: "ID", value: line(func(c *Config) *string { return &c.Memory.ExternalID }),
		Usage: "external id that the memory's role asks for",
	},
	{
		Name: "memory-region", Value: "REGION", value: text(regionOf(func(c *Config) *string { return &c.Memory.Region }), regionForm.text),
		Usage: "region of the memory's bucket (default as --region)",
	},
	{
		Name: "memory-owner", Value: "ACCOUNT", value: text(setMemoryOwner, accountForm.text).plainToo(1e11, 1e12-1),
		Usage: "account that must own the memory's bucket, 12 digits (default any)",
	},
	{
		Name: "write-legacy-state", Value: "v1|v2|v3|none", Default: noLegacyState,
		value: words(func(c *Config) *string { return &c.LegacyState.Format }, "v1", "v2", "v3", noLegacyState),
		Usage: "keep the state of AWS's function of 2018, 2021 or 2020 true too, so that it can go on at any time (default none)",
	},
	{
		Name: "mode", Value: "sync|add-only|observe", Default: "sync",
		value: words(func(c *Config) *mooring.Mode { return &c.Policy.Mode }, mooring.ModeSync, mooring.ModeAddOnly, mooring.ModeObserve),
		Usage: "what may change: everything, additions only, or nothing (default sync)",
	},
	{
		Name: "dns", Value: "auto|authoritative|resolver", Default: "auto",
		value: words(func(c *Config) *string { return &c.DNS.Mode }, "auto", "authoritative", "resolver"),
		Usage: "whom to ask: the zone's own servers, the system's resolver, or the one and where it must be the other (default auto)",
	},
	{
		Name: "answers", Value: "sampled|whole", Default: "sampled", value: answers(),
		Usage: "what one answer holds: some of the addresses, or (names with one holder, such as a database's) all of them (default sampled)",
	},
	{
		Name: "resolver", Value: "ADDR:PORT", Repeatable: true, most: 16, value: text(setResolver),
		Usage: "resolver to start from (default the system's)",
	},
	{
		Name: "max-lookups", Value: "N", Default: "200", value: count(func(c *Config) *int { return &c.DNS.MaxLookups }, 10000),
		Usage: "most questions that the search for a name's addresses asks in a round (default 200)",
	},
	{
		Name: "interval", Value: "DURATION", value: duration(func(c *Config) *time.Duration { return &c.Interval }, time.Second, time.Hour, "5s"),
		Usage: "time between rounds, 1s to 1h (default 60s in a daemon, one round an invocation in the function)",
	},
	{
		Name: "misses", Value: "N", Default: "3", value: count(func(c *Config) *int { return &c.Policy.Misses }, 1000),
		Usage: "conclusive rounds in a row without an address before it may leave (default 3; 2 with --answers whole)",
	},
	{
		Name: "hold", Value: "DURATION", Default: "90s",
		value: duration(func(c *Config) *time.Duration { return &c.Policy.Hold }, 0, 30*time.Minute, "90s"),
		Usage: "and at least this long since the first of them (default 90s; 10s with --answers whole)",
	},
	{
		Name: "miss-probability", Value: "P", Default: "1e-11", value: number(setMissProbability, 1e-300, 0.1),
		Usage: "and at most this chance that a live address had stayed unseen all the while (default 1e-11)",
	},
	{
		Name: "max-leave", Value: "SHARE", Default: "34%", value: share(func(c *Config) *float64 { return &c.Policy.MaxLeave }),
		Usage: "most of our targets that leave in one round; one always may (default 34%; 100% with --answers whole)",
	},
	{
		Name: "min-targets", Value: "N", Default: "1", value: count(func(c *Config) *int { return &c.Policy.MinTargets }, 256),
		Usage: "targets of ours that always stay (default 1)",
	},
	{
		Name: "adopt", Value: "seen|all", Default: "seen",
		value: words(func(c *Config) *mooring.Adopt { return &c.Policy.Adopt }, mooring.AdoptSeen, mooring.AdoptAll),
		Usage: "which targets are ours: what we registered or ever observed, or everything on our port (default seen)",
	},
	{
		Name: "zone", Value: "auto|all|none|ZONE", Default: "auto", value: text(setZone),
		Usage: "availability zone to register addresses outside the group's VPC with, by name or by id such as use1-az1 (default auto)",
	},
	{
		Name: "admit", Value: "CIDR", Repeatable: true, most: 256, value: text(setAdmit),
		Usage: "range of addresses that may be registered (default what an NLB takes: RFC 1918 and 6598)",
	},
	{
		Name: "front-health-interval", Value: "DURATION", Default: "10s",
		value: duration(func(c *Config) *time.Duration { return &c.Front.HealthInterval }, time.Second, 5*time.Minute, "10s"),
		Usage: "of a tcp:// group: time between two health checks of a target, 1s to 5m (default 10s)",
	},
	{
		Name: "front-drain-delay", Value: "DURATION", Default: "300s",
		value: duration(func(c *Config) *time.Duration { return &c.Front.DrainDelay }, 0, time.Hour, "300s"),
		Usage: "of a tcp:// group: how long flows may go on whose target leaves, or when watch ends, up to 1h (default 300s)",
	},
	{
		Name: "front-idle-timeout", Value: "DURATION", Default: "350s",
		value: duration(func(c *Config) *time.Duration { return &c.Front.IdleTimeout }, time.Second, 6000*time.Second, "350s"),
		Usage: "of a tcp:// group: time without a byte after which a flow is ended, 1s to 6000s (default 350s, as an NLB's)",
	},
	{
		Name: "front-max-flows", Value: "N", Default: "10000", value: count(func(c *Config) *int { return &c.Front.MaxFlows }, maxFlows),
		Usage: "of a tcp:// group: most flows at a time; further ones are refused (default 10000)",
	},
	{
		Name: "notify", Value: "sns:ARN|eventbridge:BUS|stdout", Repeatable: true, most: 16, value: text(setNotify, notifyForm),
		Usage: "where each change is told, as a JSON event",
	},
	{
		Name: "role-arn", Value: "ARN", value: text(setRole, roleForm.text),
		Usage: "role to assume for every call to AWS",
	},
	{
		Name: "external-id", Value: "ID", value: line(func(c *Config) *string { return &c.AWS.ExternalID }),
		Usage: "external id that the role asks for",
	},
	{
		Name: "region", Value: "REGION", value: text(regionOf(func(c *Config) *string { return &c.AWS.Region }), regionForm.text),
		Usage: "region of the memory's bucket and the metrics (default the environment's, or else the target group's)",
	},
	{
		Name: "profile", Value: "NAME", value: line(func(c *Config) *string { return &c.AWS.Profile }),
		Usage: "profile of the shared AWS configuration",
	},
}

// Variable is the name of the setting's twin in the environment.
func (s Setting) Variable() string { return "MOORING_" + strings.ToUpper(s.Key()) }

// Key is the setting's key in a file.
func (s Setting) Key() string { return strings.ReplaceAll(s.Name, "-", "_") }

// Settings returns every setting of a binding, in the order in which help lists them.
func Settings() []Setting { return slices.Clone(settings) }
