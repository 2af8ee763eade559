package config_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring/internal/config"
)

var minimalFront = []string{"hostname=app.example.com", "port=8443", "target-group=tcp://127.0.0.1:8443", "memory=file:state"}

// fault loads flags and variables that must be refused, and returns why.
func fault(t *testing.T, f config.Flags, e config.Environment) string {
	t.Helper()
	cs, err := config.Load(t.Context(), f, e, nil)
	if err == nil {
		t.Fatalf("accepted: %+v", cs)
	}
	return err.Error()
}

func TestAFrontIsTheGroup(t *testing.T) {
	c := load(t, flags(minimalFront...), env())
	want := config.Front{
		Listen: netip.MustParseAddrPort("127.0.0.1:8443"), HealthInterval: 10 * time.Second,
		DrainDelay: 300 * time.Second, IdleTimeout: 350 * time.Second, MaxFlows: 10000,
	}
	if !c.Embedded() || c.Front != want || c.Binding.Port != 8443 || c.Binding.Name != "tcp-127.0.0.1-8443" {
		t.Errorf("%+v", c)
	}
	c = load(t, flags(append(slices.DeleteFunc(slices.Clone(minimalFront), func(f string) bool { return f == "port=8443" }), "port=443", "front-drain-delay=0s", "front-max-flows=7")...), env("MOORING_FRONT_HEALTH_INTERVAL=1s", "MOORING_FRONT_IDLE_TIMEOUT=100m"))
	want = config.Front{Listen: want.Listen, HealthInterval: time.Second, IdleTimeout: 6000 * time.Second, MaxFlows: 7}
	if c.Front != want || c.Binding.Port != 443 || c.Binding.Name != "tcp-127.0.0.1-8443-443" {
		t.Errorf("%+v", c)
	}
	if c = load(t, flags(minimal...), env()); c.Embedded() || c.Front != (config.Front{}) {
		t.Errorf("the front of a target group of AWS: %+v", c.Front)
	}
}

// A default would be a guess: an ALB on 443 behind a front on 8443 would have no healthy target.
func TestAFrontDoesNotKnowThePortOfItsTargets(t *testing.T) {
	got := fault(t, flags("hostname=app.example.com", "target-group=tcp://:8443", "memory=none"), env())
	if got != "--port or MOORING_PORT: not set: want the port of the targets, for a tcp:// group knows none of its own" {
		t.Error(got)
	}
}

func TestAFrontsAddressIsKeptInOneForm(t *testing.T) {
	for written, want := range map[string][2]string{ // the group and the binding's name
		"tcp://:8443":                     {"tcp://0.0.0.0:8443", "tcp-8443"},
		"tcp://0.0.0.0:08443":             {"tcp://0.0.0.0:8443", "tcp-8443"},
		"tcp://[::]:8443":                 {"tcp://[::]:8443", "tcp-8443"},
		"tcp://[::ffff:10.0.0.1]:8443":    {"tcp://10.0.0.1:8443", "tcp-10.0.0.1-8443"},
		"tcp://[FD00:0:0:0:0:0:0:1]:8443": {"tcp://[fd00::1]:8443", "tcp-fd00--1-8443"},
		"tcp://10.0.0.1:1":                {"tcp://10.0.0.1:1", "tcp-10.0.0.1-1"},
		"tcp://10.0.0.1:65535":            {"tcp://10.0.0.1:65535", "tcp-10.0.0.1-65535"},
	} {
		port := written[strings.LastIndex(written, ":")+1:]
		c := load(t, flags("hostname=a.example.com", "memory=none", "port="+strings.TrimLeft(port, "0"), "target-group="+written), env())
		if got := [2]string{c.Binding.TargetGroup, c.Binding.Name}; got != want {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
}

func TestWhatIsNoFrontsAddressIsToldWithWhatToDo(t *testing.T) {
	for written, want := range map[string]string{
		"tcp://app.example.com:443":       `or none (tcp://:443) for all of them: "app.example.com" is no IP address`,
		"tcp://localhost:443":             `"localhost" is no IP address`,
		"tcp://127.0.0.1":                 "there is no port",
		"tcp://[::1]":                     "there is no port",
		"tcp://127.0.0.1:":                "a port from 1 to 65535",
		"tcp://127.0.0.1:0":               "a port from 1 to 65535",
		"tcp://127.0.0.1:65536":           "a port from 1 to 65535",
		"tcp://127.0.0.1:https":           "a port from 1 to 65535",
		"tcp://127.0.0.1:-1":              "a port from 1 to 65535",
		"tcp://127.0.0.1:8443/":           "nothing behind the port",
		"tcp://127.0.0.1:8443/app":        "nothing behind the port",
		"tcp://127.0.0.1:8443?a=b":        "nothing behind the port",
		"tcp://::1:8443":                  "in brackets: tcp://[::1]:8443",
		"tcp://[fe80::1%eth0]:8443":       "clients can connect to",
		"tcp://[fe80::1%25/../../x]:1":    "nothing behind the port",
		"tcp://224.0.0.1:8443":            "clients can connect to",
		"tcp://user@127.0.0.1:8443":       "is no IP address",
		"tcp://":                          "such as tcp://0.0.0.0:8443",
		"tcp://8443":                      "such as tcp://0.0.0.0:8443",
		"udp://127.0.0.1:53":              "a front passes TCP on",
		"http://127.0.0.1:80":             "a front passes TCP on",
		"TCP://127.0.0.1:80":              "a front passes TCP on",
		"127.0.0.1:8443":                  "or tcp://ADDR:PORT",
		"tcp:127.0.0.1:8443":              "or tcp://ADDR:PORT",
		"tcp://1.2.3.4:1,tcp://1.2.3.5:1": "nothing behind the port",
	} {
		got := fault(t, flags("hostname=a.example.com", "memory=none", "target-group="+written), env())
		if !strings.HasPrefix(got, "--target-group ") || !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %s; want one fault with %q", written, got, want)
		}
	}
}

func TestAFrontsMemoryIsOfThisMachine(t *testing.T) {
	got := fault(t, flags("hostname=a.example.com", "port=8443", "target-group=tcp://:8443", "memory=s3://bucket"), env())
	if !strings.HasPrefix(got, "--memory: want file:DIR, or none, with a tcp:// group: ") {
		t.Error(got)
	}
	refuses(t, "defaults: {memory: 's3://bucket'}\nbindings:\n- {hostname: a.example.com, port: 8443, target_group: 'tcp://:8443'}\n",
		"app.yaml:3:3: bindings[0] (tcp-8443): memory: want file:DIR, or none, with a tcp:// group: its targets are in this machine's process, and no other machine may share its memory")
}

func TestASettingWithoutEffectIsTold(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/x"
	for _, name := range []string{"front-health-interval=10s", "front-drain-delay=1s", "front-idle-timeout=1s", "front-max-flows=1"} {
		flag, _, _ := strings.Cut(name, "=")
		if got := fault(t, flags(append(minimal, name)...), env()); !strings.HasPrefix(got, "--"+flag+": is for a tcp://ADDR:PORT group only") {
			t.Error(got)
		}
	}
	if got := fault(t, flags(minimal...), env("MOORING_FRONT_MAX_FLOWS=1")); !strings.HasPrefix(got, "MOORING_FRONT_MAX_FLOWS: is for a tcp://") {
		t.Error(got)
	}
	if got := fault(t, flags(append(minimalFront, "zone=all", "role-arn="+role)...), env()); !strings.Contains(got, "--zone: is for a target group's ARN only") ||
		!strings.Contains(got, "--role-arn: is for a target group's ARN, or for notify") {
		t.Error(got)
	}
	load(t, flags(append(minimalFront, "role-arn="+role, "notify=sns:arn:aws:sns:eu-west-1:111122223333:changes")...), env())
	if got := fault(t, flags(append(minimalFront, "mode=observe")...), env()); !strings.HasPrefix(got, "--mode: want sync or add-only") {
		t.Error(got)
	}
}

const mixed = `
defaults: {front_max_flows: 100, memory: none, zone: all}
bindings:
- {hostname: a.example.com, target_group: '` + group + `'}
- {hostname: a.example.com, port: 8443, target_group: 'tcp://:8443'}
`

func TestWhatAllBindingsShareIsForWhomItConcerns(t *testing.T) {
	cs := mustFile(t, mixed)
	if cs[0].Front != (config.Front{}) || cs[1].Front.MaxFlows != 100 {
		t.Errorf("%+v and %+v", cs[0].Front, cs[1].Front)
	}
	cs, err := config.Load(t.Context(), flags("config=app.yaml", "front-max-flows=200", "zone=none"), env(), reading(mixed))
	if err != nil || cs[1].Front.MaxFlows != 200 || cs[0].Zone != "none" {
		t.Errorf("%+v: %v", cs, err)
	}
	refuses(t, "bindings:\n- {hostname: a.example.com, memory: none, target_group: '"+group+"', front_max_flows: 5}\n"+
		"- {hostname: a.example.com, memory: none, port: 8443, target_group: 'tcp://:8443', zone: all}\n",
		"app.yaml:2:162: bindings[0] (web): front_max_flows: is for a tcp://ADDR:PORT group only: of a target group AWS keeps such settings",
		"app.yaml:3:90: bindings[1] (tcp-8443): zone: is for a target group's ARN only: a front has no zones")
	if _, err := config.Load(t.Context(), flags("config=s3://bucket/app.yaml", "role-arn=arn:aws:iam::111122223333:role/x"), env(),
		reading("bindings: [{hostname: a.example.com, memory: none, port: 8443, target_group: 'tcp://:8443'}]")); err != nil {
		t.Errorf("the role that reads the file: %v", err)
	}
}

func TestOneAddressHasOneFront(t *testing.T) {
	two := func(first, second string) string {
		return "defaults: {memory: none, hostname: a.example.com}\nbindings:\n- {port: 443, target_group: '" + first + "'}\n- {name: two, port: 1, target_group: '" + second + "'}\n"
	}
	for _, pair := range [][2]string{
		{"tcp://127.0.0.1:8443", "tcp://127.0.0.1:8443"},
		{"tcp://:8443", "tcp://127.0.0.1:8443"},
		{"tcp://10.0.0.1:8443", "tcp://0.0.0.0:8443"},
		{"tcp://[fd00::1]:8443", "tcp://[::]:8443"},
		{"tcp://[::]:8443", "tcp://10.0.0.1:8443"},
		{"tcp://0.0.0.0:8443", "tcp://[::]:8443"},
		{"tcp://[::1]:8443", "tcp://[0::1]:8443"},
	} {
		got := faultsOf(t, two(pair[0], pair[1]))
		if len(got) != 1 || !strings.HasPrefix(got[0], "app.yaml:4:3: binding two: moored to port 8443 of ") && !strings.HasPrefix(got[0], "app.yaml:4:3: bindings[1] (two): moored to port 8443 of ") {
			t.Errorf("%s: %q", pair, got)
		}
	}
	for _, pair := range [][2]string{
		{"tcp://127.0.0.1:8443", "tcp://127.0.0.2:8443"},
		{"tcp://:8443", "tcp://:8444"},
		{"tcp://:8443", "tcp://[::1]:8443"},
		{"tcp://127.0.0.1:8443", group},
	} {
		if err := config.Unique(mustFile(t, two(pair[0], pair[1]))...); err != nil {
			t.Errorf("%s: %v", pair, err)
		}
	}
	if err := config.Unique(load(t, flags(minimalFront...), env()), load(t, flags("hostname=b.example.com", "port=8443", "target-group=tcp://:8443", "memory=none"), env())); err == nil ||
		err.Error() != "bindings tcp-127.0.0.1-8443 and tcp-8443: both moored to port 8443 of this machine" {
		t.Errorf("%v", err)
	}
}

func TestAnOlderFunctionsEnvironmentHasNoFront(t *testing.T) {
	const want = `"tcp://0.0.0.0:8443": want the ARN of a target group where the variables of a function are set that kept one: unset those for a front`
	if got := fault(t, flags("target-group=tcp://:8443"), env(original()...)); got != "--target-group "+want {
		t.Error(got)
	}
	vars := append(original(), "NLB_TG_ARN=tcp://:8443")
	for i, v := range vars {
		if strings.HasPrefix(v, "NLB_TG_ARN=") {
			vars[i] = "NLB_TG_ARN=tcp://:8443"
		}
	}
	if got := fault(t, flags(), env(vars...)); got != "NLB_TG_ARN "+want {
		t.Error(got)
	}
}
