package rig

import (
	"context"
	"errors"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// A Call is one attempt of a call to AWS. The retries of a call are calls of their own.
type Call struct {
	Service   string // as the SDK names it, such as "Elastic Load Balancing v2"
	Operation string // such as DescribeTargetHealth
	Code      string // AWS's code of the error, or timeout, canceled or failed; "" where it came through
	Throttled bool   // AWS is asked too often
	Took      time.Duration
}

// eachCall sits within the retries, so that it sees each attempt.
func eachCall(tell func(Call)) func(*middleware.Stack) error {
	observe := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		began := time.Now()
		out, metadata, err := next.HandleFinalize(ctx, in)
		code := codeOf(ctx, err)
		_, throttled := retry.DefaultThrottleErrorCodes[code]
		tell(Call{
			Service: awsmiddleware.GetServiceID(ctx), Operation: awsmiddleware.GetOperationName(ctx),
			Code: code, Throttled: throttled, Took: time.Since(began),
		})
		return out, metadata, err
	}
	return func(stack *middleware.Stack) error {
		m := middleware.FinalizeMiddlewareFunc("mooring.Call", observe)
		return stack.Finalize.Insert(m, "Retry", middleware.After)
	}
}

func codeOf(ctx context.Context, err error) string {
	switch refusal, ok := errors.AsType[smithy.APIError](err); {
	case err == nil:
		return ""
	case ok && refusal.ErrorCode() != "":
		return refusal.ErrorCode()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "timeout"
	case ctx.Err() != nil:
		return "canceled"
	default:
		return "failed"
	}
}
