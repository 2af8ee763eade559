package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/transcript"
)

// standIn is a stack that Terraform can build without a provider: it keeps what it is told.
const standIn = `
variable "account" { type = string }
variable "region" { type = string }
variable "reserved_lcus" {
  type = number

  validation {
    condition     = var.reserved_lcus == 0
    error_message = "More than was agreed to."
  }
}

resource "terraform_data" "stack" {
  input = "${var.account} ${var.region} ${var.reserved_lcus}"
}

output "stack" {
  value      = jsondecode(file("${path.module}/stack.json"))
  depends_on = [terraform_data.stack]
}
`

// hostile are settings each of which would lead Terraform to another state, or to more than was agreed to.
var hostile = []string{
	"TF_WORKSPACE=elsewhere", "TF_DATA_DIR=elsewhere", "TF_CLI_ARGS=-lock=maybe", "TF_CLI_ARGS_apply=-state=elsewhere.tfstate",
	"TF_CLI_ARGS_destroy=-state=elsewhere.tfstate", "TF_VAR_reserved_lcus=1500",
}

// Where Terraform itself is at hand, it takes the place of the test's own: what it is called with, what it prints, and
// where it keeps its state. Settings and files that are there already lead it nowhere else.
func TestTerraformItselfBuildsAndTearsDown(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("terraform")
	switch {
	case err != nil && os.Getenv("MOORING_REQUIRE_TERRAFORM") != "":
		t.Fatal("Terraform is not installed, and MOORING_REQUIRE_TERRAFORM is set")
	case err != nil:
		t.Skip("Terraform is not installed")
	}
	w := newTestWorld(t, 2)
	w.m.terraform = program
	w.m.environ = slices.DeleteFunc(w.m.environ, func(v string) bool { return strings.HasPrefix(v, asTerraform+"=") })
	w.m.environ = append(w.m.environ, hostile...)
	stack := w.stack
	stack.Nodes, stack.Servers = nil, 0
	text, err := json.Marshal(stack)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.m.folder, ".terraform"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.tf": standIn, "stack.json": string(text), ".terraform/environment": "elsewhere",
		".terraform/terraform.tfstate": `{"version": 3, "backend": {"type": "local", "config": {"path": "elsewhere", "workspace_dir": null}, "hash": 1}}`,
	} {
		if err := os.WriteFile(filepath.Join(w.m.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.m.command(t.Context(), []string{"run"}); err != nil {
		t.Fatalf("%v\n%s%s", err, &w.out, &w.errs)
	}
	for _, words := range []string{"Apply complete! Resources: 1 added", "Destroy complete! Resources: 1 destroyed", "G1   holds", "nothing of it was found"} {
		if !strings.Contains(w.out.String(), words) {
			t.Errorf("%q was not said:\n%s", words, &w.out)
		}
	}
	if w.holds(stateFile) || w.holds(placeFile) {
		t.Error("the state stays")
	}
	if err := os.WriteFile(filepath.Join(w.m.folder, "main.tf"), []byte("resource \"terraform_data\" \"stack\" {\n  input = nowhere\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.m.command(t.Context(), []string{"run"}); err == nil || !strings.Contains(err.Error(), "terraform apply") {
		t.Errorf("a stack that cannot be built: %v", err)
	}
}

func TestTheStacksOutputHasWhatIsRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../deploy/e2e/outputs.tf")
	if err != nil {
		t.Fatal(err)
	}
	found := []string{"nodes", "servers"} // by the walk itself
	for _, of := range []reflect.Type{reflect.TypeFor[transcript.Stack](), reflect.TypeFor[transcript.Subnet](), reflect.TypeFor[transcript.Group]()} {
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			var there bool
			for line := range strings.Lines(string(text)) {
				words := strings.Fields(line)
				there = there || len(words) > 1 && words[0] == name && words[1] == "="
			}
			if there == slices.Contains(found, name) {
				t.Errorf("%s is in outputs.tf: %t", name, there)
			}
		}
	}
	main, err := os.ReadFile("../../../deploy/e2e/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{vpcRange.String(), `name   = "` + prefix + `"`, "deregistration_delay = 60", "deregistration_delay = 0"} {
		if !strings.Contains(string(main), words) {
			t.Errorf("main.tf does not say %s", words)
		}
	}
}
