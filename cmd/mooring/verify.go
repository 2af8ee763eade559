package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"mooring/cmd/internal/rig"
	"mooring/internal/elb"
	"mooring/internal/logs"
	"mooring/internal/probe"
)

type verifyCommand struct {
	operator
	wants verifyFlags
}

// verifyFlags are what verify is asked for.
type verifyFlags struct {
	addresses, ports   listValue
	host, path, scheme string
	expect             string
	timeout            time.Duration
	function, logGroup string
	strict             bool
}

func newVerify(m machine) *cobra.Command {
	v := &verifyCommand{operator: operator{roundCommand: roundCommand{machine: m}}}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Ask each fixed address, and compare name, targets, metric and log",
		Long: `verify looks whether a binding does its work, from where clients come in to where the log is written. It changes
nothing, and needs no memory. Its checks, each with what was seen:

  addresses    the fixed addresses of the load balancer's zones, and its listeners that forward to the group
  connect      each of them, on each port, takes a TCP connection
  answer       of HTTP and HTTPS, each answers a request for the right host with an expected status
  certificate  it is for the host that was asked for, valid now, and trusted here
  targets      what DNS shows now is registered, and healthy
  metric       its last datapoint is the count of these addresses
  log          the last report in the function's log names these addresses
  schedule     a round ran in the last 3 minutes

Addresses are asked by themselves and never by a name; no proxy is used and no redirect followed. The host (--host) is
what clients use: without it the binding's hostname, whose certificate seldom matches, and then that is a warning and
no failure. Where DescribeLoadBalancers and DescribeListeners are not allowed, --address and --listener-port say whom
to ask. An address of an internal load balancer is reached only from its network: run verify there.

What verify speaks (--scheme auto): HTTPS on 443 and 8443, HTTP on 80 and 8080. On any other port it connects and
offers a TLS handshake for HTTP; who does not agree is asked no more. --scheme tcp sends nothing at all.

A check passes, warns, fails, is unknown (it may not be looked at: the hint names the missing IAM statement) or is
skipped (there was nothing to look at, or it was not asked for). log and schedule take --function. Only a failure
counts, since what may not be read says nothing about clients; with --strict a warning and an unknown count too. Where no
address could be asked, nothing was verified, and that is a failure of connect.

Exit codes: 0 clients are served, as far as it was looked at: an address took a connection, and nothing failed; 1 a check
failed, nobody could be asked, or an error.`,
		Example: `  mooring verify --config bindings.yaml --host www.example.com --function mooring
  mooring verify --hostname ... --port 443 --target-group ... --address 203.0.113.10 --listener-port 443`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd) },
	}
	v.wants.bind(cmd)
	v.bind(cmd)
	return cmd
}

func (f *verifyFlags) bind(cmd *cobra.Command) {
	f.addresses.kind, f.ports.kind = "IP", "PORT"
	flags := cmd.Flags()
	flags.Var(&f.addresses, "address", "fixed address to ask, instead of the load balancer's; may be repeated")
	flags.Var(&f.ports, "listener-port", "port to ask, instead of the listeners'; may be repeated")
	flags.StringVar(&f.host, "host", "", "name that clients use, in handshakes and requests (default the binding's hostname)")
	flags.StringVar(&f.path, "path", "/", "path of the request")
	flags.StringVar(&f.expect, "expect", "200-399", "status codes that are well, such as 200-399 or 200,301-302")
	flags.StringVar(&f.scheme, "scheme", probe.Auto, "what to speak: auto, tcp, http or https")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Second, "how long each address may take")
	flags.StringVar(&f.function, "function", "", "Lambda function that runs the rounds, by name or ARN: look at its log and its runs")
	flags.StringVar(&f.logGroup, "log-group", "", "log group that holds the reports (default the function's own)")
	flags.BoolVar(&f.strict, "strict", false, "let warnings, and what could not be looked at, count as failures")
}

// options reads what the flags say, and reports every fault at once.
func (f *verifyFlags) options() (rig.VerifyOptions, error) {
	out := rig.VerifyOptions{
		Host: f.host, Scheme: f.scheme, Path: f.path, Timeout: f.timeout, Strict: f.strict, Function: f.function, LogGroup: f.logGroup,
		Log: func(cfg aws.Config) rig.LogReader { return logs.Connect(cfg) },
	}
	var faults []error
	fault := func(flag string, value any, want string) {
		faults = append(faults, fmt.Errorf("configuration: --%s %q: want %s", flag, fmt.Sprint(value), want))
	}
	for _, text := range f.addresses.values {
		a, err := netip.ParseAddr(text)
		if err != nil || a.IsUnspecified() || a.IsMulticast() {
			fault("address", text, "an IP address, such as 203.0.113.10")
		}
		out.Addrs = append(out.Addrs, a.Unmap())
	}
	for _, text := range f.ports.values {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			fault("listener-port", text, "1 to 65535")
		}
		out.Ports = append(out.Ports, uint16(port))
	}
	expect, err := readRequest("", f.path, f.expect)
	if err != nil {
		faults = append(faults, err)
	}
	out.Expect = expect
	switch f.scheme {
	case probe.Auto, probe.TCP, probe.HTTP, probe.HTTPS:
	default:
		fault("scheme", f.scheme, "auto, tcp, http or https")
	}
	if _, err := netip.ParseAddr(f.host); f.host != "" && err != nil && !hostForm.MatchString(f.host) {
		fault("host", f.host, "a name without a port, such as www.example.com")
	}
	if f.timeout < 100*time.Millisecond || f.timeout > time.Minute {
		fault("timeout", f.timeout, "100ms to 1m")
	}
	return out, errors.Join(faults...)
}

// readRequest reads what is asked for, by --path, and what is well, by --expect; prefix is what stands before these names.
func readRequest(prefix, path, expect string) (probe.Codes, error) {
	var faults []error
	if u, err := url.ParseRequestURI(path); err != nil || !strings.HasPrefix(path, "/") || u.Host != "" {
		faults = append(faults, fmt.Errorf("configuration: --%spath %q: want a path that begins with a slash", prefix, path))
	}
	codes, err := probe.ParseCodes(expect)
	if err != nil {
		faults = append(faults, fmt.Errorf("configuration: --%sexpect %w", prefix, err))
	}
	return codes, errors.Join(faults...)
}

// hostForm is a name, as it stands in a Host header without a port.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

func (v *verifyCommand) run(cmd *cobra.Command) error {
	if err := v.readOutput(cmd.Flags()); err != nil {
		return err
	}
	wants, err := v.wants.options()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	configs, process, err := v.bindings(ctx, cmd.Flags())
	if err != nil {
		return err
	}
	all := rig.VerifyAll(ctx, configs, rig.Options{
		Program: program(), Log: v.logger(), DryRun: true, Dial: v.dial, Limiter: elb.NewLimiter(process.Share),
	}, wants)
	if err := v.show(all); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("verify: %w: what was not asked by then has failed above", context.Cause(ctx))
	}
	return failed(all)
}

func (v *verifyCommand) show(all probe.Summary) error {
	if v.output == "json" {
		return v.writeJSON(all)
	}
	for i, one := range all.Bindings {
		if i > 0 {
			if _, err := io.WriteString(v.out, "\n"); err != nil {
				return err
			}
		}
		if err := one.WriteText(v.out, v.color()); err != nil {
			return err
		}
	}
	return nil
}

// failed are the bindings that are not well, each with the checks that say so.
func failed(all probe.Summary) error {
	var faults []error
	for _, one := range all.Bindings {
		if !one.OK {
			faults = append(faults, fmt.Errorf("%s: %s", one.Binding, strings.Join(one.Failures(), "; ")))
		}
	}
	return errors.Join(faults...)
}
