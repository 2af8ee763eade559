package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mooring"
)

// commands are what a script may say.
var commands = map[string]func(*Player, args) (string, error){
	"name":     (*Player).name,
	"bind":     (*Player).bind,
	"dns":      (*Player).dns,
	"policy":   (*Player).policy,
	"group":    (*Player).group,
	"operator": (*Player).operator,
	"older":    (*Player).olderFunction,
	"wait":     (*Player).wait,
	"round":    (*Player).round,
	"rounds":   (*Player).rounds,
	"overlap":  (*Player).overlap,
	"fault":    (*Player).fault,
	"memory":   (*Player).memory,
	"show":     (*Player).show,
}

// name addrs=LIST [host=NAME]: from now on the name holds these.
func (p *Player) name(a args) (string, error) {
	addrs, err := parseAddrs(a.get("addrs", "none"))
	if err != nil {
		return "", err
	}
	host := a.get("host", p.world.Binding.Hostnames[0])
	p.world.SetTruth(host, addrs)
	if len(addrs) == 1 {
		return host + " has 1 address\n", nil
	}
	return fmt.Sprintf("%s has %d addresses\n", host, len(addrs)), nil
}

// bind NAME...: from now on these hostnames are moored.
func (p *Player) bind(a args) (string, error) {
	if len(a.plain) == 0 {
		return "", fmt.Errorf("want a hostname")
	}
	p.world.Binding.Hostnames = a.plain
	for _, name := range a.plain {
		p.world.SetTruth(name, p.world.at(name, p.now))
	}
	return "bound to " + strings.Join(a.plain, ", ") + "\n", nil
}

// dns answers=N all=yes|no cache=DURATION max-lookups=N: how the name answers.
func (p *Player) dns(a args) (string, error) {
	z := &p.world.Zone
	return "", a.each(map[string]func(string) error{
		"answers":     number(&z.Answer),
		"max-lookups": number(&z.MaxLookups),
		"cache":       duration(&z.Cache),
		"all":         func(v string) error { z.All = v == "yes"; return nil },
	})
}

// policy profile=sampled|whole misses=N hold=DURATION ...: by what is judged.
func (p *Player) policy(a args) (string, error) {
	pol := &p.world.Policy
	err := a.each(map[string]func(string) error{
		"profile": func(v string) error {
			*pol = mooring.DefaultPolicy()
			if v == string(mooring.AnswersWhole) {
				*pol = mooring.WholePolicy()
			}
			return nil
		},
		"misses":      number(&pol.Misses),
		"min-targets": number(&pol.MinTargets),
		"max-targets": number(&pol.MaxTargets),
		"hold":        duration(&pol.Hold),
		"hold-max":    duration(&pol.HoldMax),
		"max-leave":   func(v string) error { return share(&pol.MaxLeave, v) },
		"mode":        func(v string) error { pol.Mode = mooring.Mode(v); return nil },
		"adopt":       func(v string) error { pol.Adopt = mooring.Adopt(v); return nil },
	})
	if err == nil {
		err = pol.Validate()
	}
	return "", err
}

// group healthy-after=DURATION drain=DURATION cross-zone=on|off sick=LIST refuse=LIST: what the group is like.
func (p *Player) group(a args) (string, error) {
	var err error
	p.world.Adjust(func(g *TargetGroup) {
		err = a.each(map[string]func(string) error{
			"healthy-after": duration(&g.HealthyAfter),
			"drain":         duration(&g.DrainFor),
			"cross-zone": func(v string) error {
				g.CrossZone, p.world.CrossZone = v == "on", mooring.CrossZone(v)
				return nil
			},
			"sick": func(v string) error {
				clear(g.Sick)
				return every(v, func(a netip.Addr) { g.Sick[a] = true })
			},
			"refuse": func(v string) error {
				clear(g.Refuse)
				return every(v, func(a netip.Addr) { g.Refuse[a] = "in use by a load balancer" })
			},
		})
	})
	return "", err
}

// operator register=LIST deregister=LIST [port=N]: somebody else changes the group.
func (p *Player) operator(a args) (string, error) {
	port := int(p.world.Binding.Port)
	hand := func(register bool) func(string) error {
		return func(list string) error {
			var faults []error
			err := every(list, func(a netip.Addr) { faults = append(faults, p.world.ByHand(register, a, uint16(port))) })
			return errors.Join(append(faults, err)...)
		}
	}
	return "", a.each(map[string]func(string) error{
		"port": number(&port), "register": hand(true), "deregister": hand(false),
	})
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
			said, err = p.name(a)
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

// memory ACCIDENT: something befalls the stored memory.
func (p *Player) memory(a args) (string, error) {
	return "", p.world.Befall(Accident(strings.Join(a.plain, " ")))
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

func number(to *int) func(string) error {
	return func(v string) (err error) { *to, err = strconv.Atoi(v); return err }
}

func duration(to *time.Duration) func(string) error {
	return func(v string) (err error) { *to, err = time.ParseDuration(v); return err }
}

func share(to *float64, percent string) error {
	f, err := strconv.ParseFloat(strings.TrimSuffix(percent, "%"), 64)
	*to = f / 100
	return err
}

func every(list string, do func(netip.Addr)) error {
	addrs, err := parseAddrs(list)
	for _, a := range addrs {
		do(a)
	}
	return err
}
