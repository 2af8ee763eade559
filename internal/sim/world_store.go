package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"mooring"
)

// A place is where a binding's memory lives.
type place struct {
	group string
	port  uint16
}

// A storage holds one memory, in its stored form, and what the checker knows by it.
type storage struct {
	version
	asValue bool // a saved memory is kept as it is, and not read back from its stored form
	last    int  // the tag that was given out last
	saves   int
	was     []version // that could be read, oldest first

	ledger map[netip.Addr]absence
	aside  map[netip.Addr]setAside
	shown  map[netip.Addr]bool // by any answer, ever
}

// A version is what was stored at some time.
type version struct {
	body    []byte
	decoded mooring.Memory
	err     error
	tag     int
	at      time.Time
	counted map[netip.Addr]absence // the ledger when it was saved
}

// maxVersions is how many versions a storage keeps.
const maxVersions = 100

// KeepValues makes the store keep a saved memory as it is. The stored form has tests of its own, and takes a third of
// the time of a world.
func (w *World) KeepValues() { w.asValue = true }

// stored is where the binding of now is remembered; the caller holds the lock.
func (w *World) stored() *storage { return w.storedAt(w.Binding) }

func (w *World) storedAt(b mooring.Binding) *storage {
	at := place{b.TargetGroup, b.Port}
	if w.stores[at] == nil {
		w.stores[at] = &storage{
			asValue: w.asValue, ledger: map[netip.Addr]absence{}, aside: map[netip.Addr]setAside{}, shown: map[netip.Addr]bool{},
		}
	}
	return w.stores[at]
}

// storage is where the process remembers; the caller holds the world's lock.
func (p *Process) storage() *storage { return p.w.storedAt(p.binding) }

func (s *storage) load() (mooring.Memory, string, error) {
	if s.body == nil {
		return mooring.Memory{}, "", nil
	}
	return s.decoded, strconv.Itoa(s.tag), s.err
}

// save is a conditional write: it takes effect only where nobody saved since the tag was given out.
func (s *storage) save(m mooring.Memory, tag string) error {
	if s.current() != tag {
		return mooring.ErrConflict
	}
	s.saves++
	if s.asValue {
		s.put([]byte("as it is"), m, nil)
		return nil
	}
	body, err := m.Encode()
	if err != nil {
		return err
	}
	s.write(body)
	return nil
}

func (s *storage) current() string {
	if s.body == nil {
		return ""
	}
	return strconv.Itoa(s.tag)
}

func (s *storage) put(body []byte, decoded mooring.Memory, err error) {
	s.last++
	s.version = version{body: body, decoded: decoded, err: err, tag: s.last}
}

func (s *storage) write(body []byte) {
	decoded, err := mooring.DecodeMemory(body)
	s.put(body, decoded, err)
}

// lose deletes what is stored. Whoever is missing is counted anew.
func (s *storage) lose() {
	s.body = nil
	clear(s.ledger)
	clear(s.aside)
}

// keep notes the version of now.
func (s *storage) keep(now time.Time) {
	s.at, s.counted = now, maps.Clone(s.ledger)
	s.was = append(s.was[max(0, len(s.was)-maxVersions+1):], s.version)
}

// back restores the latest version that is as old as this, or the oldest. A version that returns has its old tag again.
func (s *storage) back(by time.Time) {
	for i, v := range slices.Backward(s.was) {
		if i == 0 || !v.at.After(by) {
			s.version = v
			clear(s.ledger)
			maps.Copy(s.ledger, v.counted)
			return
		}
	}
}

// An Accident is what can befall a stored memory between two rounds.
type Accident string

// The accidents.
const (
	MemoryLost     Accident = "lost"     // deleted
	MemoryNewer    Accident = "newer"    // written by a newer program: this one is a downgrade
	MemoryCorrupt  Accident = "corrupt"  // not even JSON
	MemoryGarbage  Accident = "garbage"  // 3 MB of it
	MemoryHuge     Accident = "huge"     // a good one, blown up beyond the limit
	MemoryForged   Accident = "forged"   // somebody wrote that all of ours have long been missing
	MemoryFuture   Accident = "future"   // written by a clock that was a day ahead
	MemoryBack     Accident = "back"     // as it was ten minutes ago
	MemoryRestored Accident = "restored" // as it was last, when it could be read
)

// Accidents returns all of them.
func Accidents() []Accident {
	return []Accident{
		MemoryLost, MemoryNewer, MemoryCorrupt, MemoryGarbage, MemoryHuge, MemoryForged, MemoryFuture, MemoryBack, MemoryRestored,
	}
}

// Befall does to the stored memory what the accident says.
func (w *World) Befall(a Accident) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("memory: %s", a)
	w.meet("memory " + string(a))
	s := w.stored()
	clear(s.aside)
	switch a {
	case MemoryLost:
		s.lose()
		return nil
	case MemoryNewer:
		s.write([]byte(`{"version": 99}`))
		return nil
	case MemoryCorrupt:
		s.write([]byte(`{"version": 1, "addr`))
		return nil
	case MemoryGarbage:
		s.write(bytes.Repeat([]byte("garbage "), 3<<20/8))
		return nil
	case MemoryHuge:
		s.write(append([]byte(`{"version": 1}`), bytes.Repeat([]byte(" "), mooring.MaxMemorySize)...))
		return nil
	case MemoryBack:
		s.back(w.Now().Add(-lag * 5))
		return nil
	case MemoryRestored:
		s.back(w.Now())
		return nil
	case MemoryForged, MemoryFuture:
		return w.forge(a)
	default:
		return fmt.Errorf("no such accident: %q", a)
	}
}

// forge rewrites the stored memory against everybody in it.
func (w *World) forge(a Accident) error {
	s := w.stored()
	m, _, err := s.load()
	if err != nil || s.body == nil {
		return nil // there is nothing to forge
	}
	body, err := m.Encode()
	if err != nil {
		return err
	}
	var copied mooring.Memory
	if err := json.Unmarshal(body, &copied); err != nil {
		return fmt.Errorf("forge memory: %w", err)
	}
	for i := range copied.Addresses {
		e := &copied.Addresses[i]
		since := w.Now().Add(-lag * 10)
		if a == MemoryFuture {
			since = w.Now().AddDate(0, 0, 1)
		}
		e.Missed, e.Evidence, e.MissingSince, e.LastMiss = 99, 9999, since, since
		if a == MemoryFuture {
			e.Missed, e.Evidence = 1, 1
		}
		s.ledger[e.Addr] = absence{forged: true}
	}
	if body, err = copied.Encode(); err != nil {
		return err
	}
	s.write(body)
	return nil
}

// Memory returns what is stored.
func (w *World) Memory() (mooring.Memory, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, _, err := w.stored().load()
	return m, err
}

// Usable tells whether the stored memory can be read.
func (w *World) Usable() bool {
	_, err := w.Memory()
	return err == nil
}
