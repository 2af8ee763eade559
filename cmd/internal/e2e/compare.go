package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mooring/cmd/internal/transcript"
)

// A difference between what was recorded and what the simulated world does.
type difference struct {
	line        int
	check, what string // the assumption, and the action or question
	of          string // the target, the subnet; "" is the call itself
	field       string
	recorded    string
	world       string
}

func (d difference) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s: %s", d.check, d.what, d.of)) + fmt.Sprintf(" %s: recorded %q, the simulated world %q", d.field, d.recorded, d.world)
}

// summary tells differences of one kind once, in the order of their first: what must not change unnoticed.
func summary(differences []difference) string {
	var order []difference
	count := map[difference]int{}
	for _, d := range differences {
		d.line, d.of = 0, ""
		if count[d]++; count[d] == 1 {
			order = append(order, d)
		}
	}
	var b strings.Builder
	for _, d := range order {
		fmt.Fprintf(&b, "%d × %s\n", count[d], d)
	}
	return b.String()
}

var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// facts are what matters of a reply.
type facts map[fact]string

type fact struct{ of, field string }

func compareFacts(a, b fact) int {
	return cmp.Or(strings.Compare(a.of, b.of), strings.Compare(a.field, b.field))
}

// compareCall compares what the world claims to know.
func compareCall(recorded, world transcript.Entry) (out []difference) {
	was, is := factsOf(*recorded.Call), factsOf(*world.Call)
	all := maps.Clone(is)
	maps.Copy(all, was)
	for _, f := range slices.SortedFunc(maps.Keys(all), compareFacts) {
		if was[f] != is[f] {
			out = append(out, difference{recorded.Line, recorded.Check, recorded.Call.Action, f.of, f.field, cmp.Or(was[f], "nothing"), cmp.Or(is[f], "nothing")})
		}
	}
	return out
}

func factsOf(c transcript.Call) facts {
	f := facts{{field: "status"}: fmt.Sprint(c.Reply.Status)}
	if c.Reply.Code != "" {
		f[fact{field: "code"}], f[fact{field: "message"}] = c.Reply.Code, c.Reply.Message
	}
	if c.Service == "s3" {
		delete(f, fact{field: "message"}) // nothing goes by it
		f[fact{field: "ETag"}] = map[bool]string{true: "given", false: "none"}[c.Reply.Headers["Etag"] != ""]
	}
	switch c.Action {
	case "DescribeTargetHealth":
		for _, t := range transcript.Items(c.Reply.Body, "TargetHealthDescriptions", "member") {
			key := t["Id"] + ":" + t["Port"]
			f[fact{key, "state"}] = strings.TrimSpace(t["State"] + " " + t["Reason"])
			f[fact{key, "zone"}] = cmp.Or(t["AvailabilityZone"], "none")
			f[fact{key, "health check port"}] = t["HealthCheckPort"]
		}
	case "DescribeTargetGroupAttributes":
		for _, a := range transcript.Items(c.Reply.Body, "Attributes", "member") {
			if slices.Contains([]string{"deregistration_delay.timeout_seconds", "load_balancing.cross_zone.enabled"}, a["Key"]) {
				f[fact{a["Key"], "value"}] = a["Value"]
			}
		}
	case "DescribeSubnets":
		for _, s := range transcript.Items(c.Reply.Body, "subnetSet", "item") {
			f[fact{s["subnetId"], "subnet"}] = s["cidrBlock"] + " " + s["availabilityZone"] + " " + s["availabilityZoneId"]
		}
	}
	return f
}

// compareTogether compares calls that were made at the same time, by how many had which outcome. A write that lost is one
// that lost, whether by 409 or by 412.
func compareTogether(recorded, world []transcript.Entry) []difference {
	count := func(entries []transcript.Entry) string {
		n := map[string]int{}
		for _, e := range entries {
			outcome := fmt.Sprint(e.Call.Reply.Status)
			if e.Call.Reply.Status == 409 || e.Call.Reply.Status == 412 {
				outcome = "lost"
			}
			n[outcome]++
		}
		return counted(n)
	}
	if was, is := count(recorded), count(world); was != is {
		first := recorded[0]
		return []difference{{first.Line, first.Check, first.Call.Action, "", "outcomes of calls at the same time", was, is}}
	}
	return nil
}

// compareAsked compares kinds of answers and not addresses, which are random.
func compareAsked(recorded, world transcript.Entry) []difference {
	was, is := kinds(*recorded.Ask), kinds(*world.Ask)
	if was == is {
		return nil
	}
	a := recorded.Ask
	return []difference{{recorded.Line, recorded.Check, fmt.Sprintf("%s of %s", a.Type, a.Name), "", "answers", was, is}}
}

func kinds(a transcript.Asked) string {
	n := map[string]int{}
	for _, one := range a.Answers {
		kind := cmp.Or(one.Rcode, "no answer")
		if a.Type == "NS" || a.Server == 0 && len(one.Addrs) > 0 {
			n[kind]++ // how many servers there are, and what a cache holds, is the world's choice
			continue
		}
		if one.Authoritative {
			kind += " with authority"
		}
		if one.Truncated {
			kind += " truncated"
		}
		if one.Rcode == "NOERROR" {
			kind += fmt.Sprintf(", %d addresses", len(one.Addrs))
		}
		if one.TTL > 0 {
			kind += fmt.Sprintf(" for %d s", one.TTL)
		}
		n[kind]++
	}
	return counted(n)
}

func counted(n map[string]int) string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%d × %s", n[kind], kind))
	}
	return strings.Join(out, "; ")
}
