package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"mooring/cmd/internal/transcript"
)

// terraform builds the stack of a folder, and tears it down. Its state stays in the folder, so that what an interrupted
// run has left can be torn down by a later one.
type terraform struct {
	program  string
	folder   string
	environ  []string
	out, err io.Writer
}

// interruptTime is what Terraform gets to write its state down after it was told to stop. Load balancers that are being
// made are waited for.
const interruptTime = 20 * time.Minute

func (t terraform) command(ctx context.Context, out io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.program, append([]string{"-chdir=" + t.folder}, args...)...)
	cmd.Env = append(t.environ, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
	cmd.Stdout, cmd.Stderr = out, t.err
	alone(cmd)
	// One interrupt makes it stop in good order; a second one would make it drop what it has not written down.
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = interruptTime
	return cmd
}

func (t terraform) run(ctx context.Context, args ...string) error {
	if err := t.command(ctx, t.out, args...).Run(); err != nil {
		return fmt.Errorf("terraform %s: %w", args[0], err)
	}
	return nil
}

func (t terraform) init(ctx context.Context) error { return t.run(ctx, "init", "-no-color") }

func (t terraform) up(ctx context.Context) error {
	return t.run(ctx, "apply", "-auto-approve", "-no-color")
}

func (t terraform) down(ctx context.Context) error {
	return t.run(ctx, "destroy", "-auto-approve", "-no-color")
}

// built tells whether there is a state, and so perhaps something to tear down.
func (t terraform) built() bool {
	_, err := os.Stat(filepath.Join(t.folder, "terraform.tfstate"))
	return err == nil
}

var errStack = errors.New("the output \"stack\" is not what deploy/e2e/outputs.tf says")

// stack reads what was built.
func (t terraform) stack(ctx context.Context) (transcript.Stack, error) {
	var out bytes.Buffer
	if err := t.command(ctx, &out, "output", "-json", "-no-color", "stack").Run(); err != nil {
		return transcript.Stack{}, fmt.Errorf("terraform output: %w", err)
	}
	return readStack(out.Bytes())
}

func readStack(text []byte) (s transcript.Stack, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("%w: %w", errStack, err)
	}
	for name, value := range map[string]string{
		"account": s.Account, "region": s.Region, "vpc": s.VPC, "name": s.Name, "balancer": s.Balancer,
		"scratch": s.Scratch.ARN, "attached": s.Attached.ARN, "bucket": s.Bucket, "role": s.Role,
	} {
		if value == "" {
			return s, fmt.Errorf("%w: no %s", errStack, name)
		}
	}
	if len(s.Subnets) == 0 || !s.Subnets[0].Prefix.Addr().Is4() || s.Scratch.Port == 0 || s.Attached.Port == 0 {
		return s, fmt.Errorf("%w: subnets and ports", errStack)
	}
	return s, nil
}

// variables are those of deploy/e2e/variables.tf.
func (c consent) variables() []string {
	return []string{"TF_VAR_account=" + c.account, "TF_VAR_region=" + c.region, "TF_VAR_reserved_lcus=" + strconv.Itoa(c.lcus)}
}
