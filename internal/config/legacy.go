package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A format is one of the functions that mooring replaces: its environment, and what each variable means here.
// It is used only when all that it requires is set.
type format struct {
	name     string // of Legacy.Format
	title    string // for people
	required []string
	optional []string
	without  string            // a variable that must not be set
	refused  map[string]string // variables whose meaning mooring has not, and what to do instead
	read     func(*replaced)
}

// formats are all of them. The first whose whole set is present is used: those that require more come first, and
// of two that require as many the one whose variables are nobody else's.
var formats = []format{
	{
		// The functions that AWS published in 2018 and 2021; only the second has SAME_VPC.
		// https://aws.amazon.com/blogs/networking-and-content-delivery/using-static-ip-addresses-for-application-load-balancers/
		name: "v1", title: "the original function",
		required: []string{
			"ALB_DNS_NAME", "ALB_LISTENER", "S3_BUCKET", "NLB_TG_ARN",
			"MAX_LOOKUP_PER_INVOCATION", "INVOCATIONS_BEFORE_DEREGISTRATION", "CW_METRIC_FLAG_IP_COUNT",
		},
		optional: []string{"SAME_VPC"},
		read: func(r *replaced) {
			r.set("hostname", "ALB_DNS_NAME")
			r.set("port", "ALB_LISTENER")
			r.set("target-group", "NLB_TG_ARN")
			r.set("max-lookups", "MAX_LOOKUP_PER_INVOCATION")
			r.set("misses", "INVOCATIONS_BEFORE_DEREGISTRATION")
			r.zone("SAME_VPC")
			// An old policy may write below the load balancer's name, so that is where the memory goes.
			r.bucket(r.get("ALB_DNS_NAME"), "")
			r.legacy.Name = r.get("ALB_DNS_NAME")
			r.legacy.IPCount = isTrue(r.get("CW_METRIC_FLAG_IP_COUNT"))
		},
	},
	{
		// A fork of the second for two groups of one load balancer. It found the load balancer by its tags.
		name: "dual-group", title: "the function with two groups",
		required: []string{"NLB_TG_ARN", "NLB_TLS_TG_ARN", "S3_BUCKET", "ALB_LISTENER"},
		without:  "ALB_DNS_NAME",
		optional: []string{"MAX_LOOKUP_PER_INVOCATION", "INVOCATIONS_BEFORE_DEREGISTRATION", "SAME_VPC", "FIRST_INGRESS_NAME", "SECOND_INGRESS_NAME"},
		read: func(r *replaced) {
			r.set("port", "ALB_LISTENER")
			r.set("target-group", "NLB_TG_ARN")
			r.set("max-lookups", "MAX_LOOKUP_PER_INVOCATION")
			r.set("misses", "INVOCATIONS_BEFORE_DEREGISTRATION")
			r.zone("SAME_VPC")
			r.wants["hostname"] = "the load balancer's name, which the function found by a tag, as mooring does not"
			r.legacy.Name = r.loadBalancer()
			r.bucket(r.legacy.Name, "")
			r.second = "NLB_TLS_TG_ARN"
		},
	},
	{
		// AWS's sample for the read replicas of RDS.
		name: "read-replica", title: "the read replicas' function",
		required: []string{"RDS_REPLICA_DNS_NAMES", "RDS_LISTENER_PORT", "S3_BUCKET", "NLB_TG_ARN"},
		optional: []string{"STATE_PREFIX", "MAX_LOOKUP_PER_INVOCATION", "INVOCATIONS_BEFORE_DEREGISTRATION", "MAX_DEREGISTRATION_PERCENT", "SAME_VPC"},
		read: func(r *replaced) {
			r.set("hostname", "RDS_REPLICA_DNS_NAMES")
			r.set("port", "RDS_LISTENER_PORT")
			r.set("target-group", "NLB_TG_ARN")
			r.setOr("max-lookups", "MAX_LOOKUP_PER_INVOCATION", "5")
			r.setOr("misses", "INVOCATIONS_BEFORE_DEREGISTRATION", "3")
			r.put("max-leave", "MAX_DEREGISTRATION_PERCENT", r.getOr("MAX_DEREGISTRATION_PERCENT", "50")+"%")
			r.zone("SAME_VPC")
			r.legacy.Name = r.getOr("STATE_PREFIX", defaultPrefix)
			r.bucket(r.legacy.Name, "")
		},
	},
	{
		// A tool in Go, with its state in DynamoDB.
		name: "cresta", title: "cresta's tool",
		required: []string{"ELB_TG_ARN", "TARGET_FQDN", "DYNAMODB_TABLE"},
		optional: []string{"DNS_SERVERS", "INVOCATIONS_BEFORE_DEREGISTRATION", "REMOVE_UNKNOWN_TG_IP", "DNS_REFRESH_INTERVAL"},
		refused:  map[string]string{"TG_FROM_TAG_KEY": "groups are not found by their tags: name each in a binding of --config"},
		read: func(r *replaced) {
			r.set("hostname", "TARGET_FQDN")
			r.set("target-group", "ELB_TG_ARN")
			r.set("resolver", "DNS_SERVERS")
			r.set("misses", "INVOCATIONS_BEFORE_DEREGISTRATION")
			r.set("interval", "DNS_REFRESH_INTERVAL")
			r.adopt(true, "REMOVE_UNKNOWN_TG_IP")
			r.put("memory", "DYNAMODB_TABLE", "none")
			r.legacy.Table = r.get("DYNAMODB_TABLE")
		},
	},
	{
		// AWS's sample of 2020, hostname-as-target.
		name: "v3", title: "the hostname-as-target function",
		required: []string{"TARGET_FQDN", "ELB_TG_ARN", "S3_BUCKET"},
		optional: []string{
			"DNS_SERVER", "BUCKET_REGION", "MAX_LOOKUP_PER_INVOCATION", "INVOCATIONS_BEFORE_DEREGISTRATION",
			"REPORT_IP_COUNT_CW_METRIC", "REMOVE_UNTRACKED_TG_IP", "REMOVE_UNKOWN_TG_IP",
		},
		read: func(r *replaced) {
			r.set("hostname", "TARGET_FQDN")
			r.set("target-group", "ELB_TG_ARN")
			r.set("resolver", "DNS_SERVER")
			r.setOr("max-lookups", "MAX_LOOKUP_PER_INVOCATION", "10")
			r.setOr("misses", "INVOCATIONS_BEFORE_DEREGISTRATION", "3")
			r.adopt(false, "REMOVE_UNTRACKED_TG_IP", "REMOVE_UNKOWN_TG_IP") // its documentation misspells it
			r.legacy.Name = r.get("TARGET_FQDN")
			r.legacy.BucketRegion = r.getOr("BUCKET_REGION", "us-west-2")
			r.bucket("", r.legacy.BucketRegion)
			r.legacy.IPCount = isTrue(r.getOr("REPORT_IP_COUNT_CW_METRIC", "True"))
		},
	},
	{
		// The forks of that one that keep no state.
		name: "camptocamp", title: "the function without state",
		required: []string{"TARGET_FQDNS", "ELB_TG_ARN"},
		optional: []string{"DNS_SERVERS", "REMOVE_UNTRACKED_TG_IP", "MAX_LOOKUP_PER_INVOCATION"},
		read: func(r *replaced) {
			r.set("hostname", "TARGET_FQDNS")
			r.set("target-group", "ELB_TG_ARN")
			r.set("resolver", "DNS_SERVERS")
			r.set("max-lookups", "MAX_LOOKUP_PER_INVOCATION")
			r.adopt(false, "REMOVE_UNTRACKED_TG_IP")
			r.put("memory", "TARGET_FQDNS", "none")
		},
	},
}

// A Format is a function that mooring replaces, by the environment that it knows it by.
type Format struct {
	Name, Title        string
	Required, Optional []string // variables; only a whole set of the required ones is used
}

// Formats lists them, in their order of precedence.
func Formats() []Format {
	out := make([]Format, 0, len(formats))
	for _, f := range formats {
		out = append(out, Format{f.name, f.title, slices.Clone(f.required), slices.Clone(f.optional)})
	}
	return out
}

// replaced is the environment of a replaced function while it is read.
type replaced struct {
	loader *loader
	values map[string][]given // by the name of our setting
	legacy Legacy
	wants  map[string]string // what to say where a setting is missing
	second string            // the variable with a second group, on its own port
}

// fromEnvironment makes the bindings of the replaced function whose environment this is, or else the one binding that
// flags and variables make.
func (l *loader) fromEnvironment() []*draft {
	f := l.format()
	if f == nil {
		return []*draft{{layers: []map[string][]given{l.above}}}
	}
	l.refuse(f)
	r := &replaced{loader: l, values: map[string][]given{}, wants: map[string]string{}, legacy: Legacy{Format: f.name}}
	f.read(r)
	if slices.Contains(f.required, "S3_BUCKET") {
		r.legacy.Bucket = r.get("S3_BUCKET")
	}
	r.legacy.Misses, _ = strconv.Atoi(r.getOr("INVOCATIONS_BEFORE_DEREGISTRATION", "3"))
	l.try(r.used(r.values))
	drafts := []*draft{r.draft(r.values, r.legacy)}
	if r.second != "" {
		drafts = append(drafts, r.twin())
	}
	return drafts
}

// twin is the binding of the second group: as the first, on the group's own port.
func (r *replaced) twin() *draft {
	for _, name := range []string{"port", "target-group"} {
		if v := r.loader.above[name]; len(v) > 0 {
			r.loader.add(v[0].at, "", fmt.Errorf("set together with %s, which makes two bindings: use --config for them", r.second))
		}
	}
	group := map[string][]given{"target-group": givens(place{name: r.second}, r.get(r.second))}
	r.loader.try(group)
	values := maps.Clone(r.values)
	delete(values, "port")
	maps.Copy(values, group)
	legacy := r.legacy
	legacy.TLS = true
	return r.draft(values, legacy)
}

// draft takes a legacy of its own, which another binding does not share.
func (r *replaced) draft(values map[string][]given, legacy Legacy) *draft {
	return &draft{layers: []map[string][]given{r.loader.above, values}, legacy: &legacy, wants: r.wants}
}

// used leaves out what a flag or a variable of ours replaces.
func (r *replaced) used(values map[string][]given) map[string][]given {
	out := map[string][]given{}
	for name, v := range values {
		if _, ok := r.loader.above[name]; !ok {
			out[name] = v
		}
	}
	return out
}

// A near is a replaced function of whose variables some are set, and these are not.
type near struct {
	*format
	missing []string
}

// format finds the replaced function whose whole set of variables is present. Without one it keeps those of which the
// most variables are, to be told if something else is wrong.
func (l *loader) format() *format {
	most := 1
	for i := range formats {
		f := &formats[i]
		if f.without != "" && l.variable(f.without) != "" {
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(f.required), func(name string) bool { return l.variable(name) != "" })
		if len(missing) == 0 {
			l.nearest = nil
			return f
		}
		present := 0
		for _, name := range slices.Concat(f.required, slices.Collect(maps.Keys(f.refused))) {
			if name != "S3_BUCKET" && l.variable(name) != "" { // which by itself may be anything's
				present++
			}
		}
		if present > most {
			most, l.nearest = present, nil
		}
		if present == most {
			l.nearest = append(l.nearest, near{f, missing})
		}
	}
	return nil
}

func (l *loader) refuse(f *format) {
	for name, why := range f.refused {
		if v := l.variable(name); v != "" {
			l.add(place{name: name}, v, errors.New(why))
		}
	}
}

func (l *loader) variable(name string) string {
	v, _ := l.env(name)
	return strings.TrimSpace(v)
}

func (r *replaced) get(variable string) string { return r.loader.variable(variable) }

func (r *replaced) getOr(variable, standard string) string {
	if v := r.get(variable); v != "" {
		return v
	}
	return standard
}

// put sets what follows from a variable.
func (r *replaced) put(name, variable, value string) {
	r.values[name] = givens(place{name: variable}, value)
}

// set sets what a variable says, if it is set. The functions split their lists in several ways; no value of a list has
// any of these letters.
func (r *replaced) set(name, variable string) { r.setOr(name, variable, "") }

func (r *replaced) setOr(name, variable, standard string) {
	v := r.getOr(variable, standard)
	if v == "" {
		return
	}
	r.put(name, variable, v)
	if setting(name).Repeatable {
		words := strings.FieldsFunc(v, func(c rune) bool { return strings.ContainsRune(",; \t", c) })
		r.values[name] = givens(place{name: variable}, words...)
	}
}

// zone understands SAME_VPC.
func (r *replaced) zone(variable string) {
	if strings.EqualFold(r.get(variable), "false") {
		r.put("zone", variable, "all")
	}
}

// adopt understands a switch that removes strangers. Any of its names will do.
func (r *replaced) adopt(standard bool, variables ...string) {
	for _, name := range variables {
		v := r.get(name)
		if v == "" && !standard {
			continue
		}
		if v == "" || isTrue(v) {
			r.put("adopt", name, "all")
		}
		return
	}
}

// bucket keeps the memory where the function kept its state. The region is the bucket's, and not that of another
// memory which is set.
func (r *replaced) bucket(prefix, region string) {
	if _, ok := r.loader.above["memory"]; ok {
		return
	}
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
	}
	r.put("memory", "S3_BUCKET", "s3://"+r.get("S3_BUCKET")+"/"+prefix)
	if region != "" {
		r.put("memory-region", "BUCKET_REGION", region)
	}
}

// loadBalancer takes the load balancer's own name out of the hostname that is set. It is in the key of the state.
func (r *replaced) loadBalancer() string {
	names := r.loader.above["hostname"]
	if len(names) == 0 {
		return "" // which will be told
	}
	if name := ownName(strings.TrimSpace(names[0].value)); name != "" {
		return name
	}
	if _, ok := r.loader.above["memory"]; !ok {
		r.loader.add(names[0].at, names[0].value, errors.New("want internal-NAME-NUMBER.REGION.elb.amazonaws.com, "+
			"for the state is kept under NAME; for another name say with MOORING_MEMORY where to keep it"))
	}
	return ""
}

// ownName is the name that its owner gave to a load balancer, out of the one that AWS made of it. No owner's name
// begins with internal-: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
func ownName(hostname string) string {
	label, zone, _ := strings.Cut(hostname, ".")
	dash := strings.LastIndexByte(label, '-')
	if dash < 0 || !strings.Contains(strings.ToLower(zone), ".elb.amazonaws.") {
		return ""
	}
	if _, err := strconv.ParseUint(label[dash+1:], 10, 64); err != nil {
		return ""
	}
	const internal = "internal-"
	if name := label[:dash]; len(name) > len(internal) && strings.EqualFold(name[:len(internal)], internal) {
		return name[len(internal):]
	}
	return label[:dash]
}

// defaultPrefix is where the read replicas' function keeps its state when it is not told where.
const defaultPrefix = "rds-cluster-read-replicas"

// LegacyName is the name in the keys of a function's state, as far as the hostnames tell it.
func LegacyName(format string, hostnames []string) string {
	switch {
	case format == "read-replica":
		return defaultPrefix
	case len(hostnames) == 0:
		return ""
	case format == "dual-group":
		return ownName(hostnames[0])
	default:
		return hostnames[0]
	}
}

func isTrue(v string) bool { return strings.EqualFold(v, "true") }
