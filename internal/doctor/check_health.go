package doctor

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"mooring"
)

// checkHealthCheck asks whether an ALB answers the group's health check so that it passes. A network load balancer's check
// has the address of its node as the Host header, so rules by host do not match it, and mostly the default one does.
func checkHealthCheck(f *Facts) []Finding {
	if !f.Group.known() {
		return nil
	}
	c := f.Group.Value.Check
	port := f.port()
	if n, err := strconv.ParseUint(c.Port, 10, 16); err == nil {
		port = uint16(n)
	}
	seen := fmt.Sprintf("%s on port %d", c.Protocol, port)
	if !c.Enabled {
		return finding(Warn, "switched off: no dead target is noticed", "switch it on")
	}
	if _, ok := f.alb(); !ok || !f.ALBListeners.known() {
		return f.otherCheck(c, seen)
	}
	l, ok := f.albListener(port)
	switch {
	case !ok:
		return finding(Fail, seen+", where the load balancer behind it has no listener", "set the health check's port to traffic-port, or to a port with a listener")
	case c.Protocol == "TCP":
		return pass("%s", seen)
	case c.Protocol == "HTTP" && l.Protocol == "HTTPS":
		return f.answers(c, seen+", where the listener speaks HTTPS and answers 400 to plain HTTP", 400)
	case c.Protocol == "HTTPS" && l.Protocol == "HTTP":
		return finding(Fail, seen+", where the listener speaks plain HTTP", "check by TCP, or by HTTP")
	case c.Protocol == "HTTPS" && l.ClientCert:
		return finding(Fail, seen+", where the listener wants certificates of its clients, and the check has none", "check by TCP")
	}
	seen += ", " + c.Path
	if l.RulesErr != nil {
		if f.anyHealthy() {
			return pass("%s: targets are healthy", seen)
		}
		return unknown("the listener's rules could not be read", l.RulesErr)
	}
	code, why := l.answer(c.Path)
	if code != 0 {
		return f.answers(c, fmt.Sprintf("%s: %s answers %d", seen, why, code), code)
	}
	if f.anyHealthy() {
		return pass("%s: %s, and targets are healthy", seen, why)
	}
	return finding(Unknown, fmt.Sprintf("%s: %s, and nobody here knows what it says to a request whose host is an address", seen, why), "check by TCP, or give the listener a rule for the check's path")
}

// otherCheck is about names that are of no load balancer that can be described.
func (f *Facts) otherCheck(c HealthCheck, seen string) []Finding {
	if c.Protocol == "TCP" || f.anyHealthy() {
		return pass("%s", seen)
	}
	return finding(Unknown, seen+", whose answer nobody here can foretell", "check by TCP, unless the other side answers "+c.Matcher)
}

// answers compares what is answered with what the check takes.
func (f *Facts) answers(c HealthCheck, seen string, code int) []Finding {
	if matches(c.Matcher, code) {
		return pass("%s, which %s holds", seen, c.Matcher)
	}
	return finding(Fail, fmt.Sprintf("%s, and the check wants %s", seen, c.Matcher),
		"check by TCP; or widen the check's codes; or give the listener a rule for the check's path that answers 200")
}

func (f *Facts) anyHealthy() bool {
	return slices.ContainsFunc(f.targets(), func(a mooring.AddressStatus) bool { return a.Health == mooring.HealthHealthy })
}

// answer is the code with which a listener answers a request for the path whose host is an address; 0 where others do, or
// where that is not known.
func (l Listener) answer(request string) (code int, why string) {
	request, _, _ = strings.Cut(request, "?") // patterns are of the path
	actions, why := l.Actions, "the default action"
	for _, r := range l.Rules {
		if ok, sure := r.matches(request); ok && sure {
			actions, why = r.Actions, "a rule for the path"
			break
		} else if ok {
			return 0, "a rule that may match decides"
		}
	}
	for _, a := range actions {
		switch {
		case a.Code != 0:
			return a.Code, fmt.Sprintf("%s (%s)", why, a.Type)
		case strings.HasPrefix(a.Type, "authenticate-"):
			return 302, fmt.Sprintf("%s (%s)", why, a.Type) // to where people log in
		case a.Type == "jwt-validation":
			return 401, fmt.Sprintf("%s (%s)", why, a.Type) // the check has no token
		}
	}
	return 0, why + " forwards to its targets"
}

// matches tells whether a rule may match, and whether that is sure. Wildcards are * and ?, as path.Match has them but for
// slashes: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
func (r Rule) matches(request string) (may, sure bool) {
	sure = true
	for field, values := range r.Conditions {
		switch field {
		case "path-pattern":
			if !slices.ContainsFunc(values, func(v string) bool { return like(v, request) }) {
				return false, true
			}
		case "host-header":
			if !slices.ContainsFunc(values, func(v string) bool { return like(v, "10.0.0.1") }) {
				return false, true
			}
		default:
			sure = false
		}
	}
	return true, sure
}

func like(pattern, text string) bool {
	flat := strings.NewReplacer("/", "\x00", "[", `\[`, `\`, `\\`)
	ok, err := path.Match(flat.Replace(pattern), strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && ok
}

// matches tells whether a matcher such as 200,301-302 holds a code.
func matches(matcher string, code int) bool {
	for part := range strings.SplitSeq(matcher, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		low, err := strconv.Atoi(from)
		high, err2 := strconv.Atoi(to)
		if !ranged {
			high, err2 = low, nil
		}
		if err == nil && err2 == nil && low <= code && code <= high {
			return true
		}
	}
	return false
}
