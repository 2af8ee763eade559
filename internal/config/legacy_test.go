package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/config"
)

func loadAll(t *testing.T, f config.Flags, e config.Environment) []config.Config {
	t.Helper()
	cs, err := config.Load(t.Context(), f, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// says fails unless the configuration is refused in these words.
func says(t *testing.T, f config.Flags, e config.Environment, want ...string) {
	t.Helper()
	_, err := config.Load(t.Context(), f, e, nil)
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("no word of %q in\n%v", w, err)
		}
	}
}

func v3(more ...string) []string {
	return append([]string{"TARGET_FQDN=DB.example.com", "ELB_TG_ARN=" + group, "S3_BUCKET=state-bucket"}, more...)
}

func TestTheEnvironmentOfHostnameAsTargetIsEnough(t *testing.T) {
	c := load(t, flags(), env(v3()...))
	if c.Binding.Hostnames[0] != "db.example.com" || c.Binding.Port != 0 || c.DNS.MaxLookups != 10 || c.Policy.Misses != 3 || c.Policy.Adopt != mooring.AdoptSeen {
		t.Errorf("%+v", c)
	}
	if c.Memory.String() != "s3://state-bucket/" || c.Memory.Region != "us-west-2" {
		t.Errorf("memory %+v", c.Memory)
	}
	want := config.Legacy{Format: "v3", Name: "DB.example.com", Bucket: "state-bucket", BucketRegion: "us-west-2", Misses: 3, IPCount: true}
	if *c.Legacy != want {
		t.Errorf("legacy %+v, want %+v", *c.Legacy, want)
	}

	c = load(t, flags(), env(v3("DNS_SERVER=10.0.0.2, 10.0.0.3;10.0.0.4", "BUCKET_REGION=eu-west-1", "MAX_LOOKUP_PER_INVOCATION=20",
		"INVOCATIONS_BEFORE_DEREGISTRATION=5", "REPORT_IP_COUNT_CW_METRIC=False", "REMOVE_UNKOWN_TG_IP=True")...))
	if len(c.DNS.Resolvers) != 3 || c.DNS.Resolvers[2].String() != "10.0.0.4:53" || c.DNS.Mode != "auto" {
		t.Errorf("dns %+v", c.DNS)
	}
	if c.Memory.Region != "eu-west-1" || c.DNS.MaxLookups != 20 || c.Policy.Misses != 5 || c.Legacy.Misses != 5 || c.Legacy.IPCount || c.Policy.Adopt != mooring.AdoptAll {
		t.Errorf("%+v, legacy %+v", c, *c.Legacy)
	}
}

func TestTheRegionOfTheOldBucketIsNotThatOfAnother(t *testing.T) {
	c := load(t, flags("memory=s3://another"), env(v3()...))
	if c.Memory.Bucket != "another" || c.Memory.Region != "" || c.Legacy.Bucket != "state-bucket" || c.Legacy.BucketRegion != "us-west-2" {
		t.Errorf("memory %+v, legacy %+v", c.Memory, *c.Legacy)
	}
}

func TestTheForkWithoutStateHasNoMemoryUnlessOneIsSet(t *testing.T) {
	vars := []string{"TARGET_FQDNS=b.example.com a.example.com", "ELB_TG_ARN=" + group, "DNS_SERVERS=10.0.0.2 10.0.0.3", "REMOVE_UNTRACKED_TG_IP=true", "S3_BUCKET=another-programs"}
	c := load(t, flags(), env(vars...))
	if c.Legacy.Format != "camptocamp" || c.Legacy.Bucket != "" || len(c.Binding.Hostnames) != 2 || len(c.DNS.Resolvers) != 2 || c.Memory.Kind != "none" || c.Policy.Adopt != mooring.AdoptAll {
		t.Errorf("%+v, legacy %+v", c, *c.Legacy)
	}
	if c = load(t, flags(), env(append(vars, "MOORING_MEMORY=s3://bucket")...)); c.Memory.Kind != "s3" {
		t.Errorf("memory %+v", c.Memory)
	}
}

func TestTheEnvironmentOfCrestasToolIsEnough(t *testing.T) {
	vars := []string{"ELB_TG_ARN=" + group, "TARGET_FQDN=db.example.com", "DYNAMODB_TABLE=targets", "DNS_SERVERS=10.0.0.2,10.0.0.3", "DNS_REFRESH_INTERVAL=5s"}
	c := load(t, flags(), env(vars...))
	if c.Legacy.Format != "cresta" || c.Legacy.Table != "targets" || c.Interval != 5*time.Second || c.Policy.Adopt != mooring.AdoptAll || c.Memory.Kind != "none" {
		t.Errorf("%+v, legacy %+v", c, *c.Legacy)
	}
	if c = load(t, flags(), env(append(vars, "REMOVE_UNKNOWN_TG_IP=false")...)); c.Policy.Adopt != mooring.AdoptSeen {
		t.Errorf("adopt %s", c.Policy.Adopt)
	}
	says(t, flags(), env(append(vars, "TG_FROM_TAG_KEY=cresta.ai/hostname-targets")...), "TG_FROM_TAG_KEY", "name each in a binding")
	says(t, flags(), env("DYNAMODB_TABLE=targets", "TG_FROM_TAG_KEY=x"), "TG_FROM_TAG_KEY", "name each in a binding", "[ELB_TG_ARN TARGET_FQDN] is not set")
	// What is configured in our own words needs none of it.
	load(t, flags(minimal...), env("TG_FROM_TAG_KEY=x"))
}

func TestTheEnvironmentOfTheReadReplicasFunctionIsEnough(t *testing.T) {
	vars := []string{"RDS_REPLICA_DNS_NAMES=r1.example.com, r2.example.com", "RDS_LISTENER_PORT=3306", "S3_BUCKET=state-bucket", "NLB_TG_ARN=" + group}
	c := load(t, flags(), env(vars...))
	if c.Legacy.Format != "read-replica" || c.Legacy.Name != "rds-cluster-read-replicas" || len(c.Binding.Hostnames) != 2 || c.Binding.Port != 3306 ||
		c.Policy.MaxLeave != 0.5 || c.DNS.MaxLookups != 5 || c.Memory.String() != "s3://state-bucket/rds-cluster-read-replicas/" {
		t.Errorf("%+v, legacy %+v", c, *c.Legacy)
	}
	c = load(t, flags(), env(append(vars, "STATE_PREFIX=orders", "MAX_DEREGISTRATION_PERCENT=25", "SAME_VPC=false")...))
	if c.Legacy.Name != "orders" || c.Memory.Prefix != "orders/" || c.Policy.MaxLeave != 0.25 || c.Zone != "all" {
		t.Errorf("%+v, legacy %+v", c, *c.Legacy)
	}
	says(t, flags(), env(append(vars, "MAX_DEREGISTRATION_PERCENT=many")...), `MAX_DEREGISTRATION_PERCENT "many%": want a share`)
}

func dualGroup(more ...string) []string {
	tls := strings.Replace(group, "/web/", "/web-tls/", 1)
	return append([]string{"NLB_TG_ARN=" + group, "NLB_TLS_TG_ARN=" + tls, "S3_BUCKET=state-bucket", "ALB_LISTENER=80"}, more...)
}

func TestTheFunctionWithTwoGroupsMakesTwoBindings(t *testing.T) {
	cs := loadAll(t, flags(), env(dualGroup("MOORING_HOSTNAME=internal-Shop-Front-123456.eu-west-1.elb.amazonaws.com")...))
	if len(cs) != 2 {
		t.Fatalf("%d bindings", len(cs))
	}
	plain, tls := cs[0], cs[1]
	if plain.Binding.Name != "web-80" || plain.Binding.Port != 80 || tls.Binding.Name != "web-tls" || tls.Binding.Port != 0 {
		t.Errorf("%+v and %+v", plain.Binding, tls.Binding)
	}
	if !slices.Equal(plain.Binding.Hostnames, tls.Binding.Hostnames) || plain.Memory != tls.Memory || plain.Memory.String() != "s3://state-bucket/Shop-Front/" {
		t.Errorf("memory %s and %s", plain.Memory, tls.Memory)
	}
	if plain.Legacy.Name != "Shop-Front" || plain.Legacy.TLS || !tls.Legacy.TLS || tls.Legacy.Format != "dual-group" {
		t.Errorf("legacy %+v and %+v", *plain.Legacy, *tls.Legacy)
	}
}

func TestTheFunctionWithTwoGroupsNeedsItsLoadBalancersName(t *testing.T) {
	says(t, flags(), env(dualGroup()...), "--hostname or MOORING_HOSTNAME: not set: want the load balancer's name, which the function found by a tag")
	says(t, flags(), env(dualGroup("MOORING_HOSTNAME=shop.example.com")...), `MOORING_HOSTNAME "shop.example.com": want internal-NAME-NUMBER`)
	cs := loadAll(t, flags("memory=s3://another"), env(dualGroup("MOORING_HOSTNAME=shop.example.com")...))
	if cs[0].Legacy.Name != "" || cs[0].Memory.Bucket != "another" {
		t.Errorf("%+v, legacy %+v", cs[0].Memory, *cs[0].Legacy)
	}
	_, err := config.Load(t.Context(), flags(), env(dualGroup()...), nil)
	if n := strings.Count(err.Error(), "MOORING_HOSTNAME: not set"); n != 1 {
		t.Errorf("the name is missed %d times, in both bindings:\n%v", n, err)
	}
	says(t, flags(), env(dualGroup("ALB_DNS_NAME=internal-shop-1.eu-west-1.elb.amazonaws.com")...), "the environment of the original function: not complete")
	says(t, flags("target-group="+group), env(dualGroup("MOORING_HOSTNAME=a-1.eu-west-1.elb.amazonaws.com")...), "--target-group: set together with NLB_TLS_TG_ARN")
}

func TestOfSeveralWholeEnvironmentsTheOneThatRequiresMostIsUsed(t *testing.T) {
	sets := map[string][]string{
		"v1":           original(),
		"dual-group":   dualGroup("MOORING_HOSTNAME=internal-shop-1.eu-west-1.elb.amazonaws.com"),
		"read-replica": {"RDS_REPLICA_DNS_NAMES=r.example.com", "RDS_LISTENER_PORT=3306", "S3_BUCKET=state-bucket", "NLB_TG_ARN=" + group},
		"cresta":       {"ELB_TG_ARN=" + group, "TARGET_FQDN=db.example.com", "DYNAMODB_TABLE=targets"},
		"v3":           v3(),
		"camptocamp":   {"TARGET_FQDNS=a.example.com", "ELB_TG_ARN=" + group},
	}
	order := []string{"v1", "dual-group", "read-replica", "cresta", "v3", "camptocamp"}
	for i, first := range order {
		var all []string
		for _, name := range order[i:] {
			if first == "v1" || name != "v1" {
				all = append(all, sets[name]...)
			}
		}
		if got := loadAll(t, flags(), env(all...))[0].Legacy.Format; got != first {
			t.Errorf("%s is used where %s is whole too", got, first)
		}
	}
}

func TestTheNearestEnvironmentSaysWhatItLacks(t *testing.T) {
	says(t, flags(), env("TARGET_FQDN=db.example.com", "ELB_TG_ARN="+group), "the environment of the hostname-as-target function: not complete, and so not used: [S3_BUCKET] is not set")
	says(t, flags(), env("RDS_REPLICA_DNS_NAMES=r.example.com", "RDS_LISTENER_PORT=1"), "the environment of the read replicas' function: not complete, and so not used: [S3_BUCKET NLB_TG_ARN] is not set")
	_, err := config.Load(t.Context(), flags(), env("S3_BUCKET=x"), nil)
	if err == nil || strings.Contains(err.Error(), "not complete") {
		t.Errorf("a bucket's name alone was taken for an older function's: %v", err)
	}
}
