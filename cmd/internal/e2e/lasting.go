package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
)

var errExpire = errors.New("these credentials expire before a run is over at the longest")

// lasting refuses credentials that nobody renews and that are known to expire in a run: what it has built would stay. It
// warns of those of which that is not known.
func (m machine) lasting(ctx context.Context, cfg aws.Config, longest time.Duration) error {
	c, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("%w: read the credentials: %w", errConsent, err)
	}
	until := m.clock.Now().Add(longest)
	expires := m.expiry(c)
	switch {
	case !c.CanExpire && c.SessionToken == "": // they last for ever
	case expires.IsZero():
		fmt.Fprintf(m.err, "e2e: these are credentials of a session, and nothing says when it ends; a run may take until %s, and what it has built stays "+
			"where they expire first: then make e2e-down with new ones\n", clockTime(until))
	case expires.After(until):
	case c.CanExpire:
		fmt.Fprintf(m.err, "e2e: these credentials expire at %s, and a run may take until %s; what it has built stays where they cannot be renewed then, "+
			"as after the end of a single sign-on: then make e2e-down with new ones\n", clockTime(expires), clockTime(until))
	default:
		return fmt.Errorf("%w: %w: at %s, and it may take until %s; take some that last longer, or that renew themselves, such as a profile's",
			errConsent, errExpire, clockTime(expires), clockTime(until))
	}
	return nil
}

// expiry is when credentials expire, or zero. Those that the SDK knows to expire it also asks for anew. AWS's command line
// tells of the others, with export-credentials, in a variable that the SDK does not read.
func (m machine) expiry(c aws.Credentials) time.Time {
	if c.CanExpire {
		return c.Expires
	}
	text, _ := m.env("AWS_CREDENTIAL_EXPIRATION")
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || c.Source != awsconfig.CredentialsSourceName {
		return time.Time{}
	}
	return at
}

func clockTime(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
