package demo

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mooring"
	"mooring/internal/sim"
)

// Language explains the commands of a live story, for --help.
const Language = `  # TEXT                       a chapter: what is shown while the commands below it are played
  load N                       the client of the fixed address has N requests under way, each over a new connection
  name addrs=LIST              the name shows these, and no others
  start LIST [warm=DURATION]   nodes come up at these addresses; they refuse connections until they are warm
  stop LIST                    nodes die: they finish what they have, and refuse connections
  dns fault=FAULT              the zone's servers answer with nxdomain, servfail or refused; none: with the truth again
  resolver addrs=LIST          the system's resolver shows these instead of what the zone has; none: no longer
  rounds N [within=DURATION]   wait for N rounds of mooring, but not longer
  wait DURATION                wait for so long
  until leave                  wait until a round lets somebody go
  until gone LIST              wait until none of these is registered in the front
  until healthy LIST           wait until all of these are healthy in the front
LIST is addresses and ranges of their last number, as 10.0.0.11-14,10.0.1.11, or none where nothing is meant. Durations
are the story's. A wait by until of more than 60 rounds is an error.`

// limits of what a story may ask for.
const (
	maxStory  = 1 << 20
	maxSteps  = 10_000
	maxNodes  = 64 // in one list
	maxLoad   = 1000
	maxRounds = 10_000
	maxWait   = 24 * time.Hour
	patience  = 60 // rounds that an until may take
)

// IsLive tells whether a script is played live: it has a load. Others are for the simulated world.
func IsLive(script string) bool {
	for line := range strings.Lines(script) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "load" {
			return true
		}
	}
	return false
}

// A story is what happens, in order.
type story struct {
	steps    []step
	chapters int
	pinned   []netip.Addr // the first addresses of the name
}

// A step is one command, or the beginning of a chapter.
type step struct {
	line    int
	text    string
	chapter int // the number of the chapter that begins here; 0: none does

	act   func(*stage) error // nil: it waits
	wait  waiting
	names []netip.Addr // that the name shows from then on; nil: as before
}

// A waiting is over when all of it is, or the time is.
type waiting struct {
	rounds int                             // so many; with until: at most
	until  func(*stage, []netip.Addr) bool // what the front holds, and whom the last round let go
	within time.Duration                   // in the story's time; 0: without limit
}

var commands = map[string]func(words []string) (step, error){
	"load": parseLoad, "name": parseName, "start": parseStart, "stop": parseStop, "dns": parseDNS,
	"resolver": parseResolver, "rounds": parseRounds, "wait": parseWait, "until": parseUntil,
}

// parseStory reads a live story. Errors name the line.
func parseStory(script string) (story, error) {
	var s story
	if len(script) > maxStory {
		return s, fmt.Errorf("the story has %d bytes, over the limit of %d", len(script), maxStory)
	}
	number, before := 0, false // whether the line before was a part of a chapter's text
	for line := range strings.Lines(script) {
		number++
		line = strings.TrimSpace(line)
		text, comment := strings.CutPrefix(line, "#")
		text = strings.TrimSpace(mooring.Printable(text)) // it may be anybody's, and goes to a terminal
		switch {
		case comment && before:
			last := &s.steps[len(s.steps)-1]
			last.text = strings.TrimSpace(last.text + " " + text)
		case comment:
			s.chapters++
			s.steps = append(s.steps, step{line: number, text: text, chapter: s.chapters, act: func(*stage) error { return nil }})
		case line != "":
			one, err := parseCommand(line)
			if err != nil {
				return s, fmt.Errorf("line %d: %w", number, err)
			}
			one.line, one.text = number, line
			s.steps = append(s.steps, one)
		}
		before = comment
		if len(s.steps) > maxSteps {
			return s, fmt.Errorf("line %d: more than %d commands", number, maxSteps)
		}
	}
	return s, s.complete(script)
}

// complete tells what a story cannot be without.
func (s *story) complete(script string) error {
	if i := slices.IndexFunc(s.steps, func(one step) bool { return len(one.names) > 0 }); i >= 0 {
		first := s.steps[i].names
		s.pinned = first[:min(len(first), maxPinned)]
	}
	switch {
	case !IsLive(script):
		return errors.New("a live story needs a load")
	case len(s.pinned) == 0:
		return errors.New("a live story needs a name with addresses")
	case !slices.ContainsFunc(s.steps, func(one step) bool { return one.act == nil }):
		return errors.New("a live story must wait for something: rounds, wait or until")
	default:
		return nil
	}
}

// maxPinned is how many of the first addresses the other client pins.
const maxPinned = 4

func parseCommand(line string) (step, error) {
	words := strings.Fields(line)
	parse, ok := commands[words[0]]
	if !ok {
		return step{}, fmt.Errorf("%s: no such command", words[0])
	}
	one, err := parse(words[1:])
	if err != nil {
		return step{}, fmt.Errorf("%s: %w", words[0], err)
	}
	return one, nil
}

func parseLoad(words []string) (step, error) {
	n, err := onlyNumber(words, 0, maxLoad)
	return step{act: func(s *stage) error { s.load.set(n); return nil }}, err
}

func parseName(words []string) (step, error) {
	addrs, err := onlyList(words, "addrs=")
	if err == nil && len(addrs) == 0 {
		err = errors.New("want addresses; for a name that is gone see dns fault=nxdomain")
	}
	return step{act: func(s *stage) error { return s.show(addrs) }, names: addrs}, err
}

func parseStart(words []string) (step, error) {
	var warm time.Duration
	if len(words) == 2 {
		value, ok := strings.CutPrefix(words[1], "warm=")
		if !ok {
			return step{}, fmt.Errorf("%q: want warm=DURATION", words[1])
		}
		var err error
		if warm, err = parseDuration(value); err != nil {
			return step{}, err
		}
		words = words[:1]
	}
	addrs, err := onlyList(words, "")
	return step{act: func(s *stage) error { return s.start(addrs, warm) }}, err
}

func parseStop(words []string) (step, error) {
	addrs, err := onlyList(words, "")
	return step{act: func(s *stage) error { s.stop(addrs); return nil }}, err
}

var faults = map[string]sim.DNSFault{
	"none": sim.DNSNone, "nxdomain": sim.DNSNXDomain, "servfail": sim.DNSServFail, "refused": sim.DNSRefused,
}

func parseDNS(words []string) (step, error) {
	value, ok := strings.CutPrefix(strings.Join(words, " "), "fault=")
	fault, known := faults[value]
	if !ok || !known {
		return step{}, errors.New("want fault=nxdomain, fault=servfail, fault=refused or fault=none")
	}
	return step{act: func(s *stage) error { s.fault(fault); return nil }}, nil
}

func parseResolver(words []string) (step, error) {
	addrs, err := onlyList(words, "addrs=")
	return step{act: func(s *stage) error { s.resolver(addrs); return nil }}, err
}

func parseRounds(words []string) (step, error) {
	var w waiting
	if len(words) == 2 {
		value, ok := strings.CutPrefix(words[1], "within=")
		if !ok {
			return step{}, fmt.Errorf("%q: want within=DURATION", words[1])
		}
		var err error
		if w.within, err = parseDuration(value); err != nil {
			return step{}, err
		}
		words = words[:1]
	}
	var err error
	w.rounds, err = onlyNumber(words, 1, maxRounds)
	return step{wait: w}, err
}

func parseWait(words []string) (step, error) {
	d, err := parseDuration(strings.Join(words, " "))
	return step{wait: waiting{within: d}}, err
}

func parseUntil(words []string) (step, error) {
	w := waiting{rounds: patience}
	if len(words) == 1 && words[0] == "leave" {
		w.until = func(_ *stage, left []netip.Addr) bool { return len(left) > 0 }
		return step{wait: w}, nil
	}
	if len(words) != 2 || words[0] != "gone" && words[0] != "healthy" {
		return step{}, errors.New("want leave, gone LIST or healthy LIST")
	}
	addrs, err := onlyList(words[1:], "")
	w.until = func(s *stage, _ []netip.Addr) bool { return s.gone(addrs) }
	if words[0] == "healthy" {
		w.until = func(s *stage, _ []netip.Addr) bool { return s.healthy(addrs) }
	}
	return step{wait: w}, err
}

func onlyNumber(words []string, least, most int) (int, error) {
	n, err := strconv.Atoi(strings.Join(words, " "))
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q: want a number from %d to %d", strings.Join(words, " "), least, most)
	}
	return n, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxWait {
		return 0, fmt.Errorf("%q: want a duration above 0 and up to %s, as 90s or 4m", text, maxWait)
	}
	return d, nil
}

// onlyList reads one list, after what it begins with.
func onlyList(words []string, prefix string) ([]netip.Addr, error) {
	list, ok := strings.CutPrefix(strings.Join(words, " "), prefix)
	if !ok || list == "" || len(words) != 1 {
		return nil, fmt.Errorf("%q: want %sLIST, as %s10.0.0.11-14,10.0.1.11", strings.Join(words, " "), prefix, prefix)
	}
	return parseAddrs(list)
}

// parseAddrs reads a list. Only addresses that a target group takes may be in it: another would taint every answer.
func parseAddrs(list string) (out []netip.Addr, err error) {
	if list == "none" {
		return nil, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := netip.ParseAddr(first)
		if err != nil || !from.Is4() || !usualPolicy().Admits(from) {
			return nil, fmt.Errorf("%q: want a private IPv4 address", first)
		}
		to := from
		if isRange {
			if to, err = netip.ParseAddr(first[:strings.LastIndex(first, ".")+1] + last); err != nil || to.Less(from) {
				return nil, fmt.Errorf("%q: want a range of the last number, as 10.0.0.11-14", part)
			}
		}
		for ; !to.Less(from); from = from.Next() {
			out = append(out, from)
			if len(out) > maxNodes {
				return nil, fmt.Errorf("more than %d addresses", maxNodes)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out), nil
}

// list writes addresses as parseAddrs reads them.
func list(addrs []netip.Addr) string { return sim.Ranges(addrs, ",") }
