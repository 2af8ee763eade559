package iam

import (
	"maps"
	"slices"
)

// A kind is what a statement is for. Statements are in this order.
type kind int

const (
	readGroups kind = iota
	changeTargets
	keepMemory
	holdLease
	readOlderState
	writeOlderState
	readConfiguration
	useKey
	readOlderItems
	putOldMetric
	publish
	putEvents
	assumeRoles
	writeLogs
	furtherReads
	furtherChanges
)

// String is the statement's name. IAM takes letters and digits.
func (k kind) String() string {
	return [...]string{
		"ReadGroups", "ChangeTargets", "KeepMemory", "HoldLease", "ReadOlderState", "WriteOlderState", "ReadConfiguration", "UseKey",
		"ReadOlderItems", "PutOldMetric", "PublishChanges", "PutEvents", "AssumeRoles", "WriteLogs", "Read", "Change",
	}[k]
}

// everywhere is the resource of actions for which AWS has none.
const everywhere = "*"

const (
	whyReads  = "AWS has no resources for these actions. The condition keeps them to the Region of the groups."
	whyMetric = "AWS has no resources for this action. The condition keeps it to the metrics that alarms in use are set on."
	whyStream = "Each instance of a function has a log stream of its own. What is not known of its group is * too; --log-group ARN names it."
	whyAlias  = "A policy cannot name an alias, so the condition asks the key for it."
)

// groupReads are the calls that look at a group and its surroundings. Only the first is indispensable: without the others
// it goes on with a warning, and learns zones from AWS's messages.
var groupReads = []string{
	"elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTargetGroups",
	"elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeLoadBalancers", "ec2:DescribeSubnets",
}

// grants are those of one need that do not depend on others.
func (n Need) grants() []grant {
	if n.For != "" {
		return n.furtherGrants()
	}
	var out []grant
	add := func(k kind, resource, why string, conditions Conditions, actions ...string) {
		for _, a := range actions {
			out = append(out, grant{k, a, resource, conditions, why})
		}
	}
	switch n.Mode {
	case Sync:
		add(changeTargets, n.Group, "", nil, "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets")
	case AddOnly:
		add(changeTargets, n.Group, "", nil, "elasticloadbalancing:RegisterTargets")
	case Observe:
	}
	for _, o := range n.Objects {
		add(o.Use.kind(), o.arn(), o.Why, ownedBy(o.Owner), o.Use.actions()...)
	}
	for _, k := range n.Keys {
		add(useKey, k.ARN, k.why(), k.conditions(), "kms:Decrypt", "kms:GenerateDataKey")
	}
	for _, b := range n.Buses {
		add(putEvents, b.ARN, b.Why, nil, "events:PutEvents")
	}
	for _, t := range n.Topics {
		add(publish, t, "", nil, "sns:Publish")
	}
	for _, r := range n.Roles {
		add(assumeRoles, r, "", nil, "sts:AssumeRole")
	}
	for _, l := range n.LogGroups {
		add(writeLogs, l+":*", whyStream, nil, "logs:CreateLogStream", "logs:PutLogEvents")
	}
	return out
}

func (u Use) kind() kind {
	return [...]kind{keepMemory, holdLease, readOlderState, writeOlderState, readConfiguration}[u]
}

// actions are what is done to an object. A conditional write by If-Match needs both:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
//
// s3:ListBucket is not among them, though a missing object is a denied one without it: the first save creates the object
// only where there is none, which tells the two apart. Nor would it do with a condition on s3:prefix, which a GetObject
// does not have.
func (u Use) actions() []string {
	switch u {
	case ForOlderState, ForConfiguration:
		return []string{"s3:GetObject"}
	default:
		return []string{"s3:GetObject", "s3:PutObject"}
	}
}

func ownedBy(account string) Conditions {
	if account == "" {
		return nil
	}
	return Conditions{"StringEquals": {"s3:ResourceAccount": {account}}}
}

func (k Key) why() string {
	if k.Alias != "" {
		return whyAlias
	}
	return k.Why
}

// conditions keep a key to the objects: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
func (k Key) conditions() Conditions {
	out := Conditions{"StringEquals": {"kms:ViaService": {k.Service}}}
	if k.Alias != "" {
		out["ForAnyValue:StringEquals"] = map[string][]string{"kms:ResourceAliases": {k.Alias}}
	}
	return out
}

// shared are the grants that all needs have together, for they differ in their conditions alone.
func shared(needs []Need) []grant {
	regions, namespaces := map[string]bool{}, map[string]bool{}
	items, why := map[string]map[string]bool{}, map[string]string{}
	for _, n := range needs {
		if n.For != "" {
			continue
		}
		if n.Group != "" {
			regions[regionOf(n.Group)] = true
		}
		for _, ns := range n.Namespaces {
			namespaces[ns] = true
		}
		for _, i := range n.Items {
			if items[i.Table] == nil {
				items[i.Table] = map[string]bool{}
			}
			items[i.Table][i.Key], why[i.Table] = true, i.Why
		}
	}
	var out []grant
	if len(regions) > 0 {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion
		here := Conditions{"StringEquals": {"aws:RequestedRegion": slices.Sorted(maps.Keys(regions))}}
		for _, a := range groupReads {
			out = append(out, grant{readGroups, a, everywhere, here, whyReads})
		}
	}
	if len(namespaces) > 0 {
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
		these := Conditions{"StringEquals": {"cloudwatch:namespace": slices.Sorted(maps.Keys(namespaces))}}
		out = append(out, grant{putOldMetric, "cloudwatch:PutMetricData", everywhere, these, whyMetric})
	}
	for _, table := range slices.Sorted(maps.Keys(items)) {
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
		these := Conditions{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": slices.Sorted(maps.Keys(items[table]))}}
		out = append(out, grant{readOlderItems, "dynamodb:GetItem", table, these, why[table]})
	}
	return out
}
