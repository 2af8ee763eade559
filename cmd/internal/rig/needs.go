package rig

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/iam"
	"mooring/internal/store"
)

// An Identity is somebody whom AWS gives permissions: the process itself, a profile of its AWS configuration, or a role.
type Identity struct{ Profile, RoleARN string }

// String is process, profile:NAME or the role's ARN.
func (i Identity) String() string {
	switch {
	case i.RoleARN != "":
		return i.RoleARN
	case i.Profile != "":
		return "profile:" + i.Profile
	default:
		return "process"
	}
}

// A Deployment is what a process needs beside its bindings. Its zero value is a command with a configuration of its own.
type Deployment struct {
	Config   string     // s3://BUCKET/KEY that the configuration is read from; "": not from S3
	Access   config.AWS // as whom, and where
	Daemon   bool       // it holds leases
	LogGroup string     // name or ARN of the log group that it writes to, as a function, or reads; "": none
	Purpose  string     // what is done instead of rounds, as [iam.Purposes] lists it; "": rounds
	Zones    []string   // ids of the hosted zones that are changed; none: any
	Key      string     // KMS key that a memory is encrypted with where nothing else is said, as --memory-sse has it; "": none
}

// AnyLogGroup is a function's log group, whatever the function is called.
const AnyLogGroup = "/aws/lambda/*"

// A Needer is an identity, and all that it does.
type Needer struct {
	Identity
	Needs []iam.Need
}

// NeedsOf says who must be allowed what. A permission is whose in whose name the call is made: the process's own, or a
// role's. The process comes first, and roles last.
func NeedsOf(configs []config.Config, d Deployment) ([]Needer, error) {
	n := needs{configs: configs, deployment: d, of: map[Identity][]iam.Need{}}
	for _, c := range configs {
		if err := n.binding(c); err != nil {
			return nil, err
		}
	}
	if err := n.process(); err != nil {
		return nil, err
	}
	var out []Needer
	for who, what := range n.of {
		out = append(out, Needer{who, what})
	}
	slices.SortFunc(out, func(a, b Needer) int {
		return cmp.Or(strings.Compare(a.RoleARN, b.RoleARN), strings.Compare(a.Profile, b.Profile))
	})
	return out, nil
}

// needs are what is gathered.
type needs struct {
	configs    []config.Config
	deployment Deployment
	of         map[Identity][]iam.Need
}

// add notes what somebody does, and that he is assumed where he is a role.
func (n *needs) add(who config.AWS, need iam.Need) {
	id := Identity{Profile: who.Profile}
	if who.RoleARN != "" {
		n.of[id] = append(n.of[id], iam.Need{Roles: []string{who.RoleARN}})
		id = Identity{RoleARN: who.RoleARN}
	}
	n.of[id] = append(n.of[id], need)
}

// bound notes what somebody does for a binding.
func (n *needs) bound(who config.AWS, need iam.Need) {
	if need.For = n.deployment.Purpose; need.For != "" {
		need.Zones = n.zones()
	}
	n.add(who, need)
}

// zones are the ARNs of the hosted zones, which are in the groups' partition.
func (n *needs) zones() (arns []string) {
	before := "arn:" + n.partition() + ":route53:::hostedzone/"
	for _, id := range n.deployment.Zones {
		arns = append(arns, before+id)
	}
	if len(arns) == 0 {
		return []string{before + "*"}
	}
	return arns
}

// partition is that of the groups, which are all in one: no role is assumed across.
func (n *needs) partition() string {
	for _, c := range n.configs {
		if !c.Embedded() {
			return store.Partition(config.GroupRegion(c.Binding.TargetGroup))
		}
	}
	return store.Partition(n.deployment.Access.Region)
}

func (n *needs) binding(c config.Config) error {
	if !c.Embedded() {
		n.bound(c.AWS, n.group(c))
	}
	if changes(c) && len(c.Notify) > 0 {
		n.bound(c.AWS, n.notify(c))
	}
	if c.Memory.Kind == "s3" {
		need, err := n.memory(c)
		if err != nil {
			return err
		}
		n.bound(memoryIdentity(c), need)
	}
	if keepsLegacy(c) {
		who := memoryIdentity(c)
		n.bound(who, n.legacy(c, who))
	}
	if c.LegacyState.Format != "" {
		who := legacyWriter(c)
		n.bound(who, n.legacyState(c, who))
	}
	return nil
}

// changes tells whether rounds change anything, of which somebody is to be told.
func changes(c config.Config) bool { return c.Policy.Mode != mooring.ModeObserve }

// group is what is done to the target group. Without memory nobody leaves it.
func (n *needs) group(c config.Config) iam.Need {
	need := iam.Need{Group: c.Binding.TargetGroup, Mode: map[mooring.Mode]iam.Mode{
		mooring.ModeSync: iam.Sync, mooring.ModeAddOnly: iam.AddOnly, mooring.ModeObserve: iam.Observe,
	}[c.Policy.Mode]}
	if c.Memory.Kind == "none" && need.Mode == iam.Sync {
		need.Mode = iam.AddOnly
	}
	if c.Legacy != nil && c.Legacy.IPCount && changes(c) {
		need.Namespaces = []string{oldMetric(*c.Legacy).Namespace}
	}
	return need
}

func (n *needs) notify(c config.Config) (need iam.Need) {
	for _, to := range c.Notify {
		switch to.Kind {
		case "sns":
			need.Topics = append(need.Topics, to.ARN)
		case "eventbridge":
			need.Buses = append(need.Buses, n.bus(c, to.ARN))
		}
	}
	return need
}

// bus is one of which there may only be a name. It is in the account of who puts events there.
func (n *needs) bus(c config.Config, name string) iam.Bus {
	if strings.HasPrefix(name, "arn:") {
		return iam.Bus{ARN: name}
	}
	at := n.at(c, c.AWS, "")
	return iam.Bus{
		ARN: fmt.Sprintf("arn:%s:events:%s:%s:event-bus/%s", at.partition, at.region, at.account, name),
		Why: at.why("the bus", "--notify eventbridge:ARN names it."),
	}
}

// memory is where a binding's memory is, and the lease on it.
func (n *needs) memory(c config.Config) (need iam.Need, err error) {
	key, err := store.Key(c.Memory.Prefix, c.Binding.TargetGroup, max(c.Binding.Port, 1))
	if err != nil {
		return need, fmt.Errorf("name the memory of %s: %w", c.Binding.Name, err)
	}
	at := n.at(c, memoryIdentity(c), c.Memory.Region)
	o := iam.Object{
		Use: iam.ForMemory, Partition: at.partition, Bucket: c.Memory.Bucket, Key: iam.Literal(key), Owner: c.Memory.Owner,
	}
	if c.Binding.Port == 0 {
		o.Key = strings.TrimSuffix(o.Key, "1.json") + "*.json"
		o.Why = "A key ends in the port of the targets, which the group alone knows where --port is not given."
	}
	need.Objects = []iam.Object{o}
	if n.deployment.Daemon {
		o.Use, o.Key = iam.ForLease, iam.Literal(c.Memory.Prefix)+"mooring/watch-*.lease"
		o.Why = "The name of a lease is made of the bindings that it is for, and changes with them."
		need.Objects = append(need.Objects, o)
	}
	key, own := strings.CutPrefix(c.Memory.SSE, "aws:kms:")
	switch {
	case own:
		need.Keys = []iam.Key{at.key(key)}
	case n.deployment.Key != "" && (c.Memory.SSE == "" || c.Memory.SSE == "none"):
		need.Keys = []iam.Key{at.key(n.deployment.Key)}
	}
	return need, nil
}

// legacy is what an older function left.
func (n *needs) legacy(c config.Config, who config.AWS) (need iam.Need) {
	left, at := legacyConfig(c), n.at(c, who, cmp.Or(c.Legacy.BucketRegion, c.Memory.Region))
	for _, key := range left.Keys() {
		need.Objects = append(need.Objects, iam.Object{
			Use: iam.ForOlderState, Partition: at.partition, Bucket: left.Bucket, Key: iam.Literal(key), Owner: left.Owner,
		})
	}
	for _, key := range left.ItemKeys() {
		need.Items = append(need.Items, iam.Item{
			Table: fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", at.partition, at.region, at.account, left.Table), Key: key,
			Why: at.why("the table", ""),
		})
	}
	return need
}

// legacyState is what is kept true for an older function.
func (n *needs) legacyState(c config.Config, who config.AWS) (need iam.Need) {
	kept, at := legacyWriteOf(c), n.at(c, who, who.Region)
	for _, key := range kept.Keys() {
		need.Objects = append(need.Objects, iam.Object{
			Use: iam.ForOlderStateToo, Partition: at.partition, Bucket: kept.Bucket, Key: iam.Literal(key), Owner: kept.Owner,
		})
	}
	return need
}

// process is what the process itself does: it reads its configuration, and as a function its log is written.
func (n *needs) process() error {
	d := n.deployment
	at := n.at(config.Config{}, d.Access, "")
	at.partition = n.partition()
	if d.Config != "" {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(d.Config, "s3://"), "/")
		if !strings.HasPrefix(d.Config, "s3://") || bucket == "" || key == "" {
			return fmt.Errorf("configuration at %q: want s3://BUCKET/KEY", d.Config)
		}
		n.add(d.Access, iam.Need{Objects: []iam.Object{{
			Use: iam.ForConfiguration, Partition: at.partition, Bucket: bucket, Key: iam.Literal(key),
		}}})
	}
	if d.LogGroup != "" {
		arn := strings.TrimSuffix(d.LogGroup, ":*")
		if !strings.HasPrefix(arn, "arn:") {
			arn = fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", at.partition, at.region, at.account, strings.ReplaceAll(iam.Literal(arn), "${*}", "*"))
		}
		n.logs(arn)
	}
	return nil
}

// logs are written by the function's runtime for the process itself, and read as whoever looks at a binding.
func (n *needs) logs(arn string) {
	need := iam.Need{LogGroups: []string{arn}}
	if n.deployment.Purpose == "" {
		n.of[Identity{}] = append(n.of[Identity{}], need)
		return
	}
	for _, c := range n.configs {
		n.bound(c.AWS, need)
	}
}

// A locale is where the resources are that somebody names without their ARNs; * where that is not known.
type locale struct{ partition, region, account string }

// at is where somebody calls AWS for a binding.
func (n *needs) at(c config.Config, who config.AWS, region string) locale {
	group := config.GroupRegion(c.Binding.TargetGroup)
	region = cmp.Or(region, who.Region, group, n.onlyRegion())
	return locale{partition: store.Partition(region), region: cmp.Or(region, "*"), account: n.account(who)}
}

// onlyRegion is the region of all groups, where they have one.
func (n *needs) onlyRegion() string {
	regions := map[string]bool{}
	for _, c := range n.configs {
		if !c.Embedded() {
			regions[config.GroupRegion(c.Binding.TargetGroup)] = true
		}
	}
	if len(regions) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(regions))[0]
}

// account is an identity's: a role's is in its ARN, and a group is called by somebody of its own account.
func (n *needs) account(who config.AWS) string {
	if arn := strings.Split(who.RoleARN, ":"); len(arn) == 6 {
		return arn[4]
	}
	for _, c := range n.configs {
		if arn := strings.Split(c.Binding.TargetGroup, ":"); c.AWS.RoleARN == "" && c.AWS.Profile == who.Profile && len(arn) == 6 {
			return arn[4]
		}
	}
	return "*"
}

func (l locale) why(what, remedy string) string {
	if l.region != "*" && l.account != "*" {
		return ""
	}
	return strings.TrimSpace("Only the name of " + what + " is known here. " + remedy)
}

// key is one that is named by its ARN, its id or its alias:
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
func (l locale) key(name string) iam.Key {
	if arn := strings.SplitN(name, ":", 6); len(arn) == 6 && arn[0] == "arn" {
		l.partition, l.region, l.account, name = arn[1], arn[3], arn[4], strings.TrimPrefix(arn[5], "key/")
	}
	k := iam.Key{
		ARN: fmt.Sprintf("arn:%s:kms:%s:%s:key/", l.partition, l.region, l.account), Service: "s3." + l.region + "." + suffixes[l.partition],
		Why: l.why("the key", "--memory-sse aws:kms:ARN names it."),
	}
	if strings.HasPrefix(name, "alias/") {
		k.ARN, k.Alias = k.ARN+"*", name
		return k
	}
	k.ARN += iam.Literal(name)
	return k
}

// suffixes are of the partitions' host names.
var suffixes = map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
