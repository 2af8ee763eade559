package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mooring/cmd/internal/transcript"
	"mooring/internal/sim"
)

// A replayed transcript: how the simulated world differs from it.
type replayed struct {
	head        transcript.Head
	entries     int
	skipped     int // what the world does not serve, or what cannot be compared
	differences []difference
}

var errDiffers = errors.New("the simulated world differs from what was recorded")

// replay tells each difference by the file's line.
func (m machine) replay(ctx context.Context, files []string) error {
	total := 0
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		r, err := replayFrom(ctx, f)
		_ = f.Close() // it was only read
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, d := range r.differences {
			fmt.Fprintf(m.out, "%s:%d: %s\n", file, d.line, d)
		}
		fmt.Fprintf(m.out, "%s: from %s: %d entries, %d not compared, %d differences\n", file, r.head.Source, r.entries, r.skipped, len(r.differences))
		total += len(r.differences)
	}
	if total > 0 {
		return errDiffers
	}
	return nil
}

// replayFrom makes the calls of a transcript once more, in their order and at their times, of the simulated world.
func replayFrom(ctx context.Context, in io.Reader) (replayed, error) {
	head, entries, err := transcript.Read(in)
	if err != nil {
		return replayed{}, err
	}
	clock := newWorldClock()
	world, err := newAccount(head, clock.Now)
	if err != nil {
		return replayed{}, err
	}
	defer world.close()
	endpoint, err := sim.StartAWS(world.aws)
	if err != nil {
		return replayed{}, err
	}
	defer func() { _ = endpoint.Close() }() // nothing is lost with it
	p := &player{world: world, url: endpoint.URL, clock: clock, start: clock.Now(), name: head.Stack.Name}
	out := replayed{head: head, entries: len(entries)}
	for i := 0; i < len(entries); {
		n := 1
		for e := entries[i]; e.Together > 0 && i+n < len(entries) && entries[i+n].Together == e.Together; n++ {
		}
		differences, skipped, err := p.play(ctx, entries[i:i+n])
		if err != nil {
			return out, fmt.Errorf("line %d: %w", entries[i].Line, err)
		}
		out.differences, out.skipped = append(out.differences, differences...), out.skipped+skipped
		i += n
	}
	return out, nil
}

type player struct {
	world *account
	url   string
	clock *worldClock
	start time.Time
	name  string // questions about others lead to the servers, of which each world has its own
}

// play makes calls that were made together, or one.
func (p *player) play(ctx context.Context, entries []transcript.Entry) (out []difference, skipped int, err error) {
	var recorded, got []transcript.Entry
	for _, e := range entries {
		p.clock.Set(p.start.Add(time.Duration(e.At) * time.Millisecond))
		again := e
		switch {
		case e.Ask != nil && p.world.dns != nil && e.Check != starting && strings.TrimPrefix(e.Ask.Name, "all.") == p.name:
			again.Ask = p.ask(ctx, *e.Ask)
			out = append(out, compareAsked(e, again)...)
			continue
		case e.Call == nil || !served(*e.Call):
			skipped++
			continue
		}
		if again.Call, err = p.call(ctx, e); err != nil {
			return nil, 0, err
		}
		recorded, got = append(recorded, e), append(got, again)
	}
	if len(recorded) > 1 {
		return append(out, compareTogether(recorded, got)...), skipped, nil
	}
	for i := range recorded {
		out = append(out, compareCall(recorded[i], got[i])...)
	}
	return out, skipped, nil
}

// served tells whether the world serves an action, and the reply was the service's own: AWS may throttle any call, and
// the client has then made it again.
func served(c transcript.Call) bool {
	if c.Reply.Status == 0 || c.Reply.Code == "ThrottlingException" || c.Reply.Code == "SlowDown" || c.Reply.Code == "RequestLimitExceeded" {
		return false
	}
	switch c.Service + " " + c.Action {
	case "elb RegisterTargets", "elb DeregisterTargets", "elb DescribeTargetHealth", "elb DescribeTargetGroupAttributes",
		"ec2 DescribeSubnets", "s3 GetObject", "s3 PutObject", "s3 DeleteObject":
		return true
	default:
		return false
	}
}

// call makes a recorded call.
func (p *player) call(ctx context.Context, e transcript.Entry) (*transcript.Call, error) {
	body := e.Call.Body
	if e.Call.Form != nil {
		form := url.Values{}
		for key, value := range e.Call.Form {
			form.Set(key, value)
		}
		body = form.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, e.Call.Method, p.url+(&url.URL{Path: e.Call.Path}).EscapedPath(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range e.Call.Headers {
		request.Header.Set(name, value)
	}
	if e.Call.Form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if e.As != "" {
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keyOf+e.As+"/")
	}
	tape := &transcript.Tape{Mask: replayMask()}
	reply, err := transcript.Recorder{Tape: tape}.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 1<<20))
	_ = reply.Body.Close()
	return tape.Entries()[0].Call, nil
}

// replayMask removes nothing but what is new in each reply: the world is made of placeholders.
func replayMask() *transcript.Mask { return &transcript.Mask{Keep: everywhere} }

// ask asks a recorded question as often as it was asked.
func (p *player) ask(ctx context.Context, a transcript.Asked) *transcript.Asked {
	tape := &transcript.Tape{Mask: replayMask()}
	again := &asker{dial: p.world.dns.Dial, tape: tape, resolver: p.world.server(0)}
	for n := 1; n <= max(a.Server, 1); n++ {
		again.servers = append(again.servers, p.world.server(n))
	}
	answers := again.series(ctx, a.Server, a.Name, dns.StringToType[a.Type], a.TCP, len(a.Answers), a.Kept)
	out := a
	out.Answers = answers
	return &out
}
