//go:build unix

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"mooring/internal/store"
)

// leadUntilKilled holds the lease until its input ends, and says so.
func leadUntilKilled(dir string) error {
	if held, err := store.NewFileLease(dir, leaseKey).Hold(context.Background()); err != nil || !held {
		return fmt.Errorf("held %t, error %w", held, err)
	}
	fmt.Println("held")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestALockedLeaseEndsWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	other := command(t, "lead", dir)
	if _, err := other.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	said, err := other.StdoutPipe()
	if err := errors.Join(err, other.Start()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the other process said %q, error %v", line, err)
	}
	ours := store.NewFileLease(dir, leaseKey)
	hold(t, ours, false)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed, and says so
	hold(t, ours, true)
}

func TestALeaseWhoseFileWasReplacedIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	a, b := store.NewFileLease(dir, leaseKey), store.NewFileLease(dir, leaseKey)
	hold(t, a, true)
	if err := os.Remove(filepath.Join(dir, leaseKey)); err != nil {
		t.Fatal(err)
	}
	hold(t, b, true)
	hold(t, a, false)
	release(t, b)
	hold(t, a, true)
}

// Who locks a file that has just been replaced holds nothing: the other one may be locked by another.
func TestALeaseWhoseFileIsReplacedWhileItIsTakenIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	a, b := store.NewFileLease(dir, leaseKey), store.NewFileLease(dir, leaseKey)
	a.BeforeLocking(func() {
		if err := os.Remove(filepath.Join(dir, leaseKey)); err != nil {
			t.Fatal(err)
		}
		hold(t, b, true)
	})
	hold(t, a, false)
	hold(t, b, true)
}

func TestALeaseOutsideItsDirectoryOrOnAPipeIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"../watch.lease", "", filepath.Join(dir, "x"), "pipe", "."} {
		if held, err := store.NewFileLease(dir, key).Hold(t.Context()); err == nil || held {
			t.Errorf("%q: held %t", key, held)
		}
	}
}

func TestALeaseIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	hold(t, store.NewFileLease(dir, leaseKey), true)
	for _, name := range []string{"", leaseKey} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q is open to others: %v, error %v", name, info.Mode(), err)
		}
	}
}
