package sim

import "errors"

// limits of what a fate may ask for, beside those of its text: whoever lives one that he was sent waits for minutes, not
// for ever.
const (
	fateLookups = 1000        // questions of one search
	fateWork    = 500_000_000 // addresses and changes of a name that are gone through, and roundWork
	roundWork   = 500         // what a round costs for each address of the name and the group, and for perRound more
)

// errFate ends a life whose rounds are too many, or about too much.
var errFate = errors.New("it asks for too much: too many rounds of too many addresses")

// affordable tells what the turns so far ask for beyond what a fate may.
func (l *Life) affordable() error {
	z := l.zone()
	switch {
	case z.Answer > maxAddrs || z.MaxLookups > fateLookups:
		return errors.New("it asks for too many addresses, or for too many questions")
	case len(l.Binding.Hostnames) > maxNames:
		return errors.New("it asks for too many names")
	default:
		return nil
	}
}

// affords counts what a round is about, and tells whether the fate may still ask for so much.
func (l *Life) affords() bool {
	about := perRound + len(l.Truth()) + len(l.Targets())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.work += roundWork * about
	return !l.exhausted()
}

// exhausted tells whether all that the world may go through was; the caller holds the lock.
func (w *World) exhausted() bool { return w.most > 0 && w.work > w.most }
