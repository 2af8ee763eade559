package store

import (
	"os"
	"time"

	"mooring"
)

// Put stores a body as it is, as somebody else's program may.
func (s *Memory) Put(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body = body
}

// Body returns what is stored.
func (s *Memory) Body() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body
}

// The readers of older functions' objects, for the fuzzer.
var (
	DecodeActive    = decodeActive
	DecodePending   = decodePending
	DecodeCountdown = decodeCountdown
	DecodeLease     = decodeLease
)

// NewLegacy reads what an older function left on S3 by api.
func NewLegacy(api S3API, c LegacyConfig) Legacy { return newLegacyObjects(api, c) }

// BeforeLocking lets something happen between the opening of the lease's file and its locking.
func (l *FileLease) BeforeLocking(do func()) {
	lock := l.lock
	l.lock = func(f *os.File) (bool, error) { do(); return lock(f) }
}

// LegacyRoundTrip writes the state that a memory makes and reads it again.
func LegacyRoundTrip(c LegacyWriteConfig, m mooring.Memory) (want, got mooring.Import, err error) {
	s := c.state(m)
	for _, b := range c.bodies(s, time.Now()) {
		if err := b.read(object{body: b.body}, &got); err != nil {
			return want, got, err
		}
	}
	return mooring.Import{Addrs: s.addrs, Missed: s.missed}, got, nil
}
