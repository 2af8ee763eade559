package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mooring/internal/config"
)

func TestMisspeltVariablesAreTold(t *testing.T) {
	got := config.UnknownVariables([]string{
		"PATH=/bin", "MOORING_MODES=observe", "MOORING_TARGETGROUP", "MOORING_XYZZY=secret", "MOORING_LISTENS=", "MOORING_", "MOORING_A\nB=1", "XMOORING_MODE=1",
	})
	want := []string{
		"MOORING_: no such variable, so it is ignored",
		`"MOORING_A\nB": no such variable, so it is ignored`,
		"MOORING_LISTENS: no such variable, so it is ignored: did you mean MOORING_LISTEN?",
		"MOORING_MODES: no such variable, so it is ignored: did you mean MOORING_MODE?",
		"MOORING_TARGETGROUP: no such variable, so it is ignored: did you mean MOORING_TARGET_GROUP?",
		"MOORING_XYZZY: no such variable, so it is ignored",
	}
	if !slices.Equal(got, want) {
		t.Errorf("said\n%s", strings.Join(got, "\n"))
	}
}

func TestEveryVariableThatIsReadIsKnown(t *testing.T) {
	names := []string{"MOORING_OUTPUT=json", "MOORING_METRICS=all", "MOORING_REQUIRE_MOTO=1", "HOME=/"}
	for _, s := range slices.Concat(config.Settings(), config.ProcessSettings()) {
		names = append(names, s.Variable()+"=x")
	}
	if got := config.UnknownVariables(names); len(got) > 0 {
		t.Error(got)
	}
}

func TestOfManyUnknownVariablesSomeAreTold(t *testing.T) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("MOORING_OTHER_%d=", i))
	}
	if got := config.UnknownVariables(names); len(got) != 21 {
		t.Errorf("%d are told", len(got))
	}
}
