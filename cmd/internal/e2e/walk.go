package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/miekg/dns"

	"mooring/cmd/internal/chance"
	"mooring/cmd/internal/transcript"
)

// A walk goes through docs/assumptions.md. What it calls and asks is on its tape.
type walk struct {
	stack   transcript.Stack
	tape    *transcript.Tape
	clock   clock
	config  aws.Config // of whoever runs it; nothing of AWS is called where its Region is ""
	asker   *asker
	answers int // how many to ask for in D1 and D2
	say     func(format string, args ...any)

	groups   *elbv2.Client
	network  *ec2.Client
	objects  *s3.Client
	measured transcript.Measured
	seen     [][]netip.Addr // the answers of D1
}

// vpcRange is that of deploy/e2e/main.tf. What the walk registers besides is private, and nobody's.
var (
	vpcRange = netip.MustParsePrefix("10.83.0.0/16")
	outside  = netip.MustParseAddr("192.168.250.10")
	public   = netip.MustParseAddr("8.8.8.8")
)

// newMask keeps the addresses that the stack and the walk make up, and removes the credentials.
func newMask(ctx context.Context, cfg aws.Config, stack transcript.Stack) *transcript.Mask {
	one := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	m := &transcript.Mask{Keep: []netip.Prefix{vpcRange, one(outside), one(public)}}
	m.Name(stack.Account, transcript.Account)
	m.Name(stack.Bucket, "bucket")
	if cfg.Credentials != nil {
		if c, err := cfg.Credentials.Retrieve(ctx); err == nil {
			m.Name(c.SessionToken, "(removed)")
			m.Name(c.SecretAccessKey, "(removed)")
			m.Name(c.AccessKeyID, "(removed)")
		}
	}
	return m
}

// connect makes the clients, whose every attempt is recorded.
func (w *walk) connect() {
	cfg := w.recorded("", w.config)
	w.groups, w.network, w.objects = elbv2.NewFromConfig(cfg), ec2.NewFromConfig(cfg), objectsOf(cfg)
}

func (w *walk) recorded(as string, cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	recorder := transcript.Recorder{Tape: w.tape, As: as}
	switch c := cfg.HTTPClient.(type) {
	case *http.Client:
		recorder.Base = c.Transport
	case interface{ GetTransport() *http.Transport }: // the SDK's own, with AWS_CA_BUNDLE
		recorder.Base = c.GetTransport()
	}
	cfg.HTTPClient = &http.Client{Transport: recorder, Timeout: time.Minute}
	return cfg
}

// objectsOf names buckets in the path, so that what is recorded is the same everywhere, and sends bodies as they are.
func objectsOf(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle, o.RequestChecksumCalculation = true, aws.RequestChecksumCalculationWhenRequired
	})
}

type outcome string

const (
	holds   outcome = "holds"
	differs outcome = "differs"
	untried outcome = "not tried"
)

// A verdict is what was found about an assumption.
type verdict struct {
	ID      string                 `json:"id"`
	Claim   string                 `json:"claim"`
	Outcome outcome                `json:"outcome"`
	Saw     string                 `json:"saw"` // or why it was not tried
	Tests   map[string]chance.Test `json:"tests,omitempty"`
}

func found(o outcome, format string, args ...any) verdict {
	return verdict{Outcome: o, Saw: fmt.Sprintf(format, args...)}
}

// A check tries one assumption; where run is nil it says why not.
type check struct {
	id, claim string
	account   bool // it calls AWS
	run       func(*walk, context.Context) (verdict, error)
	why       string
}

// starting is the check of what comes before the first one. A replay leaves its questions out.
const starting = "start"

// settle waits until the name of a new load balancer shows the same nodes for two minutes.
func (w *walk) settle(ctx context.Context) error {
	const apart, quiet, longest = 20 * time.Second, 2 * time.Minute, 30 * time.Minute
	w.tape.Check(starting)
	began := w.clock.Now()
	since, last := began, []netip.Addr(nil)
	for now := began; now.Sub(began) < longest; now = w.clock.Now() {
		shown := append(sets(w.asker.series(ctx, 1, "all."+w.asker.name, dns.TypeA, true, 1, false)), sets(w.asker.series(ctx, 1, w.asker.name, dns.TypeA, true, 1, false))...)
		if all := union(shown...); len(all) == 0 || !slices.Equal(all, last) {
			since, last = now, all
		}
		if now.Sub(since) >= quiet {
			return nil
		}
		if err := w.clock.Wait(ctx, apart); err != nil {
			return err
		}
	}
	return nil // the checks say what they see
}

// go through all checks whose id is in only; none: all of them. A check that could not be finished was not tried.
func (w *walk) through(ctx context.Context, only []string) (out []verdict) {
	for _, c := range checks {
		if len(only) > 0 && !slices.Contains(only, c.id) {
			continue
		}
		v := w.try(ctx, c)
		v.ID, v.Claim, v.Saw = c.id, c.claim, w.tape.Mask.Text(v.Saw)
		w.say("%-4s %-9s %s", v.ID, v.Outcome, v.Saw)
		out = append(out, v)
	}
	return out
}

func (w *walk) try(ctx context.Context, c check) verdict {
	w.tape.Check(c.id)
	switch {
	case c.run == nil:
		return found(untried, "%s", c.why)
	case ctx.Err() != nil:
		return found(untried, "the walk was ended: %v", context.Cause(ctx))
	case c.account && w.groups == nil:
		return found(untried, "it needs an account")
	case !c.account && len(w.asker.servers) == 0:
		return found(untried, "the zone's servers are not known")
	}
	v, err := c.run(w, ctx)
	switch {
	case err != nil && v.Outcome != "": // what was found stays found, though it could not be cleared away
		v.Saw += fmt.Sprintf("; and then: %v", err)
	case err != nil:
		return found(untried, "it could not be finished: %v", err)
	}
	return v
}

// refusal is the code and the message with which AWS refused a call. Other errors are nobody's refusal.
func refusal(err error) (code, message string, other error) {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode(), api.ErrorMessage(), nil
	}
	return "", "", err
}

// cannot says why a call that is no assumption's own did not succeed.
func cannot(what, code, message string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: refused with %s: %s", what, code, message)
}

// head describes the walk, for whoever replays it.
func (w *walk) head(source string) transcript.Head {
	mask, s := w.tape.Mask, w.stack
	s.Account = mask.Text(s.Account)
	for _, text := range []*string{&s.VPC, &s.Name, &s.Balancer, &s.Scratch.ARN, &s.Attached.ARN, &s.Bucket, &s.Role} {
		*text = mask.Text(*text)
	}
	s.Subnets = slices.Clone(s.Subnets)
	for i := range s.Subnets {
		s.Subnets[i].ID = mask.Text(s.Subnets[i].ID)
	}
	s.Nodes = nil
	for _, a := range w.stack.Nodes {
		s.Nodes = append(s.Nodes, mask.Addr(a))
	}
	s.Servers = len(w.asker.servers)
	return transcript.Head{Source: source, Recorded: time.Now().UTC().Format(time.DateOnly), Stack: s, Measured: w.measured}
}
