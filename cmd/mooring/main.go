// Command mooring keeps the IP targets of a target group equal to the changing addresses behind a hostname.
package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mooring/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal does what signals do
	code := run(ctx, os.Args[1:], machine{
		out: os.Stdout, err: os.Stderr, terminal: term.IsTerminal(int(os.Stdout.Fd())), env: os.LookupEnv, environ: os.Environ,
	})
	stop()
	os.Exit(code)
}

// A machine is what a verb may use of the one it runs on.
type machine struct {
	out, err io.Writer // results go to out, everything else to err
	terminal bool      // out is a terminal
	env      config.Environment
	environ  func() []string                                                   // the names that env knows, as os.Environ has them; nil: none
	dial     func(ctx context.Context, network, addr string) (net.Conn, error) // to name servers; nil: as the system does
	reach    func(ctx context.Context, network, addr string) (net.Conn, error) // the targets of a front; nil: as the system does
}

// run runs one command line and returns the exit code: 0 done, 1 error or inconclusive, 2 changes are planned
// and --detailed-exitcode was given.
func run(ctx context.Context, args []string, m machine) int {
	root := newRoot(m)
	root.SetArgs(args)
	return exitCode(m.err, root.ExecuteContext(ctx))
}

func newRoot(m machine) *cobra.Command {
	root := &cobra.Command{
		Use:     "mooring",
		Short:   "Static IP addresses for anything that only has a name",
		Version: program(),
		Long: `mooring keeps the IP targets of an AWS Network Load Balancer's target group equal to the changing
addresses behind a hostname, first of all an Application Load Balancer's.

What is observed is registered at once. What is missing leaves only when its absence is proved, and when
enough healthy targets stay. An error is never taken for an absence: when in doubt, nobody leaves.

Without AWS, watch is such a load balancer itself (--target-group tcp://ADDR:PORT), on any machine with a fixed address.

It works unchanged in the environment of the function that AWS published in 2018 and 2021 (ALB_DNS_NAME,
ALB_LISTENER, S3_BUCKET, NLB_TG_ARN and so on), and takes over the state which that function left.`,
		Example: `  # what would change, and why
  mooring plan --hostname internal-app-123.eu-west-1.elb.amazonaws.com --port 443 \
    --target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef \
    --memory s3://my-bucket

  # one round
  mooring sync --hostname ... --port 443 --target-group ... --memory s3://my-bucket

  # rounds for ever, of all bindings in a file
  mooring watch --config bindings.yaml --listen 127.0.0.1:9090`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(m.out)
	root.SetErr(m.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{err, cmd.CommandPath()} })
	grouped(root, "rounds", "Rounds:", newPlan(m), newSync(m), newWatch(m))
	grouped(root, "look", "Looking:", newStatus(m), newExplain(m), newConfig(m), newImport(m), newDemo(m), newVersion(m))
	grouped(root, "deploy", "Deploying:", newDoctor(m), newIAMPolicy(m), newVerify(m))
	grouped(root, "hand", "By hand:", newPause(m), newResume(m), newAdopt(m), newForget(m), newRelease(m))
	return root
}

// grouped adds verbs that help lists under one heading.
func grouped(root *cobra.Command, id, title string, verbs ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, v := range verbs {
		v.GroupID = id
		root.AddCommand(v)
	}
}
