//go:build linux

package soak_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

var (
	length = flag.Duration("soak", 0, "how long the soak lasts; 0: some seconds, without moto and without anybody killed")
	seed   = flag.Uint64("seed", 0, "of what happens in the soak; 0: another one each time, and of the short one always the same")
)

// What `go test` runs is short, and always the same: three changes of the name, of which one takes somebody out, an empty
// name, and a store that hangs.
const (
	shortLength = 4 * time.Second
	shortSeed   = 2
)

func TestMain(m *testing.M) { os.Exit(rigtest.Main(m)) }

// A soak is a world in which something always goes wrong, and what is known of it.
type soak struct {
	t    *testing.T
	w    *rigtest.World
	env  []string
	rng  *rand.Rand
	long bool

	began      time.Time
	elb, store *gate
	moto       *moto // nil: the honest S3 of the world
	truth      *truth
	flaws      flaws

	first, second *program
	troubles      map[string]int
	changes       int
	rounds        int64 // told of by programs that have ended; a look that finds nothing new is not told of
	asked         int   // questions about names

	mu         sync.Mutex
	violations []string
}

// TestSoak lets the built `mooring watch` live while its name changes, what it depends on is stopped, paused and started
// again, it is killed and started again itself, and a second one runs beside it for a while. All along no address that
// is live leaves the group, the group is never empty, and every program ends as it was told to; when the trouble is over,
// the group comes right and stays so.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	s.first = s.startProgram("first")
	s.settle("at the beginning")
	s.live()
	s.settle("when the trouble was over")
	s.still()
	s.first.stop(syscall.SIGTERM, "SIGTERM")
	s.first.flat()
	s.forget()
	s.say("seed %d: %d changes of the name, %d troubles, %d rounds, %d calls that registered and %d that deregistered, %d questions about names, %d violations",
		*seed, s.changes, s.count(), s.rounds, s.w.AWS.Count("RegisterTargets"), s.w.AWS.Count("DeregisterTargets"), s.asked, len(s.violations))
	for _, name := range slices.Sorted(maps.Keys(s.troubles)) {
		s.say("  %d times: %s", s.troubles[name], name)
	}
}

func newSoak(t *testing.T) *soak {
	long := *length > 0
	switch {
	case *seed != 0:
	case long:
		*seed = uint64(time.Now().UnixNano())
	default:
		*seed = shortSeed
	}
	s := &soak{t: t, long: long, began: time.Now(), rng: rand.New(rand.NewPCG(*seed, 10)), troubles: map[string]int{}}
	if !s.long {
		*length = shortLength
	}
	s.say("seed %d, for %s", *seed, *length)
	s.w = rigtest.New(t, "mooring/cmd/mooring", sim.DNSConfig{Seed: *seed})
	s.w.Group.Adjust(func(g *sim.TargetGroup) { g.HealthyAfter, g.DrainFor = 2*time.Second, 20*time.Second })
	host := strings.TrimPrefix(s.w.URL, "http://")
	s.elb = newGate(t, host)
	if s.long {
		if s.moto = startMoto(t); s.moto == nil {
			t.Fatal("moto is not installed: pip install 'moto[server]'")
		}
		host = s.moto.host
	}
	s.store = newGate(t, host)
	s.env = append(s.w.AWSEnvironment(), "AWS_ENDPOINT_URL=http://"+s.elb.addr, "AWS_ENDPOINT_URL_S3=http://"+s.store.addr)
	s.truth = newTruth()
	s.flaws.inject(s.w)
	s.w.AWS.Inject(sim.AWSFault{Action: "DeregisterTargets", After: s.judge})
	s.change()
	return s
}

// say prints progress, with the time since the beginning.
func (s *soak) say(format string, args ...any) {
	s.t.Logf("%7.1fs "+format, append([]any{time.Since(s.began).Seconds()}, args...)...)
}

func (s *soak) violated(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	s.violations = append(s.violations, text)
	s.mu.Unlock()
	s.t.Errorf("%7.1fs VIOLATION: %s (seed %d)", time.Since(s.began).Seconds(), text, *seed)
}

// judge looks at what a deregistration has done.
func (s *soak) judge(c sim.AWSCall) {
	for key, values := range c.Form {
		if !strings.HasPrefix(key, "Targets.") || !strings.HasSuffix(key, ".Id") {
			continue
		}
		if a := netip.MustParseAddr(values[0]); s.truth.longLive(a) {
			s.violated("%s was deregistered, and is live", a)
		}
	}
	if len(s.w.Registered()) == 0 {
		s.violated("the group is empty")
	}
}

// change gives the name other addresses, as load balancers do: some come, some go, most stay.
func (s *soak) change() {
	s.w.DNS.Set(rigtest.Name, s.truth.change(s.rng)...)
	s.changes++
}

// live goes through the troubles, one after another, each kind before any comes again.
func (s *soak) live() {
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	end := time.Now().Add(*length)
	var now trouble
	var over, nextTrouble, nextChange, nextSay time.Time
	var bag []trouble
	for moment := range tick.C {
		s.beside(float64(*length-end.Sub(moment)) / float64(*length))
		s.first.look()
		if !moment.Before(end) {
			break
		}
		if !moment.Before(nextChange) {
			s.change()
			nextChange = moment.Add(s.between(2, 10))
		}
		if now.end != nil && !moment.Before(over) {
			now.end()
			now, nextTrouble = trouble{}, moment.Add(s.between(1, 6))
		}
		if now.end == nil && !moment.Before(nextTrouble) {
			if len(bag) == 0 {
				bag = s.kinds()
				s.rng.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
			}
			now, bag = bag[0], bag[1:]
			now.begin()
			s.troubles[now.name]++
			over = moment.Add(s.between(2, 12))
		}
		if s.long && !moment.Before(nextSay) {
			s.say("%-28s %d live, %d registered, %d rounds, %+v", now.name, len(s.truth.addrs()), len(s.w.Registered()), s.first.rounds.Load(), s.last())
			s.forget()
			nextSay = moment.Add(15 * time.Second)
		}
	}
	if now.end != nil {
		now.end()
	}
	if s.second != nil {
		s.second.stop(syscall.SIGTERM, "SIGTERM")
	}
}

// between is a time of some seconds; in a short soak of tenths of them.
func (s *soak) between(least, most int) time.Duration {
	unit := time.Second
	if !s.long {
		unit = 200 * time.Millisecond
	}
	return time.Duration(least)*unit + time.Duration(s.rng.Int64N(int64(time.Duration(most-least)*unit)))
}

func (s *soak) last() sample {
	if n := len(s.first.samples); n > 0 {
		return s.first.samples[n-1]
	}
	return sample{}
}

// beside lets a second program run for a part of the time, and kills the first: beside the second, and alone.
func (s *soak) beside(part float64) {
	if s.second == nil && part > 0.25 && part < 0.55 {
		s.second = s.startProgram("second")
	}
	if s.second != nil && part >= 0.55 {
		s.second.stop(syscall.SIGTERM, "SIGTERM")
		s.second = nil
	}
	killed := s.troubles[killing]
	if s.long && (killed == 0 && part > 0.4 || killed == 1 && part > 0.6) {
		s.troubles[killing]++
		s.first.stop(syscall.SIGKILL, "SIGKILL")
		s.first.flat()
		s.first = s.startProgram("first")
	}
}

func (s *soak) count() (n int) {
	for _, times := range s.troubles {
		n += times
	}
	return n
}

// patience is how long the group may take to come right: two lives of a lease whose holder was killed, and some rounds.
const patience = 4 * time.Minute

// settle waits until the group holds what the name has.
func (s *soak) settle(when string) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	began := time.Now()
	for !slices.Equal(s.w.Registered(), s.truth.addrs()) {
		select {
		case <-tick.C:
		case <-late:
			s.violated("%s the group does not come right: %s; the name has %s", when, rigtest.Strings(s.w.Registered()), rigtest.Strings(s.truth.addrs()))
			return
		}
	}
	s.say("the group came right %s, after %.1f s", when, time.Since(began).Seconds())
}

// still wants no call once the group is right, though the name is looked at.
func (s *soak) still() {
	calls := func() int { return s.w.AWS.Count("RegisterTargets") + s.w.AWS.Count("DeregisterTargets") }
	s.forget()
	before, looks := calls(), fewest
	if s.long {
		looks = 20 * fewest
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for s.w.DNS.Asked(rigtest.Name) < looks {
		select {
		case <-tick.C:
		case <-late:
			s.violated("%d questions in %s", s.w.DNS.Asked(rigtest.Name), patience)
			return
		}
	}
	if after := calls(); after != before {
		s.violated("%d calls while nothing changed", after-before)
	}
}

// fewest are the questions of a look at the name.
const fewest = 8

// forget keeps the log of questions short.
func (s *soak) forget() {
	s.asked += len(s.w.DNS.Questions())
	s.w.DNS.Forget()
}
