package config_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/config"
)

// reading reads this text, as a file of the name that was asked for.
func reading(text string) config.Reader {
	return func(context.Context, string) ([]byte, error) { return []byte(text), nil }
}

// file loads this text as app.yaml.
func file(t *testing.T, text string) ([]config.Config, error) {
	t.Helper()
	return config.Load(t.Context(), flags("config=app.yaml"), env(), reading(text))
}

func mustFile(t *testing.T, text string) []config.Config {
	t.Helper()
	cs, err := file(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// faultsOf loads a text that must be refused, and returns its faults, a line each.
func faultsOf(t *testing.T, text string) []string {
	t.Helper()
	cs, err := file(t, text)
	if err == nil {
		t.Fatalf("accepted: %+v", cs)
	}
	return strings.Split(err.Error(), "\n")
}

func refuses(t *testing.T, text string, want ...string) {
	t.Helper()
	if got := faultsOf(t, text); !slices.Equal(got, want) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const twoBindings = `
defaults:
  memory: s3://bucket/all
  memory_role_arn: none
  misses: 5
  hold: 2m
  admit: 10.0.0.0/8
bindings:
  - name: web
    hostname: app.example.com
    port: 443
    target_group: ` + group + `
    hold: 30s
    admit: [10.1.0.0/16, 10.2.0.0/16]
    zone: euw1-az2
  - hostname:
      - b.example.com
      - a.example.com
    port: "80"
    target_group: ` + group + `
    memory: none
    max_leave: 0.5
    interval: 5s
    notify: [stdout, "sns:arn:aws:sns:eu-west-1:111122223333:changes"]
`

func TestAFileMakesManyBindingsInItsOrder(t *testing.T) {
	cs := mustFile(t, twoBindings)
	if len(cs) != 2 {
		t.Fatalf("%d bindings", len(cs))
	}
	web, second := cs[0], cs[1]
	if web.Binding.Name != "web" || !web.Named || second.Binding.Name != "web-80" || second.Named {
		t.Errorf("names %q and %q", web.Binding.Name, second.Binding.Name)
	}
	if web.Policy.Misses != 5 || web.Policy.Hold != 30*time.Second || len(web.Policy.Admit) != 2 || web.Zone != "euw1-az2" {
		t.Errorf("%+v: want the binding's own before the defaults", web)
	}
	if web.Memory.String() != "s3://bucket/all/" || web.Memory.RoleARN != "none" {
		t.Errorf("memory %+v", web.Memory)
	}
	if second.Policy.Hold != 2*time.Minute || second.Policy.MaxLeave != 0.5 || second.Memory.Kind != "none" || second.Interval != 5*time.Second {
		t.Errorf("%+v", second)
	}
	if want := []config.Notify{{Kind: "stdout"}, {Kind: "sns", ARN: "arn:aws:sns:eu-west-1:111122223333:changes"}}; !slices.Equal(second.Notify, want) {
		t.Errorf("notify %+v", second.Notify)
	}
	if !slices.Equal(second.Binding.Hostnames, []string{"a.example.com", "b.example.com"}) {
		t.Errorf("hostnames %q", second.Binding.Hostnames)
	}
}

func TestAFlagThenAVariableGoesBeforeTheFile(t *testing.T) {
	load := func(f config.Flags, e config.Environment) config.Config {
		t.Helper()
		cs, err := config.Load(t.Context(), f, e, reading(twoBindings))
		if err != nil {
			t.Fatal(err)
		}
		return cs[0]
	}
	if c := load(flags("config=x", "hold=1s"), env("MOORING_HOLD=2s")); c.Policy.Hold != time.Second {
		t.Errorf("hold %s, want the flag's", c.Policy.Hold)
	}
	if c := load(flags(), env("MOORING_CONFIG=x", "MOORING_HOLD=2s")); c.Policy.Hold != 2*time.Second {
		t.Errorf("hold %s, want the variable's", c.Policy.Hold)
	}
}

func TestTheWholeProfileIsChosenFirstAtWhicheverLevel(t *testing.T) {
	const one = "bindings: [{hostname: db.example.com, memory: none, answers: whole, target_group: \"" + group + "\"}]"
	whole := mooring.WholePolicy()
	c := mustFile(t, "defaults: {misses: 7}\n"+one)[0]
	if c.Policy.Answers != mooring.AnswersWhole || c.Policy.Misses != 7 || c.Policy.Hold != whole.Hold || c.Policy.MaxLeave != whole.MaxLeave {
		t.Errorf("%+v: want the profile of the binding, with the misses of the defaults", c.Policy)
	}
	cs, err := config.Load(t.Context(), flags("answers=whole"), env("MOORING_CONFIG="+twoBindings), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := cs[0].Policy; p.MaxLeave != whole.MaxLeave || p.Hold != 30*time.Second || p.Misses != 5 {
		t.Errorf("%+v: want the profile of the flag, with what the file says", p)
	}
}

func TestTheEnvironmentCanHoldTheFileItself(t *testing.T) {
	for _, text := range []string{
		twoBindings,
		`{"bindings": [{"hostname": "a.example.com", "target_group": "` + group + `", "memory": "none"}]}`,
		`bindings: [{hostname: a.example.com, target_group: "` + group + `", memory: none}]`,
	} {
		if _, err := config.Load(t.Context(), flags(), env("MOORING_CONFIG="+text), nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := config.Load(t.Context(), flags(), env("MOORING_CONFIG=bindings:\n- {mode: x}"), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "MOORING_CONFIG:2:3: bindings[0]: hostname: not set") {
		t.Errorf("%v", err)
	}
}

func TestAFileThatCannotBeReadIsOneFault(t *testing.T) {
	gone := errors.New("no such file")
	_, err := config.Load(t.Context(), flags("hold=soon"), env("MOORING_CONFIG=gone.yaml"), func(context.Context, string) ([]byte, error) { return nil, gone })
	if !errors.Is(err, gone) || !strings.Contains(err.Error(), `MOORING_CONFIG "gone.yaml": no such file`) || !strings.Contains(err.Error(), `--hold "soon"`) {
		t.Errorf("%v", err)
	}
	if _, err = config.Load(t.Context(), flags("config=a.yaml"), env(), nil); err == nil {
		t.Error("read without a reader")
	}
	if _, err = config.Load(t.Context(), flags("config="), env(), reading(twoBindings)); err == nil {
		t.Error("an empty name was taken for none")
	}
}

func TestWhatMakesABindingIsNotTakenFromFlagsBesideAFile(t *testing.T) {
	_, err := config.Load(t.Context(), flags("config=app.yaml", "port=80"), env("MOORING_HOSTNAME=a.example.com"), reading(twoBindings))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"--port: set together with a configuration (--config)", "MOORING_HOSTNAME: set together with"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in\n%v", want, err)
		}
	}
}

func TestAnOlderFunctionsEnvironmentIsNotReadBesideAFile(t *testing.T) {
	cs, err := config.Load(t.Context(), flags("config=app.yaml"), env(original()...), reading(twoBindings))
	if err != nil || len(cs) != 2 || cs[0].Legacy != nil || cs[0].DNS.MaxLookups != 200 {
		t.Errorf("%+v, %v", cs, err)
	}
}

func TestEveryFaultOfAFileIsToldAtOnceWithItsPlace(t *testing.T) {
	refuses(t, `defaults:
  max_leafe: 3
  hold: 90
  misses: true
bindings:
  - name: web-443
    port: 99999
    max_leave: 340%
    targetGroupARN: x
  - hostname: [a.example.com, 3]
    hostname: b
    target_group: `+group+`
    port: "443"
    memory: none
    external_id: x
  - just text
  - {hostname: b.example.com, target_group: "`+group+`", port: 443, memory: none}
  - {name: "a b", zone: , admit: [], misses: {a: 1}, hold: [90s]}
`,
		`app.yaml:2:3: defaults: max_leafe: unknown key: did you mean max_leave?`,
		`app.yaml:3:9: defaults: hold: want a duration from 0s to 30m, such as 90s, not "90"`,
		`app.yaml:4:11: defaults: misses: want text or a number; nothing here is true or false, not "true"`,
		`app.yaml:6:5: bindings[0] (web-443): hostname: not set: want the name whose addresses are to be registered`,
		`app.yaml:6:5: bindings[0] (web-443): target_group: not set: want the ARN of the target group, or tcp://ADDR:PORT`,
		`app.yaml:6:5: bindings[0] (web-443): memory: not set: want s3://BUCKET[/PREFIX], file:DIR, or none (which only ever adds)`,
		`app.yaml:7:11: bindings[0] (web-443): port: want a port from 1 to 65535, not "99999"`,
		`app.yaml:8:16: bindings[0] (web-443): max_leave: want a share above 0 and at most 100%, such as 34% or 0.34, not "340%"`,
		`app.yaml:9:5: bindings[0] (web-443): targetGroupARN: unknown key: did you mean target_group?`,
		`app.yaml:10:5: bindings[1] (web-443): its name web-443 is also that of bindings[0] (web-443) on line 6: give it another by name`,
		`app.yaml:10:31: bindings[1] (web-443): hostname: want text: put it in quotes, not "3"`,
		`app.yaml:11:5: bindings[1] (web-443): hostname: set twice: first on line 10`,
		`app.yaml:15:18: bindings[1] (web-443): external_id: set without role_arn, which it belongs to`,
		`app.yaml:16:5: bindings[2]: want a mapping of settings; this is a single value`,
		`app.yaml:17:5: bindings[3] (web-443): moored to port 443 of `+group+`, as bindings[1] (web-443) on line 10 is`,
		`app.yaml:18:5: bindings[4]: hostname: not set: want the name whose addresses are to be registered`,
		`app.yaml:18:5: bindings[4]: target_group: not set: want the ARN of the target group, or tcp://ADDR:PORT`,
		`app.yaml:18:5: bindings[4]: memory: not set: want s3://BUCKET[/PREFIX], file:DIR, or none (which only ever adds)`,
		`app.yaml:18:12: bindings[4]: name: want a name of 1 to 128 letters, digits, dots, dashes and underscores, not "a b"`,
		`app.yaml:18:25: bindings[4]: zone: no value`,
		`app.yaml:18:34: bindings[4]: admit: want one value, or a list of 1 to 256`,
		`app.yaml:18:46: bindings[4]: misses: want one value; this is a mapping`,
		`app.yaml:18:60: bindings[4]: hold: want one value; this is a list`,
	)
}

// one is a sound binding, to which a test adds what is wrong.
const one = "bindings:\n- hostname: a.example.com\n  target_group: " + group + "\n  memory: none\n"

func TestWhatIsNoConfigurationIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "app.yaml: empty: want bindings, and perhaps defaults",
		"# nothing\n":                   "app.yaml: empty: want bindings, and perhaps defaults",
		"---\n...\n":                    "app.yaml: empty: want bindings, and perhaps defaults",
		"bindings:":                     "app.yaml:1:10: bindings: is empty: want a list of bindings",
		"bindings: web":                 "app.yaml:1:11: bindings: want a list of bindings, each with its hostname; this is a single value",
		"bindings: []":                  "app.yaml:1:11: bindings: want 1 to 1000 bindings; there are 0",
		"bindings: {web: {}}":           "app.yaml:1:11: bindings: want a list of bindings, each with its hostname; this is a mapping",
		"defaults: {misses: 3}":         "app.yaml:1:1: bindings: not set: want a list of bindings",
		"- a":                           "app.yaml:1:1: want a mapping with bindings, and perhaps defaults; this is a list",
		one + "---\n" + one:             "app.yaml:5: a second document begins here: want one",
		one + "version: 1":              "app.yaml:5:1: version: unknown key",
		one + "default: {}":             "app.yaml:5:1: default: unknown key: did you mean defaults?",
		one + "defaults: {name: x}":     "app.yaml:5:12: defaults: name: unknown key",
		one + "  ? [a, b]\n  : c":       "app.yaml:5:5: bindings[0] (web): want a key; this is a list",
		one + "  mode: !!str sync":      "app.yaml:5:9: tags are not taken",
		one + "  mode: &m sync":         "app.yaml:5:9: anchors are not taken: write it out, or put it into defaults",
		one + "  \"a b\": 1":            `app.yaml:5:3: bindings[0] (web): "a b": unknown key`,
		one + "  resolver: [x: y]":      "app.yaml:5:14: bindings[0] (web): resolver: want one value; this is a mapping",
		one + "  hold: 90s\n hold: 90s": "app.yaml:5: not YAML: did not find expected key",
		one + "  memory_owner: 12":      `app.yaml:5:17: bindings[0] (web): memory_owner: want an account: 12 digits, not "12"`,
		one + "  memory_external_id: x\n  memory_role_arn: none":           "app.yaml:5:23: bindings[0] (web): memory_external_id: set without memory_role_arn, which it belongs to",
		one + "  zone: " + strings.Repeat("[", 9) + strings.Repeat("]", 9): "app.yaml:5:9: bindings[0] (web): zone: want one value; this is a list",
	} {
		if got := faultsOf(t, text); !slices.Contains(got, want) {
			t.Errorf("%s\nsaid\n%s\nwant\n%s", text, strings.Join(got, "\n"), want)
		}
	}
}

func TestAnAliasIsRefusedAndNotFollowed(t *testing.T) {
	got := faultsOf(t, "defaults: &d {misses: 3}\n"+one+"  <<: *d\n  mode: *d\n")
	for _, want := range []string{"app.yaml:6:7: aliases are not taken", "app.yaml:7:9: aliases are not taken", "<<"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("no word of %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	other := strings.Replace(group, "eu-west-1", "eu-west-2", 1)
	text := one + "- hostname: b.example.com\n  target_group: " + other + "\n  memory: none\n"
	refuses(t, text, "app.yaml:5:3: bindings[1] (web): its name web is also that of bindings[0] (web) on line 2: give it another by name")
	if cs := mustFile(t, text+"  name: web-london\n"); cs[1].Binding.Name != "web-london" {
		t.Errorf("name %q", cs[1].Binding.Name)
	}
}

func TestAFileHasALimitOfSizeBindingsDepthAndFaults(t *testing.T) {
	if got := faultsOf(t, one+"#"+strings.Repeat(" ", config.MaxFile)); !strings.Contains(got[0], "larger than") {
		t.Errorf("%s", got)
	}
	if got := faultsOf(t, "bindings: ["+strings.Repeat("a,", 1001)+"]"); len(got) != 1 || !strings.Contains(got[0], "want 1 to 1000 bindings; there are 1001") {
		t.Errorf("%s", got)
	}
	if got := faultsOf(t, one+"  zone: "+strings.Repeat("[", 500)+strings.Repeat("]", 500)); !strings.Contains(got[0], "nested too deeply") && !strings.Contains(got[1], "nested too deeply") {
		t.Errorf("%s", got)
	}
	if got := faultsOf(t, one+"  resolver: ["+strings.Repeat("10.0.0.2, ", 17)+"]"); !strings.HasSuffix(got[0], "resolver: want one value, or a list of 1 to 16") {
		t.Errorf("%s", got)
	}
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, "k%d: 1\n", i)
	}
	if got := faultsOf(t, one+many.String()); len(got) != 1001 || !strings.HasPrefix(got[1000], "and perhaps more") {
		t.Errorf("%d faults, the last %q", len(got), got[len(got)-1])
	}
	if got := faultsOf(t, one+"  zone: "+strings.Repeat("x", 1000)); len(got[0]) > 400 {
		t.Errorf("a fault of %d bytes", len(got[0]))
	}
}

// many is a file of this many bindings, each with its own settings.
func many(bindings int) string {
	var b strings.Builder
	b.WriteString("defaults:\n  memory: s3://bucket/all\n  misses: 4\nbindings:\n")
	for i := range bindings {
		fmt.Fprintf(&b, "  - name: web-%d\n    hostname: internal-app-%d.eu-west-1.elb.amazonaws.com\n    port: %d\n    target_group: %s\n"+
			"    hold: 2m\n    max_leave: 0.5\n    region: eu-west-1\n    role_arn: arn:aws:iam::222233334444:role/mooring\n    external_id: x\n", i, i, i+1, group)
	}
	return b.String()
}

func BenchmarkLoad1000Bindings(b *testing.B) {
	text := many(1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		cs, err := config.Load(b.Context(), flags("config=app.yaml"), env("MOORING_MISSES=3"), reading(text))
		if err != nil || len(cs) != 1000 {
			b.Fatal(err)
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte(twoBindings))
	f.Add([]byte(one + "---\n"))
	f.Add([]byte("a: &a [*a, *a]\nbindings: *a"))
	f.Add([]byte("bindings: [{? [x]: y, <<: z}]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		cs, err := config.Load(t.Context(), flags("config=app.yaml"), env(), reading(string(body)))
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("a fault that says nothing")
			}
			return
		}
		if len(cs) == 0 || config.Unique(cs...) != nil {
			t.Errorf("accepted %d bindings: %v", len(cs), config.Unique(cs...))
		}
		for _, c := range cs {
			if len(c.Binding.Hostnames) == 0 || c.Policy.Validate() != nil || c.Memory.Kind == "" || config.GroupRegion(c.Binding.TargetGroup) == "" {
				t.Errorf("accepted %+v", c)
			}
		}
	})
}

func TestABindingWithOtherFaultsIsToldOfItsNameAtOnce(t *testing.T) {
	text := "bindings:\n- {name: web, hostname: a.example.com, memory: none}\n" +
		"- {name: web, hostname: b.example.com, target_group: '" + group + "', port: 443, memory: none}\n" +
		"- {name: web, hostname: c.example.com, target_group: '" + group + "', port: 443, memory: none}\n" +
		"- {hostname: d.example.com, memory: none}\n- {hostname: e.example.com, memory: none}\n"
	const alike = ": its name web is also that of bindings[0] (web) on line 2: give it another by name"
	refuses(t, text,
		"app.yaml:2:3: bindings[0] (web): target_group: not set: want the ARN of the target group, or tcp://ADDR:PORT",
		"app.yaml:3:3: bindings[1] (web)"+alike,
		"app.yaml:4:3: bindings[2] (web): moored to port 443 of "+group+", as bindings[1] (web) on line 3 is",
		"app.yaml:4:3: bindings[2] (web)"+alike,
		"app.yaml:5:3: bindings[3]: target_group: not set: want the ARN of the target group, or tcp://ADDR:PORT",
		"app.yaml:6:3: bindings[4]: target_group: not set: want the ARN of the target group, or tcp://ADDR:PORT")
}

// What the variable holds may be secret, and an error about a file would hold it.
func TestYAMLInTheVariableIsNeverTakenForTheNameOfAFile(t *testing.T) {
	const secret = "TOPSECRET"
	yaml := `{"defaults": {"external_id": "` + secret + `"}}`
	for _, v := range []string{yaml, "\ufeff" + yaml, "\t" + yaml, "--- " + yaml, "%YAML 1.2 " + yaml, `"defaults": {external_id: ` + secret + `}`, "defaults: " + secret} {
		_, err := config.Load(t.Context(), func(string) ([]string, bool) { return nil, false },
			func(name string) (string, bool) { return v, name == "MOORING_CONFIG" },
			func(_ context.Context, where string) ([]byte, error) {
				return nil, errors.New("no such file: " + where)
			})
		if err == nil || strings.Contains(err.Error(), "no such file") {
			t.Errorf("%.30q: %v", v, err)
		}
	}
}
