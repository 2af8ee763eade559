package front

import (
	"context"
	"errors"
	"syscall"
	"time"

	"mooring"
)

// watchHealth checks a target until it drains: at once, and then after each interval.
func (f *Front) watchHealth(ctx context.Context, t *target) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		s := f.numbers()
		f.judge(ctx, t, s, f.check(ctx, t, s.HealthTimeout))
		next.Reset(s.HealthInterval)
	}
}

// check succeeds when the target takes a connection.
func (f *Front) check(ctx context.Context, t *target, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := f.dial(ctx, "tcp", t.at.String())
	if err == nil {
		_ = conn.Close() // it was only to be opened
	}
	return err
}

// judge counts a check. One success is enough for a new target:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
func (f *Front) judge(ctx context.Context, t *target, s Settings, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return // it left while it was checked
	}
	if local(err) {
		return // it says nothing of the target
	}
	before := t.health
	if err == nil {
		t.good, t.bad, t.mute = t.good+1, 0, 0
		if before == mooring.HealthInitial || t.good >= s.Healthy {
			t.health, t.reason = mooring.HealthHealthy, ""
		}
	} else {
		t.good, t.bad = 0, t.bad+1
		if t.bad >= s.Unhealthy {
			t.health, t.reason = mooring.HealthUnhealthy, err.Error()
		}
	}
	if t.health == before {
		return
	}
	f.noteHealth(t)
	f.cutUnhealthy()
}

// cutUnhealthy ends the flows of unhealthy targets while one is healthy: what is sent on them is lost, and their clients
// can go elsewhere. So does a Network Load Balancer:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#unhealthy-target-connection-termination
func (f *Front) cutUnhealthy() {
	if !f.anyHealthy() {
		return
	}
	for _, t := range f.targets {
		if t.health == mooring.HealthUnhealthy {
			t.cut()
		}
	}
}

// local tells whether it is this machine that failed to connect: it has no file, memory or port left.
func local(err error) bool {
	for _, fault := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}
