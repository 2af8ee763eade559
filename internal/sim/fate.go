package sim

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// A Fate is what a world is like and what befalls it, decided beforehand and said in the words of a story, so that it
// can be read, kept, and made shorter. What it leaves to chance, which addresses an answer shows and how long a call
// takes, follows from its seed and from the number of the round, and not from what befell the world before.
type Fate struct {
	Seed  uint64
	Turns []Turn // by rounds

	most int // that may be gone through; 0: as much as it takes
}

// A Turn is a command and the round before which it is carried out. Those of round 0 make the world.
type Turn struct {
	Round   int
	Command string
}

// The limits of a fate that is read.
const (
	lastRound = 100_000
	maxTurns  = 100_000
)

// String is the fate as [ParseFate] reads it: a line with the seed, then a line a turn.
func (f Fate) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "seed %d\n", f.Seed)
	for _, t := range f.Turns {
		fmt.Fprintf(&out, "%d %s\n", t.Round, t.Command)
	}
	return out.String()
}

// ParseFate reads a fate. Empty lines and those that begin with # are for people.
func ParseFate(text string) (Fate, error) {
	f := Fate{most: fateWork}
	seeded := false
	lines := bufio.NewScanner(strings.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		var err error
		if !seeded {
			seeded = true
			err = f.readSeed(word, rest)
		} else {
			err = f.readTurn(word, rest)
		}
		if err != nil {
			return Fate{}, fmt.Errorf("line %d: %q: %w", number, line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Fate{}, fmt.Errorf("read fate: %w", err)
	}
	return f, nil
}

func (f *Fate) readSeed(word, rest string) (err error) {
	if word != "seed" {
		return fmt.Errorf("want the seed first: seed N")
	}
	if f.Seed, err = strconv.ParseUint(rest, 10, 64); err != nil {
		return fmt.Errorf("read seed: %w", err)
	}
	return nil
}

func (f *Fate) readTurn(word, rest string) error {
	round, err := strconv.Atoi(word)
	last := 0
	if n := len(f.Turns); n > 0 {
		last = f.Turns[n-1].Round
	}
	switch {
	case err != nil:
		return fmt.Errorf("want ROUND COMMAND: %w", err)
	case round < last || round > lastRound:
		return fmt.Errorf("want a round from %d to %d", last, lastRound)
	case len(f.Turns) == maxTurns:
		return fmt.Errorf("more than %d turns", maxTurns)
	case !known(rest):
		return fmt.Errorf("no such command")
	}
	f.Turns = append(f.Turns, Turn{round, rest})
	return nil
}

func known(command string) bool {
	word, _, _ := strings.Cut(command, " ")
	_, world := worldCommands[word]
	_, life := lifeCommands[word]
	return world || life
}
