package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mooring"
)

// A Front is what an embedded front is told. Its zero value is none.
type Front struct {
	Listen         netip.AddrPort // valid exactly where the group is tcp://; unspecified: every address, of IPv4 or, as ::, of both families
	HealthInterval time.Duration  // between two health checks of one target
	DrainDelay     time.Duration  // how long flows may go on whose target left
	IdleTimeout    time.Duration  // without a byte, after which a flow is ended
	MaxFlows       int            // at a time
}

// The idle time-out and the delay are a Network Load Balancer's:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html#connection-idle-timeout
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#deregistration-delay
var defaultFront = Front{HealthInterval: 10 * time.Second, DrainDelay: 300 * time.Second, IdleTimeout: 350 * time.Second, MaxFlows: 10000}

const (
	frontScheme = "tcp://"
	frontForm   = `^tcp://([0-9.]*|\[[0-9A-Fa-f:.]+\]):[0-9]+$` // for the schema alone
	maxFlows    = 1_000_000
)

// frontSettings are those of a tcp:// group only.
var frontSettings = []string{"front-health-interval", "front-drain-delay", "front-idle-timeout", "front-max-flows"}

// Embedded tells whether the binding's group is a front in this process, and not a target group of AWS.
func (c Config) Embedded() bool { return c.Front.Listen.IsValid() }

// setFront takes where a front listens: an address of this machine and a port. Without an address those are all of IPv4,
// which every machine has; [::] is all of both families. An address that is written in several ways is kept in one, by
// which its memory is found again.
func setFront(c *Config, v string) error {
	if strings.ContainsAny(v, "/?#") {
		return errors.New("want tcp://ADDR:PORT and nothing behind the port: a front passes bytes on, and knows no paths")
	}
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return frontSyntax(v)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return errors.New("want tcp://ADDR:PORT with a port from 1 to 65535")
	}
	addr := netip.IPv4Unspecified()
	if host != "" {
		if addr, err = netip.ParseAddr(host); err != nil {
			return fmt.Errorf("want tcp://ADDR:PORT with an IP address of this machine, or none (tcp://:%d) for all of them: %q is no IP address", n, shortened(host))
		}
	}
	if addr = addr.Unmap(); addr.Zone() != "" || addr.IsMulticast() {
		return fmt.Errorf("want tcp://ADDR:PORT with an address that clients can connect to: not %s", addr)
	}
	c.Front.Listen = netip.AddrPortFrom(addr, uint16(n))
	c.Binding.TargetGroup = frontScheme + c.Front.Listen.String()
	return nil
}

// frontSyntax says what is wrong with what is not even ADDR:PORT.
func frontSyntax(v string) error {
	if addr, err := netip.ParseAddr(strings.Trim(v, "[]")); err == nil && (addr.Is4() || strings.HasPrefix(v, "[")) {
		return fmt.Errorf("want tcp://ADDR:PORT: there is no port; tcp://%s:8443, for example", v)
	}
	if strings.Count(v, ":") > 1 {
		return errors.New("want tcp://ADDR:PORT with an IPv6 address in brackets: tcp://[::1]:8443")
	}
	return errors.New("want tcp://ADDR:PORT, such as tcp://0.0.0.0:8443")
}

// frontOf is where the front of that name listens; invalid where it is none.
func frontOf(group string) netip.AddrPort {
	at, _ := netip.ParseAddrPort(strings.TrimPrefix(group, frontScheme))
	return at
}

// frontName is what a binding is called by its front: tcp-8443, with the address where it is not at all of them, and with
// the targets' port where that is another.
func frontName(at netip.AddrPort, port uint16) string {
	name := "tcp-"
	if !at.Addr().IsUnspecified() {
		name += strings.ReplaceAll(at.Addr().String(), ":", "-") + "-"
	}
	name += strconv.Itoa(int(at.Port()))
	if port != 0 && port != at.Port() {
		name += fmt.Sprintf("-%d", port)
	}
	return name
}

// settleFront leaves nothing of a front to a group that is none.
func (c *Config) settleFront() {
	if !c.Embedded() {
		c.Front = Front{}
	}
}

// front tells what cannot be with a front.
func (l *loader) front(d *draft, c Config) {
	if !c.Embedded() {
		return
	}
	if d.legacy != nil {
		l.add(d.source("target-group"), c.Binding.TargetGroup, errors.New("want the ARN of a target group where the variables of a function "+
			"are set that kept one: unset those for a front"))
		return
	}
	if c.Binding.Port == 0 {
		l.add(d.source("port"), "", errors.New("not set: want the port of the targets, for a tcp:// group knows none of its own"))
	}
	if c.Memory.Kind == "s3" {
		l.add(d.source("memory"), "", errors.New("want file:DIR, or none, with a tcp:// group: its targets are in this machine's process, "+
			"and no other machine may share its memory"))
	}
	if c.Policy.Mode == mooring.ModeObserve {
		l.add(d.source("mode"), "", errors.New("want sync or add-only with a tcp:// group: a front that is only observed has no targets, and serves nobody"))
	}
}

// source is where a setting of the binding comes from; where that is the file's defaults, the binding that has it from them.
func (d *draft) source(name string) place {
	values := d.lookup(name)
	if len(values) == 0 || values[0].at.in != nil && values[0].at.in != d.home {
		return d.about(setting(name))
	}
	return values[0].at
}

// unused tells of settings that have no effect for the bindings that they were given for. What stands in the file's
// defaults is for whom it concerns, and so is a flag or a variable where there are several bindings.
func (l *loader) unused(drafts []*draft, configs []Config) {
	for _, s := range settings {
		concerned := func(c Config) bool { return concerns(s.Name, c) }
		var flag []given
		if !slices.ContainsFunc(configs, concerned) && !reads(s.Name, drafts) {
			flag = l.above[s.Name]
		}
		for i, c := range configs {
			if c.Binding.TargetGroup == "" || concerned(c) {
				continue // in the first case it is not known, which was told
			}
			own := flag
			if d := drafts[i]; own == nil && d.home != nil {
				own = d.home.values[s.Name]
			}
			for _, g := range own {
				l.add(g.at, "", errors.New(useless(s.Name)))
			}
		}
	}
}

// reads tells whether a setting above the file may be how the file itself is read.
func reads(name string, drafts []*draft) bool {
	return name == "role-arn" && len(drafts) > 0 && drafts[0].home != nil
}

// concerns tells whether a setting has any effect on a binding.
func concerns(name string, c Config) bool {
	aws := slices.ContainsFunc(c.Notify, func(n Notify) bool { return n.Kind != "stdout" })
	switch {
	case slices.Contains(frontSettings, name):
		return c.Embedded()
	case name == "zone":
		return !c.Embedded()
	case name == "role-arn":
		return !c.Embedded() || aws
	default:
		return true
	}
}

func useless(name string) string {
	switch name {
	case "zone":
		return "is for a target group's ARN only: a front has no zones"
	case "role-arn":
		return "is for a target group's ARN, or for notify: with a tcp:// group nothing else calls AWS"
	default:
		return "is for a tcp://ADDR:PORT group only: of a target group AWS keeps such settings"
	}
}
