package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
)

func TestSettingsOfTerraformThatCouldLeadItElsewhereAreKeptFromIt(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	w.m.environ = append(w.m.environ, hostile...)
	w.m.environ = append(w.m.environ, "TF_REATTACH_PROVIDERS={}", "TF_PLUGIN_CACHE_DIR=cache", "TF_LOG=off")
	if err := w.m.command(t.Context(), []string{"run"}); err != nil {
		t.Fatalf("%v\n%s%s", err, &w.out, &w.errs)
	}
	if got, want := w.commands(), []string{"init", "apply", "output", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	for _, line := range w.ran {
		for _, setting := range slices.Concat(hostile, []string{"TF_REATTACH_PROVIDERS="}) {
			if strings.Contains(line, setting) {
				t.Errorf("Terraform was told %s: %s", setting, line)
			}
		}
		for _, setting := range []string{"TF_DATA_DIR=.terraform/mooring-e2e", "TF_PLUGIN_CACHE_DIR=cache", "TF_LOG=off"} {
			if !strings.Contains(line, setting) {
				t.Errorf("Terraform was not told %s: %s", setting, line)
			}
		}
	}
}

func TestASuccessWithoutAStateIsAnErrorAndIsTornDownNevertheless(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	w.on("apply", func() string { return "stateless" })
	if err := w.m.command(t.Context(), []string{"run"}); !errors.Is(err, errNoState) || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("%v", err)
	}
	if got, want := w.commands(), []string{"init", "apply", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
}

func TestNothingIsTornDownInAnotherPlaceThanItWasBuiltIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, built, words string }{
		{"another Region", `{"account": "` + testAccount + `", "region": "us-east-1"}`, "says account " + testAccount + ", Region us-east-1; MOORING_E2E_ACCOUNT and AWS_REGION say account " + testAccount + ", Region eu-west-1"},
		{"another account", `{"account": "111122223333", "region": "eu-west-1"}`, "says account 111122223333, Region eu-west-1"},
		{"nobody knows where", "", placeFile},
		{"written by halves", `{"account": "` + testAccount + `", `, placeFile + ": unexpected EOF"},
	} {
		w := newTestWorld(t, 2)
		files := map[string]string{stateFile: "{}"}
		if c.built != "" {
			files[placeFile] = c.built
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(w.m.folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, verb := range []string{"down", "run"} {
			if err := w.m.command(t.Context(), []string{verb}); !errors.Is(err, errPlace) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: %s: %v", c.name, verb, err)
			}
		}
		if len(w.commands()) > 0 || !w.holds(stateFile) {
			t.Errorf("%s: ran %v; the state is there: %t", c.name, w.commands(), w.holds(stateFile))
		}
	}
}

func TestWhereItIsBuiltIsWrittenDownBeforeAnythingIs(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	w.on("apply", func() string {
		text, err := os.ReadFile(filepath.Join(w.m.folder, placeFile))
		var got place
		if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil || got != (place{testAccount, "eu-west-1"}) {
			t.Errorf("%+v, %v", got, err)
			return "!killed"
		}
		return "!killed"
	})
	w.on("destroy", func() string { return "!no network" })
	if err := w.m.command(t.Context(), []string{"run"}); err == nil {
		t.Error("a run that failed succeeded")
	}
	if err := (terraform{folder: w.m.folder}).begin(); !errors.Is(err, os.ErrExist) {
		t.Errorf("the place is written over: %v", err)
	}
}

func TestFilesThatCouldChangeThePriceAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"terraform.tfvars", "more.auto.tfvars", "terraform.tfvars.json", "override.tf", "main_override.tf.json", "database.tf", "main.tofu",
	} {
		w := newTestWorld(t, 2)
		for _, file := range []string{"main.tf", "outputs.tf", "variables.tf", "versions.tf", ".terraform.lock.hcl", "README.md", name} {
			if err := os.WriteFile(filepath.Join(w.m.folder, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := w.m.command(t.Context(), []string{"run"})
		if !errors.Is(err, errFiles) || !strings.HasSuffix(err.Error(), "away: "+filepath.Join(w.m.folder, name)) || len(w.commands()) > 0 {
			t.Errorf("%s: %v, ran %v", name, err, w.commands())
		}
		if err := os.Remove(filepath.Join(w.m.folder, name)); err != nil {
			t.Fatal(err)
		}
		if err := (terraform{folder: w.m.folder}).pristine(); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestCredentialsThatExpireInARunAreRefusedOrWarnedOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		given    aws.Credentials
		in       time.Duration // that they, or the environment, say to last
		said     string        // "" is nothing
		refused  bool
		exported bool
	}{
		{name: "for ever", given: aws.Credentials{}},
		{name: "renewed, but soon over", given: aws.Credentials{SessionToken: "t", CanExpire: true}, in: time.Hour, said: "2026-01-01 01:00 UTC, and a run may take until 2026-01-01 03:25 UTC"},
		{name: "renewed, and long enough", given: aws.Credentials{SessionToken: "t", CanExpire: true}, in: 12 * time.Hour},
		{name: "a session of which nobody knows", given: aws.Credentials{SessionToken: "t", Source: awsconfig.CredentialsSourceName}, said: "nothing says when it ends"},
		{name: "exported, and soon over", given: aws.Credentials{SessionToken: "t", Source: awsconfig.CredentialsSourceName}, in: time.Hour, exported: true, refused: true},
		{name: "exported, and long enough", given: aws.Credentials{SessionToken: "t", Source: awsconfig.CredentialsSourceName}, in: 12 * time.Hour, exported: true},
		{name: "a file's, beside an export", given: aws.Credentials{SessionToken: "t", Source: "SharedConfigCredentials"}, in: time.Hour, exported: true, said: "nothing says when it ends"},
	} {
		w := newTestWorld(t, 2)
		c.given.AccessKeyID, c.given.SecretAccessKey = "AKIAQWERTYUIOPASDFGH", "secretsecretsecretsecretsecretsecretABCD"
		if expires := w.clock.Now().Add(c.in); c.given.CanExpire {
			c.given.Expires = expires
		} else if c.exported {
			w.env["AWS_CREDENTIAL_EXPIRATION"] = expires.Format(time.RFC3339)
		}
		load := w.m.load
		w.m.load = func(ctx context.Context) (aws.Config, error) {
			cfg, err := load(ctx)
			cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c.given, nil })
			return cfg, err
		}
		w.on("init", func() string { return "!far enough" })
		err := w.m.command(t.Context(), []string{"run"})
		if errors.Is(err, errExpire) != c.refused || (len(w.commands()) == 0) != c.refused {
			t.Errorf("%s: %v, ran %v", c.name, err, w.commands())
		}
		if said, _, _ := strings.Cut(w.errs.String(), "Error:"); !strings.Contains(said, c.said) || c.said == "" && said != "" {
			t.Errorf("%s: said %q", c.name, said)
		}
	}
}

// What is said of the time and the price is what the stack and the limits make of them.
func TestTheTimesThatAreToldAreThoseThatAreWaitedFor(t *testing.T) {
	t.Parallel()
	main, err := os.ReadFile("../../../deploy/e2e/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{`create = "120m"`, `update = "120m"`} {
		if !strings.Contains(string(main), words) {
			t.Errorf("main.tf does not say %s, and reservedTime is %s", words, reservedTime)
		}
	}
	document, err := os.ReadFile("../../../docs/assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	small, large := consent{}, consent{lcus: 500}
	for _, c := range []struct {
		text  string
		words []string
	}{
		{small.cost(), []string{"At the longest a run takes 4 hours, which is 0.18 dollars.", "Ctrl-C", "killed", "credentials expire", "make e2e-down"}},
		{large.cost(), []string{"2 hours are waited for", "At the longest a run takes 6 hours, which is 24.27 dollars."}},
		{string(document), []string{"two hours are waited for", "4 hours or 0.18 dollars", "6 hours or 24.27 dollars"}},
	} {
		for _, words := range c.words {
			if !strings.Contains(strings.Join(strings.Fields(c.text), " "), words) {
				t.Errorf("%q is not said:\n%s", words, c.text)
			}
		}
	}
}

func TestNoRunWritesOverWhatAnEarlierOneSaw(t *testing.T) {
	t.Parallel()
	in := filepath.Join(t.TempDir(), "out")
	at := time.Date(2026, 11, 26, 4, 5, 6, 0, time.UTC)
	for _, want := range []string{"20261126T040506Z", "20261126T040506Z-02", "20261126T040506Z-03"} {
		folder, err := newFolder(in, at)
		if err != nil || filepath.Base(folder) != want {
			t.Errorf("%s, %v; want %s", folder, err, want)
		}
	}
	w := newTestWorld(t, 2)
	for n := 1; n <= 2; n++ {
		if err := w.m.command(t.Context(), []string{"names", testName}); err != nil {
			t.Fatal(err)
		}
		if files, err := filepath.Glob(filepath.Join(w.m.folder, "out", "*", "transcript.jsonl")); err != nil || len(files) != n {
			t.Errorf("after %d runs %v, %v", n, files, err)
		}
	}
	path := filepath.Join(in, "report.txt")
	if err := writeNew(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("second")); !errors.Is(err, os.ErrExist) {
		t.Errorf("a file is written over: %v", err)
	}
}
