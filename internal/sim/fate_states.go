package sim

import (
	"fmt"
	"net/netip"
	"strings"
)

// trouble draws what befalls the whole group for some rounds.
func (d *drawing) trouble() {
	long := 1 + d.rng.IntN(8)
	switch d.rng.IntN(3) {
	case 0:
		d.say("group throttled=yes")
		d.later(long, "group throttled=no")
	case 1:
		d.say("group deleted=yes")
		d.later(long, "group deleted=no")
	case 2:
		d.say("group quota=%d", 1+d.rng.IntN(20))
		d.later(long, "group quota=0")
	}
}

// reconfigure draws what an operator changes of the configuration.
func (d *drawing) reconfigure() {
	switch d.rng.IntN(5) {
	case 0:
		d.say("rebind port=%d", []int{443, 8443}[d.rng.IntN(2)])
	case 1:
		d.say("rebind group=%s", []string{"web", "web-2"}[d.rng.IntN(2)])
	case 2:
		d.renamed()
	default:
		d.say("policy%s", []string{
			" misses=1 hold=0s", " misses=6 hold=3m", " hold-max=5m", " hold-max=30m", " max-leave=100%", " max-leave=10%",
			" min-targets=4", " min-targets=1", " mode=add-only", " mode=observe", " mode=sync", " adopt=all", " adopt=seen",
		}[d.rng.IntN(13)])
	}
}

// renamed binds another hostname in place of the first, which shows some of the same addresses.
func (d *drawing) renamed() {
	name := fmt.Sprintf("new-%d.example.com", d.round)
	addrs := append([]netip.Addr{}, d.was[d.names[0]][len(d.was[d.names[0]])-1]...)
	d.hold(name, append(addrs[:len(addrs)/2], d.some(1+d.rng.IntN(5))...))
	d.names = append([]string{name}, d.names[1:]...)
	d.say("bind %s", strings.Join(d.names, " "))
}
