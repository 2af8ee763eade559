package main_test

import (
	"encoding/json"
	"os"
	"testing"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

func TestMain(m *testing.M) { os.Exit(rigtest.Main(m)) }

func world(t testing.TB, c sim.DNSConfig) *rigtest.World {
	return rigtest.New(t, "mooring/cmd/mooring-lambda", c)
}

// decode reads one JSON object, strictly enough to notice that it is none.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("not a JSON object: %v\n%s", err, text)
	}
	return out
}
