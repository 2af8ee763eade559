package probe

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
)

// A Sight is all that was gathered of one binding.
type Sight struct {
	Binding   mooring.Binding
	Now       time.Time
	Host      string
	HostGiven bool // somebody said that clients use this name
	Expect    Codes
	Strict    bool

	Places      Places
	Results     []Result
	Observation mooring.Observation
	Group       Group
	Metric      Metric
	Log         Log
	Runs        Runs
}

// Places are the fixed addresses and ports by which clients reach the group.
type Places struct {
	Err       error // why some of it is not known
	Balancers int   // load balancers that serve the group
	Static    int   // addresses that were found
	Zones     int   // in so many zones; 0 where the zones are not known
	Ports     []uint16
	Gone      []string // zones whose name has no address any more
	Given     bool     // addresses and ports were given by hand
}

// A Group is what the group holds.
type Group struct {
	Skip    string // why it is not looked at
	Err     error
	Targets []mooring.Target
}

// A Metric is the last value of the metric of resolved addresses.
type Metric struct {
	Skip     string // why it is not looked at
	Name     string // with its namespace
	Expected bool   // it is known that somebody puts it
	Err      error
	Found    bool
	Value    float64
	At       time.Time
}

// A Log is the last report of the binding in a log.
type Log struct {
	Skip   string // why it is not looked at
	Group  string
	Err    error
	Found  bool
	Report mooring.Report
	At     time.Time
}

// Runs are how often a function was invoked of late.
type Runs struct {
	Asked bool
	Err   error
	Count int
}

const (
	// Lately is how old a datapoint and a report may be; the checks say so in words.
	Lately = 10 * time.Minute
	// JustNow is how long ago a schedule of a minute must have run at the least.
	JustNow = 3 * time.Minute
	// soon is how many days before its end a certificate is warned of.
	soon = 14
)

// Judge says what the sight amounts to. It is pure.
func Judge(s Sight) Verdict {
	v := Verdict{
		Binding: s.Binding.Name, TargetGroup: s.Binding.TargetGroup, Host: s.Host,
		Answers: append([]Result{}, s.Results...), Targets: compare(s),
	}
	v.Checks = []Check{
		s.addresses(), s.connect(), s.answer(), s.certificate(), s.targets(v.Targets), s.metric(), s.log(), s.schedule(),
	}
	for i := range v.Checks {
		v.Checks[i].Saw = brief(v.Checks[i].Saw)
	}
	v.settle(s.Strict)
	return v
}

// unread is a check that an error kept from looking: unknown for want of a permission, whose IAM statement is the hint, and
// a failure for anything else, such as a group that does not exist.
func unread(c Check, err error, otherwise string) Check {
	c.State, c.Saw, c.Hint = Fail, err.Error(), otherwise
	if denied, ok := asDenied(err); ok {
		c.State, c.Hint = Unknown, "add this statement to the policy: "+denied.Statement()
		if otherwise != "" {
			c.Hint += "; or " + otherwise
		}
	}
	return c
}

func (s Sight) addresses() Check {
	c := Check{Name: "addresses", State: Pass}
	const byHand = "say them with --address and --listener-port"
	p := s.Places
	switch {
	case p.Err != nil:
		return unread(c, p.Err, byHand)
	case p.Given:
		c.Saw = fmt.Sprintf("%s and %s, as given", count(p.Static, "address"), ports(p.Ports))
	case p.Balancers == 0:
		c.State, c.Saw, c.Hint = Fail, "no load balancer forwards to the group", "add a listener of the load balancer that forwards to it"
	case len(p.Ports) == 0:
		c.State, c.Saw, c.Hint = Fail, "no listener forwards to the group", "add one; where it is by a rule of an Application Load Balancer, "+byHand
	case len(p.Gone) > 0:
		c.State, c.Saw = Fail, "without an address in DNS: "+strings.Join(p.Gone, ", ")
		c.Hint = "the zone has no healthy target: it needs one, or cross-zone load balancing"
	case p.Static == 0:
		c.State, c.Saw, c.Hint = Unknown, "no address was found", byHand
	default:
		c.Saw = fmt.Sprintf("%s%s, %s", count(p.Static, "address"), inZones(p.Zones), ports(p.Ports))
	}
	return c
}

func inZones(n int) string {
	if n == 0 {
		return ""
	}
	return " in " + count(n, "zone")
}

func ports(list []uint16) string {
	var words []string
	for _, p := range list {
		words = append(words, fmt.Sprint(p))
	}
	if len(list) == 1 {
		return "port " + words[0]
	}
	return "ports " + strings.Join(words, ", ")
}

// connect fails where nobody could be asked, too: then nothing is known of what clients get, and a verdict that is well all
// the same would be believed.
func (s Sight) connect() Check {
	c := Check{Name: "connect", State: Pass}
	asked, slowest := 0, 0.0
	var failed, beyond []string
	for _, r := range s.Results {
		switch {
		case r.NoRoute:
			beyond = append(beyond, place(r))
		case !r.Connected:
			failed = append(failed, place(r)+" "+r.Error)
		default:
			slowest = max(slowest, r.ConnectMS)
		}
		asked++
	}
	switch {
	case asked == 0:
		c.State, c.Saw, c.Hint = Fail, "there was no address to ask", "--address and --listener-port say whom to ask"
	case len(failed) > 0:
		c.State, c.Saw = Fail, fmt.Sprintf("%d of %d: %s", len(failed), asked, some(failed, "; "))
		c.Hint = "are these addresses reached from here? Security groups, and an internal load balancer outside its network, drop what they do not take"
	case len(beyond) > 0:
		c.State, c.Saw, c.Hint = Unknown, "this machine has no way to "+some(beyond, ", "), "ask from a machine with IPv6"
		if len(beyond) == asked {
			c.State = Fail
		}
	default:
		c.Saw = fmt.Sprintf("%d of %d, within %g ms", asked, asked, slowest)
	}
	return c
}

func (s Sight) answer() Check {
	c := Check{Name: "answer", State: Pass}
	var asked int
	var failed []string
	seen := map[int]bool{}
	for _, r := range s.Results {
		if !r.Connected || r.Scheme == TCP || r.Scheme == TLS {
			continue
		}
		asked++
		switch {
		case r.Error != "":
			failed = append(failed, place(r)+" "+r.Error)
		case !s.Expect.Has(r.Status):
			failed = append(failed, fmt.Sprintf("%s answered %d", place(r), r.Status))
		}
		seen[r.Status] = true
	}
	switch {
	case asked == 0 && !slices.ContainsFunc(s.Results, func(r Result) bool { return r.Connected }):
		c.State, c.Saw = Skipped, "nobody took a connection"
	case asked == 0:
		c.State, c.Saw = Skipped, "HTTP is spoken nowhere, as far as is known: --scheme says otherwise"
	case len(failed) > 0:
		c.State, c.Saw = Fail, fmt.Sprintf("%d of %d: %s; want %s", len(failed), asked, some(failed, "; "), s.Expect)
		if !s.HostGiven {
			c.Hint = "it was asked for " + s.Host + ": --host says which name clients use"
		}
	default:
		var codes []string
		for code := range seen {
			codes = append(codes, fmt.Sprint(code))
		}
		slices.Sort(codes)
		c.Saw = fmt.Sprintf("%d of %d: %s", asked, asked, strings.Join(codes, ", "))
	}
	return c
}

// certificate judges the worst of them.
func (s Sight) certificate() Check {
	worst := Check{Name: "certificate", State: Skipped, Saw: "none was shown"}
	rank := map[State]int{Skipped: 0, Pass: 1, Warn: 2, Fail: 3}
	for _, r := range s.Results {
		if r.Certificate == nil {
			continue
		}
		if one := s.judge(r); rank[one.State] > rank[worst.State] {
			worst = one
		}
	}
	return worst
}

func (s Sight) judge(r Result) Check {
	c, cert := Check{Name: "certificate"}, r.Certificate
	until := cert.Until.UTC().Format(time.DateOnly)
	names := cmp.Or(strings.Join(cert.Names, ", "), "no name")
	switch {
	case s.Now.After(cert.Until):
		c.State, c.Saw, c.Hint = Fail, fmt.Sprintf("that of %s has expired on %s", place(r), until), "renew it"
	case s.Now.Before(cert.From):
		c.State, c.Saw = Fail, fmt.Sprintf("that of %s is valid only from %s", place(r), cert.From.UTC().Format(time.DateOnly))
		c.Hint = "does the clock of this machine go right?"
	case !cert.Matches && s.HostGiven:
		c.State, c.Saw = Fail, fmt.Sprintf("that of %s is for %s, and not for %s", place(r), names, s.Host)
		c.Hint = "give the listener one for " + s.Host
	case !cert.Matches:
		c.State, c.Saw = Warn, fmt.Sprintf("that of %s is for %s", place(r), names)
		c.Hint = "say with --host which name clients use, and it is judged"
	case !cert.Trusted:
		c.State, c.Saw = Warn, fmt.Sprintf("that of %s is not trusted here: %s", place(r), cert.Untrust)
		c.Hint = "clients must trust who signed it"
	case cert.DaysLeft < soon:
		c.State, c.Saw, c.Hint = Warn, fmt.Sprintf("that of %s ends on %s, in %s", place(r), until, count(cert.DaysLeft, "day")), "renew it"
	default:
		c.State, c.Saw = Pass, fmt.Sprintf("for %s, trusted, until %s (%s)", s.Host, until, count(cert.DaysLeft, "day"))
	}
	return c
}

func place(r Result) string { return netip.AddrPortFrom(r.Addr, r.Port).String() }

// some joins the first of many.
func some(words []string, by string) string {
	const most = 3
	if more := len(words) - most; more > 0 {
		words = append(slices.Clip(words[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, by)
}

// count says how many there are of what is named.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
