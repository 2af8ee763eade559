package shift

import (
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"mooring"
)

// WriteTerraform writes the way to the NLB as aws_route53_record blocks, for a record that belongs to Terraform, with what
// to do at each step. The first apply changes the present resource in one batch, for the provider deletes and creates
// within one where set_identifier changes (resourceRecordUpdate in its internal/service/route53/record.go), and the
// second record follows it: so the name is never without records. At 0 there is no second record, since a weight of 0
// alone does not keep clients from it, see [Forward]. A name that leads to the NLB already gets a comment.
func WriteTerraform(w io.Writer, s State, to Balancer, zone HostedZone, name string, steps []int) error {
	out := &script{w: w}
	if leads(s, to) {
		out.nothing(arrived(s), name)
		return out.err
	}
	out.line("# Moves %s from the ALB to %s in steps, by Terraform.", Shown(name), mooring.Printable(to.Name))
	out.line("#")
	out.line("# 1. Put the %s block(s) in the place of the present resource, under its own name: if that is aws_route53_record.app,", ALB)
	out.line("#    call the block app, or say so with: terraform state mv aws_route53_record.app aws_route53_record.%s", resource(s.Original[0], "alb"))
	out.line("#    Add the rest, and apply. The plan must say that the present record is updated in place, and not replaced.")
	out.line("# 2. Raise nlb_percent step by step (%s), apply, and wait for longer than %d s each time; look at the", list(steps), s.TTL)
	out.line("#    target groups and alarms in between. 0 takes everything back at once: there is no %s then.", NLB)
	out.line("# 3. Back for good: set it to 0 and apply; then remove the %s block(s), and set_identifier and", NLB)
	out.line("#    weighted_routing_policy from the other(s), and apply. In this order: a simple record does not stand beside weighted ones.")
	out.line("# If mooring shift made the pair already, import both records, here for example:")
	for _, one := range []string{resource(s.Original[0], "alb"), resource(s.Original[0], "nlb") + "[0]"} {
		id := "mooring-" + one[:3]
		out.line("#    terraform import 'aws_route53_record.%s' %s_%s_%s_%s", one, zone.ID, Shown(name), s.Original[0].Type, id)
	}
	out.line("")
	out.line("variable \"nlb_percent\" {")
	out.line("  description = \"how many percent of the answers lead to the NLB\"")
	out.line("  type        = number")
	out.line("  default     = %d", s.Percent)
	out.line("  validation {")
	out.line("    condition     = var.nlb_percent >= 0 && var.nlb_percent <= 100 && floor(var.nlb_percent) == var.nlb_percent")
	out.line("    error_message = \"Want a whole number from 0 to 100.\"")
	out.line("  }")
	out.line("}")
	for i, other := range nlbSets(s, to) {
		alb := resource(s.Original[i], "alb")
		out.record(alb, s.Original[i], zone, name, ALB, "100 - var.nlb_percent", "")
		out.record(resource(other, "nlb"), other, zone, name, NLB, "var.nlb_percent", alb)
	}
	return out.err
}

// resource names a block.
func resource(s Set, which string) string {
	if s.Type == types.RRTypeA || s.Type == types.RRTypeCname {
		return which
	}
	return which + "_" + strings.ToLower(string(s.Type))
}

func list(steps []int) string {
	var out []string
	for _, s := range steps {
		out = append(out, fmt.Sprint(s))
	}
	return strings.Join(out, ", ")
}

func (s *script) record(block string, set Set, zone HostedZone, name, id, weight, after string) {
	s.line("")
	s.line("resource \"aws_route53_record\" %s {", quoted(block))
	if after != "" {
		s.line("  count          = var.nlb_percent > 0 ? 1 : 0 # a weight of 0 gets every answer while the other record is unhealthy")
	}
	s.line("  zone_id        = %s", quoted(zone.ID))
	s.line("  name           = %s", quoted(Shown(name)))
	s.line("  type           = %s", quoted(string(set.Type)))
	s.line("  set_identifier = %s", quoted(id))
	if set.HealthCheckId != nil {
		s.line("")
		s.line("  health_check_id = %s", quoted(*set.HealthCheckId))
	}
	if a := set.AliasTarget; a != nil {
		s.line("  alias {")
		s.line("    name                   = %s", quoted(strings.TrimSuffix(aws.ToString(a.DNSName), ".")))
		s.line("    zone_id                = %s", quoted(aws.ToString(a.HostedZoneId)))
		s.line("    evaluate_target_health = %t", a.EvaluateTargetHealth)
		s.line("  }")
	} else {
		s.line("  ttl            = %d", aws.ToInt64(set.TTL))
		s.line("  records = [")
		for _, r := range set.ResourceRecords {
			s.line("    %s,", quoted(aws.ToString(r.Value)))
		}
		s.line("  ]")
	}
	s.line("  weighted_routing_policy {")
	s.line("    weight = %s", weight)
	s.line("  }")
	if after != "" {
		s.line("  depends_on = [aws_route53_record.%s] # weighted records do not stand beside a simple one", after)
	}
	s.line("}")
}

// quoted is a string of Terraform's language, in which ${ and %{ begin templates:
// https://developer.hashicorp.com/terraform/language/expressions/strings
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
		case (r == '$' || r == '%') && strings.HasPrefix(text[i+1:], "{"):
			out.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&out, `\u%04x`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String() + `"`
}
