package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// commands are what a script may say, besides what changes the world.
var commands = map[string]func(*Player, args) (string, error){
	"clock":   (*Player).clockAhead,
	"older":   (*Player).olderFunction,
	"wait":    (*Player).wait,
	"round":   (*Player).round,
	"rounds":  (*Player).rounds,
	"overlap": (*Player).overlap,
	"fault":   (*Player).fault,
	"show":    (*Player).show,
}

// older lookups=N: from now on AWS's function of 2021 runs beside us, right before each round, with so many lookups.
// older stops: it is switched off.
func (p *Player) olderFunction(a args) (string, error) {
	if strings.Join(a.plain, " ") == "stops" {
		p.older = nil
		return "the older function is switched off\n", nil
	}
	lookups := 50
	if err := a.each(map[string]func(string) error{"lookups": number(&lookups)}); err != nil || len(a.plain) > 0 {
		return "", fmt.Errorf("want lookups=N or stops: %w", err)
	}
	p.older = p.world.NewOlder(lookups, false)
	return "an older function runs beside us\n", nil
}

// wait DURATION: time passes.
func (p *Player) wait(a args) (string, error) {
	d, err := time.ParseDuration(strings.Join(a.plain, ""))
	p.now = p.now.Add(d)
	return "", err
}

// round: one round.
func (p *Player) round(args) (string, error) {
	return p.tellRound(p.run(nil)), nil
}

// rounds N [every=60s]: several rounds, with a wait after each. Those that tell the same as the one before are
// only counted.
func (p *Player) rounds(a args) (string, error) {
	n, err := strconv.Atoi(strings.Join(a.plain, ""))
	if err != nil {
		return "", fmt.Errorf("read number of rounds: %w", err)
	}
	if n < 1 || n > maxRounds {
		return "", fmt.Errorf("want 1 to %d rounds", maxRounds)
	}
	interval, err := time.ParseDuration(a.get("every", "60s"))
	if err != nil {
		return "", fmt.Errorf("read interval: %w", err)
	}
	var out strings.Builder
	last, same := "", 0
	for range n {
		said := p.tellRound(p.run(nil))
		p.now = p.now.Add(interval)
		_, body, _ := strings.Cut(said, ": ") // without its number and time
		if body == last {
			same++
			continue
		}
		out.WriteString(again(same, p.number-1))
		out.WriteString(said)
		last, same = body, 0
	}
	return out.String() + again(same, p.number), nil
}

// again says that the last rounds were all alike.
func again(same, last int) string {
	switch same {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("round %d: the same\n", last)
	default:
		return fmt.Sprintf("rounds %d-%d: the same\n", last-same+1, last)
	}
}

// overlap at=POINT pause=DURATION [addrs=LIST]: a run stops at a point; the name changes, another run goes
// through, time passes; then the first goes on.
func (p *Player) overlap(a args) (string, error) {
	at := Point(a.get("at", ""))
	if !slices.Contains(Points()[3:], at) { // the three reads are made at the same time, in no order
		return "", fmt.Errorf("want one of the points %v", Points()[3:])
	}
	pause, err := time.ParseDuration(a.get("pause", "0s"))
	if err != nil {
		return "", fmt.Errorf("read pause: %w", err)
	}
	var between string
	met := false
	n, report := p.run(func(point Point) {
		if point != at || met || err != nil {
			return
		}
		met = true
		between = fmt.Sprintf("round %d stops at %q\n", p.number, at)
		if list := a.get("addrs", ""); list != "" {
			var said string
			said, err = p.world.name(a)
			between += said
		}
		between += p.tellRound(p.run(nil))
		p.now = p.now.Add(pause)
	})
	if err == nil && !met {
		err = fmt.Errorf("the round never came to %q", at)
	}
	return between + p.tellRound(n, report), err
}

// fault CALL=FAULT: from now on this call fails; CALL=none ends that.
func (p *Player) fault(a args) (string, error) {
	for _, pair := range a.pairs {
		call, fault := Call(pair[0]), Fault(pair[1])
		if fault == "none" {
			fault = ""
		} else if !slices.Contains(FaultsOf(call), fault) {
			return "", fmt.Errorf("want one of %v for %q", FaultsOf(call), call)
		}
		p.faults[call] = fault
	}
	return "", nil
}

// show group|memory|missing: what there truly is, what is remembered of it, and of whom it is missed.
func (p *Player) show(a args) (string, error) {
	switch strings.Join(a.plain, " ") {
	case "group":
		return p.tellGroup(), nil
	case "memory":
		return p.tellMemory(), nil
	case "missing":
		return p.tellMissing(), nil
	default:
		return "", fmt.Errorf("want group, memory or missing")
	}
}
