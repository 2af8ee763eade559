package store_test

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/sim"
	"mooring/internal/store"
)

// keeping keeps an older function's objects in a world whose clock stands at now.
func keeping(t *testing.T, format string, now *time.Time) (*sim.S3, *store.LegacyWriter) {
	t.Helper()
	world, cfg := startS3(t)
	world.Clock = func() time.Time { return *now }
	return world, connectWriter(t, cfg, format, now)
}

func connectWriter(t *testing.T, cfg aws.Config, format string, now *time.Time) *store.LegacyWriter {
	t.Helper()
	return connectPort(t, cfg, format, now, 443)
}

func connectPort(t *testing.T, cfg aws.Config, format string, now *time.Time, port uint16) *store.LegacyWriter {
	t.Helper()
	name := alb
	if format == "v3" {
		name = fqdn
	}
	w, err := store.ConnectLegacyWriter(cfg, store.LegacyWriteConfig{
		Format: format, Bucket: bucket, Name: name, TargetGroup: group, Port: port, Misses: 3,
		Threshold: mooring.DefaultPolicy().Threshold(), Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func remembering(t *testing.T, at time.Time, revision uint64) mooring.Memory {
	t.Helper()
	threshold := mooring.DefaultPolicy().Threshold()
	since := at.Add(-2 * time.Minute)
	return mooring.Memory{
		Version: 1, Revision: revision,
		Addresses: []mooring.Entry{
			{Addr: netip.MustParseAddr("10.0.1.5")},
			{Addr: netip.MustParseAddr("10.0.1.6"), Missed: 2, MissingSince: since, LastMiss: since.Add(time.Minute), Evidence: threshold},
			{Addr: netip.MustParseAddr("10.0.1.7"), GoneSince: since},                                                              // left yesterday
			{Addr: netip.MustParseAddr("10.0.1.8")},                                                                                // drains
			{Addr: netip.MustParseAddr("10.0.1.9"), Missed: 3, MissingSince: since, LastMiss: at, Evidence: threshold},             // leaves in this round
			{Addr: netip.MustParseAddr("10.0.1.10"), Missed: 1, MissingSince: at, LastMiss: at, Evidence: threshold / 100},         // is one of very many
			{Addr: netip.MustParseAddr("10.0.1.11"), Missed: 9, MissingSince: at.Add(-time.Second), LastMiss: at, Evidence: 1e300}, // a round a second
		},
		Left: mooring.Left{At: at, Addrs: addrs("10.0.1.5 10.0.1.6 10.0.1.10 10.0.1.11")},
	}
}

var halfPast = time.Date(2026, 11, 23, 14, 38, 7, 0, time.UTC)

// TestTheObjectsAreWhatTheFunctionsWouldHaveWritten has the bodies as Python's json module writes them.
func TestTheObjectsAreWhatTheFunctionsWouldHaveWritten(t *testing.T) {
	head := `{"LoadBalancerName": "` + alb + `", "TimeStamp": "2026-11-23 14:38:07", "IPList": `
	seen := head + `["10.0.1.5"], "IPCount": 1}`
	active := head + `["10.0.1.5", "10.0.1.6", "10.0.1.10", "10.0.1.11"], "IPCount": 4}`
	pending := `{"10.0.1.6": 2, "10.0.1.9": 2, "10.0.1.11": 1}`
	twice := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
	for format, want := range map[string]map[string]string{
		"v1": {v1Active: twice(seen), v1Pending: twice(pending)},
		"v2": {v2Active: active, v2Pending: pending},
		"v3": {v3Key: "{\n    \"10.0.1.10\": 3,\n    \"10.0.1.11\": 2,\n    \"10.0.1.5\": 3,\n    \"10.0.1.6\": 2,\n    \"10.0.1.8\": 3,\n    \"10.0.1.9\": 2\n}"},
	} {
		now := halfPast
		world, w := keeping(t, format, &now)
		if err := w.Write(t.Context(), remembering(t, now, 7)); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for key, o := range world.Objects(bucket) {
			got[key] = string(o.Body)
		}
		for key, body := range want {
			if got[key] != body {
				t.Errorf("%s: %s is\n%s, want\n%s", format, key, got[key], body)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d objects", format, len(got))
		}
	}
}

// A count goes on as far as each of these says, and no farther: three rounds, five runs' time, all the proof.
func TestACountIsWorthTheLeastOfItsRoundsItsTimeAndItsProof(t *testing.T) {
	threshold := mooring.DefaultPolicy().Threshold()
	for name, c := range map[string]struct {
		missed int
		span   time.Duration
		proof  float64
		want   string
	}{
		"all but one":                {9, time.Hour, threshold, "10.0.1.5:4"},
		"rounds, by a resolver's":    {1, time.Hour, threshold, "10.0.1.5:1"},
		"time, of a round a second":  {9, 59 * time.Second, threshold, "10.0.1.5:2"},
		"proof, of few among many":   {9, time.Hour, threshold / 2, "10.0.1.5:2"},
		"proof, of next to nothing":  {9, time.Hour, threshold / 6, ""},
		"proof beyond all measure":   {9, time.Hour, math.MaxFloat64, "10.0.1.5:4"},
		"time that goes backwards":   {9, -time.Hour, threshold, "10.0.1.5:1"},
		"nothing: it is seen":        {0, 0, 0, ""},
		"nothing, though it was not": {0, time.Hour, threshold, ""},
	} {
		m := mooring.Memory{Addresses: []mooring.Entry{{
			Addr: netip.MustParseAddr("10.0.1.5"), Missed: c.missed, MissingSince: halfPast, LastMiss: halfPast.Add(c.span), Evidence: c.proof,
		}}}
		_, got, err := store.LegacyRoundTrip(store.LegacyWriteConfig{Format: "v2", Bucket: bucket, Name: alb, TargetGroup: group, Misses: 5, Threshold: threshold}, m)
		if err != nil || missed(got) != c.want {
			t.Errorf("%s: %q, want %q; error %v", name, missed(got), c.want, err)
		}
	}
}

func TestNobodyAtAllIsAnEmptyState(t *testing.T) {
	for format, want := range map[string]string{"v1": `"{}"`, "v2": "{}", "v3": "{}"} {
		now := halfPast
		world, w := keeping(t, format, &now)
		if err := w.Write(t.Context(), mooring.Memory{Revision: 1}); err != nil {
			t.Fatal(err)
		}
		key := map[string]string{"v1": v1Pending, "v2": v2Pending, "v3": v3Key}[format]
		if got := string(world.Objects(bucket)[key].Body); got != want {
			t.Errorf("%s: %s", format, got)
		}
	}
}

func TestWhatIsKeptTrueCanBeTakenOverAgain(t *testing.T) {
	for _, c := range []struct {
		format, source string
		from           store.LegacyConfig
		addrs, missed  string
	}{
		{"v1", "v1", v1, "10.0.1.5", "10.0.1.11:1 10.0.1.6:2 10.0.1.9:2"},
		{"v2", "v2", v1, "10.0.1.5 10.0.1.6 10.0.1.10 10.0.1.11", "10.0.1.11:1 10.0.1.6:2 10.0.1.9:2"},
		{"v3", "v3", v3(3), "10.0.1.5 10.0.1.6 10.0.1.8 10.0.1.9 10.0.1.10 10.0.1.11", "10.0.1.11:1 10.0.1.6:1 10.0.1.9:1"},
	} {
		now := halfPast
		world, cfg := startS3(t)
		world.Clock = func() time.Time { return now }
		if err := connectWriter(t, cfg, c.format, &now).Write(t.Context(), remembering(t, now, 7)); err != nil {
			t.Fatal(err)
		}
		got := imported(t, importing(t, cfg, c.from))
		if got.Source != c.source || !slices.Equal(got.Addrs, addrs(c.addrs)) || missed(got) != c.missed || !got.At.Equal(now) {
			t.Errorf("%s: imported %+v", c.format, got)
		}
		if !got.Written.IsZero() {
			t.Errorf("%s: mooring's own writes are taken for an older function's at %s", c.format, got.Written)
		}
	}
}

func puts(world *sim.S3) (n int) {
	for _, c := range world.Calls() {
		if c.Method == http.MethodPut {
			n++
		}
	}
	return n
}

func mustWrite(t *testing.T, w *store.LegacyWriter, m mooring.Memory) {
	t.Helper()
	if err := w.Write(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestARoundThatChangesNothingWritesNothing(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v2", &now)
	mustWrite(t, w, remembering(t, halfPast, 1))
	calls := len(world.Calls())
	for range 59 {
		now = now.Add(time.Minute)
		mustWrite(t, w, remembering(t, halfPast, 2))
	}
	if n := len(world.Calls()) - calls; n != 0 {
		t.Errorf("%d calls in idle rounds", n)
	}
	now = now.Add(time.Minute)
	world.Delete(bucket, v2Pending)
	mustWrite(t, w, remembering(t, halfPast, 3))
	if calls, n := len(world.Calls())-calls, puts(world); calls != 3 || n != 3 {
		t.Errorf("after an hour both are read and what is lost is written: %d calls, %d writes in all", calls, n)
	}
	m := remembering(t, halfPast, 4)
	m.Addresses[1].Missed, m.Addresses[1].Evidence = 0, 0
	mustWrite(t, w, m)
	if n := puts(world); n != 4 {
		t.Errorf("the active addresses are the same: %d writes in all", n)
	}
}

// A new process knows nothing, and looks first.
func TestAnotherProcessWritesOnlyWhatIsNotTrue(t *testing.T) {
	now := halfPast
	world, cfg := startS3(t)
	world.Clock = func() time.Time { return now }
	m := remembering(t, halfPast, 1)
	mustWrite(t, connectWriter(t, cfg, "v1", &now), m)
	now = now.Add(time.Minute)
	mustWrite(t, connectWriter(t, cfg, "v1", &now), m)
	if n := puts(world); n != 2 {
		t.Errorf("%d writes", n)
	}
	m.Addresses[0].GoneSince, m.Revision = now, 2
	mustWrite(t, connectWriter(t, cfg, "v1", &now), m)
	if n := puts(world); n != 3 {
		t.Errorf("%d writes", n)
	}
}

func TestARoundThatIsBehindDoesNotUndoALaterOne(t *testing.T) {
	now := halfPast
	world, cfg := startS3(t)
	world.Clock = func() time.Time { return now }
	late, slow := connectWriter(t, cfg, "v3", &now), connectWriter(t, cfg, "v3", &now)
	mustWrite(t, late, remembering(t, now, 9))
	m := remembering(t, now, 8)
	m.Addresses[0].Missed, m.Addresses[0].Evidence = 1, 100
	mustWrite(t, slow, m)
	if n := puts(world); n != 1 {
		t.Errorf("%d writes", n)
	}
	now = now.Add(10 * time.Minute) // no round is as old as that: the memory was lost, and began anew
	mustWrite(t, slow, m)
	if n := puts(world); n != 2 {
		t.Errorf("%d writes", n)
	}
}

func TestAWriteThatOvertakesIsSeenInTheNextRound(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v2", &now)
	world.Inject(http.MethodPut, v2Pending, -1, sim.S3Busy)
	mustWrite(t, w, remembering(t, now, 1))
	world.Heal()
	mustWrite(t, w, remembering(t, now, 1))
	if n := len(world.Objects(bucket)); n != 2 {
		t.Errorf("%d objects", n)
	}
}

func TestAFailedWriteIsTriedAgainEverLater(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v3", &now)
	world.Inject(http.MethodPut, v3Key, -1, sim.S3Denied)
	m := remembering(t, now, 1)
	var tried []string
	for range 200 {
		if err := w.Write(t.Context(), m); err != nil {
			tried = append(tried, fmt.Sprint(now.Sub(halfPast).Minutes()))
			wantDenied(t, err, `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::`+bucket+"/"+v3Key+`"}`)
		}
		now = now.Add(time.Minute)
	}
	if got := strings.Join(tried, " "); got != "0 1 3 7 15 31 63 123 183" {
		t.Errorf("tried in the minutes %s", got)
	}
	m.Addresses[0].Missed, m.Addresses[0].Evidence = 1, 100 // is new, and tried at once
	if w.Write(t.Context(), m) == nil {
		t.Error("a new state was not tried")
	}
	world.Heal()
	now = now.Add(time.Hour)
	mustWrite(t, w, m)
	if puts(world) == 0 || len(world.Objects(bucket)) != 1 {
		t.Error("not written after all")
	}
}

func TestWhoMayNotReadTheObjectsIsToldSo(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v3", &now)
	world.HideMissing = true // without s3:ListBucket a missing object is a denied one
	mustWrite(t, w, remembering(t, now, 1))
	world.Inject(http.MethodGet, v3Key, -1, sim.S3Denied)
	m := remembering(t, now, 2)
	m.Addresses[0].GoneSince = now
	wantDenied(t, w.Write(t.Context(), m), `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::`+bucket+"/"+v3Key+`"}`)
}

func TestAStateThatCannotBeWrittenIsAnError(t *testing.T) {
	for want, c := range map[string]store.LegacyWriteConfig{
		`"cresta": its state cannot be written; want one of v1, v2, v3`: {Format: "cresta"},
		"v1: no bucket given":               {Format: "v1", Name: alb, Threshold: 1},
		"v2: no name given":                 {Format: "v2", Bucket: bucket, Threshold: 1},
		"v3: no target group given":         {Format: "v3", Bucket: bucket, Name: fqdn, Threshold: 1},
		"v2: no absence is proved by 0":     {Format: "v2", Bucket: bucket, Name: alb, TargetGroup: group},
		"v2: no absence is proved by NaN n": {Format: "v2", Bucket: bucket, Name: alb, TargetGroup: group, Threshold: math.NaN()},
	} {
		if w, err := store.NewLegacyWriter(nil, c); err == nil || w != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

// FuzzLegacyState writes the state of any memory, and reads it again.
func FuzzLegacyState(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5}, 3, uint8(2))
	f.Add([]byte{255, 0, 255, 0, 255, 0, 7}, -1, uint8(0))
	f.Add([]byte{9, 200, 9, 200}, 1, uint8(1))
	f.Fuzz(func(t *testing.T, seed []byte, misses int, which uint8) {
		misses = min(misses, 1000)
		m := mooring.Memory{}
		for i, b := range seed[:min(len(seed), 250)] {
			e := mooring.Entry{Addr: netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), Missed: int(b) % 7, Evidence: float64(b) / 3}
			if b%16 == 3 {
				e.Addr = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
			}
			e.MissingSince = halfPast
			e.LastMiss = halfPast.Add(time.Duration(b%11-3) * time.Minute)
			m.Addresses = append(m.Addresses, e)
		}
		slices.SortFunc(m.Addresses, func(a, b mooring.Entry) int { return a.Addr.Compare(b.Addr) })
		c := store.LegacyWriteConfig{
			Format: store.LegacyWriteFormats()[int(which)%3], Bucket: bucket, Name: alb, TargetGroup: group, Misses: misses,
			Threshold: mooring.DefaultPolicy().Threshold(),
		}
		want, got, err := store.LegacyRoundTrip(c, m)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(want.Addrs, got.Addrs) || missed(want) != missed(got) {
			t.Errorf("wrote %+v, read %+v", want, got)
		}
		all := misses
		if all < 1 {
			all = 3
		}
		for a, n := range got.Missed {
			if n < 1 || n >= all {
				t.Errorf("%s missed %d of %d runs", a, n, all)
			}
		}
	})
}
