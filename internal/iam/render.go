package iam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// JSON renders a policy as IAM's commands take it, and several as a list of them. JSON has no comments; see [Comments].
func JSON(policies []Policy) []byte {
	raw := compact(policies)
	if len(policies) == 1 {
		raw = compact(policies[0])
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return raw // what was just encoded indents
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// Comments are what the statements say to people, a line each with the statement's name before it.
func Comments(policies []Policy) []string {
	var out []string
	for _, p := range policies {
		for _, s := range p.Statements {
			for _, why := range s.Why {
				out = append(out, s.Sid+": "+why)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Terraform renders each policy as a data source aws_iam_policy_document, with the comments. about is told above them.
func Terraform(about string, policies []Policy) []byte {
	var out bytes.Buffer
	comment(&out, "", about)
	for i, p := range policies {
		if i > 0 {
			out.WriteByte('\n')
		}
		fmt.Fprintf(&out, "data \"aws_iam_policy_document\" \"mooring%s\" {\n", nth(i, "_"))
		for j, s := range p.Statements {
			if j > 0 {
				out.WriteByte('\n')
			}
			comment(&out, "  ", s.Why...)
			fmt.Fprintf(&out, "  statement {\n    sid    = %s\n    effect = \"Allow\"\n", hclString(s.Sid))
			fmt.Fprintf(&out, "    actions = %s\n    resources = %s\n", hclList("    ", s.Actions), hclList("    ", s.Resources))
			for _, c := range s.Conditions.each() {
				fmt.Fprintf(&out, "\n    condition {\n      test     = %s\n      variable = %s\n      values = %s\n    }\n",
					hclString(c.operator), hclString(c.key), hclList("      ", c.values))
			}
			out.WriteString("  }\n")
		}
		out.WriteString("}\n")
	}
	return out.Bytes()
}

// hclString quotes a string: https://developer.hashicorp.com/terraform/language/expressions/strings
func hclString(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(compact(s)))
}

// hclList is a list in several lines, which is formatted in one way only.
func hclList(indent string, values []string) string {
	var out strings.Builder
	out.WriteString("[\n")
	for _, v := range values {
		out.WriteString(indent + "  " + hclString(v) + ",\n")
	}
	out.WriteString(indent + "]")
	return out.String()
}

// CloudFormation renders each policy as a managed policy of a template, with the comments. The role that it is attached to
// is a parameter. about is told above it.
func CloudFormation(about string, policies []Policy) []byte {
	var out bytes.Buffer
	comment(&out, "", about)
	out.WriteString("AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: What mooring may do\nParameters:\n  Role:\n" +
		"    Type: String\n    Description: Name of the role that mooring runs with\nResources:\n")
	for i, p := range policies {
		fmt.Fprintf(&out, "  MooringPolicy%s:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      Roles: [!Ref Role]\n", nth(i, ""))
		fmt.Fprintf(&out, "      PolicyDocument:\n        Version: %q\n        Statement:\n", version)
		for _, s := range p.Statements {
			comment(&out, "          ", s.Why...)
			fmt.Fprintf(&out, "          - Sid: %s\n            Effect: Allow\n", s.Sid)
			yamlList(&out, "            ", "Action", s.Actions)
			yamlList(&out, "            ", "Resource", s.Resources)
			yamlConditions(&out, s.Conditions)
		}
	}
	return out.Bytes()
}

func yamlConditions(out *bytes.Buffer, conditions Conditions) {
	if len(conditions) > 0 {
		out.WriteString("            Condition:\n")
	}
	for _, operator := range slices.Sorted(maps.Keys(conditions)) {
		fmt.Fprintf(out, "              %q:\n", operator)
		for _, key := range slices.Sorted(maps.Keys(conditions[operator])) {
			yamlList(out, "                ", string(compact(key)), conditions[operator][key])
		}
	}
}

// yamlList writes a key with a list, of strings that are quoted as in JSON, which YAML takes.
func yamlList(out *bytes.Buffer, indent, key string, values []string) {
	fmt.Fprintf(out, "%s%s:\n", indent, key)
	for _, v := range values {
		fmt.Fprintf(out, "%s  - %s\n", indent, compact(v))
	}
}

// comment writes lines of at most about a hundred characters.
func comment(out *bytes.Buffer, indent string, sentences ...string) {
	const most = 100
	line := ""
	for _, word := range strings.Fields(strings.Join(sentences, " ")) {
		if line != "" && len(indent)+len(line)+len(word) > most {
			fmt.Fprintf(out, "%s# %s\n", indent, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		fmt.Fprintf(out, "%s# %s\n", indent, line)
	}
}

func nth(i int, joint string) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprint(joint, i+1)
}

// A condition is one operator on one key.
type condition struct {
	operator, key string
	values        []string
}

func (c Conditions) each() []condition {
	var out []condition
	for _, operator := range slices.Sorted(maps.Keys(c)) {
		for _, key := range slices.Sorted(maps.Keys(c[operator])) {
			out = append(out, condition{operator, key, c[operator][key]})
		}
	}
	return out
}
