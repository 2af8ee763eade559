package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// A FileLease is an exclusive lock of the operating system on a file. It ends with the process, however that ends,
// and has no life to run out: who is merely stopped keeps it. On a network file system it may not hold.
// It may be used by several goroutines.
type FileLease struct {
	path  string
	check error // why there can be no such file
	lock  func(*os.File) (bool, error)

	mu   sync.Mutex
	file *os.File // locked; nil while it is not held
}

var _ Lease = (*FileLease)(nil)

// NewFileLease makes the lease of key, as [LeaseKey] makes it, under the directory dir.
func NewFileLease(dir, key string) *FileLease {
	name := filepath.FromSlash(key)
	if !filepath.IsLocal(name) {
		return &FileLease{check: fmt.Errorf("lease file %q: not below its directory", key)}
	}
	return &FileLease{path: filepath.Join(dir, name), lock: tryLock}
}

// Hold implements [Lease]. The directories and the file are made where they are not there, readable by nobody else.
func (l *FileLease) Hold(context.Context) (bool, error) {
	if l.check != nil {
		return false, l.check
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.stands() {
		return true, nil
	}
	if err := errors.Join(l.close(), l.take()); err != nil {
		return false, fmt.Errorf("hold lease %s: %w", l.path, err)
	}
	return l.file != nil, nil
}

// stands tells whether the locked file is still the one of that name: another may have been put in its place,
// and be locked by another process.
func (l *FileLease) stands() bool {
	ours, err := l.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(l.path)
	return err == nil && os.SameFile(ours, there)
}

// take locks the file unless somebody else holds it.
func (l *FileLease) take() error {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	if info, err := os.Lstat(l.path); err == nil && !info.Mode().IsRegular() {
		return errors.New("it is no regular file") // a pipe could be locked by nobody, or by all
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	locked, err := l.lock(f)
	if err != nil || !locked {
		return errors.Join(err, f.Close())
	}
	if l.file = f; !l.stands() { // it was replaced between the opening and the locking; the next call finds the new one
		return l.close()
	}
	return nil
}

// close unlocks what is locked.
func (l *FileLease) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// Release implements [Lease]. The file stays: to remove it would let two processes lock two files of one name.
func (l *FileLease) Release(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.close(); err != nil {
		return fmt.Errorf("release lease %s: %w", l.path, err)
	}
	return nil
}
