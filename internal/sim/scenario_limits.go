package sim

import (
	"errors"
	"fmt"
	"time"
)

// limits of what a script may ask for: whoever plays one that he was sent waits for seconds, not for ever.
const (
	maxScript   = 1 << 20 // bytes
	maxCommands = 10_000
	maxAddrs    = 1000 // in one list; a target group takes no more
	maxNames    = 16
	maxLookups  = 10_000                    // in one search
	maxOlder    = 1000                      // lookups of the older function in one run
	maxTime     = 10 * 365 * 24 * time.Hour // that a script may last, or wait
	maxWork     = 200_000                   // addresses, lookups of the older function, and perRound, over all rounds
	perRound    = 20                        // what a round of an empty name costs beside one of many addresses
	maxRounds   = 10_000                    // in one command
)

// errWork ends a script whose rounds are too many, or about too much.
var errWork = errors.New("the script asks for too much: too many rounds of too many addresses")

// limits tells what a command has set beyond what a script may.
func (p *Player) limits() error {
	z, fault := p.world.Zone, []error{p.over}
	upTo := func(most int, what string, n int) {
		if n < 1 || n > most {
			fault = append(fault, fmt.Errorf("%s: want 1 to %d", what, most))
		}
	}
	lasting := func(what string, d time.Duration) {
		if d < 0 || d > maxTime {
			fault = append(fault, fmt.Errorf("%s: want 0s to %s", what, maxTime))
		}
	}
	upTo(maxAddrs, "answers", z.Answer)
	upTo(maxLookups, "max-lookups", z.MaxLookups)
	upTo(maxNames, "names", len(p.world.Binding.Hostnames))
	lasting("cache", z.Cache)
	if p.older != nil {
		upTo(maxOlder, "lookups", p.older.Lookups)
	}
	p.world.Adjust(func(g *TargetGroup) {
		lasting("healthy-after", g.HealthyAfter)
		lasting("drain", g.DrainFor)
	})
	lasting("time", p.now.Sub(began))
	if p.now.Before(p.before) {
		fault = append(fault, errors.New("time does not go back"))
	}
	p.before = p.now
	return errors.Join(fault...)
}

// affords counts what a round is about, and tells whether the script may still ask for so much.
func (p *Player) affords() bool {
	p.work += perRound + len(p.world.Truth()) + len(p.world.Targets())
	if p.older != nil {
		p.work += p.older.Lookups
	}
	if p.work > maxWork {
		p.over = errWork
	}
	return p.over == nil
}
