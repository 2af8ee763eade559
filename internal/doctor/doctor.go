// Package doctor looks at everything that a binding stands on, and says of each prerequisite whether it holds, what was
// seen, and what to do. It is in two halves: [Gather] looks, and changes nothing; [Judge] and [Advise] are pure, and judge
// what was seen. What could not be seen is neither good nor bad: it is unknown, and says why.
//
// The permissions it needs are in [Actions]. It does without each of them, and says so.
package doctor

import (
	"cmp"
	"slices"
)

// A Verdict is what a check comes to.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Warn    Verdict = "warn"    // it works, and will hurt some day, or works differently than most people think
	Fail    Verdict = "fail"    // it does not work, or not for long
	Unknown Verdict = "unknown" // it could not be seen, and the finding says why
)

// A Finding is what one check says of a binding.
type Finding struct {
	ID      string  `json:"id"`               // of the check, such as health-check; see docs/doctor.md
	Verdict Verdict `json:"verdict"`          // pass, warn, fail or unknown
	Title   string  `json:"title"`            // what was checked
	Seen    string  `json:"seen"`             // what was seen, or why it could not be
	Do      string  `json:"do,omitempty"`     // what to do about it; "" where it passes
	Source  string  `json:"source,omitempty"` // where the rule is from; "" where it is mooring's own
}

// A Check is one prerequisite. Its function says nothing where the prerequisite is not the binding's, such as that of an
// application load balancer where the name is a database's.
type Check struct {
	ID, Title string
	Source    string // where the rule is from: a page of AWS's documentation
	front     bool   // it makes sense for a front too
	judge     func(*Facts) []Finding
}

// Checks returns all checks, in the order in which things are to be in order.
func Checks() []Check { return slices.Clone(checks) }

// Judge judges what was gathered. Findings are in the order of the checks.
func Judge(f Facts) []Finding {
	out := []Finding{}
	for _, c := range checks {
		if f.Binding.Front && !c.front {
			continue
		}
		for _, one := range c.judge(&f) {
			one.ID, one.Title, one.Seen, one.Do = c.ID, c.Title, short(one.Seen), short(one.Do)
			if one.Verdict != Pass {
				one.Source = cmp.Or(one.Source, c.Source)
			}
			out = append(out, one)
		}
	}
	return out
}

// rank is how much a verdict wants to be read first.
var rank = map[Verdict]int{Fail: 0, Warn: 1, Unknown: 2, Pass: 3}

// WorstFirst sorts findings for a reader in a hurry: what fails, what warns, what is unknown, what passes; within each in
// the order of the checks.
func WorstFirst(findings []Finding) []Finding {
	out := slices.Clone(findings)
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(rank[a.Verdict], rank[b.Verdict]) })
	return out
}

// checks are all of them. Each has a test in which it does not pass.
var checks = []Check{
	{ID: "credentials", Title: "AWS takes the credentials", front: true, judge: checkCredentials, Source: docs + "STS/latest/APIReference/API_GetCallerIdentity.html"},
	{ID: "account", Title: "they are of the group's account and region", judge: checkAccount, Source: docs + "IAM/latest/UserGuide/tutorial_cross-account-with-roles.html"},
	{ID: "reach", Title: "AWS's APIs answer within 3 s", front: true, judge: checkReach, Source: docs + "vpc/latest/privatelink/aws-services-privatelink-support.html"},
	{ID: "clock", Title: "the clock is right", front: true, judge: checkClock, Source: docs + "IAM/latest/UserGuide/reference_sigv-troubleshooting.html"},
	{ID: "permissions", Title: "the policy allows what a round does", front: true, judge: checkPermissions, Source: docs + "IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"},
	{ID: "memory", Title: "the memory can be read", front: true, judge: checkMemory, Source: docs + "AmazonS3/latest/API/API_GetObject.html"},
	{ID: "memory-write", Title: "the memory can be written, by condition", front: true, judge: checkMemoryWrite, Source: docs + "AmazonS3/latest/userguide/conditional-writes.html"},
	{ID: "another", Title: "nobody else manages the targets", front: true, judge: checkAnother},
	{ID: "name", Title: "the name shows addresses", front: true, judge: checkName, Source: docs + "elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html"},
	{ID: "zone-servers", Title: "the zone's own servers answer", front: true, judge: checkZoneServers},
	{ID: "all-name", Title: "all.NAME lists every address", front: true, judge: checkAllName, Source: "https://github.com/aws/elastic-load-balancing-tools"},
	{ID: "group", Title: "the target group is there", judge: checkGroup, Source: elbAPI + "API_DescribeTargetGroups.html"},
	{ID: "group-type", Title: "it takes addresses", judge: checkGroupType, Source: nlbGuide + "load-balancer-target-groups.html#target-type"},
	{ID: "group-protocol", Title: "its protocol fits the listener", judge: checkGroupProtocol, Source: nlbGuide + "load-balancer-listeners.html"},
	{ID: "group-port", Title: "its port is the binding's", judge: checkGroupPort, Source: elbAPI + "API_TargetDescription.html"},
	{ID: "group-family", Title: "its address family is the name's", judge: checkGroupFamily, Source: nlbGuide + "load-balancer-target-groups.html#target-group-ip-address-type"},
	{ID: "attached", Title: "a listener sends to it", judge: checkAttached, Source: elbAPI + "API_TargetHealth.html"},
	{ID: "targets", Title: "its targets are healthy", judge: checkTargets, Source: nlbGuide + "target-group-health-checks.html"},
	{ID: "unmanaged", Title: "its targets are all ours", judge: checkUnmanaged},
	{ID: "health-check", Title: "the health check can pass", judge: checkHealthCheck, Source: nlbGuide + "load-balancer-troubleshooting.html"},
	{ID: "nlb-addresses", Title: "the network load balancer has a static address in each zone", judge: checkAddresses, Source: nlbGuide + "network-load-balancers.html"},
	{ID: "zones", Title: "every zone of it has targets", judge: checkZones, Source: nlbGuide + "edit-target-group-attributes.html"},
	{ID: "client-ip", Title: "client addresses are handled as the network allows", judge: checkClientIP, Source: nlbGuide + "edit-target-group-attributes.html#client-ip-preservation"},
	{ID: "port-exhaustion", Title: "there are ports enough for the connections", judge: checkPorts, Source: nlbGuide + "edit-target-group-attributes.html#client-ip-preservation"},
	{ID: "alb", Title: "the application load balancer is there", judge: checkALB, Source: elbAPI + "API_LoadBalancerState.html"},
	{ID: "alb-scheme", Title: "it is internal", judge: checkALBScheme, Source: nlbGuide + "load-balancer-target-groups.html#target-type"},
	{ID: "alb-listener", Title: "it listens on the binding's port", judge: checkALBListener, Source: elbAPI + "API_DescribeListeners.html"},
	{ID: "alb-vpc", Title: "the group can reach it", judge: checkALBVPC, Source: nlbGuide + "load-balancer-target-groups.html#target-type"},
	{ID: "idle-timeout", Title: "its idle time-out is below the network load balancer's", judge: checkIdle, Source: nlbGuide + "update-idle-timeout.html"},
	{ID: "security-groups", Title: "security groups let the traffic through", judge: checkSecurityGroups, Source: nlbGuide + "load-balancer-security-groups.html"},
}

// Where the rules are from.
const (
	docs     = "https://docs.aws.amazon.com/"
	elbAPI   = docs + "elasticloadbalancing/latest/APIReference/"
	nlbGuide = docs + "elasticloadbalancing/latest/network/"
)
