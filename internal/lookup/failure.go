package lookup

import "strings"

// A Class says why a round may not count against anyone. It is the first word of an observation's Inconclusive.
type Class string

// The classes of failure.
const (
	Timeout       Class = "timeout"         // nobody answered in time
	ServFail      Class = "servfail"        // the servers answer, but with an error of their own
	Refused       Class = "refused"         // the servers do not answer for this zone
	NXDomain      Class = "nxdomain"        // there is no such name
	Empty         Class = "empty"           // the name exists and has no address
	Truncated     Class = "truncated"       // the answer did not fit, not even over TCP
	Tainted       Class = "tainted"         // an answer held what must not be registered
	CNAMELoop     Class = "cname-loop"      // the chain of aliases comes back to itself, or is too long
	TooFewServers Class = "too-few-servers" // fewer than two of a zone's servers answered
	Partial       Class = "partial"         // one of several hostnames failed
)

// A Failure is why a question, or a whole search, brought no usable answer.
type Failure struct {
	Class  Class
	Host   string // the hostname that was looked up
	Server string // who said so, ADDR:PORT; "" where it was nobody in particular
	Detail string // the response code and what else is known

	walk bool // the zone's servers could not be found, so nobody of the zone was asked
}

func (f Failure) String() string {
	parts := []string{string(f.Class)}
	for _, part := range []string{f.Host, f.Server, f.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// A tally counts what became of questions, after their retries.
type tally struct {
	clean    int
	inARow   int // failures since the last clean answer
	failures []Failure
}

// cleanShare of the questions must have been answered cleanly: below it, silence says nothing.
const cleanShare = 0.8

func (t *tally) succeed() { t.clean, t.inARow = t.clean+1, 0 }

func (t *tally) fail(f Failure) {
	t.failures = append(t.failures, f)
	t.inARow++
}

func (t *tally) sound() bool {
	return t.clean > 0 && float64(t.clean) >= cleanShare*float64(t.clean+len(t.failures))-1e-9
}

// worst returns the failure of the most frequent class; the first of it speaks for the others.
func (t *tally) worst() Failure {
	counts := map[Class]int{}
	for _, f := range t.failures {
		counts[f.Class]++
	}
	worst := Failure{Class: Timeout, Detail: "no answer before the round's end"}
	most := 0
	for _, f := range t.failures {
		if counts[f.Class] > most {
			worst, most = f, counts[f.Class]
		}
	}
	return worst
}
