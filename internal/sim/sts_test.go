package sim_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring/internal/sim"
)

const role = "arn:aws:iam::222222222222:role/path/mooring"

func TestWhoAssumesARoleIsKnownByItsAccount(t *testing.T) {
	g := harbour()
	a := sim.NewAWS(g)
	roles := &sim.STS{Roles: map[string]sim.Role{role: {ExternalID: "secret-word"}}}
	a.STS = roles
	cfg := sdk(t, a)
	read := func(cfg aws.Config) {
		t.Helper()
		_, err := elbv2.NewFromConfig(cfg).DescribeTargetHealth(t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &g.ARN})
		if err != nil {
			t.Fatal(err)
		}
	}
	read(cfg)
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
		o.ExternalID = aws.String("secret-word")
	})
	cfg.Credentials = aws.NewCredentialsCache(provider)
	read(cfg)
	var accounts []string
	for _, c := range a.Calls() {
		accounts = append(accounts, c.Action+" by "+c.Account)
	}
	want := []string{"DescribeTargetHealth by ", "AssumeRole by 222222222222", "DescribeTargetHealth by 222222222222"}
	if len(accounts) != 3 || accounts[0] != want[0] || accounts[1] != want[1] || accounts[2] != want[2] {
		t.Errorf("%q, want %q", accounts, want)
	}
	if got := roles.Assumed(); len(got) != 1 || got[0].ARN != role || got[0].ExternalID != "secret-word" || !got[0].Granted {
		t.Errorf("%+v", got)
	}
}

func TestARoleIsAssumedOnlyByWhoKnowsItsExternalID(t *testing.T) {
	roles := &sim.STS{Roles: map[string]sim.Role{role: {ExternalID: "secret-word"}, role + "2": {}}}
	client := sts.NewFromConfig(sdk(t, &sim.AWS{STS: roles}))
	for _, c := range []struct {
		arn, external, session, want string
	}{
		{role, "secret-word", "web-443", ""},
		{role, "", "web-443", "AccessDenied"},
		{role, "another", "web-443", "AccessDenied"},
		{role + "2", "", "web-443", ""},
		{role + "3", "secret-word", "web-443", "AccessDenied"},
		{role, "secret-word", "web 443", "ValidationError"},
		{"arn:aws:iam::2:role/mooring", "secret-word", "web-443", "ValidationError"},
	} {
		in := &sts.AssumeRoleInput{RoleArn: &c.arn, RoleSessionName: &c.session}
		if c.external != "" {
			in.ExternalId = &c.external
		}
		out, err := client.AssumeRole(t.Context(), in)
		if codeOf(err) != c.want || err == nil && out.Credentials.Expiration == nil {
			t.Errorf("%+v: error %v", c, err)
		}
	}
	in := &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("web-443"), DurationSeconds: aws.Int32(60)}
	if _, err := client.AssumeRole(t.Context(), in); codeOf(err) != "ValidationError" {
		t.Errorf("for a minute: %v", err)
	}
	if granted := len(roles.Assumed()); granted != 5 {
		t.Errorf("%d calls were noted, want 5", granted)
	}
	if _, err := client.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{}); err == nil || errors.Is(err, t.Context().Err()) {
		t.Errorf("another action: %v", err)
	}
}
