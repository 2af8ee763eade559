package doctor

import (
	"strings"
	"testing"
	"time"
)

func TestAlternativesAreAdvisedOrRuledOutByTheirLimits(t *testing.T) {
	private := func(f *Facts) { f.NLBs.Value[0].Scheme = "internal" }
	for _, c := range []struct {
		option string
		name   string
		change func(*Facts)
		serves bool
		says   string
	}{
		{"alb-target-group", "the plain case", func(*Facts) {}, true, "takes app itself"},
		{"alb-target-group", "no load balancer", noALB, false, "no application load balancer"},
		{"alb-target-group", "another VPC", func(f *Facts) { f.ALB.Value.VPC = "vpc-9" }, false, "another VPC"},
		{"alb-target-group", "TLS ends in front", func(f *Facts) { f.Listeners.Value[0].Protocol = "TLS" }, false, "speaks TLS"},
		{"alb-target-group", "two names", func(f *Facts) { f.Binding.Hostnames = append(f.Binding.Hostnames, "b.example") }, false, "several names"},
		{"alb-target-group", "it is one", func(f *Facts) { f.Group.Value.Type = "alb" }, false, "one already"},
		{"alb-target-group", "two groups hold it", func(f *Facts) { f.ALBGroups = Is(2) }, false, "two are the most"},
		{"alb-target-group", "IPv6", func(f *Facts) { f.Group.Value.IPv6 = true }, false, "IPv4 only"},
		{"alb-target-group", "draining was changed", func(f *Facts) { f.Attributes.Value["deregistration_delay.timeout_seconds"] = "30" }, false, "timeout_seconds is 30"},
		{"alb-target-group", "cross-zone of its own", func(f *Facts) { f.Attributes.Value["load_balancing.cross_zone.enabled"] = "true" }, false, "cross-zone"},
		{"alb-target-group", "a public one", func(f *Facts) { f.ALB.Value.Scheme = "internet-facing" }, true, "takes app itself"},
		{"global-accelerator", "addresses are known by heart", func(*Facts) {}, false, "would be lost"},
		{"global-accelerator", "they are not", func(f *Facts) { f.NLBs.Value[0].Zones = []Zone{{Name: "eu-west-1a"}} }, true, "18 dollars"},
		{"global-accelerator", "private clients", private, false, "public"},
		{"global-accelerator", "a database", noALB, false, "endpoints are"},
		{"privatelink-resource", "public clients", func(*Facts) {}, false, "no public addresses"},
		{"privatelink-resource", "a private database", func(f *Facts) { private(f); noALB(f) }, true, "takes the name itself"},
		{"privatelink-resource", "nobody could look", func(f *Facts) { f.NLBs = Hidden[[]Balancer](errDenied) }, false, "cannot be told"},
		{"ipam-pool", "an internal one", func(*Facts) {}, false, "app is internal"},
		{"ipam-pool", "a public one", func(f *Facts) { f.ALB.Value.Scheme = "internet-facing" }, true, "a range, not an address"},
		{"ipam-pool", "private clients", private, false, "public"},
		{"ipam-pool", "a database", noALB, false, "no application load balancer"},
	} {
		t.Run(c.option+": "+c.name, func(t *testing.T) {
			f := well()
			c.change(&f)
			for _, a := range Advise(f) {
				if a.Option == c.option && (a.Serves != c.serves || !strings.Contains(a.Why, c.says)) {
					t.Errorf("want %t that says %q, got %+v", c.serves, c.says, a)
				}
			}
		})
	}
	if f := (Facts{At: time.Now()}); len(Advise(f)) > 0 {
		t.Error("advice about a group that was not seen")
	}
}
