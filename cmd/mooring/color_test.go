package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

func TestColorIsForTerminalsThatWantIt(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	for _, pair := range w.AWSEnvironment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	plan := func(terminal bool, env ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{
			"plan", "--hostname", rigtest.Name, "--target-group", rigtest.ARN, "--port", "443", "--memory", "none",
			"--resolver", w.DNS.Resolver().String(),
		}, machine{out: &out, err: &errs, terminal: terminal, dial: w.DNS.Dial, env: func(name string) (string, bool) {
			for _, pair := range env {
				if k, v, _ := strings.Cut(pair, "="); k == name {
					return v, true
				}
			}
			return "", false
		}})
		if code != 0 {
			t.Fatal(errs.String())
		}
		return out.String()
	}
	plain, colored := plan(false), plan(true)
	if strings.Contains(plain, "\x1b") || plain != plan(true, "NO_COLOR=1") {
		t.Errorf("colour where nobody wants it: %q", plain)
	}
	if !strings.Contains(colored, "\x1b[32m+\x1b[0m") || regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(colored, "") != plain {
		t.Errorf("%q", colored)
	}
}
