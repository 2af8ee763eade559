package config

import "strings"

// originalVariables are the variables of the function that AWS published in 2018, by the setting that each one is.
// https://aws.amazon.com/blogs/networking-and-content-delivery/using-static-ip-addresses-for-application-load-balancers/
// The one of 2021 has SAME_VPC beside them, which is optional.
var originalVariables = map[string]string{
	"hostname":     "ALB_DNS_NAME",
	"port":         "ALB_LISTENER",
	"memory":       "S3_BUCKET",
	"target-group": "NLB_TG_ARN",
	"max-lookups":  "MAX_LOOKUP_PER_INVOCATION",
	"misses":       "INVOCATIONS_BEFORE_DEREGISTRATION",
	"ip-count":     "CW_METRIC_FLAG_IP_COUNT",
}

// OriginalVariables lists the original function's variables, in the order in which AWS documents them.
func OriginalVariables() []string {
	return []string{
		"ALB_DNS_NAME", "ALB_LISTENER", "S3_BUCKET", "NLB_TG_ARN",
		"MAX_LOOKUP_PER_INVOCATION", "INVOCATIONS_BEFORE_DEREGISTRATION", "CW_METRIC_FLAG_IP_COUNT", "SAME_VPC",
	}
}

// originalOf returns the original's values by the names of our settings, when its whole set is present,
// or else the variables that are missing, when some are.
func originalOf(env Environment) (values map[string]string, missing []string) {
	values = map[string]string{}
	for _, name := range OriginalVariables() {
		if v, ok := env(name); name != "SAME_VPC" && (!ok || strings.TrimSpace(v) == "") {
			missing = append(missing, name)
		}
	}
	if len(missing) == len(originalVariables) {
		return nil, nil
	}
	if len(missing) > 0 {
		return nil, missing
	}
	for setting, name := range originalVariables {
		v, _ := env(name)
		values[setting] = strings.TrimSpace(v)
	}
	// An old policy may write below the load balancer's name, so that is where the memory goes.
	values["memory"] = "s3://" + values["memory"] + "/" + values["hostname"] + "/"
	if v, ok := env("SAME_VPC"); ok && strings.EqualFold(strings.TrimSpace(v), "false") {
		values["zone"] = "all"
	}
	return values, nil
}

func isTrue(v string) bool { return strings.EqualFold(v, "true") }
