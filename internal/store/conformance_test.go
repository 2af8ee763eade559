package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mooring"
	"mooring/internal/store"
)

// A place is where one memory is kept.
type place struct {
	open   func() mooring.Store // as one more process does
	put    func([]byte)         // by somebody else's program
	remove func()
	body   func() []byte // nil where there is nothing

	// serial says that saves must come one after the other. moto compares and writes in two steps: on a busy machine
	// two of twenty that came at once have both won. AWS promises that one does, as the world's S3 does.
	serial bool
}

// everywhere runs a story in every kind of store.
func everywhere(t *testing.T, story func(*testing.T, place)) {
	t.Helper()
	for name, at := range map[string]func(*testing.T) place{
		"memory": inMemory, "file": inFile, "s3": onSim, "moto": onMoto,
	} {
		t.Run(name, func(t *testing.T) { story(t, at(t)) })
	}
}

func inMemory(*testing.T) place {
	var s store.Memory
	return place{
		open: func() mooring.Store { return &s }, put: s.Put,
		remove: func() { s.Put(nil) }, body: s.Body,
	}
}

const fileKey = "mooring/web/0123/443.json"

func inFile(t *testing.T) place {
	dir := t.TempDir()
	path := filepath.Join(dir, fileKey)
	return place{
		open: func() mooring.Store { return store.NewFile(dir, fileKey) },
		put: func(body []byte) {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, body, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		remove: func() {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		body: func() []byte {
			body, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			return body
		},
	}
}

// memory is a sound memory of one address.
func memory(revision uint64) mooring.Memory {
	at := time.Date(2026, 11, 23, 14, 40, 0, 0, time.UTC)
	return mooring.Memory{
		Version: mooring.MemoryVersion, Revision: revision, Program: "test", Saved: at,
		Hostnames: []string{"alb.example.com"},
		Addresses: []mooring.Entry{{Addr: netip.MustParseAddr("10.0.1.5"), Since: at}},
	}
}

func encode(t *testing.T, m mooring.Memory) []byte {
	t.Helper()
	body, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func load(t *testing.T, s mooring.Store) (mooring.Memory, string) {
	t.Helper()
	m, tag, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return m, tag
}

func save(t *testing.T, s mooring.Store, m mooring.Memory, tag string) string {
	t.Helper()
	tag, err := s.Save(t.Context(), m, tag)
	if err != nil {
		t.Fatalf("save: %v", err)
	}
	if tag == "" {
		t.Fatal("saved, and no tag")
	}
	return tag
}

func wantConflict(t *testing.T, s mooring.Store, m mooring.Memory, tag string) {
	t.Helper()
	if got, err := s.Save(t.Context(), m, tag); !errors.Is(err, mooring.ErrConflict) || got != "" {
		t.Fatalf("saved over another run: tag %q, error %v", got, err)
	}
}

func TestAFirstRunFindsNothingAndMakesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		m, tag := load(t, p.open())
		if tag != "" || !bytes.Equal(encode(t, m), encode(t, mooring.Memory{})) || m.Unusable != "" || m.Import != nil {
			t.Errorf("found %+v with tag %q where nothing is", m, tag)
		}
		if p.body() != nil {
			t.Error("loading made something")
		}
	})
}

func TestWhatIsSavedIsLoadedByAnyProcess(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		first := save(t, p.open(), memory(1), "")
		got, tag := load(t, p.open())
		if !bytes.Equal(encode(t, got), encode(t, memory(1))) || tag != first {
			t.Errorf("loaded revision %d with tag %q, saved was 1 with %q", got.Revision, tag, first)
		}
		second := save(t, p.open(), memory(2), tag)
		if got, tag := load(t, p.open()); got.Revision != 2 || tag != second || tag == first {
			t.Errorf("loaded revision %d with tag %q, saved was 2 with %q", got.Revision, tag, second)
		}
		save(t, p.open(), memory(3), second)
	})
}

func TestASaveByAnOldTagIsLost(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		s := p.open()
		first := save(t, s, memory(1), "")
		save(t, s, memory(2), first)
		wantConflict(t, p.open(), memory(7), first)
		wantConflict(t, p.open(), memory(8), "")
		if got, _ := load(t, s); got.Revision != 2 {
			t.Errorf("revision %d stands, the winner's was 2", got.Revision)
		}
	})
}

func TestOfTwentyOverlappingRunsOneWins(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		tag := ""
		for base := 100; base <= 200; base += 100 { // create, then replace
			winner := race(t, p, tag, func(i int) mooring.Memory { return memory(uint64(base + i)) })
			got, now := load(t, p.open())
			if got.Revision != uint64(base+winner) {
				t.Errorf("revision %d stands, the winner's was %d", got.Revision, base+winner)
			}
			tag = now
		}
	})
}

func TestRunsOfTheSameInstantThatSaveTheSameAreStillTwo(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		tag := save(t, p.open(), memory(1), "")
		race(t, p, tag, func(int) mooring.Memory { return memory(2) })
	})
}

// race saves twenty memories at once and returns which one was saved.
func race(t *testing.T, p place, tag string, m func(int) mooring.Memory) (winner int) {
	t.Helper()
	errs := make([]error, 20)
	var all sync.WaitGroup
	for i := range errs {
		s := p.open()
		save := func() { _, errs[i] = s.Save(t.Context(), m(i), tag) }
		if p.serial {
			save()
			continue
		}
		all.Go(save)
	}
	all.Wait()
	winner = -1
	for i, err := range errs {
		switch {
		case errors.Is(err, mooring.ErrConflict):
		case err != nil:
			t.Errorf("writer %d: %v", i, err)
		case winner >= 0:
			t.Errorf("writers %d and %d both won", winner, i)
		default:
			winner = i
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

func TestWhatCannotBeReadIsNeverOverwritten(t *testing.T) {
	newer := `{"version": 99, "revision": 1, "addresses": {"of": "another form"}}`
	for what, c := range map[string]struct{ body, word string }{
		"newer":         {newer, "newer"},
		"corrupt":       {`{"version": 1, "addr`, "unreadable"},
		"empty":         {"", "unreadable"},
		"not a memory":  {`["10.0.1.5"]`, "unreadable"},
		"unknown field": {`{"version": 1, "colour": "red"}`, "unreadable"},
		"huge":          {strings.Repeat(" ", mooring.MaxMemorySize) + newer, "limit"},
	} {
		t.Run(what, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p place) {
				p.put([]byte(c.body))
				m, tag, err := p.open().Load(t.Context())
				if !errors.Is(err, mooring.ErrMemory) || tag != "" || m.Revision != 0 {
					t.Fatalf("loaded revision %d with tag %q, error %v", m.Revision, tag, err)
				}
				if !strings.Contains(err.Error(), c.word) {
					t.Errorf("%q is not said: %v", c.word, err)
				}
				wantConflict(t, p.open(), memory(1), tag)
				if got := p.body(); string(got) != c.body {
					t.Errorf("overwritten by %d bytes", len(got))
				}
			})
		})
	}
}

func TestAMemoryOfExactlyTheLimitIsRead(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		body := encode(t, memory(1))
		p.put(append(body, bytes.Repeat([]byte(" "), mooring.MaxMemorySize-len(body))...))
		if m, tag := load(t, p.open()); m.Revision != 1 || tag == "" {
			t.Errorf("loaded revision %d with tag %q", m.Revision, tag)
		}
	})
}

func TestAMemoryDeletedMeanwhileIsNotCreatedByAReplacement(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		tag := save(t, p.open(), memory(1), "")
		p.remove()
		wantConflict(t, p.open(), memory(2), tag)
		if p.body() != nil {
			t.Error("an old count came back to life")
		}
		if _, tag := load(t, p.open()); tag != "" {
			t.Errorf("the next run is no first run: tag %q", tag)
		}
		save(t, p.open(), memory(1), "")
	})
}

func TestNoneSaysThatNobodyMayLeaveAndSavesNothing(t *testing.T) {
	m, tag, err := store.None{}.Load(t.Context())
	if err != nil || tag != "" || m.Unusable == "" {
		t.Errorf("loaded %+v with tag %q, error %v", m, tag, err)
	}
	if tag, err := (store.None{}).Save(t.Context(), memory(1), ""); err == nil || tag != "" {
		t.Errorf("saved nowhere, with tag %q", tag)
	}
}

func TestTheKeyIsMadeOfTheGroupAndThePort(t *testing.T) {
	const arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-443/0123456789abcdef"
	for prefix, want := range map[string]string{
		"":                 "mooring/web-443/0123456789abcdef/443.json",
		"alb.example.com/": "alb.example.com/mooring/web-443/0123456789abcdef/443.json",
	} {
		if got, err := store.Key(prefix, arn, 443); err != nil || got != want {
			t.Errorf("%q: key %q, error %v; want %q", prefix, got, err, want)
		}
	}
	china := strings.Replace(arn, ":aws:", ":aws-cn:", 1)
	if _, err := store.Key("", china, 443); err != nil {
		t.Errorf("another partition: %v", err)
	}
}

func TestEachFrontHasAKeyOfItsOwnWhichEveryFileSystemTakes(t *testing.T) {
	owners := map[string]string{}
	for front, want := range map[string]string{
		"tcp://127.0.0.1:8443":   "mooring/tcp/127.0.0.1_8443/443.json",
		"tcp://0.0.0.0:8443":     "mooring/tcp/0.0.0.0_8443/443.json",
		"tcp://[::]:8443":        "mooring/tcp/--_8443/443.json",
		"tcp://[::1]:8443":       "mooring/tcp/--1_8443/443.json",
		"tcp://[1::]:8443":       "mooring/tcp/1--_8443/443.json",
		"tcp://[fd00::1:0]:8443": "mooring/tcp/fd00--1-0_8443/443.json",
		"tcp://[fd00::1]:84":     "mooring/tcp/fd00--1_84/443.json",
	} {
		got, err := store.Key("", front, 443)
		if err != nil || got != want || owners[got] != "" {
			t.Errorf("%s: key %q, error %v, which is also that of %q; want %q", front, got, err, owners[got], want)
		}
		owners[got] = front
		for part := range strings.SplitSeq(got, "/") { // https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
			if strings.ContainsAny(part, `<>:"\|?*`) || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
				t.Errorf("%s: %q is no name on Windows", front, part)
			}
		}
	}
}

func TestAHostileGroupNameIsNoPath(t *testing.T) {
	const head = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:"
	for _, arn := range []string{
		"", "web", "tcp://", "tcp://:443", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://app.example.com:443",
		"tcp://127.0.0.1:443/../../x", "tcp://[fe80::1%../..]:443", "tcp://[::ffff:10.0.0.1]:443", "tcp://[FD00::1]:443", "tcp://127.0.0.1:0443", "udp://127.0.0.1:443", head, head + "targetgroup/web", head + "targetgroup/web/01/02",
		head + "targetgroup/../01", head + "targetgroup/web/..", head + "targetgroup//01", head + "targetgroup/web/",
		head + "targetgroup/w\x00b/01", head + "targetgroup/w\nb/01", head + `targetgroup/w\b/01`, head + "targetgroup/w%2fb/01",
		head + "loadbalancer/web/01", head + "targetgroup/web/01:x",
		"arn:aws:s3:eu-central-1:123456789012:targetgroup/web/01",
		head + "targetgroup/" + strings.Repeat("a", 65) + "/01",
	} {
		if key, err := store.Key("", arn, 443); err == nil {
			t.Errorf("%q became the key %q", arn, key)
		}
	}
	good := head + "targetgroup/web/01"
	for _, prefix := range []string{"../", "a/../", "a/..", "./", "a/./b", "a\x00b/", "a\nb/", strings.Repeat("a", 513)} {
		if key, err := store.Key(prefix, good, 443); err == nil {
			t.Errorf("the prefix %q became the key %q", prefix, key)
		}
	}
	if key, err := store.Key("", good, 0); err == nil {
		t.Errorf("no port became the key %q", key)
	}
}
