package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// SNSAPI is the part of the SNS client that is called. It needs sns:Publish.
type SNSAPI interface {
	PublishBatch(context.Context, *sns.PublishBatchInput, ...func(*sns.Options)) (*sns.PublishBatchOutput, error)
}

// A topic takes events as messages, with their binding and change as attributes to subscribe by:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
type topic struct {
	api  SNSAPI
	arn  string
	fifo bool
}

func (t *topic) Send(ctx context.Context, events []Event) error {
	return deliver(ctx, "sns:"+t.arn, events, t.publish)
}

func (t *topic) publish(ctx context.Context, batch []message) ([]failure, error) {
	in := &sns.PublishBatchInput{TopicArn: &t.arn}
	for i, m := range batch {
		in.PublishBatchRequestEntries = append(in.PublishBatchRequestEntries, t.entry(strconv.Itoa(i), m))
	}
	out, err := t.api.PublishBatch(ctx, in)
	if err != nil {
		return nil, explain(err, "sns:Publish", t.arn)
	}
	var failed []failure
	seen := map[int]bool{}
	for _, f := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || i < 0 || i >= len(batch) || seen[i] {
			return nil, errors.New("the reply names a message that was not sent, or one of them twice")
		}
		seen[i] = true
		failed = append(failed, failure{batch[i], refusal(aws.ToString(f.Code), aws.ToString(f.Message), "sns:Publish", t.arn)})
	}
	return failed, nil
}

func (t *topic) entry(id string, m message) types.PublishBatchRequestEntry {
	word := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
	}
	e := types.PublishBatchRequestEntry{
		Id: &id, Message: &m.body,
		MessageAttributes: map[string]types.MessageAttributeValue{"binding": word(m.Binding), "change": word(string(m.Change))},
	}
	if t.fifo { // in order within a binding; the body holds the time, so a later change is no duplicate
		sum := sha256.Sum256([]byte(m.body))
		e.MessageGroupId, e.MessageDeduplicationId = aws.String(group(m.Binding)), aws.String(hex.EncodeToString(sum[:]))
	}
	return e
}

// group is a binding's name as a FIFO topic takes it: up to 128 letters, digits and punctuation.
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-grouping.html
func group(binding string) string {
	name := strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '-'
		}
		return r
	}, binding)
	return name[:min(len(name), 128)]
}
