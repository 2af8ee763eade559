package deploytest_test

import (
	"os"
	"os/exec"
	"testing"
)

// https://github.com/aws-cloudformation/cfn-lint knows the schema of every resource.
func TestCfnLintFindsNothing(t *testing.T) {
	program, err := exec.LookPath("cfn-lint")
	if err != nil {
		if os.Getenv("MOORING_REQUIRE_CFN_LINT") == "1" {
			t.Fatal(err)
		}
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	t.Parallel()
	const at = "../../../deploy/cloudformation/"
	if out, err := exec.CommandContext(t.Context(), program, at+"mooring.yaml", at+"front.yaml").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
