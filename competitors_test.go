package mooring_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"mooring"
)

// The tools that mooring replaces, or stands beside, have bugs that take live targets out, or leave dead ones in.
// Each is a story here: the same minutes are lived by the tool's rule, restated in a few lines from its source, and by
// a real round of ours, with real lookups and a real store. The story must tell the bug of the one and nothing of the
// other, so no story is there that cannot fail.

// A minute is what a run gets to see.
type minute struct {
	dns   []netip.Addr     // one answer
	err   error            // or why there is none
	group []mooring.Target // what the group holds
	state error            // why the state cannot be read
}

// An action is what a run does to the group.
type action struct {
	register, deregister []netip.AddrPort
	registers            string // what is registered that is no address
	saved                int    // the count of misses of 10.0.0.9 that is stored afterwards
	failed               bool   // the run says that it did not come through
}

// A rule lives one minute. What it remembers is in its closure.
type rule func(minute) action

func on443(addrs []netip.Addr) (out []netip.AddrPort) {
	for _, a := range addrs {
		out = append(out, netip.AddrPortFrom(a, 443))
	}
	return out
}

func without(from, drop []netip.Addr) (out []netip.Addr) {
	for _, a := range from {
		if !slices.Contains(drop, a) {
			out = append(out, a)
		}
	}
	return out
}

// members lists the group as the older tools read it: by address, whatever the port and the state.
func members(m minute) (out []netip.Addr) {
	for _, t := range m.group {
		out = append(out, t.Addr)
	}
	return out
}

// awsV2 is the rule of AWS's function of 2021.
func awsV2() rule {
	active, pending := addrs("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.9"), map[netip.Addr]int{}
	return func(in minute) action {
		if in.state != nil {
			active, pending = nil, map[netip.Addr]int{} // any error counts as a first run
		}
		act := action{register: on443(without(in.dns, members(in)))}
		counts := map[netip.Addr]int{}
		for _, a := range without(slices.Concat(active, without(members(in), active)), in.dns) { // whoever put it into the group
			counts[a] = pending[a] + 1
			if counts[a] >= 3 {
				act.deregister = append(act.deregister, netip.AddrPortFrom(a, 443))
			}
		}
		slices.SortFunc(act.deregister, netip.AddrPort.Compare)
		pending = counts
		if len(act.register) > 0 {
			active = in.dns // and only then: who has gone stays in the list
		}
		act.saved = pending[netip.MustParseAddr("10.0.0.9")]
		return act
	}
}

// registeredMinusResolved is what is left of the rule in the rewrites that dropped the state.
func registeredMinusResolved(in minute) action {
	return action{register: on443(without(in.dns, members(in))), deregister: on443(without(members(in), in.dns))}
}

func TestTheBugsOfOthers(t *testing.T) {
	five := healthy("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.9")
	all := addrs("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.9")
	fails := errors.New("SERVFAIL")
	for _, story := range []struct {
		name   string
		theirs rule
		strict bool // the group's targets are not known to us
		live   []minute
		bug    func([]action) error
	}{
		{
			name:   "ASEA and LZA alb-ip-monitor: a DNS error leaves the list empty, and everything registered is removed",
			theirs: registeredMinusResolved,
			live:   []minute{{err: fails, group: five}, {err: fails, group: five}, {err: fails, group: five}, {err: fails, group: five}},
			bug:    removesAny(all...),
		},
		{
			name: "MoJ, Lendable, neillturner, davel: only the first address is compared, and all that was registered is removed",
			theirs: func(in minute) action {
				if slices.Contains(members(in), in.dns[0]) {
					return action{}
				}
				return action{register: on443(in.dns[:1]), deregister: on443(members(in))}
			},
			live: []minute{{dns: addrs("10.0.0.1 10.0.0.2"), group: healthy("10.0.0.2 10.0.0.3")}},
			bug:  removesAny(addrs("10.0.0.2")...),
		},
		{
			name:   "AWS v2: who has gone stays pending for ever, and is deregistered each minute",
			theirs: awsV2(),
			live:   slices.Concat(repeat(minute{dns: all[:4], group: five}, 3), repeat(minute{dns: all[:4], group: five[:4]}, 3)),
			bug: func(acts []action) error {
				for _, a := range acts[3:] {
					if len(a.deregister) > 0 {
						return fmt.Errorf("deregisters %v, which is gone", a.deregister)
					}
				}
				return nil
			},
		},
		{
			name:   "AWS v2: state that cannot be read counts as a first run, and the counts begin again",
			theirs: awsV2(),
			live: []minute{
				{dns: all[:4], group: five}, {dns: all[:4], group: five}, {dns: all[:4], group: five, state: errors.New("503 slow down")},
			},
			bug: func(acts []action) error {
				if last := acts[2]; last.saved < 2 || !last.failed {
					return fmt.Errorf("stores %d misses where there were 2; failed: %t", last.saved, last.failed)
				}
				return nil
			},
		},
		{
			name:   "AWS v1, v2, v3: a draining target counts as registered, so an address that returns has to wait",
			theirs: registeredMinusResolved,
			live:   []minute{{dns: all, group: append(healthy("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"), draining("10.0.0.9"))}},
			bug:    misses("10.0.0.9"),
		},
		{
			name:   "AWS v1, v2, v3: a target on another port counts as registered",
			theirs: registeredMinusResolved,
			live:   []minute{{dns: all[:1], group: []mooring.Target{{Addr: all[0], Port: 80, Health: mooring.HealthHealthy}}}},
			bug:    misses("10.0.0.1"),
		},
		{
			name:   "AWS v3: an error is caught and the run counts as a success",
			theirs: func(minute) action { return action{} },
			live:   []minute{{err: fails, group: five}},
			bug: func(acts []action) error {
				if !acts[0].failed {
					return errors.New("says that it came through")
				}
				return nil
			},
		},
		{
			name: "cresta: an AAAA answer is registered as <nil>",
			theirs: func(in minute) action {
				for _, a := range in.dns {
					if !a.Is4() {
						return action{registers: "<nil>"}
					}
				}
				return action{}
			},
			live: []minute{{dns: append(addrs("2600:1f18::1"), all...), group: five}}, // of a dualstack name; the group takes IPv4
			bug: func(acts []action) error {
				if acts[0].registers != "" || len(acts[0].register) > 0 || acts[0].failed {
					return fmt.Errorf("registers %s %v", acts[0].registers, acts[0].register)
				}
				return nil
			},
		},
		{
			name:   "cresta: a target that is not known is removed at first sight",
			strict: true,
			theirs: registeredMinusResolved,
			live:   repeat(minute{dns: all[:4], group: five}, 5),
			bug:    removesAny(netip.MustParseAddr("10.0.0.9")),
		},
		{
			name:   "enode: an empty list, which a typo or a missing permission yields as well, removes everything",
			theirs: registeredMinusResolved,
			live:   repeat(minute{group: five}, 5),
			bug:    removesAny(all...),
		},
		{
			name: "RDS cross-account, Redis: one look at the failover event, which may come before the change of DNS, and none after",
			theirs: func() rule {
				looked := false
				return func(in minute) action {
					if looked {
						return action{}
					}
					looked = true
					return registeredMinusResolved(in)
				}
			}(),
			live: []minute{{dns: all[:1], group: five[:1]}, {dns: all[1:2], group: five[:1]}},
			bug: func(acts []action) error {
				if len(acts[1].register) == 0 {
					return errors.New("stays on the old address")
				}
				return nil
			},
		},
		{
			name: "camptocamp, gpkfr: without a port a deregistration is a silent no-op, or removes the wrong target",
			theirs: func(in minute) action {
				var out action
				for _, a := range without(members(in), in.dns) {
					out.deregister = append(out.deregister, netip.AddrPortFrom(a, 0))
				}
				return out
			},
			live: repeat(minute{dns: all[:4], group: five}, 3),
			bug: func(acts []action) error {
				if last := acts[2].deregister; len(last) != 1 || last[0] != netip.AddrPortFrom(all[4], 443) {
					return fmt.Errorf("deregisters %v, want 10.0.0.9:443", last)
				}
				return nil
			},
		},
		{
			name:   "Polar and most rewrites since 2022: one answer without an address, and it is gone at once",
			theirs: registeredMinusResolved,
			live:   []minute{{dns: all[:4], group: five}, {dns: all, group: five}},
			bug:    removesAny(all[4]),
		},
	} {
		t.Run(story.name, func(t *testing.T) {
			if story.bug(liveThrough(story.theirs, story.live)) == nil {
				t.Error("the story does not tell the bug")
			}
			if err := story.bug(liveThrough(ours(t, !story.strict), story.live)); err != nil {
				t.Errorf("mooring has it too: %v", err)
			}
		})
	}
}

func liveThrough(r rule, minutes []minute) (acts []action) {
	for _, m := range minutes {
		acts = append(acts, r(m))
	}
	return acts
}

func repeat(m minute, n int) []minute { return slices.Repeat([]minute{m}, n) }

func draining(a string) mooring.Target {
	return mooring.Target{Addr: netip.MustParseAddr(a), Port: 443, Health: mooring.HealthDraining}
}

func removesAny(addrs ...netip.Addr) func([]action) error {
	return func(acts []action) error {
		for i, a := range acts {
			for _, gone := range a.deregister {
				if slices.Contains(addrs, gone.Addr()) {
					return fmt.Errorf("minute %d removes %s, which is live", i+1, gone)
				}
			}
		}
		return nil
	}
}

func misses(addr string) func([]action) error {
	return func(acts []action) error {
		if !slices.Contains(acts[0].register, netip.AddrPortFrom(netip.MustParseAddr(addr), 443)) {
			return fmt.Errorf("does not register %s: %v", addr, acts[0].register)
		}
		return nil
	}
}
