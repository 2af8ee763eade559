//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mooring"
	"mooring/internal/store"
	"mooring/internal/store/mototest"
)

// TestMain is also the other process of some tests.
func TestMain(m *testing.M) {
	dir := os.Getenv("STORE_TEST_DIR")
	var err error
	switch os.Getenv("STORE_TEST_ROLE") {
	case "count":
		err = count(dir, 50)
	case "lead":
		err = leadUntilKilled(dir)
	case "full disk":
		err = saveOnFullDisk(dir)
	case "powerless":
		err = useWithoutPermission(dir)
	default:
		code := m.Run()
		if err := mototest.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process starts this program in a role of TestMain.
func process(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	other := command(t, role, dir)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	return other
}

// command is this program in a role of TestMain.
func command(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self)
	other.Env = append(os.Environ(), "STORE_TEST_ROLE="+role, "STORE_TEST_DIR="+dir)
	other.Stderr = os.Stderr
	return other
}

// saveOnFullDisk saves where no file may have more than 16 bytes, and expects that to fail.
func saveOnFullDisk(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 16, Max: 16}); err != nil {
		return err
	}
	ctx, s := context.Background(), store.NewFile(dir, fileKey)
	_, tag, err := s.Load(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Save(ctx, memory(2), tag); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("saved on a full disk: %w", err)
	}
	return nil
}

// useWithoutPermission loads and saves as somebody who may read all of dir and write nothing, and whom "closed" is
// closed to. What it is told must name the memory.
func useWithoutPermission(dir string) error {
	if err := syscall.Setuid(65534); err != nil {
		return err
	}
	ctx, said := context.Background(), func(err error, path string) error {
		if !errors.Is(err, fs.ErrPermission) || errors.Is(err, mooring.ErrConflict) ||
			!strings.Contains(err.Error(), "memory "+path+": the user that runs this may not do it there: ") {
			return fmt.Errorf("said of %s: %w", path, err)
		}
		return nil
	}
	s := store.NewFile(dir, fileKey)
	_, tag, err := s.Load(ctx)
	if err != nil || tag != "" {
		return fmt.Errorf("load with tag %q: %w", tag, err)
	}
	_, notSaved := s.Save(ctx, memory(1), tag)
	closed := filepath.Join(dir, "closed")
	_, _, notLoaded := store.NewFile(closed, fileKey).Load(ctx)
	return errors.Join(said(notSaved, filepath.Join(dir, fileKey)), said(notLoaded, filepath.Join(closed, fileKey)))
}

// count raises the revision n times, again after each lost race.
func count(dir string, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := store.NewFile(dir, fileKey)
	for n > 0 {
		m, tag, err := s.Load(ctx)
		if err != nil {
			return err
		}
		_, err = s.Save(ctx, memory(m.Revision+1), tag)
		switch {
		case err == nil:
			n--
		case !errors.Is(err, mooring.ErrConflict):
			return err
		}
	}
	return nil
}

func TestTwoProcessesLoseNoSave(t *testing.T) {
	dir := t.TempDir()
	other := process(t, "count", dir)
	if err := errors.Join(count(dir, 50), other.Wait()); err != nil {
		t.Fatal(err)
	}
	if m, _ := load(t, store.NewFile(dir, fileKey)); m.Revision != 100 {
		t.Errorf("revision %d after 2 times 50 saves", m.Revision)
	}
}

func TestAFileIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "us")
	save(t, store.NewFile(dir, fileKey), memory(1), "")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatACrashedSaveLeftIsCleared(t *testing.T) {
	dir := t.TempDir()
	s := store.NewFile(dir, fileKey)
	tag := save(t, s, memory(1), "")
	stale := filepath.Join(dir, fileKey+".123.tmp")
	foreign := filepath.Join(dir, filepath.Dir(fileKey), "80.json.123.tmp")
	for _, name := range []string{stale, foreign} {
		if err := os.WriteFile(name, []byte(`{"ver`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if m, _ := load(t, s); m.Revision != 1 {
		t.Errorf("revision %d beside a half-written file", m.Revision)
	}
	save(t, s, memory(2), tag)
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale file is still there: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("another binding's file was removed: %v", err)
	}
}

func TestASaveThatFailsLeavesTheOldMemory(t *testing.T) {
	dir := t.TempDir()
	s := store.NewFile(dir, fileKey)
	tag := save(t, s, memory(1), "")
	if err := process(t, "full disk", dir).Wait(); err != nil {
		t.Fatal(err)
	}
	if m, now := load(t, s); m.Revision != 1 || now != tag {
		t.Errorf("revision %d with tag %q after a save that failed", m.Revision, now)
	}
	left, err := filepath.Glob(filepath.Join(dir, fileKey+"*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, error %v", left, err)
	}
	save(t, s, memory(2), tag)
}

func TestWhoMayNotWriteIsToldWhichMemoryItIs(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("MOORING_REQUIRE_NAMESPACE") != "" {
			t.Fatal("MOORING_REQUIRE_NAMESPACE is set, and this is not root")
		}
		t.Skip("needs root, to become somebody else")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil { // others are to read it
			t.Fatal(err)
		}
	}
	if err := process(t, "powerless", dir).Wait(); err != nil {
		t.Error(err)
	}
}

func TestASaveWaitsForTheLockAsLongAsItMay(t *testing.T) {
	dir := t.TempDir()
	s := store.NewFile(dir, fileKey)
	tag := save(t, s, memory(1), "")
	lock, err := os.OpenFile(filepath.Join(dir, fileKey+".lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Save(ctx, memory(2), tag); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("saved past another's lock, error %v", err)
	}
	if m, _ := load(t, s); m.Revision != 1 {
		t.Errorf("revision %d past another's lock", m.Revision)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	save(t, s, memory(2), tag)
}

func TestAPipeInTheMemorysPlaceStopsNobody(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileKey)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s := store.NewFile(dir, fileKey)
	if _, _, err := s.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("loaded from a pipe, error %v", err)
	}
	if _, err := s.Save(t.Context(), memory(1), ""); err == nil {
		t.Error("saved over a pipe")
	}
}

func TestAFileOutsideItsDirectoryIsNeitherReadNorWritten(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "443.json")
	if err := os.WriteFile(outside, encode(t, memory(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"../443.json", "a/../../443.json", outside, ""} {
		s := store.NewFile(filepath.Join(dir, "below"), key)
		if m, _, err := s.Load(t.Context()); err == nil {
			t.Errorf("%q: loaded revision %d", key, m.Revision)
		}
		if _, err := s.Save(t.Context(), memory(2), ""); err == nil || errors.Is(err, mooring.ErrConflict) {
			t.Errorf("%q: saved, error %v", key, err)
		}
	}
}
