// Command e2e tries the assumptions of docs/assumptions.md in a real AWS account, in a stack that it builds and tears
// down, and writes a transcript that the simulated world is held against. `make e2e` runs it; nothing else does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
)

const usage = `usage: e2e run        build the stack, walk through docs/assumptions.md, tear it down (make e2e)
       e2e down       tear down what an interrupted run has left (make e2e-down)
       e2e cost       what the stack costs
       e2e names NAME walk through what is about names only, for any load balancer's name; no account is needed
       e2e replay FILE...  hold the simulated world against transcripts

run and down read MOORING_E2E=yes, MOORING_E2E_ACCOUNT and AWS_REGION; run and cost MOORING_E2E_LCUS, how many capacity
units to reserve; run and names MOORING_E2E_ANSWERS (2000), how many to ask for, and MOORING_E2E_RESOLVER (the system's).
MOORING_E2E_TERRAFORM (terraform) and MOORING_E2E_FOLDER (deploy/e2e) are the program and the stack. Of Terraform's own
settings none counts but TF_CLI_CONFIG_FILE, TF_PLUGIN_CACHE_DIR and TF_LOG, TF_LOG_*.

Exit codes: 0 done, also where an assumption differs from what was seen, which the report tells; 1 an error, nothing could
be tried, something may be left, or the simulated world differs from a transcript; 2 the command line is not understood.
`

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	outlive() // whoever reads this: what was built must go
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for s := range signals {
			fmt.Fprintf(os.Stderr, "e2e: %s: whatever was built is torn down first; wait for it\n", s)
			cancel(fmt.Errorf("%s", s)) // further signals change nothing: what was built must go
		}
	}()
	if err := thisMachine().command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func thisMachine() machine {
	return machine{
		out: os.Stdout, err: os.Stderr, env: os.LookupEnv, environ: os.Environ(), dial: new(net.Dialer).DialContext,
		terraform: programOf(os.LookupEnv), folder: folderOf(os.LookupEnv), clock: wallClock{},
		load: func(ctx context.Context) (aws.Config, error) { return awsconfig.LoadDefaultConfig(ctx) },
	}
}

// programOf is Terraform, or what is to be used in its place, such as OpenTofu.
func programOf(env func(string) (string, bool)) string {
	if program, ok := env("MOORING_E2E_TERRAFORM"); ok && program != "" {
		return program
	}
	return "terraform"
}

// folderOf is where the stack and its state are, from the top of the checkout.
func folderOf(env func(string) (string, bool)) string {
	if folder, ok := env("MOORING_E2E_FOLDER"); ok && folder != "" {
		return folder
	}
	return "deploy/e2e"
}

// A machine is what a verb may use of the one it runs on.
type machine struct {
	out, err  io.Writer
	env       func(string) (string, bool)
	environ   []string // what Terraform gets
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	terraform string // the program
	folder    string // of the stack
	clock     clock
	load      func(context.Context) (aws.Config, error)
	source    string // of the transcript; "" is AWS
}

var errUsage = errors.New("no such command")

func (m machine) command(ctx context.Context, args []string) error {
	switch {
	case slices.ContainsFunc(args, func(arg string) bool { return slices.Contains([]string{"-h", "-help", "--help", "help"}, arg) }):
		fmt.Fprint(m.out, usage)
		return nil
	case len(args) == 1 && args[0] == "run":
		return m.run(ctx)
	case len(args) == 1 && args[0] == "down":
		return m.down(ctx)
	case len(args) == 1 && args[0] == "cost":
		return m.cost()
	case len(args) == 2 && args[0] == "names":
		return m.names(ctx, args[1])
	case len(args) > 1 && args[0] == "replay":
		return m.replay(ctx, args[1:])
	default:
		fmt.Fprint(m.err, usage)
		return errUsage
	}
}

// cost needs no consent: it tells what there is to consent to.
func (m machine) cost() error {
	lcus, err := lcusOf(m.env)
	if err != nil {
		return err
	}
	fmt.Fprint(m.out, consent{lcus: lcus}.cost())
	return nil
}
