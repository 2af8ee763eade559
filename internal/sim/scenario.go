package sim

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"mooring"
)

// A Player plays a script in a world of its own. Its clock stands still but for the waits of the script, so
// that a day passes in no time and every play of a script tells the same story.
//
// A script is made of blocks: lines of commands, a line "----", and the transcript of what they did, which
// ends at an empty line. Lines that begin with # between the blocks tell the story.
type Player struct {
	world  *World
	now    time.Time
	faults map[Call]Fault
	older  *Older // runs beside us; nil: nobody does
	number int
	broken int
	ahead  time.Duration // by which the clocks of the processes are

	count  int       // of commands
	work   int       // of all rounds
	over   error     // too much of it
	before time.Time // when the last command was over
}

// began is when every script does.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// BrokenPromise begins a line of a transcript that tells of one.
const BrokenPromise = "BROKEN PROMISE"

// NewPlayer returns a player whose world is calm and whose name holds nothing yet.
func NewPlayer() *Player {
	p := &Player{now: began, faults: map[Call]Fault{}}
	p.world = NewWorld(1, func() time.Time { return p.now })
	p.world.Fault = func(_ *Process, c Call) Fault { return p.faults[c] }
	return p
}

// Play plays a script from its beginning and returns it with the transcripts as they came out.
func Play(script string) (string, error) {
	var out strings.Builder
	err := NewPlayer().Play(script, func(block Block) { out.WriteString(block.String()) })
	return out.String(), err
}

// A Block is some commands and what they did, or a line beside the commands.
type Block struct {
	Text       string   // a comment or an empty line
	Commands   []string // none: the block is its text
	Transcript string
}

// String is the block as it stands in the script.
func (b Block) String() string {
	if len(b.Commands) == 0 {
		return b.Text + "\n"
	}
	return strings.Join(b.Commands, "\n") + "\n----\n" + b.Transcript
}

// Play plays a script and shows each block when it is done.
func (p *Player) Play(script string, show func(Block)) error {
	if len(script) > maxScript {
		return fmt.Errorf("the script has %d bytes, over the limit of %d", len(script), maxScript)
	}
	var commands []string
	skipping := false // the transcript of an earlier play
	lines := bufio.NewScanner(strings.NewReader(script))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimRight(lines.Text(), " \t")
		switch {
		case skipping && line != "":
		case line == "----":
			block := Block{Commands: commands}
			for _, command := range commands {
				said, err := p.Do(command)
				if err != nil {
					return fmt.Errorf("line %d: %s: %w", number, command, err)
				}
				block.Transcript += said
			}
			show(block)
			commands, skipping = nil, true
		case line == "" || strings.HasPrefix(line, "#"):
			skipping = false
			if len(commands) > 0 {
				return fmt.Errorf("line %d: commands without ----", number)
			}
			show(Block{Text: line})
		default:
			commands = append(commands, line)
		}
	}
	if len(commands) > 0 {
		return fmt.Errorf("at the end: commands without ----")
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read script: %w", err)
	}
	return nil
}

// Do carries out one command and tells what it did.
func (p *Player) Do(command string) (string, error) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return "", nil
	}
	if p.count++; p.count > maxCommands {
		return "", fmt.Errorf("over the limit of %d commands", maxCommands)
	}
	said, err := p.obey(parseArgs(words))
	if err != nil {
		return "", err
	}
	if err := p.limits(); err != nil {
		return "", err
	}
	for _, b := range p.world.Broken()[p.broken:] {
		said += BrokenPromise + " " + b + "\n"
		p.broken++
	}
	return said, nil
}

func (p *Player) obey(a args) (string, error) {
	if do, ok := commands[a.word]; ok {
		return do(p, a)
	}
	if do, ok := worldCommands[a.word]; ok {
		return do(p.world, a)
	}
	return "", fmt.Errorf("no such command: %q", a.word)
}

// args are a command's words: those without "=" in order, the others by their key.
type args struct {
	word  string // the command itself
	plain []string
	pairs [][2]string
}

func parseArgs(words []string) args {
	a := args{word: words[0]}
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok {
			a.pairs = append(a.pairs, [2]string{key, value})
		} else {
			a.plain = append(a.plain, w)
		}
	}
	return a
}

// get returns the value of a key, and otherwise what is said to be usual.
func (a args) get(key, usual string) string {
	for _, pair := range a.pairs {
		if pair[0] == key {
			return pair[1]
		}
	}
	return usual
}

// each applies a setter to every pair. An unknown key is an error, for a script must not be misread.
func (a args) each(set map[string]func(string) error) error {
	for _, pair := range a.pairs {
		f, ok := set[pair[0]]
		if !ok {
			return fmt.Errorf("no such argument: %q", pair[0])
		}
		if err := f(pair[1]); err != nil {
			return fmt.Errorf("%s: %w", pair[0], err)
		}
	}
	return nil
}

// parseAddrs reads "10.0.1.1-8,10.0.2.1": addresses, and ranges of their last number. "none" is none.
func parseAddrs(list string) (out []netip.Addr, err error) {
	if list == "none" {
		return nil, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := netip.ParseAddr(first)
		if err != nil {
			return nil, fmt.Errorf("read address: %w", err)
		}
		to := from
		if isRange {
			if to, err = netip.ParseAddr(first[:strings.LastIndex(first, ".")+1] + last); err != nil {
				return nil, fmt.Errorf("read end of range: %w", err)
			}
		}
		for ; from.IsValid() && !to.Less(from); from = from.Next() { // after the last address of all comes none
			if len(out) == maxAddrs {
				return nil, fmt.Errorf("%s: over the limit of %d addresses", list, maxAddrs)
			}
			out = append(out, from)
		}
	}
	return out, nil
}

// ranges writes addresses as parseAddrs reads them, with spaces.
func ranges(addrs []netip.Addr) string { return Ranges(addrs, " ") }

// Ranges writes addresses as a script has them, neighbours as one: 10.0.0.1-4. None at all is "none".
func Ranges(addrs []netip.Addr, between string) string {
	var out []string
	for i := 0; i < len(addrs); {
		j := i
		for j+1 < len(addrs) && addrs[j+1] == addrs[j].Next() {
			j++
		}
		text := addrs[i].String()
		if j > i {
			last := addrs[j].String()
			text += "-" + last[strings.LastIndex(last, ".")+1:]
		}
		out = append(out, text)
		i = j + 1
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, between)
}

// clock is the time since the script began.
func (p *Player) clock() string {
	d := p.now.Sub(began)
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// run runs one round, which the script calls by its number.
func (p *Player) run(at func(Point)) (int, mooring.Report) {
	p.number++
	if !p.affords() {
		return p.number, mooring.Report{}
	}
	if p.older != nil {
		p.older.Run()
	}
	process := p.world.NewProcess(fmt.Sprint("run ", p.number))
	process.At = at
	process.Step(p.ahead)
	number := p.number
	return number, process.Round(context.Background())
}
