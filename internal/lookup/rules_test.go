package lookup_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mooring"
	"mooring/internal/lookup"
)

// looking looks a name of 48 addresses up, in virtual time.
func looking(t *testing.T, change func(*talk, *lookup.Config), tracked ...string) (o mooring.Observation, asked int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		servers := newTalk(nil)
		defer servers.close()
		for _, a := range live(48) {
			servers.add(ownName+".", "A "+a.String())
		}
		c := conversing(servers, 0)
		change(servers, &c)
		missing := live(0)
		for _, a := range tracked {
			missing = append(missing, addr(a))
		}
		o = lookup.New(c).Find(t.Context(), track(missing...))
		for _, n := range servers.askedOf(ownName) {
			asked += n
		}
	})
	return o, asked
}

// Every answer is a clean one, but there are not enough of them when the twelve seconds of a search are over.
func TestASearchThatItsTimeCutsShortSaysNothing(t *testing.T) {
	o, _ := looking(t, func(servers *talk, c *lookup.Config) {
		servers.part, servers.takes, c.MaxLookups = 1, 900*time.Millisecond, 10_000
	})
	wantClass(t, o, lookup.Timeout, ownName)
	if len(o.Answers) < 20 || !strings.Contains(o.Inconclusive, "was not over") {
		t.Errorf("after %d answers: %s", len(o.Answers), o.Inconclusive)
	}
}

// Each server gives the same eight again and again. What they would add to the proof by six hundred answers is nothing.
func TestServersThatOnlyRepeatThemselvesAreNotAskedOn(t *testing.T) {
	o, asked := looking(t, func(servers *talk, c *lookup.Config) {
		servers.part, servers.keeps, servers.takes = 8, true, 10*time.Millisecond
	}, "10.0.9.9")
	wantConclusive(t, o)
	if asked < 16 || asked > 80 {
		t.Errorf("%d questions", asked)
	}
}

// An answer is good for as long as all that led to it, whether the aliases came in one message or in several.
func TestAnAnswerMayBeKeptNoLongerThanTheAliasesThatLedToIt(t *testing.T) {
	for name, to := range map[string]string{"near." + ownZone: ownName + ".", "far." + ownZone: "hop.other.example."} {
		o, _ := looking(t, func(servers *talk, c *lookup.Config) {
			c.Hostnames = []string{name}
			servers.zone[name+". CNAME"] = name + ". 20 IN CNAME " + to + "\n"
		})
		wantConclusive(t, o)
		for _, a := range o.Answers {
			if a.Plain && a.TTL != 20*time.Second {
				t.Errorf("%s may be kept for %s", name, a.TTL)
			}
		}
	}
}

// Of 49 addresses one is not admitted, and four are in an answer: hardly one answer in ten is tainted, and the others are clean.
func TestFewTaintedAnswersTaintTheRound(t *testing.T) {
	o, _ := looking(t, func(servers *talk, c *lookup.Config) {
		servers.part, c.MaxLookups = 4, 300
		servers.add(ownName+".", "A 198.51.100.9")
	})
	if !strings.HasPrefix(o.Inconclusive, "tainted") {
		t.Errorf("inconclusive: %q", o.Inconclusive)
	}
}
