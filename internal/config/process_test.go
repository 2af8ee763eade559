package config_test

import (
	"slices"
	"strings"
	"testing"

	"mooring/internal/config"
)

func TestWhatIsSetOnceForTheProcess(t *testing.T) {
	p, err := config.LoadProcess(flags(), env())
	if err != nil || p.Share != 0.5 || p.Listen != "" || p.Bindings != nil {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = config.LoadProcess(flags("api-share=25%", "binding=web-443", "binding=web-80"), env("MOORING_API_SHARE=0.9", "MOORING_LISTEN=:9090"))
	if err != nil || p.Share != 0.25 || p.Listen != ":9090" || !slices.Equal(p.Bindings, []string{"web-443", "web-80"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = config.LoadProcess(flags(), env("MOORING_BINDING=a, b,a")); err != nil || !slices.Equal(p.Bindings, []string{"a", "b"}) {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = config.LoadProcess(flags("api-share=0", "listen=9090", "binding=a b"), env())
	for _, want := range []string{`--api-share "0": want a share`, `--listen "9090": want ADDR:PORT`, `--binding "a b": want a name`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in\n%v", want, err)
		}
	}
}

func TestOnlyTheBindingsNamedAreSelected(t *testing.T) {
	all := mustFile(t, twoBindings)
	if some, err := config.Select(all, nil); err != nil || len(some) != 2 {
		t.Errorf("%d of 2, %v", len(some), err)
	}
	if some, err := config.Select(all, []string{"web-80"}); err != nil || len(some) != 1 || some[0].Binding.Name != "web-80" {
		t.Errorf("%+v, %v", some, err)
	}
	_, err := config.Select(all, []string{"web-81"})
	if err == nil || err.Error() != `--binding or MOORING_BINDING "web-81": no binding of this name: did you mean web-80?` {
		t.Errorf("%v", err)
	}
}

func TestTheDefaultsOfEverySettingAreInItsHelpAndLoad(t *testing.T) {
	for _, s := range slices.Concat(config.Settings(), config.ProcessSettings()) {
		if s.Default != "" && !strings.Contains(s.Usage, "default "+s.Default) {
			t.Errorf("%s: the default %s is not in %q", s.Name, s.Default, s.Usage)
		}
	}
	for _, s := range config.Settings() {
		if s.Default == "" {
			continue
		}
		least := minimal
		if strings.HasPrefix(s.Name, "front-") {
			least = minimalFront
		}
		plain, given := load(t, flags(least...), env()), load(t, flags(append(slices.Clip(least), s.Name+"="+s.Default)...), env())
		plain.Memory.SSE = given.Memory.SSE // "" is none
		if !sameConfig(plain, given) {
			t.Errorf("%s %s is not the default: %+v and %+v", s.Name, s.Default, plain, given)
		}
	}
}

func TestARangeIsToldAsHelpHasIt(t *testing.T) {
	for _, s := range config.Settings() {
		_, text, ranged := strings.Cut(s.Usage, ", ")
		least, most, ok := strings.Cut(text, " to ")
		if !ranged || !ok || s.Value != "DURATION" || strings.Contains(least, " ") {
			continue
		}
		most, _, _ = strings.Cut(most, " ")
		got := fault(t, flags(append(slices.Clip(minimalFront), s.Name+"=1000h")...), env())
		if !strings.Contains(got, "want a duration from "+least+" to "+most+", ") {
			t.Errorf("%q, and help has %s to %s", got, least, most)
		}
	}
}

func TestTheConfigurationItselfIsReadAsTheFlagsSay(t *testing.T) {
	a, err := config.LoadAWS(flags("region=eu-west-1"), env("MOORING_REGION=us-east-1", "MOORING_ROLE_ARN=arn:aws:iam::111122223333:role/x"))
	if err != nil || a.Region != "eu-west-1" || a.RoleARN != "arn:aws:iam::111122223333:role/x" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err = config.LoadAWS(flags("region=here"), env()); err == nil {
		t.Error("accepted")
	}
}

func TestMemorysSettings(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/x"
	c := load(t, flags("hostname=a.example.com", "target-group="+group, "memory-role-arn="+role, "memory-external-id=id", "memory-region=eu-west-1",
		"memory-owner=012345678901", "memory-sse=AES256", "memory=s3://bucket"), env())
	want := config.Memory{Kind: "s3", Bucket: "bucket", SSE: "AES256", RoleARN: role, ExternalID: "id", Region: "eu-west-1", Owner: "012345678901"}
	if c.Memory != want {
		t.Errorf("%+v", c.Memory)
	}
	says(t, flags(append(minimal, "memory-external-id=x", "memory-owner=1", "memory-region=x", "memory-role-arn=no")...), env(),
		`--memory-owner "1": want an account`, `--memory-region "x": want a region`, `--memory-role-arn "no": want the ARN of a role`)
	says(t, flags(append(minimal, "memory-external-id=x")...), env(), "set without --memory-role-arn")
}

func TestZonesAreNamesOrIDs(t *testing.T) {
	for _, zone := range []string{"auto", "all", "none", "eu-west-1a", "us-west-2-lax-1a", "us-east-1-wl1-bos-wlz-1", "use1-az1", "euw1-az2", "usw2-lax1-az1", "use1-wl1-bos-wlz1"} {
		if c := load(t, flags(append(minimal, "zone="+zone)...), env()); c.Zone != zone {
			t.Errorf("%s is %s", zone, c.Zone)
		}
	}
	for _, zone := range []string{"az1", "use1", "Use1-az1", "use1-az", "use1-az1-" + strings.Repeat("x", 80)} {
		says(t, flags(append(minimal, "zone="+zone)...), env(), "want auto, all, none, or a zone")
	}
}

func TestIntervalsAndNotices(t *testing.T) {
	for _, v := range []string{"0s", "999ms", "61m", "5", "soon"} {
		says(t, flags(append(minimal, "interval="+v)...), env(), "want a duration from 1s to 1h, such as 5s")
	}
	const topic, bus = "arn:aws:sns:eu-west-1:111122223333:changes.fifo", "arn:aws:events:eu-west-1:111122223333:event-bus/platform"
	c := load(t, flags(minimal...), env("MOORING_NOTIFY=stdout,sns:"+topic+",eventbridge:default,eventbridge:"+bus+",stdout"))
	if want := []config.Notify{{"stdout", ""}, {"sns", topic}, {"eventbridge", "default"}, {"eventbridge", bus}}; !slices.Equal(c.Notify, want) {
		t.Errorf("%+v", c.Notify)
	}
	for v, want := range map[string]string{"sns:changes": "want sns:ARN", "eventbridge:a b": "want eventbridge:BUS", "mail": "want sns:ARN, eventbridge:BUS, or stdout", "stdout:x": "want sns:ARN, eventbridge"} {
		says(t, flags(append(minimal, "notify="+v)...), env(), want)
	}
}
