package config_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/config"
)

const group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"

func env(pairs ...string) config.Environment {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				return v, true
			}
		}
		return "", false
	}
}

func flags(pairs ...string) config.Flags {
	return func(name string) (values []string, set bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				values, set = append(values, v), true
			}
		}
		return values, set
	}
}

var minimal = []string{"hostname=app.example.com", "target-group=" + group, "memory=none"}

func load(t *testing.T, f config.Flags, e config.Environment) config.Config {
	t.Helper()
	cs, err := config.Load(t.Context(), f, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(cs) != 1 {
		t.Fatalf("%d bindings", len(cs))
	}
	return cs[0]
}

func TestDefaultsAreThePolicys(t *testing.T) {
	c := load(t, flags(minimal...), env())
	want := mooring.DefaultPolicy()
	if c.Policy.Misses != want.Misses || c.Policy.Hold != want.Hold || c.Policy.MaxLeave != want.MaxLeave || c.Policy.Mode != want.Mode {
		t.Errorf("policy %+v", c.Policy)
	}
	if c.DNS.Mode != "auto" || c.DNS.MaxLookups != 200 || c.Zone != "auto" || c.Legacy != nil || c.Binding.Name != "web" {
		t.Errorf("%+v", c)
	}
}

func TestAFlagGoesBeforeItsVariableAndTheVariableBeforeTheOriginals(t *testing.T) {
	vars := append(original(), "MOORING_MISSES=4", "MOORING_HOLD=0s")
	c := load(t, flags("misses=5"), env(vars...))
	if c.Policy.Misses != 5 || c.Policy.Hold != 0 || c.DNS.MaxLookups != 50 {
		t.Errorf("misses %d, hold %s, lookups %d; want 5 by flag, 0s by variable, 50 by the original", c.Policy.Misses, c.Policy.Hold, c.DNS.MaxLookups)
	}
	if c = load(t, flags(), env(vars...)); c.Policy.Misses != 4 {
		t.Errorf("misses %d, want 4 by variable", c.Policy.Misses)
	}
}

func TestRepeatableVariablesAreListsWithCommas(t *testing.T) {
	c := load(t, flags(), env("MOORING_HOSTNAME=b.example.com, a.example.com.,B.example.com", "MOORING_TARGET_GROUP="+group,
		"MOORING_MEMORY=none", "MOORING_ADMIT=10.1.0.0/16,10.2.3.4/16", "MOORING_RESOLVER=10.0.0.2,10.0.0.3:5353"))
	if !slices.Equal(c.Binding.Hostnames, []string{"a.example.com", "b.example.com"}) {
		t.Errorf("hostnames %q", c.Binding.Hostnames)
	}
	if !slices.Equal(c.Policy.Admit, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/16")}) {
		t.Errorf("admit %v: the ranges given replace the default ones", c.Policy.Admit)
	}
	if c.DNS.Resolvers[0].String() != "10.0.0.2:53" || c.DNS.Resolvers[1].String() != "10.0.0.3:5353" {
		t.Errorf("resolvers %v", c.DNS.Resolvers)
	}
}

func original() []string {
	return []string{
		"ALB_DNS_NAME=Internal-App-123.eu-west-1.elb.amazonaws.com", "ALB_LISTENER=443", "S3_BUCKET=state-bucket",
		"NLB_TG_ARN=" + group, "MAX_LOOKUP_PER_INVOCATION=50", "INVOCATIONS_BEFORE_DEREGISTRATION=3", "CW_METRIC_FLAG_IP_COUNT=tRUE",
	}
}

func TestTheOriginalsEnvironmentIsEnough(t *testing.T) {
	c := load(t, flags(), env(original()...))
	if c.Binding.Hostnames[0] != "internal-app-123.eu-west-1.elb.amazonaws.com" || c.Binding.Port != 443 || c.Binding.Name != "web-443" {
		t.Errorf("binding %+v", c.Binding)
	}
	// The old function's keys hold the name as it was written, and its policy may allow nothing else.
	if c.Memory.Bucket != "state-bucket" || c.Memory.Prefix != "Internal-App-123.eu-west-1.elb.amazonaws.com/" {
		t.Errorf("memory %+v", c.Memory)
	}
	if c.Legacy == nil || c.Legacy.Format != "v1" || c.Legacy.Name != "Internal-App-123.eu-west-1.elb.amazonaws.com" || !c.Legacy.IPCount {
		t.Errorf("original %+v", c.Legacy)
	}
	if c.Zone != "auto" {
		t.Errorf("zone %q", c.Zone)
	}
}

func TestSameVPCFalseMeansAll(t *testing.T) {
	if c := load(t, flags(), env(append(original(), "SAME_VPC=False")...)); c.Zone != "all" {
		t.Errorf("zone %q, want all", c.Zone)
	}
	if c := load(t, flags(), env(append(original(), "SAME_VPC=True")...)); c.Zone != "auto" {
		t.Errorf("zone %q, want auto", c.Zone)
	}
}

func TestAnIncompleteOriginalEnvironmentIsNotUsedAndSaysWhatIsMissing(t *testing.T) {
	vars := slices.DeleteFunc(original(), func(v string) bool { return strings.HasPrefix(v, "S3_BUCKET") })
	_, err := config.Load(t.Context(), flags(), env(vars...), nil)
	if err == nil || !strings.Contains(err.Error(), "S3_BUCKET") {
		t.Errorf("%v: want to read that S3_BUCKET is not set", err)
	}
	// With a whole configuration of our own, leftovers of the old one do not matter.
	c := load(t, flags(minimal...), env(vars...))
	if c.Legacy != nil || c.Binding.Port != 0 {
		t.Errorf("half of the original's environment was used: %+v", c)
	}
}

func TestTheWholeProfileChangesOnlyWhatIsNotSet(t *testing.T) {
	c := load(t, flags(append(minimal, "answers=whole", "hold=30s")...), env())
	if c.Policy.Misses != 2 || c.Policy.Hold != 30*time.Second || c.Policy.MaxLeave != 1 {
		t.Errorf("policy %+v", c.Policy)
	}
}

func TestSharesAreNumbersOrPercent(t *testing.T) {
	for v, want := range map[string]float64{"34%": 0.34, "0.5": 0.5, "100%": 1} {
		if c := load(t, flags(append(minimal, "max-leave="+v)...), env()); c.Policy.MaxLeave != want {
			t.Errorf("%s is %g, want %g", v, c.Policy.MaxLeave, want)
		}
	}
}

func TestEveryFaultIsReportedAtOnceWithItsPlace(t *testing.T) {
	_, err := config.Load(t.Context(),
		flags("port=70000", "max-leave=250%", "hold=soon", "mode=upsert", "region=eu west", "admit=10.0.0.0/99", "resolver=nobody"),
		env("MOORING_HOSTNAME=https://app.example.com/,10.0.0.1", "MOORING_MISSES=0", "MOORING_MEMORY=s3://UPPER/x"), nil)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`--port "70000"`, `--max-leave "250%"`, `--hold "soon"`, `--mode "upsert"`, `--region "eu west"`, `--admit "10.0.0.0/99"`, `--resolver "nobody"`,
		`MOORING_HOSTNAME "https://app.example.com/"`, `MOORING_HOSTNAME "10.0.0.1"`, `MOORING_MISSES "0"`, `MOORING_MEMORY "s3://UPPER/x"`,
		"--target-group or MOORING_TARGET_GROUP: not set",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in:\n%v", want, err)
		}
	}
}

func TestAnotherKindOfARNIsNamed(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/web/0123": "a load balancer's",
		"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/net/web/01/23":    "a listener's",
		"web":              "targetgroup/NAME/ID",
		group + "/../../x": "targetgroup/NAME/ID",
	} {
		_, err := config.Load(t.Context(), flags("hostname=a.example.com", "memory=none", "target-group="+arn), env(), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want to read %q", arn, err, want)
		}
	}
	for _, arn := range []string{
		"arn:aws-cn:elasticloadbalancing:cn-north-1:111122223333:targetgroup/web/0123456789abcdef",
		"arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:111122223333:targetgroup/web/0123456789abcdef",
	} {
		c := load(t, flags("hostname=a.example.com", "memory=none", "target-group="+arn), env())
		if config.GroupRegion(c.Binding.TargetGroup) == "" {
			t.Errorf("%s: no region", arn)
		}
	}
}

func TestMemoryIsASplitPlace(t *testing.T) {
	for v, want := range map[string]config.Memory{
		"none":               {Kind: "none"},
		"file:state":         {Kind: "file", Dir: "state"},
		"file:///var/lib/x":  {Kind: "file", Dir: "/var/lib/x"},
		"s3://bucket-1":      {Kind: "s3", Bucket: "bucket-1"},
		"s3://bucket-1/a/b":  {Kind: "s3", Bucket: "bucket-1", Prefix: "a/b/"},
		"s3://bucket-1/a/b/": {Kind: "s3", Bucket: "bucket-1", Prefix: "a/b/"},
	} {
		c := load(t, flags("hostname=a.example.com", "target-group="+group, "memory="+v), env())
		if c.Memory != want {
			t.Errorf("%s is %+v, want %+v", v, c.Memory, want)
		}
	}
}

func TestTwoBindingsForOneGroupAndPortAreRefused(t *testing.T) {
	a := load(t, flags(append(minimal, "port=443")...), env())
	b := load(t, flags(append(minimal, "port=80")...), env())
	if err := config.Unique(a, b); err != nil {
		t.Errorf("two ports of one group: %v", err)
	}
	if err := config.Unique(a, b, a); err == nil || !strings.Contains(err.Error(), "port 443") {
		t.Errorf("one port twice: %v", err)
	}
}

func TestEverySettingHasHelpAndATwin(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		if s.Usage == "" || s.Value == "" || seen[s.Variable()] || !strings.HasPrefix(s.Variable(), "MOORING_") {
			t.Errorf("%+v", s)
		}
		seen[s.Variable()] = true
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("app.example.com", group, "s3://bucket/prefix", "34%", "10.0.0.0/8")
	f.Add("10.0.0.1", "arn:aws:", "file:", "NaN", "::/0")
	f.Fuzz(func(t *testing.T, name, arn, memory, share, cidr string) {
		cs, err := config.Load(t.Context(), flags("hostname="+name, "target-group="+arn, "memory="+memory, "max-leave="+share, "admit="+cidr), env(), nil)
		if err != nil {
			return
		}
		if c := cs[0]; len(c.Binding.Hostnames) == 0 || c.Policy.Validate() != nil || config.GroupRegion(c.Binding.TargetGroup) == "" {
			t.Errorf("accepted %+v", c)
		}
	})
}
