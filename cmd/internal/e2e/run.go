package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring/cmd/internal/transcript"
)

var errAccount = errors.New("these are the credentials of another account")

// run builds, walks and tears down. Whatever happens after building was begun, it is torn down.
func (m machine) run(ctx context.Context) (err error) {
	agreed, err := consentOf(m.env)
	if err != nil {
		fmt.Fprint(m.err, agreed.cost())
		return err
	}
	fmt.Fprint(m.out, agreed.cost())
	cfg, err := m.identity(ctx, agreed)
	if err != nil {
		return err
	}
	if err := m.lasting(ctx, cfg, agreed.longest()); err != nil {
		return err
	}
	t := m.stack(agreed)
	release, err := t.hold()
	if err != nil {
		return fmt.Errorf("%w: %w", errConsent, err)
	}
	defer release()
	if err := m.prepare(ctx, t, cfg); err != nil {
		return fmt.Errorf("%w: %w", errConsent, err)
	}
	defer func() { err = errors.Join(err, m.teardown(ctx, t, cfg)) }()
	if err := t.up(ctx); err != nil {
		return err
	}
	stack, err := t.stack(ctx)
	if err != nil {
		return err
	}
	return m.walk(ctx, cfg, stack)
}

var errThere = errors.New("something bears the stack's name already, or may, and no run in this folder has built it")

// prepare is what comes before the first thing is built, and ends with writing down that it may be. Whatever would end a
// run after it was paid for, and can be known before, ends it here: settings, the folder of what was seen, the permission
// to look for what is left, and another stack, whose names are the same.
func (m machine) prepare(ctx context.Context, t terraform, cfg aws.Config) error {
	switch begun, err := t.begun(); {
	case err != nil:
		return fmt.Errorf("%w: %w", errBegun, err)
	case begun:
		return errBegun
	}
	if _, _, err := m.questions(); err != nil {
		return err
	}
	if err := writable(t.path(outFolder)); err != nil {
		return fmt.Errorf("what is seen could not be written down: %w", err)
	}
	if left := leftovers(ctx, cfg); len(left) > 0 {
		return fmt.Errorf("%w: in %s: %s; it is another checkout's, or its state is lost: tear it down there, or remove it by hand",
			errThere, t.place(), strings.Join(left, ", "))
	}
	if err := t.init(ctx); err != nil {
		return err
	}
	return t.begin()
}

// down tears down what is left, with the same consent as building took: it is the same account.
func (m machine) down(ctx context.Context) error {
	agreed, err := consentOf(m.env)
	if err != nil {
		return err
	}
	cfg, err := m.identity(ctx, agreed)
	if err != nil {
		return err
	}
	t := m.stack(agreed)
	release, err := t.hold()
	if err != nil {
		return err
	}
	defer release()
	begun, err := t.begun()
	switch {
	case err != nil:
		return err
	case !begun:
		return m.look(ctx, t, cfg, "there was nothing to tear down here")
	}
	if err := t.init(ctx); err != nil {
		return err
	}
	return m.teardown(ctx, t, cfg)
}

func (m machine) stack(c consent) terraform {
	return terraform{program: m.terraform, folder: m.folder, consent: c, environ: m.environ, out: m.out, err: m.err}
}

// identity asks whose the credentials are, before anything else is asked of AWS.
func (m machine) identity(ctx context.Context, agreed consent) (aws.Config, error) {
	cfg, err := m.load(ctx)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS configuration: %w", err)
	}
	cfg.Region = agreed.region
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return aws.Config{}, fmt.Errorf("%w: ask whose the credentials are: %w", errConsent, err)
	}
	if got := aws.ToString(who.Account); got != agreed.account {
		return aws.Config{}, fmt.Errorf("%w: %w: they are of %s, and MOORING_E2E_ACCOUNT is %s", errConsent, errAccount, got, agreed.account)
	}
	return cfg, nil
}

// teardown goes on when the walk was ended: what was built costs money. The state stays until nothing else does.
func (m machine) teardown(ctx context.Context, t terraform, cfg aws.Config) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), teardownTime)
	defer stop()
	if err := t.down(ctx); err != nil {
		return fmt.Errorf("tear down: %w; something may be left and cost money: make e2e-down", err)
	}
	if err := m.look(ctx, t, cfg, "torn down"); err != nil {
		return err
	}
	return t.forget()
}

// look is an error where something is left, or may be. Where nothing is, it says what was done, and where it looked.
func (m machine) look(ctx context.Context, t terraform, cfg aws.Config, done string) error {
	left := leftovers(ctx, cfg)
	for _, what := range left {
		fmt.Fprintf(m.err, "e2e: left behind: %s\n", what)
	}
	if len(left) > 0 {
		return fmt.Errorf("%w in %s, and it may cost money; everything of it bears the tag %s: make e2e-down, and remove by hand what that does not", errLeft, t.place(), prefix)
	}
	fmt.Fprintf(m.out, "%s; nothing of it was found in %s\n", done, t.place())
	return nil
}

// walk goes through the document and writes down what it saw, also when it did not come to its end.
func (m machine) walk(ctx context.Context, cfg aws.Config, stack transcript.Stack) (err error) {
	ctx, stop := context.WithTimeoutCause(ctx, walkTime, fmt.Errorf("the walk took more than %s", walkTime))
	defer stop()
	w, err := m.newWalk(ctx, cfg, stack)
	if err != nil {
		return err
	}
	w.connect()
	w.asker.find(ctx)
	if len(w.asker.servers) == 0 {
		fmt.Fprintln(m.err, "e2e: the zone's servers were not found: nothing about names is tried")
	} else {
		_ = w.settle(ctx) // it fails when the walk is ended, which each check says
	}
	verdicts := w.through(ctx, nil)
	if err := m.write(w, cmp.Or(m.source, transcript.FromAWS), verdicts); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// defaultAnswers is what docs/assumptions.md asks for.
const defaultAnswers = 2000

var errAnswers = errors.New("MOORING_E2E_ANSWERS is not a number from 1 to 100000")

// questions are how many answers are asked for, and the resolver that is asked.
func (m machine) questions() (answers int, resolver netip.AddrPort, err error) {
	setting := func(name string) string { value, _ := m.env(name); return value }
	answers, err = strconv.Atoi(cmp.Or(setting("MOORING_E2E_ANSWERS"), strconv.Itoa(defaultAnswers)))
	if err != nil || answers < 1 || answers > 100_000 {
		return 0, netip.AddrPort{}, errAnswers
	}
	if text := setting("MOORING_E2E_RESOLVER"); text == "" {
		resolver, err = systemResolver()
	} else if resolver, err = netip.ParseAddrPort(text); err != nil {
		err = fmt.Errorf("MOORING_E2E_RESOLVER is not an address with a port: %w", err)
	}
	return answers, resolver, err
}

func (m machine) newWalk(ctx context.Context, cfg aws.Config, stack transcript.Stack) (*walk, error) {
	answers, resolver, err := m.questions()
	if err != nil {
		return nil, err
	}
	tape := &transcript.Tape{Mask: newMask(ctx, cfg, stack), Now: m.clock.Now}
	return &walk{
		stack: stack, tape: tape, clock: m.clock, config: cfg, answers: answers,
		asker: &asker{dial: m.dial, tape: tape, name: stack.Name, resolver: resolver},
		say:   func(format string, args ...any) { fmt.Fprintf(m.out, format+"\n", args...) },
	}, nil
}

var (
	errName    = errors.New("not a load balancer's own name, such as NAME.eu-west-1.elb.amazonaws.com")
	errUntried = errors.New("nothing could be tried")
)

// balancerName is what AWS names its load balancers, of either kind. No other zone's servers are asked some thousand
// questions, nor are their answers taken for AWS's.
var balancerName = regexp.MustCompile(`^[a-z0-9-]+\.([a-z0-9-]+\.elb|elb\.[a-z0-9-]+)\.amazonaws\.(com|com\.cn|eu)$`)

// names walks through what is about names, and needs no account.
func (m machine) names(ctx context.Context, name string) error {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !balancerName.MatchString(name) {
		return fmt.Errorf("%q: %w", name, errName)
	}
	w, err := m.newWalk(ctx, aws.Config{}, transcript.Stack{Name: name})
	if err != nil {
		return err
	}
	w.tape.Mask.Keep = nil // it is somebody's name
	w.asker.find(ctx)
	_, zone, _ := strings.Cut(name, ".")
	fmt.Fprintf(m.out, "asked are the %d name servers of %s that %s tells of\n", len(w.asker.servers), zone, w.asker.resolver)
	verdicts := w.through(ctx, []string{"D1", "D2", "D3", "D4", "D5", "D8"})
	if !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.Outcome != untried }) {
		return errUntried
	}
	if err := m.write(w, cmp.Or(m.source, transcript.FromAWS), verdicts); err != nil {
		return err
	}
	return context.Cause(ctx)
}
