package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// A message is an event as it is sent.
type message struct {
	Event
	body string
}

// A failure is a message that the service did not take, though it took the call.
type failure struct {
	message
	err error
}

// A call sends up to ten messages. The error means that none of them is known to be taken; failures are never more
// than messages.
type call func(context.Context, []message) ([]failure, error)

// deliver sends events in batches. What a service does not take of a batch is tried once more. A call that fails as a
// whole was retried by the SDK; the batches after it are not tried, for they would take too long to fail as well.
func deliver(ctx context.Context, where string, events []Event, send call) error {
	ctx, cancel := context.WithTimeoutCause(ctx, SendTime, fmt.Errorf("not delivered within %s", SendTime))
	defer cancel()
	batches, tooLarge := batchesOf(events)
	taken := 0
	var why error
	if tooLarge > 0 {
		why = fmt.Errorf("%d are over the limit of %d bytes", tooLarge, batchBytes)
	}
	for _, batch := range batches {
		failed, err := once(ctx, batch, send)
		if err == nil && len(failed) > 0 {
			taken += len(batch) - len(failed)
			batch = messagesOf(failed)
			failed, err = once(ctx, batch, send)
		}
		if err != nil {
			return lost(len(events)-taken, len(events), where, err)
		}
		taken += len(batch) - len(failed)
		if len(failed) > 0 {
			why = failed[0].err
		}
	}
	if taken < len(events) {
		return lost(len(events)-taken, len(events), where, why)
	}
	return nil
}

// once makes one call inside its own time.
func once(ctx context.Context, batch []message, send call) ([]failure, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("no answer within %s", callTime))
	defer cancel()
	failed, err := send(ctx, batch)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return failed, err
}

func messagesOf(failed []failure) []message {
	out := make([]message, 0, len(failed))
	for _, f := range failed {
		out = append(out, f.message)
	}
	return out
}

// batchesOf parts events into what a call takes, and counts those that no call takes.
func batchesOf(events []Event) (batches [][]message, tooLarge int) {
	size := 0
	for _, e := range events {
		body, err := json.Marshal(e)
		if err != nil || len(body) > batchBytes {
			tooLarge++
			continue
		}
		if last := len(batches) - 1; last < 0 || len(batches[last]) == batchSize || size+len(body) > batchBytes {
			batches, size = append(batches, nil), 0
		}
		last := len(batches) - 1
		batches[last] = append(batches[last], message{Event: e, body: string(body)})
		size += len(body)
	}
	return batches, tooLarge
}
