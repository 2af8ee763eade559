package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Version is the version of the JSON form of [Summary].
const Version = 1

// A Summary is what verify saw of all bindings, as `verify --output json` prints it.
type Summary struct {
	SchemaVersion int       `json:"schema_version"` // of this form: 1
	OK            bool      `json:"ok"`             // every binding is
	Bindings      []Verdict `json:"bindings"`       // one a binding, in the order of the configuration
}

// NewSummary puts the verdicts of one run together.
func NewSummary(bindings ...Verdict) Summary {
	bad := func(v Verdict) bool { return !v.OK }
	return Summary{SchemaVersion: Version, OK: !slices.ContainsFunc(bindings, bad), Bindings: bindings}
}

// A Verdict is what verify saw of one binding, and what that amounts to. The slices are never nil.
type Verdict struct {
	Binding     string   `json:"binding"`      // its name
	TargetGroup string   `json:"target_group"` // the group's ARN, or tcp://ADDR:PORT
	Host        string   `json:"host"`         // the name in handshakes and requests
	OK          bool     `json:"ok"`           // no check failed; with --strict, all were passed or not asked for
	Checks      []Check  `json:"checks"`       // always all of them, and in the same order
	Answers     []Result `json:"answers"`      // of each address and port that was asked
	Targets     Targets  `json:"targets"`      // of the group, beside what the name shows

	failures []string
}

// Failures are why the verdict is not OK, each on one line.
func (v Verdict) Failures() []string { return slices.Clone(v.failures) }

// Targets are the group's targets on the binding's port, beside what the name shows. The slices are never nil, and sorted.
type Targets struct {
	Resolved  []netip.Addr `json:"resolved"`  // behind the name, now
	Healthy   []netip.Addr `json:"healthy"`   // in the group and healthy
	Missing   []netip.Addr `json:"missing"`   // behind the name, and not registered
	Extra     []netip.Addr `json:"extra"`     // registered, and not behind the name
	Unhealthy []netip.Addr `json:"unhealthy"` // registered, behind the name and not healthy
	Draining  []netip.Addr `json:"draining"`  // on their way out
}

// A State is what a check came to.
type State string

// The states of a check.
const (
	Pass    State = "pass"    // it is so
	Warn    State = "warn"    // somebody should know, and nobody is harmed
	Fail    State = "fail"    // it is not so
	Unknown State = "unknown" // it may not be looked at, or there was nobody to ask
	Skipped State = "skipped" // it was not looked at: there is nothing to look at, or it was not asked for
)

// A Check is one thing that should be so.
type Check struct {
	Name  string `json:"name"`           // addresses, connect, answer, certificate, targets, metric, log or schedule
	State State  `json:"state"`          // pass, warn, fail, unknown or skipped
	Saw   string `json:"saw"`            // what was seen, on one line
	Hint  string `json:"hint,omitempty"` // what to do about it
}

// bad tells whether it counts against the binding.
func (c Check) bad(strict bool) bool {
	return c.State == Fail || strict && (c.State == Warn || c.State == Unknown)
}

// settle says what the checks amount to.
func (v *Verdict) settle(strict bool) {
	for _, c := range v.Checks {
		if c.bad(strict) {
			v.failures = append(v.failures, fmt.Sprintf("%s: %s", c.Name, c.Saw))
		}
	}
	v.OK = len(v.failures) == 0
}

// Codes are status codes: single ones and ranges, as a target group's matcher has them.
type Codes [][2]int

// ParseCodes reads a list such as 200-399 or 200,301-302.
func ParseCodes(text string) (Codes, error) {
	var out Codes
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if errors.Join(err1, err2) != nil || from < 100 || to > 599 || from > to {
			return nil, fmt.Errorf("%q: want status codes, such as 200-399 or 200,301-302", text)
		}
		out = append(out, [2]int{from, to})
	}
	return out, nil
}

// Has tells whether the code is one of them.
func (c Codes) Has(code int) bool {
	return slices.ContainsFunc(c, func(r [2]int) bool { return r[0] <= code && code <= r[1] })
}

func (c Codes) String() string {
	var words []string
	for _, r := range c {
		word := strconv.Itoa(r[0])
		if r[1] != r[0] {
			word += "-" + strconv.Itoa(r[1])
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}
