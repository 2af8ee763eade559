package terraform

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A bench is a folder in which Terraform itself works on copies: the module, its examples, and what a test puts beside it.
type bench struct {
	t       *testing.T
	program string
	dir     string
	environ []string
}

// newBench skips the test where Terraform is not installed, unless MOORING_REQUIRE_TERRAFORM says that it is.
func newBench(t *testing.T) *bench {
	t.Helper()
	program, err := exec.LookPath("terraform")
	switch {
	case err != nil && os.Getenv("MOORING_REQUIRE_TERRAFORM") != "":
		t.Fatal("Terraform is not installed, and MOORING_REQUIRE_TERRAFORM is set")
	case err != nil:
		t.Skip("Terraform is not installed")
	}
	b := &bench{t: t, program: program, dir: t.TempDir()}
	b.copy(module, "terraform")
	b.write("home/.terraformrc", "")
	b.environ = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.path("home"), "TF_CLI_CONFIG_FILE=" + b.path("home/.terraformrc"),
		"TMPDIR=" + b.dir, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", serve(t),
	}
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

func (b *bench) copy(from, to string) {
	b.t.Helper()
	if err := os.CopyFS(b.path(to), os.DirFS(from)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// try runs Terraform in a folder of the bench.
func (b *bench) try(folder string, args ...string) (string, error) {
	cmd := exec.CommandContext(b.t.Context(), b.program, args...)
	cmd.Dir, cmd.Env = b.path(folder), b.environ
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (b *bench) run(folder string, args ...string) string {
	b.t.Helper()
	out, err := b.try(folder, args...)
	if err != nil {
		b.t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// A planned is what `terraform show -json` tells of a plan or of a state.
type planned struct {
	Changes []struct {
		Address, Type string
		Previous      string `json:"previous_address"`
		Change        struct {
			Actions []string
			After   map[string]any
		}
	} `json:"resource_changes"`
	Outputs map[string]struct{ After any } `json:"output_changes"`
}

// plan makes one and reads it.
func (b *bench) plan(folder string, args ...string) planned {
	b.t.Helper()
	b.run(folder, append([]string{"plan", "-input=false", "-no-color", "-out=plan"}, args...)...)
	var out planned
	if err := json.Unmarshal([]byte(b.run(folder, "show", "-json", "plan")), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (p planned) after(t *testing.T, address string) map[string]any {
	t.Helper()
	for _, c := range p.Changes {
		if c.Address == address {
			return c.Change.After
		}
	}
	t.Fatalf("nothing is at %s", address)
	return nil
}
