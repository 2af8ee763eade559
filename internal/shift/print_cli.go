package shift

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// WriteCLI writes a plan as a shell script of AWS's own command line: each step by its name, and the way back from each.
// Where there is nothing to do it is a comment.
func (p Plan) WriteCLI(w io.Writer, zone HostedZone, name string) error {
	out := &script{w: w}
	if len(p.Steps) == 0 && !p.From.Pair {
		out.nothing(p.From, name)
		return out.err
	}
	out.line("#!/bin/sh")
	out.line("# Moves %s in hosted zone %s (%s). Run it with the name of one step: each is one batch, which Route 53", Shown(name), zone.ID, Shown(zone.Name))
	out.line("# makes wholly or not at all, and refuses where a record is not as it was when this was printed.")
	out.line("# After each step wait for longer than %d s, and look at the target groups and alarms.", p.From.TTL)
	out.line("set -eu")
	out.line("change() {")
	out.line("  id=$(aws route53 change-resource-record-sets --hosted-zone-id %s --change-batch \"$(cat)\" --query ChangeInfo.Id --output text)", zone.ID)
	out.line("  aws route53 wait resource-record-sets-changed --id \"$id\"")
	out.line("}")
	out.line("case \"${1:-}\" in")
	from, names := p.From.Sets, []string{}
	back := func(at string, sets []Set) {
		if p.Rollback != nil && !SameSets(sets, p.Rollback.Sets) {
			names = append(names, "back-from-"+at)
			out.step("back-from-"+at, "the original record again, from there", Changes(sets, p.Rollback.Sets))
		}
	}
	if p.From.Pair {
		back(fmt.Sprint(p.From.Percent), p.From.Sets)
	}
	for _, s := range p.Steps {
		if s.Kind == Hold {
			continue
		}
		title := s.title()
		names = append(names, title)
		out.step(title, s.Says(), Changes(from, s.Sets))
		back(title, s.Sets)
		from = s.Sets
	}
	out.line("*)")
	out.line("  echo \"want one of: %s\" >&2", strings.Join(names, " "))
	out.line("  exit 2")
	out.line("  ;;")
	out.line("esac")
	return out.err
}

// title names a step in a script.
func (s Step) title() string {
	if s.Kind == Move {
		return fmt.Sprint(s.Percent)
	}
	return string(s.Kind)
}

// nothing says that there are no steps.
func (s *script) nothing(from State, name string) {
	s.line("# There is nothing to do for %s: it is one simple record, and %d %% of its answers lead to the NLB.", Shown(name), from.Percent)
}

// A script is shell that is written; the first error ends it.
type script struct {
	w   io.Writer
	err error
}

func (s *script) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}

// step is one case. A batch is JSON, of which no line can be the heredoc's end.
func (s *script) step(name, says string, changes []types.Change) {
	body, err := json.MarshalIndent(map[string]any{"Comment": "mooring shift: " + name, "Changes": plainChanges(changes)}, "", "  ")
	if err != nil {
		s.err = err
		return
	}
	s.line("%s) # %s", name, says)
	s.line("  change <<'BATCH'\n%s\nBATCH", body)
	s.line("  ;;")
}

// plainChanges are changes in the API's own JSON, without what is not set: the SDK's types have no JSON form.
func plainChanges(changes []types.Change) []any {
	var out []any
	for _, c := range changes {
		out = append(out, map[string]any{"Action": c.Action, "ResourceRecordSet": PlainSet(*c.ResourceRecordSet)})
	}
	return out
}

// PlainSet is a record set in the API's own JSON form: of a simple or a weighted one, which has no further fields.
func PlainSet(s Set) map[string]any {
	out := map[string]any{"Name": aws.ToString(s.Name), "Type": s.Type}
	set := func(key string, has bool, value any) {
		if has {
			out[key] = value
		}
	}
	set("SetIdentifier", s.SetIdentifier != nil, s.SetIdentifier)
	set("Weight", s.Weight != nil, s.Weight)
	set("TTL", s.TTL != nil, s.TTL)
	set("HealthCheckId", s.HealthCheckId != nil, s.HealthCheckId)
	if a := s.AliasTarget; a != nil {
		out["AliasTarget"] = map[string]any{
			"HostedZoneId": aws.ToString(a.HostedZoneId), "DNSName": aws.ToString(a.DNSName), "EvaluateTargetHealth": a.EvaluateTargetHealth,
		}
	}
	var values []any
	for _, r := range s.ResourceRecords {
		values = append(values, map[string]any{"Value": aws.ToString(r.Value)})
	}
	set("ResourceRecords", values != nil, values)
	return out
}
