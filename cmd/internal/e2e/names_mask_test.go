package main

import (
	"net/netip"
	"strings"
	"testing"

	"mooring/cmd/internal/transcript"
)

// Whoever tries a name of their own does not tell whose it is.
func TestANameThatWasAskedForIsNotInWhatIsWrittenDownAndCanBeReplayed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"internal-payroll-web-1234567899.eu-west-1.elb.amazonaws.com", "Acme-PayRoll-0123456789abcdef.elb.eu-west-1.amazonaws.com"} {
		w := newTestWorld(t, 2)
		real, err := newAccount(transcript.Head{Stack: transcript.Stack{
			Name: strings.ToLower(name), Servers: 3, Nodes: []netip.Addr{netip.MustParseAddr("172.31.7.9"), netip.MustParseAddr("172.31.8.9")},
		}}, w.clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(real.close)
		w.m.dial, w.env["MOORING_E2E_RESOLVER"] = real.dns.Dial, real.server(0).String()
		if err := w.m.command(t.Context(), []string{"names", name}); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"report.txt", "report.json", "transcript.jsonl"} {
			for _, secret := range []string{"payroll", "acme", "1234567899", "0123456789abcdef", "172.31"} {
				if strings.Contains(strings.ToLower(w.file(file)), secret) {
					t.Errorf("%s: %s tells %q", name, file, secret)
				}
			}
		}
		r, err := replayFrom(t.Context(), strings.NewReader(w.file("transcript.jsonl")))
		if err != nil || len(r.differences) > 0 || r.entries-r.skipped < 10 {
			t.Errorf("%s: %d entries, %d not compared, %v, %v", name, r.entries, r.skipped, err, r.differences)
		}
		if text := w.file("transcript.jsonl"); !strings.Contains(text, `"name":"all.`+r.head.Stack.Name+`"`) {
			t.Errorf("%s: all.NAME is not the name %s any more", name, r.head.Stack.Name)
		}
	}
}
