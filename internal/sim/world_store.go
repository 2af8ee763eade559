package sim

import (
	"encoding/json"
	"fmt"
	"strconv"

	"mooring"
)

// A storage holds one memory, in its stored form.
type storage struct {
	asValue bool // a saved memory is kept as it is, and not read back from its stored form
	body    []byte
	decoded mooring.Memory
	err     error
	tag     int
	saves   int
}

// KeepValues makes the store keep a saved memory as it is. The stored form has tests of its own, and takes a third of
// the time of a world.
func (w *World) KeepValues() { w.store.asValue = true }

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
		s.body, s.decoded, s.err = []byte("as it is"), m, nil
		s.tag++
		return nil
	}
	body, err := m.Encode()
	if err != nil {
		return err
	}
	s.put(body)
	return nil
}

func (s *storage) current() string {
	if s.body == nil {
		return ""
	}
	return strconv.Itoa(s.tag)
}

func (s *storage) put(body []byte) {
	s.body = body
	s.tag++
	s.decoded, s.err = mooring.DecodeMemory(body)
}

// An Accident is what can befall a stored memory between two rounds.
type Accident string

// The accidents.
const (
	MemoryLost    Accident = "lost"    // deleted
	MemoryNewer   Accident = "newer"   // written by a newer program
	MemoryCorrupt Accident = "corrupt" // not even JSON
	MemoryForged  Accident = "forged"  // somebody wrote that all of ours have long been missing
	MemoryFuture  Accident = "future"  // written by a clock that was a day ahead
)

// Accidents returns all of them.
func Accidents() []Accident {
	return []Accident{MemoryLost, MemoryNewer, MemoryCorrupt, MemoryForged, MemoryFuture}
}

// Befall does to the stored memory what the accident says.
func (w *World) Befall(a Accident) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("memory: %s", a)
	w.meet("memory " + string(a))
	clear(w.aside)
	switch a {
	case MemoryLost:
		w.store.body = nil
		clear(w.ledger) // whoever is missing is counted anew
		return nil
	case MemoryNewer:
		w.store.put([]byte(`{"version": 99}`))
		return nil
	case MemoryCorrupt:
		w.store.put([]byte(`{"version": 1, "addr`))
		return nil
	case MemoryForged, MemoryFuture:
		return w.forge(a)
	default:
		return fmt.Errorf("no such accident: %q", a)
	}
}

// forge rewrites the stored memory against everybody in it.
func (w *World) forge(a Accident) error {
	m, _, err := w.store.load()
	if err != nil || w.store.body == nil {
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
		w.ledger[e.Addr] = absence{forged: true}
	}
	if body, err = copied.Encode(); err != nil {
		return err
	}
	w.store.put(body)
	return nil
}

// Memory returns what is stored.
func (w *World) Memory() (mooring.Memory, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, _, err := w.store.load()
	return m, err
}

// Usable tells whether the stored memory can be read.
func (w *World) Usable() bool {
	_, err := w.Memory()
	return err == nil
}
