package store

import "os"

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
