package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Shrink returns a shorter fate that still fails: it leaves out whatever it can, first all that comes after the end, then
// halves, then single turns and single words, and then the rounds in which nothing befell anybody. It asks fails at
// most tries times.
func Shrink(f Fate, tries int, fails func(Fate) bool) Fate {
	s := &shrinking{best: f, tries: tries, fails: fails}
	for before := -1; before != s.size() && s.tries > 0; {
		before = s.size()
		s.end()
		s.leaveOut()
		s.shortenTurns()
		s.closeGaps()
	}
	return s.best
}

type shrinking struct {
	best  Fate
	tries int
	fails func(Fate) bool
}

func (s *shrinking) size() int { return len(s.best.String()) + s.best.rounds() }

// try takes a fate that fails.
func (s *shrinking) try(f Fate) bool {
	if s.tries--; s.tries < 0 || !s.fails(f) {
		return false
	}
	s.best = f
	return true
}

// end looks for the first round after which it fails, by halves.
func (s *shrinking) end() {
	for low, high := 0, s.best.rounds(); low < high; {
		middle := (low + high) / 2
		if s.try(s.best.until(middle)) {
			high = middle
		} else {
			low = middle + 1
		}
	}
}

// leaveOut leaves turns out, as many at once as it can.
func (s *shrinking) leaveOut() {
	for size := len(s.best.Turns) / 2; size > 0; size /= 2 {
		for at := 1; at < len(s.best.Turns); { // the first turn says what the world is
			f := s.best
			f.Turns = slices.Delete(slices.Clone(f.Turns), at, min(at+size, len(f.Turns)))
			if !s.try(f) {
				at += size
			}
		}
	}
}

// shortenTurns leaves words out of turns that have several.
func (s *shrinking) shortenTurns() {
	for i := 1; i < len(s.best.Turns); i++ {
		for word := 1; ; {
			words := strings.Fields(s.best.Turns[i].Command)
			if len(words) < 3 || word >= len(words) {
				break
			}
			f := s.best
			f.Turns = slices.Clone(f.Turns)
			f.Turns[i].Command = strings.Join(slices.Delete(words, word, word+1), " ")
			if !s.try(f) {
				word++
			}
		}
	}
}

// closeGaps leaves out rounds before which nothing happens.
func (s *shrinking) closeGaps() {
	for i := 1; i < len(s.best.Turns); i++ {
		for gap := s.best.Turns[i].Round - s.best.Turns[i-1].Round; gap > 0; gap /= 2 {
			if s.try(s.best.earlier(i, gap)) {
				break
			}
		}
	}
}

// rounds is how many there are, which the first turn may say.
func (f Fate) rounds() (n int) {
	for _, t := range f.Turns {
		n = max(n, t.Round)
		for word := range strings.FieldsSeq(t.Command) {
			if t.Round == 0 && strings.HasPrefix(word, "rounds=") {
				_, _ = fmt.Sscanf(word, "rounds=%d", &n)
			}
		}
	}
	return n
}

// lasting is the fate with so many rounds.
func (f Fate) lasting(rounds int) Fate {
	f.Turns = slices.Clone(f.Turns)
	for i, t := range f.Turns {
		words := strings.Fields(t.Command)
		for w := range words {
			if t.Round == 0 && strings.HasPrefix(words[w], "rounds=") {
				words[w] = fmt.Sprintf("rounds=%d", rounds)
			}
		}
		f.Turns[i].Command = strings.Join(words, " ")
	}
	return f
}

// until is the fate up to a round, and no longer.
func (f Fate) until(round int) Fate {
	f = f.lasting(round)
	f.Turns = slices.DeleteFunc(f.Turns, func(t Turn) bool { return t.Round > round })
	return f
}

// earlier is the fate with a turn, and all that follow it, so many rounds earlier.
func (f Fate) earlier(turn, rounds int) Fate {
	f = f.lasting(f.rounds() - rounds)
	for i := turn; i < len(f.Turns); i++ {
		f.Turns[i].Round -= rounds
	}
	return f
}
