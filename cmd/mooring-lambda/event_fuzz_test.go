package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mooring"
)

// FuzzEvent hands the function any event, as the runtime does. Whatever it is the function looks at the world, and only
// the schedule's own event, or one that says nothing, is not looked into again.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`))
	f.Add([]byte(`{"source":"aws.rds","detail-type":"RDS DB Cluster Event","detail":{"EventID":"RDS-EVENT-0071"}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		var e map[string]any
		readable := json.Unmarshal(event, &e) == nil && len(event) <= maxEvent
		schedule := (e["source"] == "aws.events" || e["source"] == "aws.scheduler") && e["detail-type"] == "Scheduled Event"
		nothing := len(event) <= maxEvent && len(bytes.TrimSpace(event)) == 0
		want := nothing || readable && (schedule || len(e) == 0)
		if got := scheduled(event); got != want {
			t.Errorf("it is the schedule's: %t, want %t", got, want)
		}
		synctest.Test(t, func(t *testing.T) { wantVisited(t, event) })
	})
}

// wantVisited invokes a function that moors nothing, so that no round comes through: it must say so, in time.
func wantVisited(t *testing.T, event []byte) {
	fn := &function{out: io.Discard, log: slog.New(slog.DiscardHandler), fleet: &mooring.Fleet{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	_, err := lambda.NewHandler(fn.handle).Invoke(ctx, event)
	if err == nil || !strings.Contains(err.Error(), "no round was run") && json.Valid(event) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > time.Minute-deadlineReserve {
		t.Errorf("it took %s", took)
	}
}
