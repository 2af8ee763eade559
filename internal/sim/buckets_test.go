package sim_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"mooring/internal/sim"
)

func TestBucketsAreEmptiedAndFilledAsAWSSays(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		action   string // with its version
		category string
		burst    int
		second   int // tokens
	}{
		{elbForm + "DescribeTargetHealth", sim.BucketReads, 40, 10},
		{elbForm + oneIn, sim.BucketRegister, 20, 4},
		{elbForm + "AddTags", sim.BucketMutating, 20, 3},
		{"Version=2016-11-15&Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1", sim.BucketEC2, 100, 20},
	} {
		a := sim.NewAWS(harbour())
		a.Buckets = &sim.Buckets{Clock: func() time.Time { return now }}
		url := startAWS(t, a)
		passed := func(n int) (ok int) {
			for range n {
				if _, body := post(t, url, c.action); !strings.Contains(body, "Rate exceeded") && !strings.Contains(body, "RequestLimitExceeded") {
					ok++
				}
			}
			return ok
		}
		if got := passed(c.burst / 2); got != c.burst/2 || a.Buckets.Worst(c.category) != 0.5 {
			t.Errorf("%s: %d of the first half passed, and %.2f was used up", c.category, got, a.Buckets.Worst(c.category))
		}
		if got := passed(c.burst); got != c.burst/2 || a.Buckets.Throttled() != c.burst/2 || a.Buckets.Worst(c.category) != 1 {
			t.Errorf("%s: %d of the second half passed, %d were throttled, %.2f was used up", c.category, got, a.Buckets.Throttled(), a.Buckets.Worst(c.category))
		}
		now = now.Add(time.Second)
		if got := passed(30); got != min(30, c.second) {
			t.Errorf("%s: %d passed a second later, want %d", c.category, got, c.second)
		}
		if got := a.Buckets.Requests(c.category); got != c.burst/2+c.burst+30 {
			t.Errorf("%s: %d requests", c.category, got)
		}
	}
}

func TestAllCallsOfLoadBalancingShareABucket(t *testing.T) {
	now := time.Now()
	b := &sim.Buckets{Clock: func() time.Time { return now }}
	a := sim.NewAWS(harbour())
	a.Buckets = b
	url := startAWS(t, a)
	for range 20 {
		post(t, url, elbForm+oneIn)
		post(t, url, elbForm+"DescribeTargetHealth")
	}
	if n := b.Throttled(); n != 0 || b.Worst(sim.BucketELB) != 1 || b.Worst(sim.BucketReads) != 0.5 {
		t.Errorf("%d throttled, %.2f and %.2f used up", n, b.Worst(sim.BucketELB), b.Worst(sim.BucketReads))
	}
	status, body := post(t, url, elbForm+"DescribeTargetHealth")
	if status != http.StatusBadRequest || !strings.Contains(body, "ThrottlingException") {
		t.Errorf("%d %s", status, body)
	}
	other := strings.Replace(elbForm, "us-east-1", "us-east-2", 1) // another Region
	if _, body := post(t, url, other+"DescribeTargetHealth"); strings.Contains(body, "Rate exceeded") {
		t.Error("the buckets of one Region were emptied by another")
	}
	if got := a.Calls()[40].Status; got != http.StatusBadRequest || math.IsNaN(b.Worst("")) {
		t.Errorf("logged with status %d", got)
	}
}
