package rig_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/sim"
)

const foreignRole = "arn:aws:iam::444455556666:role/mooring"

// refused has one round of a changed binding, in a world where [foreignRole] is lent only to who says another external id.
func refused(t *testing.T, change func(*config.Config)) (mooring.Report, *stage) {
	t.Helper()
	configs := example(t, "one-port.yaml")
	change(&configs[0])
	return roundOf(t, configs, func(*stage) {})
}

func roundOf(t *testing.T, configs []config.Config, prepare func(*stage)) (mooring.Report, *stage) {
	t.Helper()
	s := stageFor(t, configs)
	prepare(s)
	s.sts.Roles[foreignRole] = sim.Role{ExternalID: "another"}
	configs[0].DNS.Resolvers = append(configs[0].DNS.Resolvers, s.DNS.Resolver())
	o := optionsIn(s.World)
	o.Dial = s.dial
	fleet, err := rig.NewFleet(t.Context(), configs, o)
	if err != nil {
		t.Fatal(err)
	}
	return fleet.Round(t.Context())[0], s
}

// wantRefused looks that a round says which role is refused, and that it takes that for no missing permission of its calls.
func wantRefused(t *testing.T, r mooring.Report) {
	t.Helper()
	var role interface{ Statement() string }
	if r.OK() || !errors.As(r.Err, &role) {
		t.Fatalf("error %v, warnings %q", r.Err, r.Warnings)
	}
	if want := `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + foreignRole + `"}`; role.Statement() != want {
		t.Errorf("statement %s, want %s", role.Statement(), want)
	}
	var answer smithy.APIError
	if errors.Is(r.Err, mooring.ErrDenied) || errors.As(r.Err, &answer) {
		t.Errorf("taken for an answer to another call: %v", r.Err)
	}
	if !strings.Contains(r.Error, "assume role "+foreignRole+": check that its trust policy") {
		t.Errorf("error %q", r.Error)
	}
}

func TestARefusedRoleOfTheGroupIsNoMissingPermissionOfTheGroup(t *testing.T) {
	r, _ := refused(t, func(c *config.Config) {
		c.AWS.RoleARN, c.AWS.ExternalID, c.Memory.RoleARN = foreignRole, "mine", "none"
	})
	wantRefused(t, r)
}

func TestARefusedRoleOfAGroupWhosePortIsNotConfiguredIsTold(t *testing.T) {
	r, _ := refused(t, func(c *config.Config) { c.AWS.RoleARN, c.Memory.RoleARN, c.Binding.Port = foreignRole, "none", 0 })
	wantRefused(t, r)
}

func TestARefusedRoleOfTheMemoryIsNoFirstRun(t *testing.T) {
	r, s := refused(t, func(c *config.Config) { c.Memory.RoleARN, c.Memory.ExternalID = foreignRole, "mine" })
	wantRefused(t, r)
	if len(s.S3.Calls()) > 0 || len(r.Deregistered) > 0 {
		t.Errorf("S3 was called: %v", s.S3.Calls())
	}
}

func TestARefusedRoleLeavesAnOlderFunctionsStateForTheNextRound(t *testing.T) {
	r, _ := refused(t, func(c *config.Config) {
		c.Memory = config.Memory{Kind: "file", Dir: t.TempDir(), RoleARN: foreignRole, ExternalID: "mine"}
		c.Legacy = &config.Legacy{Format: "v1", Bucket: "old", Name: c.Binding.Hostnames[0]}
	})
	wantRefused(t, r)
}

func TestARoleOfTheProfileThatIsRefusedIsNoMissingPermissionOfTheGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := "[profile ship]\nrole_arn = " + foreignRole + "\nsource_profile = shore\n[profile shore]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	configs := example(t, "one-port.yaml")
	configs[0].AWS.Profile = "ship"
	r, _ := roundOf(t, configs, func(s *stage) {
		t.Setenv("AWS_CONFIG_FILE", file)
		t.Setenv("AWS_ENDPOINT_URL_STS", s.URL) // a profile's role does not look at AWS_ENDPOINT_URL
	})
	wantRefused(t, r)
}
