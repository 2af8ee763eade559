package demo

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASummaryClaimsNoMoreThanWasSeen(t *testing.T) {
	const lost, within, stale, graceful = "has lost the service", "was registered within", "stayed registered for", "finishes what it has begun"
	well := Summary{Front: Tally{Requests: 12_345}, Pinned: Tally{Requests: 90, Failures: 50}, LongestMissing: 7, LongestStale: 9, asked: 4, Elapsed: time.Second, Clock: time.Minute}
	half := well
	half.answering, half.LongestMissing, half.LongestStale = 2, 0, 0
	bad := well
	bad.Front.Failures, bad.First = 1, &Failure{What: "status 503"}
	for _, one := range []struct {
		name      string
		s         Summary
		has, lack []string
	}{
		{"all lost", well, []string{lost, within, stale, graceful, "12,345 requests, none failed"}, []string{"still answered"}},
		{"half lost", half, []string{"Of the 4 addresses that were pinned, 2 still answered at the end."}, []string{lost, within, stale}},
		{"failed", bad, []string{"12,345 requests, 1 failed"}, []string{lost, graceful, "noticed nothing"}},
		{"nothing asked", Summary{}, []string{": no request.\n", "pinned: no request.\n"}, []string{lost, within, stale, graceful, "none failed"}},
	} {
		text := one.s.Text()
		for _, part := range one.has {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in\n%s", one.name, part, text)
			}
		}
		for _, part := range one.lack {
			if strings.Contains(text, part) {
				t.Errorf("%s: %q in\n%s", one.name, part, text)
			}
		}
	}
}

func TestATimeOutSaysWhatRanOut(t *testing.T) {
	for want, err := range map[string]error{
		"no connection within 10s":    &net.OpError{Op: "dial", Err: context.DeadlineExceeded},
		"no answer within 10s":        &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded},
		syscall.ETIMEDOUT.Error():     &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)},
		"lookup nowhere: i/o timeout": &net.DNSError{Err: "i/o timeout", Name: "nowhere", IsTimeout: true},
	} {
		if got := reason(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
