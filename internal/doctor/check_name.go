package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mooring"
)

// olderRuns is how long ago the last run of an older function may be that still runs: it has one a minute, or every five.
const olderRuns = 10 * time.Minute

// checkAnother collects every sign of somebody else who manages the same targets. That a function has the group's name does
// not show that it runs: whoever moved to mooring keeps the old one for a while. In the memory of a mooring that runs, its
// doings would be seen.
func checkAnother(f *Facts) []Finding {
	doings, functions := f.doings(), f.functions()
	looked := f.Status.known() && f.Status.Value.MemoryErr == nil || f.Older.known() || f.Others.known() || f.Tags.known()
	signs := slices.Concat(doings, functions)
	idle := len(doings) == 0 && f.Status.known() && f.Status.Value.Memory.Revision > 0
	switch {
	case len(signs) > 0 && (idle || f.Binding.Mode == mooring.ModeObserve): // that is what observing is for
		return finding(Warn, strings.Join(signs, "; "), another+"; if it is stopped already, all is well")
	case len(signs) > 0:
		return finding(Fail, strings.Join(signs, "; "), another)
	case !looked:
		return []Finding{{Verdict: Unknown, Seen: "neither memory nor functions could be read"}}
	case f.Others.Err != nil:
		return pass("no sign in the memory; Lambda's functions could not be listed")
	default:
		return pass("no sign of anybody")
	}
}

const another = "one program a group: stop the other's schedule, or run this binding with --mode observe until then"

// doings are what somebody else does, or will.
func (f *Facts) doings() (signs []string) {
	if s := f.Status.Value; f.Status.known() && s.Another != "" {
		signs = append(signs, s.Another)
	}
	if o := f.Older.Value; f.Older.known() && !o.Written.IsZero() && f.since(o.Written) < olderRuns {
		signs = append(signs, fmt.Sprintf("the state of an older function (%s) was written %s ago", o.Source, f.since(o.Written).Round(time.Second)))
	}
	if cluster := f.Tags.Value["elbv2.k8s.aws/cluster"]; f.Tags.known() && cluster != "" {
		signs = append(signs, "AWS Load Balancer Controller of cluster "+cluster+" made the group, and removes targets that are not its own")
	}
	return signs
}

// functions are those of Lambda that have the group, but for one that may be this mooring.
func (f *Facts) functions() (signs []string) {
	var moorings []string
	for _, fn := range f.Others.Value {
		if strings.HasPrefix(fn.Runtime, "provided") {
			moorings = append(moorings, fn.Name)
			continue
		}
		signs = append(signs, fmt.Sprintf("Lambda function %s (%s) has the group in %s", fn.Name, fn.Runtime, fn.Variable))
	}
	if len(moorings) > 1 {
		signs = append(signs, "several Lambda functions have the group: "+list(moorings))
	}
	return signs
}

// since is how long ago it was when the facts were gathered.
func (f *Facts) since(t time.Time) time.Duration { return f.At.Sub(t) }

func checkName(f *Facts) []Finding {
	if !f.Name.Looked {
		return nil
	}
	if f.Name.Err != nil {
		return unknown("the name was not looked up", f.Name.Err)
	}
	o := f.Name.Value
	addrs := o.Addrs()
	switch {
	case o.Inconclusive != "":
		return finding(Fail, o.Inconclusive, nameRemedy(o.Inconclusive))
	case len(addrs) == 0:
		return finding(Fail, "no address at all", "check the name's spelling, and that it has addresses of the group's family")
	case len(addrs) == 1 && f.onlyELB():
		return finding(Warn, "one address: "+list(addrs), "a load balancer has one in each of two zones at the least: enable a second zone for it, or look again in a minute")
	default:
		return pass("%d addresses, %s", len(addrs), list(addrs))
	}
}

// nameRemedy is what to do about a class of failure: the first word of why a round is inconclusive.
func nameRemedy(why string) string {
	class, _, _ := strings.Cut(why, ":")
	if class == "partial" {
		_, rest, _ := strings.Cut(why, ": ")
		class, _, _ = strings.Cut(rest, ":")
	}
	switch class {
	case "nxdomain", "empty":
		return "check the name's spelling, and that this machine's resolver sees the zone (private zones are seen in their VPCs only)"
	case "timeout", "refused":
		return "let DNS through: UDP and TCP 53 to the resolver and, for the zone's own servers, to the internet; or use --dns resolver"
	case "tainted":
		return "the name shows what the group cannot take, such as public addresses: use an internal load balancer, or allow more with --admit"
	case "too-few-servers":
		return "let UDP and TCP 53 through to all servers of the zone, or use --dns resolver"
	default:
		return "nobody leaves meanwhile; look again in a minute, and ask whoever runs the zone if it stays"
	}
}

func checkZoneServers(f *Facts) []Finding {
	if !f.Name.known() {
		return nil
	}
	o := f.Name.Value
	why := ""
	if len(o.Warnings) > 0 {
		why = ": " + strings.Join(o.Warnings, "; ")
	}
	switch mode := o.DNS(); {
	case mode == "":
		return []Finding{{Verdict: Unknown, Seen: "nobody answered" + why}}
	case mode == "authoritative" || mode == "authoritative+resolver":
		return pass("mode %s: %d servers answered%s", mode, servers(o), why)
	case f.Binding.DNS == "resolver":
		return pass("mode resolver, as configured: not asked")
	case f.Binding.DNS == "auto":
		return finding(Warn, "mode resolver, since the zone's servers cannot be used"+why,
			"let UDP and TCP 53 through to the internet if absences are to be proved in minutes; or say --dns resolver, if the zone is private")
	default:
		return finding(Fail, "they do not answer, and --dns authoritative allows nobody else"+why, "let UDP and TCP 53 through to the internet, or use --dns auto")
	}
}

func servers(o mooring.Observation) int {
	var all []string
	for _, a := range o.Answers {
		if a.Authoritative {
			all = append(all, a.Server)
		}
	}
	slices.Sort(all)
	return len(slices.Compact(all))
}

// onlyELB tells whether all names are of load balancers.
func (f *Facts) onlyELB() bool {
	return !slices.ContainsFunc(f.Binding.Hostnames, func(h string) bool { _, ok := isELB(h); return !ok })
}

// answerHolds is how many addresses of a load balancer an answer holds at the most: docs/assumptions.md.
const answerHolds = 8

// checkAllName is about a record that AWS's own tools use, and that is not documented: that it is missing is no fault.
func checkAllName(f *Facts) []Finding {
	if !f.Name.known() || f.Name.Value.DNS() == "" || f.Binding.Whole || f.Binding.DNS == "resolver" || !f.onlyELB() || len(f.Binding.Hostnames) == 0 {
		return nil
	}
	for _, host := range f.Binding.Hostnames {
		answered := slices.ContainsFunc(f.Name.Value.Answers, func(a mooring.Answer) bool { return a.Whole && !a.Plain && strings.EqualFold(a.Hostname, host) })
		switch n := len(f.Name.Value.Addrs()); {
		case answered:
		case n < answerHolds:
			return pass("all.%s does not list them, and %d fit into one answer", host, n)
		default:
			return finding(Warn, fmt.Sprintf("all.%s does not list them, and of %d an answer holds %d", host, n, answerHolds),
				"let more questions be asked, if rounds are cut short (--max-lookups): they are found by sampling then")
		}
	}
	return pass("it lists them all, beside the plain answers")
}
