// Package grouptest holds every implementation of [mooring.Group] to what the interface promises, as testing/fstest
// does for file systems. What is told here must be true of any group; what only one of them does is for its own tests.
package grouptest

import (
	"context"
	"testing"

	"mooring"
)

// A Subject is a group under test, and what it takes to try it. A story has a subject for itself.
type Subject struct {
	Group mooring.Group // holds nobody yet

	// Targets are at least three that the group takes, with addresses that differ. Their health checks are answered.
	Targets   []mooring.Target
	OtherPort uint16           // on which the group takes the same addresses too
	Many      []mooring.Target // that the group takes; more than one call of it carries, if there is such a number
	Refused   []mooring.Target // that the group does not take; nil where it takes everybody

	// Pass lets some time go by: what takes time must be over after [passes] of it. A simulated clock is put
	// forward, by the wall's clock it waits for some milliseconds. A drain that has begun must outlast three calls
	// of the group.
	Pass func()

	// Busy gives a healthy target something to do, so that it drains and is not gone at once, and returns what
	// ends that. It is called while no other target is registered. nil: every target drains for a while anyway.
	Busy func(mooring.Target) (end func() error, err error)
}

// passes bounds each wait.
const passes = 2000

// Run tells every story, each with a subject of its own.
func Run(t *testing.T, open func(*testing.T) Subject) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			if err := s.tell(open(t), t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A story tries one promise. It returns what it saw of a promise that is not kept.
type story struct {
	name string
	tell func(Subject, context.Context) error
}

var stories = []story{
	{"an empty group lists nobody", Subject.empty},
	{"who is registered is listed, with address and port, and confirmed", Subject.registers},
	{"who is registered again stays as it was, and is confirmed", Subject.registersAgain},
	{"who is named twice in one call is listed once", Subject.namedTwice},
	{"who answers its health checks becomes healthy", Subject.becomesHealthy},
	{"who is deregistered takes no new flows, and the others stay", Subject.deregisters},
	{"deregistering whom the group does not have is no error", Subject.deregistersUnknown},
	{"who drains is gone in the end", Subject.drains},
	{"who drains is listed so, and is registered again at once", Subject.returns},
	{"one address on two ports is two targets", Subject.twoPorts},
	{"an IPv4 address in IPv6's form is no second target", Subject.mapped},
	{"what is the address of nobody is never held", Subject.nobodies},
	{"more targets than one call carries are all taken, and all let go", Subject.many},
	{"who is refused has a reason, and keeps nobody out", Subject.refuses},
	{"with nobody to change, nobody is asked for a permit", Subject.nothing},
	{"a permit that is denied forbids the change", Subject.denied},
	{"a permit that is withdrawn forbids the rest", Subject.withdrawn},
	{"an ended context is an error, and changes nothing", Subject.ended},
	{"an ended context never shows a part of the group", Subject.endedList},
	{"what the group returns is the caller's to change", Subject.returned},
	{"what the group is given stays the caller's", Subject.given},
	{"of callers at once, each gets what was confirmed to it", Subject.callers},
	{"a target that callers fight for is there or not, and then as the last one says", Subject.fight},
}
