// Command mooring keeps the IP targets of a target group equal to the changing addresses behind a hostname.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mooring/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr, term.IsTerminal(int(os.Stdout.Fd()))}, os.LookupEnv)
	stop()
	os.Exit(code)
}

// streams are where a verb writes: results to out, everything else to err.
type streams struct {
	out, err io.Writer
	terminal bool // out is a terminal
}

// run runs one command line and returns the exit code: 0 done, 1 error or inconclusive, 2 changes are planned
// and --detailed-exitcode was given.
func run(ctx context.Context, args []string, s streams, env config.Environment) int {
	root := newRoot(s, env)
	root.SetArgs(args)
	return exitCode(s.err, root.ExecuteContext(ctx))
}

func newRoot(s streams, env config.Environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "mooring",
		Short: "Static IP addresses for anything that only has a name",
		Long: `mooring keeps the IP targets of an AWS Network Load Balancer's target group equal to the changing
addresses behind a hostname, first of all an Application Load Balancer's.

What is observed is registered at once. What is missing leaves only when its absence is proved, and when
enough healthy targets stay. An error is never taken for an absence: when in doubt, nobody leaves.

It works unchanged in the environment of the function that AWS published in 2018 and 2021 (ALB_DNS_NAME,
ALB_LISTENER, S3_BUCKET, NLB_TG_ARN and so on), and takes over the state which that function left.`,
		Example: `  # what would change, and why
  mooring plan --hostname internal-app-123.eu-west-1.elb.amazonaws.com --port 443 \
    --target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef \
    --memory s3://my-bucket

  # one round
  mooring sync --hostname ... --port 443 --target-group ... --memory s3://my-bucket`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{err, cmd.CommandPath()} })
	root.AddCommand(newPlan(s, env), newSync(s, env), newVersion(s))
	return root
}
