package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNobodyElseIsAtWorkInTheFolderOfARun(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	for _, command := range []string{"apply", "destroy"} {
		first := true // without the lock it would not end
		w.on(command, func() string {
			if !first {
				return ""
			}
			first = false
			for _, verb := range []string{"run", "down"} {
				if err := w.m.command(t.Context(), []string{verb}); !errors.Is(err, errHeld) {
					t.Errorf("%s while another one is at %s: %v", verb, command, err)
				}
			}
			if !w.holds(placeFile) {
				t.Errorf("what is built was forgotten at %s", command)
			}
			return ""
		})
	}
	for range 2 { // and it is let go of
		if err := w.m.command(t.Context(), []string{"run"}); err != nil {
			t.Errorf("%v\n%s", err, &w.errs)
		}
	}
	if got, want := w.commands(), []string{"init", "apply", "output", "destroy"}; !slices.Equal(got, slices.Concat(want, want)) {
		t.Errorf("ran %v", got)
	}
}

func TestWhatWouldEndARunThatWasPaidForEndsItBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*testWorld)
		words string
	}{
		{"no number", func(w *testWorld) { w.env["MOORING_E2E_ANSWERS"] = "2k" }, "MOORING_E2E_ANSWERS"},
		{"no port", func(w *testWorld) { w.env["MOORING_E2E_RESOLVER"] = "127.0.0.1" }, "MOORING_E2E_RESOLVER"},
		{"no folder to write to", func(w *testWorld) {
			if err := os.WriteFile(filepath.Join(w.m.folder, outFolder), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "could not be written down"},
		{"another checkout's stack", func(w *testWorld) { w.stays = true }, "target group mooring-e2e-scratch"},
		{"another one's role", func(w *testWorld) { w.roles = "<member><RoleName>mooring-e2e-2026</RoleName></member>" }, "role mooring-e2e-2026"},
		{"nobody may look", func(w *testWorld) { w.roles = "<" }, "perhaps a role"},
	} {
		w := newTestWorld(t, 2)
		c.spoil(w)
		err := w.m.command(t.Context(), []string{"run"})
		if !errors.Is(err, errConsent) || !strings.Contains(err.Error(), c.words) || len(w.commands()) > 0 || w.holds(placeFile) {
			t.Errorf("%s: %v, ran %v", c.name, err, w.commands())
		}
	}
}

func TestWhereNothingWasBuiltNothingIsSaidToBeTornDown(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	if err := w.m.command(t.Context(), []string{"down"}); err != nil || strings.Contains(w.out.String(), "torn down") ||
		!strings.Contains(w.out.String(), "nothing of it was found in account "+testAccount+", Region eu-west-1") {
		t.Errorf("%v, said %s", err, &w.out)
	}
}

func TestCtrlCWhileANameIsTriedIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	w.m.clock = &endingClock{w.clock, 3 * time.Second, func() { cancel(errCtrlC) }} // D8 pauses for so long
	if err := w.m.command(ctx, []string{"names", testName}); !errors.Is(err, errCtrlC) || !strings.Contains(w.file("report.txt"), "D4   holds") {
		t.Errorf("%v", err)
	}
}
