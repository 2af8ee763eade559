package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsTheSchedule(t *testing.T) {
	for event, want := range map[string]bool{
		"": true, " \n": true, "null": true, "{}": true,
		`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`:      true,
		`{"source":"aws.scheduler","detail-type":"Scheduled Event","detail":"{}"}`: true,
		`{"source":"aws.rds","detail-type":"RDS DB Cluster Event","detail":{}}`:    false,
		`{"source":"aws.events"}`:                                   false,
		`{"source":["aws.events"],"detail-type":"Scheduled Event"}`: false,
		`{"source":"my.events","detail-type":"Scheduled Event"}`:    false,
		`{"Records":[]}`: false,
		`[]`:             false,
		`"ping"`:         false,
		`{`:              false,
		`{"source":"aws.events","detail-type":"Scheduled Event","x":"` + strings.Repeat("y", maxEvent) + `"}`: false,
	} {
		if got := scheduled([]byte(event)); got != want {
			t.Errorf("%.80s: %t", event, got)
		}
	}
}

func TestAnInvocationLeavesRoomForItsLastRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		in, stop := context.WithDeadline(t.Context(), now.Add(time.Minute))
		defer stop()
		visit, ctx, cancel := plan(in, []byte(`{"source":"aws.rds"}`), now)
		defer cancel()
		deadline, _ := ctx.Deadline()
		if deadline.Sub(now) != 55*time.Second || visit.Last.Sub(now) != 45*time.Second || !slices.Equal(visit.Again, again) {
			t.Errorf("until %s, %+v", deadline, visit)
		}
		if visit, _, cancel := plan(in, []byte(`{}`), now); visit.Again != nil {
			t.Errorf("%+v", visit)
		} else {
			cancel()
		}
	})
}
