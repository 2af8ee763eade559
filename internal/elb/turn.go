package elb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

type ticketKey struct{}

// turn waits until the limiter lets a call be made, and returns the context to make it with. It comes before the
// call's own time limit begins, and before a permit is asked, which must not grow old in a queue.
func (g *Group) turn(ctx context.Context, action string) (context.Context, error) {
	if g.c.Limiter == nil {
		return ctx, nil
	}
	t := g.c.Limiter.ticketOf(g.c, action)
	if err := g.c.Limiter.take(ctx, t, false); err != nil {
		return nil, err
	}
	t.paid = true
	return context.WithValue(ctx, ticketKey{}, t), nil
}

// eachAttempt makes the SDK take tokens for its retries too; those for the first attempt were taken by turn. It sits
// within the retries and before the signing, so that a signature does not grow old while waiting.
func eachAttempt(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("mooring.Limit", limitAttempt), "Retry", middleware.After)
}

func limitAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	t, ok := ctx.Value(ticketKey{}).(*ticket)
	if !ok {
		return next.HandleFinalize(ctx, in)
	}
	if !t.paid {
		if err := t.limiter.take(ctx, t, true); err != nil {
			return out, metadata, t.givenUp(err)
		}
	}
	t.paid = false
	out, metadata, err = next.HandleFinalize(ctx, in)
	if t.last = nil; throttling(err) {
		t.last = err
		t.limiter.throttled(t)
	}
	return out, metadata, err
}

// givenUp says what came before a retry that had no time left to wait.
func (t *ticket) givenUp(err error) error {
	if t.last == nil {
		return err
	}
	return fmt.Errorf("%w, after %w", err, t.last)
}

// throttling tells whether AWS said that it is asked too often.
func throttling(err error) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[codeOf(err)]
	return throttled
}
