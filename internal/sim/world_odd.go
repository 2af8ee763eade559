package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// Oddities are the ways in which a name's servers may be odd without failing a call.
func Oddities() []string {
	return []string{"behind", "skew", "sticky", "light", "failing", "added", "inadmissible", "hidden", "cut"}
}

// Odd draws the settings of a zone that is odd in one way; addrs are some of those that the name may hold. It ends by
// [Zone.Calm].
func Odd(rng *rand.Rand, way string, servers int, addrs []netip.Addr) []string {
	upTo := func(d time.Duration) string {
		return (time.Second + time.Duration(rng.Int64N(int64(d)))).Round(time.Second).String()
	}
	each := func(one func() string, calm string) string {
		out := make([]string, servers)
		for i, odd := range rng.Perm(servers) {
			out[i] = calm
			if odd == 0 || rng.IntN(3) == 0 {
				out[i] = one()
			}
		}
		return strings.Join(out, ",")
	}
	list := func(most int) string {
		some := pick(rng, addrs, 1+rng.IntN(most))
		return strings.ReplaceAll(words(some), " ", ",")
	}
	switch way {
	case "behind":
		return []string{"behind=" + each(func() string { return upTo(10 * time.Minute) }, "0s")}
	case "skew":
		return []string{"skew=" + upTo(5*time.Minute)}
	case "sticky":
		return []string{"sticky=" + upTo([]time.Duration{10 * time.Second, time.Minute, time.Hour}[rng.IntN(3)])}
	case "light":
		return []string{"light=" + list(4), fmt.Sprintf("weight=%.2f", 0.1+0.15*rng.Float64())}
	case "failing":
		faults := []Fault{FailTimeout, FailServfail, FailRefused, Lame}
		return []string{"failing=" + each(func() string { return string(faults[rng.IntN(len(faults))]) }, "no")}
	case "added":
		return []string{fmt.Sprintf("added=10.0.1.%d", 230+rng.IntN(5))}
	case "inadmissible":
		return []string{"added=" + notAdmitted.String()}
	case "hidden":
		return []string{"hidden=" + list(6)}
	case "cut":
		return []string{"cut=yes"}
	default:
		return nil
	}
}

// OddHosts draws how many hosts stand behind the address of each server, of which each keeps to choices of its own. Half of
// the time it is one.
func OddHosts(rng *rand.Rand) string { return fmt.Sprintf("hosts=%d", max(1, rng.IntN(8)-2)) }

// Set changes the zone as the command dns of a script does, by words KEY=VALUE.
func (z *Zone) Set(words ...string) error {
	return z.set(parseArgs(append([]string{"dns"}, words...)))
}

func (z *Zone) set(a args) error {
	if len(a.plain) > 0 {
		return fmt.Errorf("want KEY=VALUE: %q", a.plain[0])
	}
	return a.each(z.settings())
}
