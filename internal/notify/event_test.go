package notify_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/notify"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func addr(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }

// round is a report of a round that registered 1 and 2, set 3 aside beside 4, which was already, and let 5 go.
func round() mooring.Report {
	return mooring.Report{
		Binding: "web-443", Hostnames: []string{"app.example"}, Port: 443, TargetGroup: "arn:web",
		Registered:   []netip.Addr{addr(1), addr(2)},
		Refused:      []mooring.RefusedReport{{Addr: addr(3), Reason: "reserved"}, {Addr: addr(4), Reason: "full"}},
		Deregistered: []netip.Addr{addr(5)},
		Held:         []mooring.HeldReport{{Addr: addr(6), Reason: "misses: missed in 1 of 3 rounds"}},
		Plan: mooring.Plan{
			Refused: []mooring.Refusal{{Addr: addr(4), Reason: "full"}},
			Missing: []mooring.Missing{{Addr: addr(5), Missed: 3, For: 2 * time.Minute, Evidence: 26}, {Addr: addr(6), Missed: 1}},
		},
	}
}

func TestOnlyWhatHappenedInThisRoundIsTold(t *testing.T) {
	var told []string
	events := notify.Events(round(), noon, "v1")
	for _, e := range events {
		told = append(told, string(e.Change)+" "+e.Addr.String())
	}
	want := "registered 10.0.0.1, registered 10.0.0.2, refused 10.0.0.3, deregistered 10.0.0.5"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	body, err := json.Marshal(events[3])
	const event = `{"schema_version":1,"time":"2026-11-01T12:00:00Z","binding":"web-443","hostnames":["app.example"],"port":443,` +
		`"target_group":"arn:web","change":"deregistered","addr":"10.0.0.5",` +
		`"why":"absent for 2m0s, in 3 rounds, with 26.0 nats of evidence","miss_probability":5.109089028063325e-12,"program":"v1"}`
	if err != nil || string(body) != event {
		t.Errorf("%v\n%s, want\n%s", err, body, event)
	}
	if len(notify.Events(mooring.Report{Binding: "idle"}, noon, "v1")) != 0 {
		t.Error("an idle round told something")
	}
}

// Who reads the events is promised a list, and a null is none.
func TestAnEventWithoutHostnamesHasAnEmptyList(t *testing.T) {
	r := round()
	r.Hostnames = nil
	body, err := json.Marshal(notify.Events(r, noon, "v1")[0])
	if err != nil || !strings.Contains(string(body), `"hostnames":[]`) {
		t.Errorf("%s, error %v", body, err)
	}
}

func TestStandardOutputGetsALineAnEvent(t *testing.T) {
	var out strings.Builder
	sink := connect(t, "stdout", "", &out)
	if err := sink.Send(t.Context(), notify.Events(round(), noon, "v1")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != 4 || !strings.HasPrefix(out.String(), `{"schema_version":1,`) {
		t.Errorf("%d lines\n%s", got, &out)
	}
	full := connect(t, "stdout", "", broken{})
	if err := full.Send(t.Context(), notify.Events(round(), noon, "v1")); err == nil || !strings.Contains(err.Error(), "4 of 4 events were lost: full") {
		t.Error(err)
	}
}
