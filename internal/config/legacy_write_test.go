package config_test

import (
	"fmt"
	"strings"
	"testing"

	"mooring/internal/config"
)

func TestTheStateOfAnOlderFunctionIsWhereItsEnvironmentHasIt(t *testing.T) {
	for _, c := range []struct {
		vars []string
		want config.LegacyState
	}{
		{append(original(), "MOORING_WRITE_LEGACY_STATE=v2"), config.LegacyState{Format: "v2", Bucket: "state-bucket", Name: "Internal-App-123.eu-west-1.elb.amazonaws.com", Misses: 3}},
		{append(original(), "MOORING_WRITE_LEGACY_STATE=v1", "MOORING_MISSES=5", "MOORING_MEMORY=s3://another"), config.LegacyState{Format: "v1", Bucket: "state-bucket", Name: "Internal-App-123.eu-west-1.elb.amazonaws.com", Misses: 3}},
		{append(original(), "MOORING_WRITE_LEGACY_STATE=v1", "MOORING_MEMORY=file:memory"), config.LegacyState{Format: "v1", Bucket: "state-bucket", Name: "Internal-App-123.eu-west-1.elb.amazonaws.com", Misses: 3}},
		{v3("MOORING_WRITE_LEGACY_STATE=v3", "INVOCATIONS_BEFORE_DEREGISTRATION=4"), config.LegacyState{Format: "v3", Bucket: "state-bucket", Region: "us-west-2", Name: "DB.example.com", Misses: 4}},
		{append(original(), "MOORING_WRITE_LEGACY_STATE=none"), config.LegacyState{}},
		{original(), config.LegacyState{}},
	} {
		if got := load(t, flags(), env(c.vars...)).LegacyState; got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

func TestWithoutThatEnvironmentTheStateIsBesideTheMemoryByTheHostnameAsWritten(t *testing.T) {
	c := load(t, flags("hostname=Internal-App-123.eu-west-1.elb.amazonaws.com.", "port=443", "target-group="+group, "memory=s3://bucket/prefix", "write-legacy-state=v1", "misses=4"), env())
	want := config.LegacyState{Format: "v1", Bucket: "bucket", Name: "Internal-App-123.eu-west-1.elb.amazonaws.com", Misses: 4}
	if c.LegacyState != want {
		t.Errorf("%+v, want %+v", c.LegacyState, want)
	}
	cs := mustFile(t, fmt.Sprintf("defaults: {memory: \"s3://bucket\", write_legacy_state: v2}\nbindings:\n- {hostname: App.example.com, target_group: %s}\n"+
		"- {hostname: [a.example.com, b.example.com], target_group: %s, write_legacy_state: none}\n", group, strings.Replace(group, "/web/", "/two/", 1)))
	if cs[0].LegacyState.Name != "App.example.com" || cs[0].LegacyState.Format != "v2" || cs[1].LegacyState.Format != "" {
		t.Errorf("%+v and %+v", cs[0].LegacyState, cs[1].LegacyState)
	}
}

func TestAStateThatCannotBeKeptTrueIsRefusedWithItsReason(t *testing.T) {
	with := func(pairs ...string) config.Flags {
		return flags(append([]string{"hostname=app.example.com", "target-group=" + group, "memory=s3://bucket", "write-legacy-state=v2"}, pairs...)...)
	}
	says(t, with("write-legacy-state=v4"), env(), `--write-legacy-state "v4": want v1, v2, v3, none`)
	says(t, with("mode=observe"), env(), `--write-legacy-state: cannot be with mode observe`)
	says(t, with("memory=none"), env(), "cannot be without memory")
	says(t, with("memory=file:memory"), env(), "want the memory on s3://BUCKET, in whose bucket")
	says(t, flags("hostname=a.example.com", "hostname=b.example.com", "target-group="+group, "memory=s3://bucket", "write-legacy-state=v2"), env(), "want one hostname: the older function knows one, and here are 2")
	says(t, flags("hostname=a.example.com", "target-group=tcp://127.0.0.1:8443", "port=443", "memory=file:memory", "write-legacy-state=v2"), env(), "the older functions cannot go on with a front")

	says(t, flags("write-legacy-state=v3"), env(original()...), "want v1 or v2 in this environment")
	says(t, flags("write-legacy-state=v2"), env(v3()...), "want v3 in this environment")
	says(t, flags("write-legacy-state=v2", "hostname=other.example.com"), env(original()...), "want the hostname Internal-App-123.eu-west-1.elb.amazonaws.com")
	says(t, flags("write-legacy-state=v2"), env("RDS_REPLICA_DNS_NAMES=r1.example.com", "RDS_LISTENER_PORT=3306", "S3_BUCKET=state-bucket", "NLB_TG_ARN="+group), "the function read-replica: its state has another form")
	says(t, flags("write-legacy-state=v2"), env("MOORING_MEMORY=s3://bucket"), "--hostname or MOORING_HOSTNAME: not set")
}

func TestTwoBindingsCannotHaveOneState(t *testing.T) {
	two := func(format, hostname string) string {
		return fmt.Sprintf("defaults: {memory: \"s3://bucket\", write_legacy_state: %s}\nbindings:\n"+
			"- {hostname: app.example.com, target_group: %s}\n- {hostname: %s, target_group: %s}\n", format, group, hostname, strings.Replace(group, "/web/", "/two/", 1))
	}
	for _, format := range []string{"v1", "v2"} {
		if got := faultsOf(t, two(format, "app.example.com")); len(got) != 1 || !strings.Contains(got[0], "names the objects of bindings[0] (web) on line 3 as well") {
			t.Errorf("%s: %q", format, got)
		}
	}
	mustFile(t, two("v3", "app.example.com")) // which has the group in its key
	mustFile(t, two("v2", "other.example.com"))
}
