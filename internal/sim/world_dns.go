package sim

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Zone is how the names answer: by which servers, with what, and through which resolvers.
//
// While processes run it is changed by [World.AdjustZone] only, and its lists are replaced and never written.
type Zone struct {
	Answer     int           // addresses in one answer; a load balancer's name gives 8
	All        bool          // there is a record all.NAME with up to 100 of them
	TTL        time.Duration // of addresses, by the zone's servers; 0: a minute
	Cache      time.Duration // asked through resolvers that keep an answer this long; 0: the zone's servers are asked
	MaxLookups int           // questions of one search
	MaxConfirm int           // and of one confirmation
	Lag        time.Duration // how far a server is behind that lags for one look; 0: two minutes

	Servers int             // of the zone; 0: two
	Hosts   int             // behind the address of each of them, with choices of their own where they keep to these; 0: one
	Behind  []time.Duration // how far each of them is behind, for as long as this is set
	Skew    time.Duration   // each change comes to each server after a delay of its own, of up to this
	Sticky  time.Duration   // a server gives the same addresses for so long
	Light   []netip.Addr    // addresses that are shown seldom,
	Weight  float64         // and their weight, that of the others being 1; 0: a tenth
	Failing []Fault         // how each server fails: timeout, servfail, refused or lame

	// The last server is poisoned: it adds some addresses to its answers, and leaves out others.
	Added, Hidden []netip.Addr

	Resolvers  int  // with a copy each; 0: one
	Cut        bool // they cannot reach the zone,
	ServeStale bool // and give an old copy meanwhile, with a TTL of 30 s (RFC 8767 section 5), in place of SERVFAIL
}

const (
	lag       = 2 * time.Minute // how far a stale server is behind
	allAnswer = 100             // addresses that the record all.NAME holds at the most
	staleTTL  = 30 * time.Second
	maxHosts  = 16 // zone servers, hosts behind each, and resolvers
)

// Lame is the failure of a server that answers without authority.
const Lame Fault = "lame"

func (z *Zone) lag() time.Duration { return cmp.Or(z.Lag, lag) }

func (z *Zone) servers() int { return cmp.Or(max(0, min(z.Servers, maxHosts)), 2) }

func (z *Zone) hosts() int { return cmp.Or(max(0, min(z.Hosts, maxHosts)), 1) }

func (z *Zone) resolvers() int { return cmp.Or(max(0, min(z.Resolvers, maxHosts)), 1) }

func (z *Zone) behind(server int) time.Duration {
	if server < len(z.Behind) {
		return z.Behind[server]
	}
	return 0
}

func (z *Zone) failing(server int) Fault {
	if server < len(z.Failing) {
		return z.Failing[server]
	}
	return ""
}

// poisoned tells whether a server forges its answers.
func (z *Zone) poisoned(server int) bool { return server == z.servers()-1 }

// under is the zone as it is for one look that meets a fault.
func (z Zone) under(f Fault) Zone {
	if f != FailStale && f != FailStaleServer {
		return z
	}
	behind := make([]time.Duration, z.servers())
	for i := range behind {
		behind[i] = z.behind(i)
		if f == FailStale || i == 1%len(behind) {
			behind[i] += z.lag()
		}
	}
	z.Behind = behind
	return z
}

// Calm ends all that is a fault of the servers; what the name is like stays.
func (z *Zone) Calm() {
	z.Behind, z.Skew, z.Sticky, z.Hosts, z.Light, z.Failing, z.Added, z.Hidden, z.Cut = nil, 0, 0, 0, nil, nil, nil, nil, false
}

// AdjustZone changes how the names answer while rounds run.
func (w *World) AdjustZone(change func(*Zone)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.Zone)
}

// zone is how the names answer at this moment.
func (w *World) zone() Zone {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Zone
}

// settings are what a script may say of the zone: KEY=VALUE, lists being divided by commas, one value a server.
func (z *Zone) settings() map[string]func(string) error {
	return map[string]func(string) error{
		"answers":     number(&z.Answer),
		"max-lookups": number(&z.MaxLookups),
		"cache":       duration(&z.Cache),
		"ttl":         duration(&z.TTL),
		"all":         yes(&z.All),
		"servers":     number(&z.Servers),
		"hosts":       number(&z.Hosts),
		"behind":      listed(&z.Behind, time.ParseDuration),
		"skew":        duration(&z.Skew),
		"sticky":      duration(&z.Sticky),
		"light":       addresses(&z.Light),
		"weight":      weight(&z.Weight),
		"failing":     listed(&z.Failing, parseFailing),
		"added":       addresses(&z.Added),
		"hidden":      addresses(&z.Hidden),
		"resolvers":   number(&z.Resolvers),
		"cut":         yes(&z.Cut),
		"serve-stale": yes(&z.ServeStale),
	}
}

func yes(to *bool) func(string) error {
	return func(v string) error { *to = v == "yes"; return nil }
}

func weight(to *float64) func(string) error {
	return func(v string) (err error) {
		*to, err = strconv.ParseFloat(v, 64)
		if err == nil && !(*to > 0 && *to <= 1) {
			err = fmt.Errorf("want more than 0, and 1 at the most")
		}
		return err
	}
}

func addresses(to *[]netip.Addr) func(string) error {
	return func(v string) (err error) {
		*to, err = parseAddrs(v)
		slices.SortFunc(*to, netip.Addr.Compare)
		*to = slices.Compact(*to)
		return err
	}
}

// listed reads one value for each server; "none" is none of them.
func listed[T any](to *[]T, parse func(string) (T, error)) func(string) error {
	return func(v string) error {
		var out []T
		if v != "none" {
			for part := range strings.SplitSeq(v, ",") {
				one, err := parse(part)
				if err != nil {
					return err
				}
				out = append(out, one)
			}
		}
		*to = out
		return nil
	}
}

func parseFailing(v string) (Fault, error) {
	switch f := Fault(v); f {
	case FailTimeout, FailServfail, FailRefused, Lame:
		return f, nil
	case "no":
		return "", nil
	default:
		return "", fmt.Errorf("want timeout, servfail, refused, lame or no")
	}
}
