package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"mooring"
	"mooring/cmd/internal/rig"
)

const (
	// deadlineReserve is what rounds leave of the function's time, so that it is never killed in the middle of a call.
	deadlineReserve = 5 * time.Second
	// room is what the last round must have before that: a round needs a second or two, and some calls a retry.
	room = 10 * time.Second
	// leastTime is what it takes to begin at all: no call that changes anything is made in the last 3 s of a round.
	leastTime = deadlineReserve + 4*time.Second
)

// again is when, after the first look, an event that is not the schedule is looked into again. What it tells of, such as
// the failover of a database, often shows in DNS only some seconds later.
var again = []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second}

// tooShort says why a function with so little time cannot run a round; nil where it can.
func tooShort(ctx context.Context, now time.Time) error {
	deadline, ok := ctx.Deadline()
	if left := deadline.Sub(now); ok && left < leastTime {
		return fmt.Errorf("the function has %s left, and a round needs %s and more: give it a time-out of 60 s",
			left.Round(100*time.Millisecond), leastTime)
	}
	return nil
}

// plan says what an event asks for, and how long it may take. The first round is run in any case.
func plan(ctx context.Context, event []byte, now time.Time) (mooring.Visit, context.Context, context.CancelFunc) {
	var visit mooring.Visit
	if !scheduled(event) {
		visit.Again = again
	}
	deadline, ok := ctx.Deadline()
	if !ok { // outside Lambda: nothing ends it, so it must itself
		visit.Last = now.Add(again[len(again)-1])
		deadline = visit.Last.Add(rig.RoundLimit)
		ctx, cancel := context.WithDeadline(ctx, deadline)
		return visit, ctx, cancel
	}
	end := deadline.Add(-deadlineReserve)
	visit.Last = end.Add(-room)
	ctx, cancel := context.WithDeadline(ctx, end)
	return visit, ctx, cancel
}

// maxEvent is the largest event that is looked into. A schedule's has some 300 bytes.
const maxEvent = 64 << 10

// scheduled tells whether an event is the schedule's, or says nothing:
// https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduler.html
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
func scheduled(event []byte) bool {
	if len(event) > maxEvent {
		return false
	}
	var e map[string]json.RawMessage
	if err := json.Unmarshal(event, &e); err != nil {
		return len(bytes.TrimSpace(event)) == 0
	}
	if len(e) == 0 {
		return true // {} and null
	}
	text := func(key string) (s string) {
		_ = json.Unmarshal(e[key], &s) // what is no text is no schedule's
		return s
	}
	source := text("source")
	return (source == "aws.events" || source == "aws.scheduler") && text("detail-type") == "Scheduled Event"
}
