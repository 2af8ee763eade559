package store_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring"
	"mooring/internal/store"
)

func TestAFunctionThatStillRunsIsNotFought(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v2", &now)
	mustWrite(t, w, remembering(t, halfPast, 1))
	theirs := []byte(`{"10.0.1.5": 1}`)
	world.Put(bucket, v2Pending, theirs)
	now = now.Add(9 * time.Minute)
	m := remembering(t, now, 2)
	m.Addresses[0].GoneSince = now // so that both have to be written
	err := w.Write(t.Context(), m)
	if err == nil || !strings.Contains(err.Error(), "s3://"+bucket+"/"+v2Pending+" was written by somebody else at 2026-11-23T14:38:07Z") {
		t.Errorf("error %v", err)
	}
	mustWrite(t, w, m) // it is said once
	m.Addresses[2].GoneSince = time.Time{}
	m.Addresses[2].Missed, m.Addresses[2].Evidence = 1, 100
	mustWrite(t, w, m)
	if got := world.Objects(bucket)[v2Pending].Body; string(got) != string(theirs) || puts(world) != 2 {
		t.Errorf("%d writes, pending %s", puts(world), got)
	}
	now = now.Add(time.Minute) // quiet for ten minutes
	mustWrite(t, w, m)
	if puts(world) != 4 {
		t.Errorf("%d writes", puts(world))
	}
	world.Put(bucket, v2Pending, theirs)
	now = now.Add(time.Hour)
	world.Put(bucket, v2Active, theirs)
	if err := w.Write(t.Context(), m); err == nil {
		t.Error("that the function runs again is not said")
	}
	now = now.Add(10 * time.Minute)
	wantLeft(t, w.Write(t.Context(), m), "unreadable") // which a list of addresses without addresses is, and that is said beside
}

// A function that goes on for an hour is told of when it is first seen, and again only when it has been quiet in between.
func TestAFunctionThatGoesOnIsToldOfOnce(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v2", &now)
	told := 0
	for range 6 {
		world.Put(bucket, v2Active, []byte(`["10.0.1.5"]`))
		world.Put(bucket, v2Pending, []byte(`{"10.0.1.5": 1}`))
		now = now.Add(9 * time.Minute)
		if w.Write(t.Context(), remembering(t, now, 1)) != nil {
			told++
		}
		now = now.Add(time.Minute)
	}
	if told != 1 || puts(world) != 0 {
		t.Errorf("told %d times, %d writes", told, puts(world))
	}
}

// What the function wrote is replaced also where it says the same, so that what it writes later is known by its lack of a mark.
func TestTheFunctionsOwnObjectsAreMarkedThoughTheyAreTrue(t *testing.T) {
	now := halfPast
	world, w := keeping(t, "v3", &now)
	mustWrite(t, w, remembering(t, now, 1))
	body := world.Objects(bucket)[v3Key].Body
	world.Put(bucket, v3Key, body)
	now = now.Add(time.Hour)
	mustWrite(t, w, remembering(t, halfPast, 2))
	if got := world.Objects(bucket)[v3Key]; string(got.Body) != string(body) || got.Metadata["mooring-writer"] != "2 "+group+":443" {
		t.Errorf("%+v", got)
	}
}

// hostile are bodies that no function wrote.
var hostile = map[string]string{
	"empty": "", "no JSON": "no", "another form": `{"IPList": 5}`, "too large": strings.Repeat("x", 2<<20), "cut off": `{"10.0.1.5": `,
	"deep": strings.Repeat("[", 500_000), "deep within": strconv.Quote(strings.Repeat(`{"a":`, 100_000)), "many": `{"10.0.1.5": 1` + strings.Repeat(`, "10.0.1.5": 1`, 60_000) + ", }",
}

func TestWhatIsNotUnderstoodIsLeftAsItIs(t *testing.T) {
	for what, body := range hostile {
		for _, key := range []string{v2Pending, v2Active} {
			now := halfPast
			world, w := keeping(t, "v2", &now)
			world.Put(bucket, key, []byte(body))
			world.SetLastModified(bucket, key, now.Add(-time.Hour))
			m := remembering(t, now, 1)
			wantLeft(t, w.Write(t.Context(), m), "s3://"+bucket+"/"+key+" is unreadable (", "delete it or move it away")
			m.Addresses[1].Missed = 0
			mustWrite(t, w, m) // it is said once an hour, whatever the state
			if got := world.Objects(bucket); len(got) != 1 || string(got[key].Body) != body {
				t.Errorf("%s: %d objects, %.20q", what, len(got), got[key].Body)
			}
			now = now.Add(time.Hour)
			wantLeft(t, w.Write(t.Context(), m), "unreadable")
			world.Delete(bucket, key)
			now = now.Add(time.Hour)
			mustWrite(t, w, m)
			if n := puts(world); n != 2 {
				t.Errorf("%s: %d writes", what, n)
			}
		}
	}
}

func wantLeft(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if len(err.Error()) > 1000 {
		t.Errorf("%d bytes are said", len(err.Error()))
	}
	wantWords(t, err.Error(), words...)
}

// What mooring wrote for this binding may be mended, whatever became of it.
func TestWhatMooringWroteItselfIsReplacedThoughItIsUnreadable(t *testing.T) {
	now := halfPast
	world, cfg := startS3(t)
	world.Clock = func() time.Time { return now }
	w := connectWriter(t, cfg, "v3", &now)
	mustWrite(t, w, remembering(t, now, 1))
	mark := world.Objects(bucket)[v3Key].Metadata
	if _, err := store.ConnectS3API(cfg).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(v3Key), Body: strings.NewReader("no"), Metadata: mark,
	}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	mustWrite(t, w, remembering(t, halfPast, 2))
	if n := puts(world); n != 3 {
		t.Errorf("%d writes", n)
	}
}

// The functions of 2018 and 2021 name their objects by the load balancer alone, so that one for each port shared them.
func TestAnotherBindingsStateIsLeftAsItIs(t *testing.T) {
	now := halfPast
	world, cfg := startS3(t)
	world.Clock = func() time.Time { return now }
	first, second := connectPort(t, cfg, "v2", &now, 443), connectPort(t, cfg, "v2", &now, 80)
	mustWrite(t, first, remembering(t, now, 7))
	for range 2 {
		m := remembering(t, halfPast, 9)
		m.Addresses[0].GoneSince = halfPast
		wantLeft(t, second.Write(t.Context(), m), "s3://"+bucket+"/"+v2Pending+" is kept true for another binding (\""+group+":443\")", "delete the object")
		now = now.Add(time.Hour)
	}
	if n := puts(world); n != 2 {
		t.Errorf("%d writes", n)
	}
	world.Delete(bucket, v2Pending)
	world.Delete(bucket, v2Active)
	mustWrite(t, second, remembering(t, now, 9))
}

// A first run that might not read the older state made none of its targets ours, and it alone knows that they are the function's.
func TestWhatWasNotTakenOverIsNotLost(t *testing.T) {
	for format, objects := range map[string]map[string]string{
		"v1": {v1Active: strconv.Quote(`{"IPList": ["10.0.1.5"]}`), v1Pending: strconv.Quote(`{"10.0.1.66": 1, "10.0.1.99": 3}`)},
		"v2": {v2Active: `{"IPList": ["10.0.1.5", "10.0.1.66", "10.0.1.99"]}`, v2Pending: "{}"},
		"v3": {v3Key: `{"10.0.1.5": 3, "10.0.1.66": 2, "10.0.1.99": 1}`},
	} {
		now := halfPast
		world, w := keeping(t, format, &now)
		for key, body := range objects {
			world.Put(bucket, key, []byte(body))
			world.SetLastModified(bucket, key, now.Add(-time.Hour))
		}
		m := remembering(t, now, 1)
		m.Left.Addrs = addrs("10.0.1.5 10.0.1.6 10.0.1.10 10.0.1.11 10.0.1.66") // and not 10.0.1.99, which is gone
		wantLeft(t, w.Write(t.Context(), m), "was not taken over", "1 of its targets are registered and not ours, the first of them 10.0.1.66;", "mooring adopt")
		if n := puts(world); n != 0 {
			t.Errorf("%s: %d writes", format, n)
		}
		now = now.Add(time.Hour)
		m.Addresses = append(m.Addresses, mooring.Entry{Addr: netip.MustParseAddr("10.0.1.66")}) // an operator adopted it
		mustWrite(t, w, m)
		if n := puts(world); n != len(objects) {
			t.Errorf("%s: %d writes", format, n)
		}
	}
}
