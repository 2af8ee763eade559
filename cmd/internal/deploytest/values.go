package deploytest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// value resolves every function in a value. A map or list loses what has no value.
func (s *Stack) value(v any) (any, error) {
	if name, given, ok := call(v); ok {
		return s.function(name, given)
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, child := range v {
			r, err := s.value(child)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if r != any(noValue{}) {
				out[key] = r
			}
		}
		return out, nil
	case []any:
		out := []any{}
		for _, child := range v {
			r, err := s.value(child)
			if err != nil {
				return nil, err
			}
			if _, none := r.(noValue); !none {
				out = append(out, r)
			}
		}
		return out, nil
	default:
		return v, nil
	}
}

func (s *Stack) function(name string, given any) (any, error) {
	list, _ := given.([]any)
	switch {
	case name == "Ref":
		return s.ref(fmt.Sprint(given))
	case name == "Fn::Sub":
		return s.sub(given)
	case name == "Fn::GetAtt" && len(list) == 2:
		return s.attribute(fmt.Sprint(list[0]), fmt.Sprint(list[1]))
	case name == "Fn::If" && len(list) == 3: // only the one that is chosen
		if s.Conditions[fmt.Sprint(list[0])] {
			return s.value(list[1])
		}
		return s.value(list[2])
	case name == "Fn::Join" && len(list) == 2:
		words, err := s.words(list[1])
		return strings.Join(words, fmt.Sprint(list[0])), err
	case name == "Fn::Split" && len(list) == 2:
		text, err := s.value(list[1])
		words := []any{}
		for word := range strings.SplitSeq(fmt.Sprint(text), fmt.Sprint(list[0])) {
			words = append(words, word)
		}
		return words, err
	case name == "Fn::Select" && len(list) == 2:
		words, err := s.words(list[1])
		i, bad := strconv.Atoi(fmt.Sprint(list[0]))
		if err = errors.Join(err, bad); err == nil && i >= len(words) {
			err = fmt.Errorf("Fn::Select: %q has no part %d", words, i)
		}
		if err != nil {
			return nil, err
		}
		return words[i], nil
	}
	return nil, fmt.Errorf("%s %v: not understood", name, given)
}

func (s *Stack) words(v any) ([]string, error) {
	r, err := s.value(v)
	if err != nil {
		return nil, err
	}
	list, ok := r.([]any)
	if !ok {
		return nil, fmt.Errorf("no list: %v", r)
	}
	var out []string
	for _, w := range list {
		out = append(out, fmt.Sprint(w))
	}
	return out, nil
}

func (s *Stack) ref(name string) (any, error) {
	if v, ok := s.parameters[name]; ok {
		return v, nil
	}
	switch name {
	case "AWS::NoValue":
		return noValue{}, nil
	case "AWS::Region":
		return s.c.Region, nil
	case "AWS::AccountId":
		return account, nil
	case "AWS::Partition":
		return partition(s.c.Region), nil
	case "AWS::URLSuffix":
		if partition(s.c.Region) == "aws-cn" {
			return "amazonaws.com.cn", nil
		}
		return "amazonaws.com", nil
	case "AWS::StackName":
		return s.c.Name, nil
	case "AWS::StackId":
		return "arn:" + partition(s.c.Region) + ":cloudformation:" + s.c.Region + ":" + account + ":stack/" + s.c.Name + "/0", nil
	}
	d, err := s.there(name)
	if err != nil {
		return nil, err
	}
	switch d.Type {
	case "AWS::SNS::Topic", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup":
		return s.arn(name, d), nil
	case "AWS::Logs::LogGroup":
		if given, ok := d.Properties["LogGroupName"]; ok {
			return s.value(given)
		}
	case "AWS::S3::Bucket": // whose names have no capitals
		return strings.ToLower(s.c.Name + "-" + name), nil
	}
	return s.c.Name + "-" + name, nil
}

// there is a resource whose condition holds.
func (s *Stack) there(id string) (Declared, error) {
	d, ok := s.template.Resources[id]
	if !ok {
		return d, fmt.Errorf("%s: there is none", id)
	}
	if d.Condition == "" {
		return d, nil
	}
	if ok, err := s.condition(map[string]any{"Condition": d.Condition}); err != nil || !ok {
		return d, errors.Join(err, fmt.Errorf("%s: not in this stack, for %s does not hold", id, d.Condition))
	}
	return d, nil
}

func (s *Stack) attribute(id, name string) (any, error) {
	d, err := s.there(id)
	if err != nil {
		return nil, err
	}
	if name != "Arn" {
		return s.c.Name + "-" + id + "." + name, nil
	}
	if d.Type == "AWS::Logs::LogGroup" {
		group, err := s.ref(id)
		return s.arnOf("logs", "log-group:"+fmt.Sprint(group)+":*"), err
	}
	return s.arn(id, d), nil
}

func (s *Stack) arn(id string, d Declared) string {
	name := s.c.Name + "-" + id
	switch d.Type {
	case "AWS::S3::Bucket":
		return "arn:" + partition(s.c.Region) + ":s3:::" + strings.ToLower(name)
	case "AWS::IAM::Role":
		return "arn:" + partition(s.c.Region) + ":iam::" + account + ":role/" + name
	case "AWS::Lambda::Function":
		return s.arnOf("lambda", "function:"+name)
	case "AWS::Events::Rule":
		return s.arnOf("events", "rule/"+name)
	case "AWS::SNS::Topic":
		return s.arnOf("sns", name)
	case "AWS::SQS::Queue":
		return s.arnOf("sqs", name)
	default:
		return s.arnOf(strings.ToLower(strings.Split(d.Type, "::")[1]), name)
	}
}

func (s *Stack) arnOf(service, resource string) string {
	return strings.Join([]string{"arn", partition(s.c.Region), service, s.c.Region, account, resource}, ":")
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

func (s *Stack) sub(given any) (any, error) {
	text, own := parts(given)
	var faults []error
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		name := variable.FindStringSubmatch(m)[1]
		v, err := s.named(name, own)
		if err != nil {
			faults = append(faults, err)
		}
		return fmt.Sprint(v)
	})
	return out, errors.Join(faults...)
}

// named is what stands for ${name}.
func (s *Stack) named(name string, own map[string]any) (any, error) {
	if v, ok := own[name]; ok {
		return s.value(v)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return s.attribute(id, attribute)
	}
	return s.ref(name)
}
