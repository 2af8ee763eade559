package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"mooring"
)

// worldCommands are what changes a world: a script and a fate say them in the same words.
var worldCommands = map[string]func(*World, args) (string, error){
	"name":     (*World).name,
	"bind":     (*World).bind,
	"dns":      (*World).dns,
	"policy":   (*World).policy,
	"group":    (*World).group,
	"operator": (*World).operator,
	"memory":   (*World).memory,
	"rebind":   (*World).rebind,
}

// name addrs=LIST [host=NAME]: from now on the name holds these.
func (w *World) name(a args) (string, error) {
	addrs, err := parseAddrs(a.get("addrs", "none"))
	if err != nil {
		return "", err
	}
	host := a.get("host", w.Binding.Hostnames[0])
	w.SetTruth(host, addrs)
	if len(addrs) == 1 {
		return host + " has 1 address\n", nil
	}
	return fmt.Sprintf("%s has %d addresses\n", host, len(addrs)), nil
}

// bind NAME...: from now on these hostnames are moored.
func (w *World) bind(a args) (string, error) {
	if len(a.plain) == 0 {
		return "", fmt.Errorf("want a hostname")
	}
	w.Rebind(func(b *mooring.Binding, _ *mooring.Policy) { b.Hostnames = a.plain })
	for _, name := range a.plain {
		w.SetTruth(name, w.at(name, w.Now()))
	}
	return "bound to " + strings.Join(a.plain, ", ") + "\n", nil
}

// dns KEY=VALUE...: how the name answers, by the settings of a [Zone].
func (w *World) dns(a args) (_ string, err error) {
	w.AdjustZone(func(z *Zone) { err = z.set(a) })
	return "", err
}

// policy profile=sampled|whole misses=N hold=DURATION ...: by what is judged.
func (w *World) policy(a args) (string, error) {
	changed := w.Policy
	pol := &changed
	err := a.each(map[string]func(string) error{
		"profile": func(v string) error {
			admit := pol.Admit
			*pol = mooring.DefaultPolicy()
			if v == string(mooring.AnswersWhole) {
				*pol = mooring.WholePolicy()
			}
			pol.Admit = admit
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
	if err == nil {
		w.Rebind(func(_ *mooring.Binding, p *mooring.Policy) { *p = changed })
	}
	return "", err
}

// group healthy-after=DURATION drain=DURATION cross-zone=on|off|unknown sick=LIST refuse=LIST: what the group is
// like. dies=LIST lives=LIST: these hosts go down, or are up; taken=LIST: another host has these addresses by now.
// quota=N deleted=yes|no throttled=yes|no: what befalls all its calls.
func (w *World) group(a args) (string, error) {
	var err error
	w.Adjust(func(g *TargetGroup) {
		err = a.each(map[string]func(string) error{
			"healthy-after": duration(&g.HealthyAfter),
			"drain":         duration(&g.DrainFor),
			"cross-zone": func(v string) error {
				g.CrossZone, w.CrossZone = v == "on", mooring.CrossZone(v)
				if v == "unknown" {
					w.CrossZone = mooring.CrossZoneUnknown
				}
				return nil
			},
			"sick": func(v string) error {
				clear(g.Sick)
				return every(v, func(a netip.Addr) { g.Sick[a] = true })
			},
			"taken":     w.takes(g),
			"quota":     number(&g.Quota),
			"deleted":   w.deletes(g),
			"throttled": w.throttles(g),
			"dies":      func(v string) error { return every(v, func(a netip.Addr) { g.Sick[a] = true }) },
			"lives":     func(v string) error { return every(v, func(a netip.Addr) { delete(g.Sick, a) }) },
			"refuse": func(v string) error {
				clear(g.Refuse)
				return every(v, func(a netip.Addr) { g.Refuse[a] = "in use by a load balancer" })
			},
		})
	})
	return "", err
}

// operator register=LIST deregister=LIST [port=N]: somebody else changes the group.
func (w *World) operator(a args) (string, error) {
	port, said := int(w.Binding.Port), ""
	hand := func(register bool) func(string) error {
		return func(list string) error {
			return every(list, func(a netip.Addr) {
				if err := w.ByHand(register, a, uint16(port)); err != nil {
					said += "the operator is refused: " + err.Error() + "\n"
				}
			})
		}
	}
	err := a.each(map[string]func(string) error{
		"port": number(&port), "register": hand(true), "deregister": hand(false),
	})
	return said, err
}

// memory ACCIDENT: something befalls the stored memory.
func (w *World) memory(a args) (string, error) {
	return "", w.Befall(Accident(strings.Join(a.plain, " ")))
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
