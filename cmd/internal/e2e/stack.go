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
	"slices"
	"strconv"
	"strings"
	"time"

	"mooring/cmd/internal/transcript"
)

// terraform builds the stack of a folder, and tears it down. Its state stays in the folder, so that what an interrupted
// run has left can be torn down by a later one.
type terraform struct {
	program  string
	folder   string
	consent  consent
	environ  []string
	out, err io.Writer
}

// interruptTime is what Terraform gets to write its state down after it was told to stop. Load balancers that are being
// made are waited for.
const interruptTime = 20 * time.Minute

func (t terraform) command(ctx context.Context, out io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.program, append([]string{"-chdir=" + t.folder}, args...)...)
	cmd.Env = settings(t.environ)
	cmd.Stdout, cmd.Stderr = out, t.err
	alone(cmd)
	// One interrupt makes it stop in good order; a second one would make it drop what it has not written down.
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = interruptTime
	return cmd
}

// passed are the settings that Terraform keeps: where its providers are from, and what it logs. The others could lead
// it to another state than the one that is torn down, or to more than was agreed to:
// https://developer.hashicorp.com/terraform/cli/config/environment-variables
var passed = []string{"TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER", "TF_LOG_PATH"}

// settings are the environment with no other settings of Terraform than ours. In a data folder of our own there is no
// workspace and no backend that somebody has chosen.
func settings(environ []string) []string {
	out := slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(v), "=") // Windows does not tell them apart
		return strings.HasPrefix(name, "TF_") && !slices.Contains(passed, name)
	})
	return append(out, "TF_DATA_DIR="+filepath.Join(".terraform", prefix), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
}

func (t terraform) run(ctx context.Context, args ...string) error {
	if err := t.command(ctx, t.out, args...).Run(); err != nil {
		return fmt.Errorf("terraform %s: %w", args[0], err)
	}
	return nil
}

// init gets the providers. It is refused where the folder has files that could change what was agreed to.
func (t terraform) init(ctx context.Context) error {
	if err := t.pristine(); err != nil {
		return err
	}
	return t.run(ctx, "init", "-no-color")
}

var errNoState = errors.New("it was built and has left no state, so that it cannot be torn down: remove by hand whatever bears the tag " + prefix)

func (t terraform) up(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, t.consent.buildTime())
	defer stop()
	if err := t.run(ctx, t.change("apply")...); err != nil {
		return err
	}
	if _, err := os.Stat(t.path(stateFile)); err != nil {
		return fmt.Errorf("%w: %w", errNoState, err)
	}
	return nil
}

func (t terraform) down(ctx context.Context) error { return t.run(ctx, t.change("destroy")...) }

// change is a command that changes the stack: in the state that is torn down, and with every variable of
// deploy/e2e/variables.tf, for the command line outdoes any file.
func (t terraform) change(command string) []string {
	return []string{
		command, "-auto-approve", "-no-color", "-state=" + stateFile,
		"-var=account=" + t.consent.account, "-var=region=" + t.consent.region, "-var=reserved_lcus=" + strconv.Itoa(t.consent.lcus),
	}
}

var errStack = errors.New("the output \"stack\" is not what deploy/e2e/outputs.tf says")

// stack reads what was built.
func (t terraform) stack(ctx context.Context) (transcript.Stack, error) {
	var out bytes.Buffer
	if err := t.command(ctx, &out, "output", "-json", "-no-color", "-state="+stateFile, "stack").Run(); err != nil {
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
