package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Sessions of the stack's role that may do less than it.
const (
	registerOnly = "register-only"
	withoutList  = "without-list"
)

// as returns the configuration of a session of the stack's role, which may do no more than these actions. A role that
// was made a moment ago is not known everywhere yet, so a denial is asked again for a while.
func (w *walk) as(ctx context.Context, session string, actions ...string) (aws.Config, error) {
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":"*"}]}`, strings.Join(actions, `","`))
	lender := sts.NewFromConfig(w.recorded("", w.config))
	for wait := time.Second; ; wait *= 2 {
		out, err := lender.AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: &w.stack.Role, RoleSessionName: &session, Policy: &policy, DurationSeconds: aws.Int32(900),
		})
		if err == nil && out.Credentials != nil {
			c := out.Credentials
			secrets := []string{aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken)}
			for _, s := range secrets {
				w.tape.Mask.Name(s, "(removed)")
			}
			cfg := w.config.Copy()
			cfg.Credentials = credentials.NewStaticCredentialsProvider(secrets[0], secrets[1], secrets[2])
			return w.recorded(session, cfg), nil
		}
		if code, _, _ := refusal(err); code != "AccessDenied" || wait > time.Minute {
			return aws.Config{}, fmt.Errorf("take the stack's role: %w", err)
		}
		if err := w.clock.Wait(ctx, wait); err != nil {
			return aws.Config{}, err
		}
	}
}

func (w *walk) permission(ctx context.Context) (verdict, error) {
	cfg, err := w.as(ctx, registerOnly, "elasticloadbalancing:RegisterTargets")
	if err != nil {
		return verdict{}, err
	}
	arn := w.stack.Scratch.ARN
	_, err = elbv2.NewFromConfig(cfg).RegisterTargets(ctx, &elbv2.RegisterTargetsInput{
		TargetGroupArn: &arn, Targets: []types.TargetDescription{target(w.inside(250).String())},
	})
	code, message, err := refusal(err)
	switch {
	case err != nil:
		return verdict{}, err
	case code != "":
		return found(differs, "refused with %s: %s", code, message), w.clear(ctx, arn)
	default:
		return found(holds, "a session that may call RegisterTargets and nothing else registered a target"), w.clear(ctx, arn)
	}
}

func (w *walk) put(ctx context.Context, client *s3.Client, key, body string, match, none *string) (etag, code string, err error) {
	out, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &w.stack.Bucket, Key: &key, Body: strings.NewReader(body), IfMatch: match, IfNoneMatch: none,
	})
	if code, _, err = refusal(err); err != nil || code != "" {
		return "", code, err
	}
	return aws.ToString(out.ETag), "", nil
}

func (w *walk) get(ctx context.Context, client *s3.Client, key string) (body, code string, err error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &w.stack.Bucket, Key: &key})
	if code, _, err = refusal(err); err != nil || code != "" {
		return "", code, err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, 1<<20))
	return string(text), "", err
}

func (w *walk) delete(ctx context.Context, key string) error {
	_, err := w.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &w.stack.Bucket, Key: &key})
	return err
}

func (w *walk) missingObject(ctx context.Context) (verdict, error) {
	cfg, err := w.as(ctx, withoutList, "s3:GetObject", "s3:PutObject")
	if err != nil {
		return verdict{}, err
	}
	const key = "mooring/nothing"
	guest := objectsOf(cfg)
	_, without, err := w.get(ctx, guest, key)
	if err != nil {
		return verdict{}, err
	}
	_, with, err := w.get(ctx, w.objects, key)
	if err != nil {
		return verdict{}, err
	}
	_, created, err := w.put(ctx, guest, key, "one", nil, aws.String("*"))
	if err != nil {
		return verdict{}, err
	}
	saw := fmt.Sprintf("without s3:ListBucket %q, with it %q, and creating it without: %q", without, with, created)
	if without != "AccessDenied" || with != "NoSuchKey" || created != "" {
		return found(differs, "%s", saw), w.delete(ctx, key)
	}
	return found(holds, "%s", saw), w.delete(ctx, key)
}

func (w *walk) conditionalWrites(ctx context.Context) (verdict, error) {
	const key, writers = "mooring/check", 20
	codes := make([]string, writers)
	errs := make([]error, writers)
	w.tape.Together(func() {
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				_, codes[i], errs[i] = w.put(ctx, w.objects, key, fmt.Sprintf("writer %02d", i), nil, aws.String("*"))
			})
		}
		wg.Wait()
	})
	won, winner, lost := 0, "", true
	for i, code := range codes {
		if code == "" {
			won, winner = won+1, fmt.Sprintf("writer %02d", i)
		} else {
			lost = lost && (code == "PreconditionFailed" || code == "ConditionalRequestConflict")
		}
	}
	body, _, err := w.get(ctx, w.objects, key)
	if err := errors.Join(append(errs, err)...); err != nil {
		return verdict{}, err
	}
	_, stale, err := w.put(ctx, w.objects, key, "two", aws.String(`"0"`), nil)
	if err != nil {
		return verdict{}, err
	}
	first, _, err := w.put(ctx, w.objects, key, "three", nil, nil)
	if err != nil {
		return verdict{}, err
	}
	second, matched, err := w.put(ctx, w.objects, key, "four", &first, nil)
	if err != nil {
		return verdict{}, err
	}
	if err := w.delete(ctx, key); err != nil {
		return verdict{}, err
	}
	_, gone, err := w.put(ctx, w.objects, key, "five", aws.String(`"0"`), nil)
	if err != nil {
		return verdict{}, err
	}
	saw := fmt.Sprintf("%d of %d writers of one key won, and the winner's body is read: %t; a stale If-Match: %q, one of a deleted object: %q, the current one: %q; other bodies have other ETags: %t",
		won, writers, body == winner, stale, gone, matched, first != second)
	if won != 1 || body != winner || !lost || stale != "PreconditionFailed" || gone != "NoSuchKey" || matched != "" || first == second {
		return found(differs, "%s", saw), w.delete(ctx, key)
	}
	return found(holds, "%s", saw), nil
}
