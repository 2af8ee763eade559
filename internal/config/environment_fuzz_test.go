package config_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mooring/internal/config"
)

// FuzzEnvironment reads any environment, a variable a line: ours and those of every function that mooring replaces.
func FuzzEnvironment(f *testing.F) {
	f.Add("MOORING_HOSTNAME=app.example.com\nMOORING_TARGET_GROUP=" + group + "\nMOORING_MEMORY=none\nMOORING_HOLD=90s")
	f.Add(strings.Join(v3("DNS_SERVER=10.0.0.2, 10.0.0.3;10.0.0.4", "INVOCATIONS_BEFORE_DEREGISTRATION=5"), "\n"))
	f.Add("ALB_DNS_NAME=a.example.com\nALB_LISTENER=443\nS3_BUCKET=b\nNLB_TG_ARN=" + group)
	f.Add("RDS_REPLICA_DNS_NAMES=a.example.com,b.example.com\nRDS_LISTENER_PORT=5432\nS3_BUCKET=b\nNLB_TG_ARN=" + group)
	f.Add("TARGET_FQDN=a.example.com\nELB_TG_ARN=" + group + "\nDYNAMODB_TABLE=t\nDNS_REFRESH_INTERVAL=5s")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		environment := env(lines...)
		nowhere := func(context.Context, string) ([]byte, error) { return nil, errors.New("no such file") }
		process, processErr := config.LoadProcess(flags(), environment)
		cs, err := config.Load(t.Context(), flags(), environment, nowhere)
		_ = config.UnknownVariables(lines)
		for _, err := range []error{processErr, err} {
			if err != nil && strings.TrimSpace(err.Error()) == "" {
				t.Error("a fault that says nothing")
			}
		}
		if processErr == nil && (process.Share < 0 || process.Share > 1) {
			t.Errorf("accepted %+v", process)
		}
		if err != nil {
			return
		}
		if len(cs) == 0 || config.Unique(cs...) != nil {
			t.Errorf("accepted %d bindings: %v", len(cs), config.Unique(cs...))
		}
		for _, c := range cs {
			if len(c.Binding.Hostnames) == 0 || c.Policy.Validate() != nil || c.Memory.Kind == "" || config.GroupRegion(c.Binding.TargetGroup) == "" && !c.Embedded() {
				t.Errorf("accepted %+v", c)
			}
		}
	})
}
