package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mooring"
)

// A Setting is one thing that can be configured: by its flag, or by the flag's twin in the environment.
type Setting struct {
	Name       string // of the flag, without dashes
	Value      string // what the flag takes, for the help
	Usage      string
	Repeatable bool // the flag may be given more than once; its variable is a list with commas

	set func(*Config, string) error
}

// Variable is the name of the setting's twin in the environment.
func (s Setting) Variable() string {
	return "MOORING_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

const defaultLookups = 200

var settings = []Setting{
	{
		Name: "hostname", Value: "NAME", Repeatable: true, set: setHostname,
		Usage: "name whose addresses are to be registered; several are the union of theirs",
	},
	{
		Name: "port", Value: "PORT", set: setPort,
		Usage: "port of the targets (default the group's own)",
	},
	{
		Name: "target-group", Value: "ARN", set: setTargetGroup,
		Usage: "target group to keep in step",
	},
	{
		Name: "memory", Value: "s3://BUCKET[/PREFIX]|file:DIR|none", set: setMemory,
		Usage: "where to remember who is ours and since when it is missing; with none nobody ever leaves",
	},
	{
		Name: "memory-sse", Value: "none|AES256|aws:kms[:KEY]", set: setSSE,
		Usage: "server-side encryption of the memory (default none: the bucket's own default)",
	},
	{
		Name: "mode", Value: "sync|add-only|observe", set: func(c *Config, v string) error {
			return oneOf(&c.Policy.Mode, v, mooring.ModeSync, mooring.ModeAddOnly, mooring.ModeObserve)
		},
		Usage: "what may change: everything, additions only, or nothing (default sync)",
	},
	{
		Name: "dns", Value: "auto|authoritative|resolver", set: func(c *Config, v string) error { return oneOf(&c.DNS.Mode, v, "auto", "authoritative", "resolver") },
		Usage: "whom to ask: the zone's own servers, the system's resolver, or the one and where it must be the other (default auto)",
	},
	{
		Name: "answers", Value: "sampled|whole", set: setAnswers,
		Usage: "what one answer holds: some of the addresses, or (names with one holder, such as a database's) all of them (default sampled)",
	},
	{
		Name: "resolver", Value: "ADDR:PORT", Repeatable: true, set: setResolver,
		Usage: "resolver to start from (default the system's)",
	},
	{
		Name: "max-lookups", Value: "N", set: func(c *Config, v string) error { return setInt(&c.DNS.MaxLookups, v, 1, 10000) },
		Usage: "most questions that the search for a name's addresses asks in a round (default 200)",
	},
	{
		Name: "misses", Value: "N", set: func(c *Config, v string) error { return setInt(&c.Policy.Misses, v, 1, 1000) },
		Usage: "conclusive rounds in a row without an address before it may leave (default 3; 2 with --answers whole)",
	},
	{
		Name: "hold", Value: "DURATION", set: setHold,
		Usage: "and at least this long since the first of them (default 90s; 10s with --answers whole)",
	},
	{
		Name: "miss-probability", Value: "P", set: setMissProbability,
		Usage: "and at most this chance that a live address had stayed unseen all the while (default 1e-11)",
	},
	{
		Name: "max-leave", Value: "SHARE", set: setMaxLeave,
		Usage: "most of our targets that leave in one round; one always may (default 34%; 100% with --answers whole)",
	},
	{
		Name: "min-targets", Value: "N", set: func(c *Config, v string) error { return setInt(&c.Policy.MinTargets, v, 1, 256) },
		Usage: "targets of ours that always stay (default 1)",
	},
	{
		Name: "adopt", Value: "seen|all", set: func(c *Config, v string) error { return oneOf(&c.Policy.Adopt, v, mooring.AdoptSeen, mooring.AdoptAll) },
		Usage: "which targets are ours: what we registered or ever observed, or everything on our port (default seen)",
	},
	{
		Name: "zone", Value: "auto|all|none|ZONE", set: setZone,
		Usage: "availability zone to register addresses outside the group's VPC with (default auto)",
	},
	{
		Name: "admit", Value: "CIDR", Repeatable: true, set: setAdmit,
		Usage: "range of addresses that may be registered (default what an NLB takes: RFC 1918 and 6598)",
	},
	{
		Name: "role-arn", Value: "ARN", set: setRole,
		Usage: "role to assume for every call to AWS",
	},
	{
		Name: "external-id", Value: "ID", set: func(c *Config, v string) error { return setText(&c.AWS.ExternalID, v) },
		Usage: "external id that the role asks for",
	},
	{
		Name: "region", Value: "REGION", set: setRegion,
		Usage: "region of the memory's bucket and the metrics (default the environment's, or else the target group's)",
	},
	{
		Name: "profile", Value: "NAME", set: func(c *Config, v string) error { return setText(&c.AWS.Profile, v) },
		Usage: "profile of the shared AWS configuration",
	},
}

// Settings returns every setting, in the order in which help lists them.
func Settings() []Setting { return slices.Clone(settings) }

func setAnswers(c *Config, v string) error {
	var a mooring.Answers
	if err := oneOf(&a, v, mooring.AnswersSampled, mooring.AnswersWhole); err != nil {
		return err
	}
	if a == mooring.AnswersWhole {
		c.Policy = mooring.WholePolicy()
	}
	return nil
}

func setPort(c *Config, v string) error {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil || n == 0 {
		return errors.New("want a port from 1 to 65535")
	}
	c.Binding.Port = uint16(n)
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

func setHold(c *Config, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > 30*time.Minute {
		return errors.New("want a duration from 0s to 30m, such as 90s")
	}
	c.Policy.Hold = d
	return nil
}

func setMissProbability(c *Config, v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 1e-300 && f <= 0.1) {
		return errors.New("want a probability from 1e-300 to 0.1, such as 1e-11")
	}
	c.Policy.MissProbability = f
	return nil
}

func setMaxLeave(c *Config, v string) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(v), "%")
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) {
		return errors.New("want a share, such as 34% or 0.34")
	}
	if percent {
		f /= 100
	}
	if !(f > 0 && f <= 1) {
		return errors.New("want a share above 0 and at most 100%, such as 34% or 0.34")
	}
	c.Policy.MaxLeave = f
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

func setInt(to *int, v string, least, most int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return fmt.Errorf("want a whole number from %d to %d", least, most)
	}
	*to = n
	return nil
}

func oneOf[T ~string](to *T, v string, allowed ...T) error {
	for _, a := range allowed {
		if T(v) == a {
			*to = a
			return nil
		}
	}
	var words []string
	for _, a := range allowed {
		words = append(words, string(a))
	}
	return errors.New("want " + strings.Join(words, ", "))
}

const maxText = 2048

func setText(to *string, v string) error {
	if v == "" || len(v) > maxText || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("want 1 to %d characters on one line", maxText)
	}
	*to = v
	return nil
}

func splitList(v string) []string {
	var out []string
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
