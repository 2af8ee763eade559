package config

import (
	"errors"
	"fmt"
	"strings"

	"mooring"
)

// A LegacyState says which older function's state is kept true beside the memory, and where. Its zero value is none.
type LegacyState struct {
	Format string // v1 (AWS 2018), v2 (AWS 2021) or v3 (hostname-as-target 2020); "": none
	Bucket string
	Region string // of the bucket; "": as for the memory's
	Name   string // v1, v2: ALB_DNS_NAME; v3: TARGET_FQDN; as written
	Misses int    // INVOCATIONS_BEFORE_DEREGISTRATION, by which the function counts
}

// noLegacyState is what a binding says that shall not have what the file's defaults say.
const noLegacyState = "none"

// place is what no two bindings may share: the function's keys.
func (s LegacyState) place(targetGroup string) string {
	at := s.Format + " of " + s.Name + " in " + s.Bucket
	if s.Format == "v3" {
		at += " for " + targetGroup
	}
	return at
}

// legacyState finds where the older function's state is. In the environment of such a function that is where it was, and
// else in the memory's bucket by the hostname.
func (l *loader) legacyState(d *draft, c *Config) {
	s := &c.LegacyState
	if s.Format == noLegacyState {
		s.Format = ""
	}
	if s.Format == "" || len(c.Binding.Hostnames) == 0 {
		return // in the second case something else is wrong, which is told
	}
	if err := legacyStateOf(c, d.lookup("hostname")[0].value); err != nil {
		l.add(d.source("write-legacy-state"), "", err)
	}
}

// legacyStateOf fills in where the state is; hostname is as it is written, which the function's keys are too.
func legacyStateOf(c *Config, hostname string) error {
	s := &c.LegacyState
	switch {
	case c.Embedded():
		return errors.New("want the ARN of a target group: the older functions cannot go on with a front")
	case c.Policy.Mode == mooring.ModeObserve:
		return errors.New("cannot be with mode observe: there the other function keeps the targets, and its own state")
	case c.Memory.Kind == "none":
		return errors.New("cannot be without memory: the state is made of what is remembered")
	case len(c.Binding.Hostnames) > 1:
		return fmt.Errorf("want one hostname: the older function knows one, and here are %d", len(c.Binding.Hostnames))
	case c.Legacy != nil:
		return legacyStateIn(c, *c.Legacy)
	case c.Memory.Kind != "s3":
		return errors.New("want the memory on s3://BUCKET, in whose bucket the state is kept then, or the whole environment of the older function")
	}
	s.Bucket, s.Misses = c.Memory.Bucket, c.Policy.Misses
	s.Name = strings.TrimSuffix(strings.TrimSpace(hostname), ".")
	return nil
}

// legacyStateIn is the state where the environment of the older function is.
func legacyStateIn(c *Config, was Legacy) error {
	s := &c.LegacyState
	own := map[string][]string{"v1": {"v1", "v2"}, "v3": {"v3"}}[was.Format]
	switch {
	case own == nil:
		return fmt.Errorf("cannot be in the environment of the function %s: its state has another form", was.Format)
	case s.Format != own[0] && s.Format != own[len(own)-1]:
		return fmt.Errorf("want %s in this environment", strings.Join(own, " or "))
	case !strings.EqualFold(strings.TrimSuffix(was.Name, "."), c.Binding.Hostnames[0]):
		return fmt.Errorf("want the hostname %s: that is whose state the older function has, and not %s's", was.Name, c.Binding.Hostnames[0])
	}
	s.Bucket, s.Region, s.Name, s.Misses = was.Bucket, was.BucketRegion, was.Name, was.Misses
	return nil
}

// legacyStates refuses two bindings that would write the same objects: v1 and v2 name them by the load balancer alone.
func (l *loader) legacyStates(drafts []*draft, configs []Config) {
	taken := map[string]int{}
	for i, c := range configs {
		if c.LegacyState.Bucket == "" {
			continue
		}
		at := c.LegacyState.place(c.Binding.TargetGroup)
		if first, ok := taken[at]; ok {
			l.add(drafts[i].source("write-legacy-state"), "",
				fmt.Errorf("names the objects of %s as well: the older function keeps one state of both, so only one of them can have it", drafts[first].title(configs[first])))
			continue
		}
		taken[at] = i
	}
}
