package elb

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
)

func TestAReadingOutlivesWhoAskedFirst(t *testing.T) {
	release := make(chan struct{})
	r := reading[string]{read: func(ctx context.Context) (string, error) {
		<-release
		return "read", ctx.Err()
	}}
	ctx, cancel := context.WithCancel(t.Context())
	first := r.start(ctx)
	cancel()
	if _, err := first.wait(ctx); err == nil {
		t.Error("who asked first waits on")
	}
	close(release)
	if got, err := r.start(t.Context()).wait(t.Context()); got != "read" || err != nil {
		t.Errorf("%q, error %v", got, err)
	}
}

func TestADenialIsBelievedForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		r := reading[string]{read: func(context.Context) (string, error) {
			reads++
			return "", &Denied{Action: "ec2:DescribeSubnets", err: errors.New("no")}
		}}
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{0, 1}, {9 * time.Minute, 1}, {time.Minute, 2}, {time.Minute, 2}} {
			<-time.After(c.after)
			if _, err := r.start(t.Context()).wait(t.Context()); !errors.Is(err, mooring.ErrDenied) || reads != c.want {
				t.Errorf("error %v after %d attempts, want %d", err, reads, c.want)
			}
		}
	})
}

func TestWhatIsRenewedIsReadAgainAfterTenMinutesAndKeptWhereThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		r := reading[int]{read: func(context.Context) (int, error) {
			reads++
			if reads == 2 {
				return 0, errors.New("service unavailable")
			}
			return reads, nil
		}}
		for _, c := range []struct {
			after       time.Duration
			reads, want int
		}{{0, 1, 1}, {9 * time.Minute, 1, 1}, {time.Minute, 2, 1}, {time.Minute, 2, 1}, {10 * time.Minute, 3, 3}} {
			<-time.After(c.after)
			if got, err := r.renew(t.Context()).wait(t.Context()); err != nil || got != c.want || reads != c.reads {
				t.Errorf("%d, error %v after %d attempts, want %d after %d", got, err, reads, c.want, c.reads)
			}
		}
		<-time.After(time.Hour)
		r.start(t.Context())
		if synctest.Wait(); reads != 3 {
			t.Error("what is kept was read again by who did not ask for it anew")
		}
	})
}

func TestAZoneIsChosenByWhatTheGroupSays(t *testing.T) {
	for _, c := range []struct {
		mode, sent, message, want string
		tried                     []string
	}{
		{zoneAuto, zoneNone, "The Availability Zone is required, such as us-east-1b", zoneAll, nil},
		{zoneAuto, zoneAll, "you must specify an Availability Zone, such as us-gov-west-1a", "us-gov-west-1a", nil},
		{zoneAuto, zoneAll, "is within the VPC, 'all' from 'us-west-2-lax-1a'", zoneNone, nil},
		{zoneAuto, zoneAll, "cannot be overridden to 'all' from 'us-east-1b'", zoneNone, nil},
		{zoneAuto, zoneAll, "cannot be overridden to 'all' from 'us-east-1b'", "us-east-1b", []string{zoneNone}},
		{zoneAuto, zoneAll, "an Availability Zone of us-east-1", "", []string{zoneNone}}, // a region is no zone
		{"us-east-1c", zoneNone, "The Availability Zone is required", "us-east-1c", nil},
		{"us-east-1c", "us-east-1c", "not a valid Availability Zone", zoneAll, nil},
		{zoneNone, zoneNone, "The Availability Zone is required", "", nil},
	} {
		one := candidate{zone: c.sent, tried: append(c.tried, c.sent)}
		if got := (zoning{mode: c.mode}).next(one, c.message); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
