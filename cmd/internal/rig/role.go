package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/smithy-go"
)

// A RoleRefused is a role that STS does not lend, which does not tell why: its trust policy names another identity or
// external id, the identity's own policy lacks sts:AssumeRole, or there is no such role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
//
// It has no Unwrap: the SDK passes it on as the error of whatever call needed the credentials, and there STS's
// AccessDenied would be taken for that call's own, a denied read of S3 even for an object that is not there. For the same
// reason it is no mooring.ErrDenied, which is done without.
type RoleRefused struct {
	ARN  string // the role's
	said string // by STS
}

func (e *RoleRefused) Error() string {
	return fmt.Sprintf("assume role %s: check that its trust policy allows this identity, and its external id: %s", e.ARN, e.said)
}

// Statement returns the IAM statement that the identity needs, as JSON.
func (e *RoleRefused) Statement() string {
	body, err := json.Marshal(struct{ Effect, Action, Resource string }{"Allow", "sts:AssumeRole", e.ARN})
	if err != nil {
		return err.Error() // strings always marshal
	}
	return string(body)
}

// A lender lends the credentials of a role.
type lender struct {
	*stscreds.AssumeRoleProvider
	arn string
}

// Retrieve implements [aws.CredentialsProvider].
func (l lender) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := l.AssumeRoleProvider.Retrieve(ctx)
	if refusal, ok := errors.AsType[smithy.APIError](err); ok && refusal.ErrorCode() == "AccessDenied" {
		return c, &RoleRefused{ARN: l.arn, said: err.Error()}
	}
	if err != nil {
		return c, fmt.Errorf("assume role %s: %w", l.arn, hidden(err))
	}
	return c, nil
}

// An identity is who the AWS configuration says. It may be a role too, such as a profile's or a pod's.
type identity struct{ aws.CredentialsProvider }

// refusedRole finds the role in what STS says, for the SDK does not tell which it asked for:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var refusedRole = regexp.MustCompile(`not authorized to perform: sts:AssumeRole on resource: (arn:[\w+=,.@:/-]+)`)

// Retrieve implements [aws.CredentialsProvider].
func (i identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := i.CredentialsProvider.Retrieve(ctx)
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		if m := refusedRole.FindStringSubmatch(refusal.ErrorMessage()); m != nil {
			return c, &RoleRefused{ARN: m[1], said: err.Error()}
		}
	}
	return c, hidden(err)
}

// hidden keeps of an answer of AWS about credentials only the words, so that nobody takes it for the answer to the call
// that needs them. Other errors stay what they are.
func hidden(err error) error {
	if _, ok := errors.AsType[smithy.APIError](err); ok {
		return errors.New(err.Error())
	}
	return err
}
