package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"mooring"
)

const (
	lockWait = 5 * time.Second       // a save takes milliseconds
	lockPoll = 10 * time.Millisecond // between two looks at a lock that another process holds
)

// A File keeps the stored form in a file, which is only ever replaced as a whole.
// Several processes of one machine may use it at once. On a network file system its lock may not hold.
type File struct {
	path  string
	check error // why there can be no such file
}

var _ mooring.Store = (*File)(nil)

// NewFile keeps the memory of key, as [Key] makes it, under the directory dir.
// The directories are made by the first save, readable by nobody else; loading makes nothing.
func NewFile(dir, key string) *File {
	name := filepath.FromSlash(key)
	if !filepath.IsLocal(name) {
		return &File{check: fmt.Errorf("memory file %q: not below its directory", key)}
	}
	return &File{path: filepath.Join(dir, name)}
}

// Load implements [mooring.Store].
func (s *File) Load(context.Context) (mooring.Memory, string, error) {
	body, err := s.read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mooring.Memory{}, "", nil
	case err != nil:
		return mooring.Memory{}, "", s.failed("read", err)
	}
	m, err := mooring.DecodeMemory(body)
	if err != nil {
		return mooring.Memory{}, "", fmt.Errorf("read memory %s: %w", s.path, err)
	}
	return m, tagOf(body), nil
}

// Save implements [mooring.Store].
func (s *File) Save(ctx context.Context, m mooring.Memory, tag string) (string, error) {
	body, err := m.Encode()
	if err != nil {
		return "", err
	}
	if s.check != nil {
		return "", s.check
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return "", s.failed("save", err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return "", s.failed("save", err)
	}
	defer unlock()
	if err := s.replace(body, tag); err != nil {
		return "", s.failed("save", err)
	}
	return tagOf(body), nil
}

// failed says which memory it is about. That somebody may not read or write there is easily overlooked in an error
// about a lock or a directory.
func (s *File) failed(verb string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%s memory %s: the user that runs this may not do it there: %w", verb, s.path, err)
	}
	return fmt.Errorf("%s memory %s: %w", verb, s.path, err)
}

// read returns the file's content, and one byte more than is allowed where there is more.
// What is no regular file is not opened: a pipe would never answer.
func (s *File) read() ([]byte, error) {
	if s.check != nil {
		return nil, s.check
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", s.path)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, mooring.MaxMemorySize+1))
}

// replace compares and writes; the lock is held.
func (s *File) replace(body []byte, tag string) error {
	current := ""
	switch old, err := s.read(); {
	case err == nil:
		current = tagOf(old)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if current != tag {
		return mooring.ErrConflict
	}
	s.sweep()
	temp, err := s.write(body)
	if err == nil {
		err = os.Rename(temp, s.path)
	}
	if err != nil {
		s.sweep()
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

// write puts body into a new file beside the old one, and does not return before it is on the disk:
// a rename that outlives a crash which the content did not would leave an empty memory.
func (s *File) write(body []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*"+tempEnd)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(body); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// sweep removes what a crashed save left. Only who holds the lock writes such files, so all that are there are stale.
// One that cannot be removed costs only its space.
func (s *File) sweep() {
	dir, name := filepath.Split(s.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+".") && strings.HasSuffix(e.Name(), tempEnd) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

const tempEnd = ".tmp"

// lock keeps every other process, and every other goroutine, out until unlock is called.
// The lock's file stays: to remove it would let two processes lock two files of one name.
func (s *File) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, fmt.Errorf("%s is locked by another process", s.path))
	defer cancel()
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		switch locked, err := tryLock(f); {
		case err != nil:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", s.path, err), f.Close())
		case locked:
			return func() { _ = f.Close() }, nil // closing unlocks, as does a crash
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		}
	}
}
