package shift

// A Permission is an action of IAM that a shift needs, and on what.
type Permission struct {
	Action, Resource string
	Condition        map[string]map[string][]string // operator, key and values; nil: none
	Why              string
}

// Permissions are what moving a canonical name of a zone needs, in the partition of a Region: only its own records, by the
// condition keys of https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html. What is on
// * cannot be narrower: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html; of DescribeAlarms
// it can, and composite alarms would not be seen then.
func Permissions(zone HostedZone, name, region string) []Permission {
	plain := name
	if n := len(plain); n > 0 && plain[n-1] == '.' {
		plain = plain[:n-1]
	}
	const key = "route53:ChangeResourceRecordSets"
	arn := zone.ARN(region)
	return []Permission{
		{"route53:ListHostedZonesByName", "*", nil, "to find the zone by its name"},
		{"route53:GetHostedZone", arn, nil, "to find the zone by its id"},
		{"route53:ListResourceRecordSets", arn, nil, "to read the name's records"},
		{"route53:ChangeResourceRecordSets", arn, map[string]map[string][]string{
			"ForAllValues:StringEquals": {
				key + "NormalizedRecordNames": {plain},
				key + "RecordTypes":           {"A", "AAAA", "CNAME"},
				key + "Actions":               {"CREATE", "DELETE"},
			},
		}, "to move the traffic"},
		{"route53:GetChange", "arn:" + partition(region) + ":route53:::change/*", nil, "to wait until all name servers have a change"},
		{"elasticloadbalancing:DescribeLoadBalancers", "*", nil, "to find the NLB"},
		{"elasticloadbalancing:DescribeTargetGroups", "*", nil, "to find its target groups"},
		{"elasticloadbalancing:DescribeTargetHealth", "*", nil, "to watch them"},
		{"cloudwatch:DescribeAlarms", "*", nil, "only for --alarm"},
	}
}
