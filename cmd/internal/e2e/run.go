package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring/cmd/internal/transcript"
)

// teardownTime is what tearing down may take. Network interfaces of load balancers are let go of slowly.
const teardownTime = 45 * time.Minute

var errAccount = errors.New("these are the credentials of another account")

// run builds, walks and tears down. Whatever happens after the first thing may have been built, it is torn down.
func (m machine) run(ctx context.Context) (err error) {
	agreed, err := consentOf(m.env)
	if err != nil {
		fmt.Fprint(m.err, cost(0))
		return err
	}
	fmt.Fprint(m.out, cost(agreed.lcus))
	cfg, err := m.identity(ctx, agreed)
	if err != nil {
		return err
	}
	t := m.stack(agreed)
	if t.built() {
		return fmt.Errorf("%w: %s holds the state of an earlier run; make e2e-down first", errConsent, m.folder)
	}
	if err := t.init(ctx); err != nil {
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
	if t.built() {
		if err := t.init(ctx); err != nil {
			return err
		}
	}
	return m.teardown(ctx, t, cfg)
}

func (m machine) stack(c consent) terraform {
	return terraform{program: m.terraform, folder: m.folder, environ: slices.Concat(m.environ, c.variables()), out: m.out, err: m.err}
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

// teardown goes on when the walk was ended: what was built costs money.
func (m machine) teardown(ctx context.Context, t terraform, cfg aws.Config) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), teardownTime)
	defer stop()
	if t.built() {
		if err := t.down(ctx); err != nil {
			return fmt.Errorf("tear down: %w; something may be left and cost money: make e2e-down", err)
		}
		if err := t.forget(); err != nil {
			return err
		}
	}
	left := leftovers(ctx, cfg)
	for _, what := range left {
		fmt.Fprintf(m.err, "e2e: left behind: %s\n", what)
	}
	if len(left) > 0 {
		return fmt.Errorf("%w; everything of it bears the tag mooring-e2e", errLeft)
	}
	fmt.Fprintln(m.out, "torn down; nothing of it was found")
	return nil
}

// walk goes through the document and writes down what it saw, also when it did not come to its end.
func (m machine) walk(ctx context.Context, cfg aws.Config, stack transcript.Stack) (err error) {
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

func (m machine) newWalk(ctx context.Context, cfg aws.Config, stack transcript.Stack) (*walk, error) {
	tape := &transcript.Tape{Mask: newMask(ctx, cfg, stack), Now: m.clock.Now}
	asker := &asker{dial: m.dial, tape: tape, name: stack.Name}
	setting := func(name string) string { value, _ := m.env(name); return value }
	var err error
	if text := setting("MOORING_E2E_RESOLVER"); text != "" {
		asker.resolver, err = netip.ParseAddrPort(text)
	} else {
		asker.resolver, err = systemResolver()
	}
	if err != nil {
		return nil, err
	}
	answers, err := strconv.Atoi(cmp.Or(setting("MOORING_E2E_ANSWERS"), strconv.Itoa(defaultAnswers)))
	if err != nil || answers < 1 || answers > 100_000 {
		return nil, fmt.Errorf("MOORING_E2E_ANSWERS is not a number from 1 to 100000")
	}
	return &walk{
		stack: stack, tape: tape, clock: m.clock, config: cfg, asker: asker, answers: answers,
		say: func(format string, args ...any) { fmt.Fprintf(m.out, format+"\n", args...) },
	}, nil
}

// names walks through what is about names, and needs no account.
func (m machine) names(ctx context.Context, name string) error {
	w, err := m.newWalk(ctx, aws.Config{}, transcript.Stack{Name: name})
	if err != nil {
		return err
	}
	w.tape.Mask.Keep = nil // it is somebody's name
	w.asker.find(ctx)
	return m.write(w, transcript.FromAWS, w.through(ctx, []string{"D1", "D2", "D3", "D4", "D5", "D8"}))
}

// write puts transcript.jsonl, report.json and report.txt into the folder "out" of the stack's.
func (m machine) write(w *walk, source string, verdicts []verdict) error {
	folder := filepath.Join(m.folder, "out")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	head := w.head(source)
	text, report := table(head, verdicts), reportOf(head, verdicts)
	fmt.Fprint(m.out, "\n", text)
	err := errors.Join(
		os.WriteFile(filepath.Join(folder, "report.txt"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(folder, "report.json"), report, 0o600),
		writeTranscript(filepath.Join(folder, "transcript.jsonl"), head, w.tape.Entries()),
	)
	if err != nil {
		return fmt.Errorf("write down what was seen: %w", err)
	}
	fmt.Fprintf(m.out, "written: %s\n", folder)
	return nil
}

func writeTranscript(path string, head transcript.Head, entries []transcript.Entry) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(transcript.Write(f, head, entries), f.Close())
}
