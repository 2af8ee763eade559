package lookup

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mooring"
)

const (
	parallel    = 8                      // questions of one hostname in flight
	overdue     = 150 * time.Millisecond // a question in flight for longer is no longer counted on
	searchTime  = 12 * time.Second       // the longest that a hostname is searched,
	confirmTime = 12 * time.Second       // and the longest that its missing addresses are confirmed
	hopeless    = 4                      // questions that failed in a row, each at two servers
	probes      = 2                      // questions asked before it is known where the name leads
)

// A search is the search for the addresses of one hostname in one round.
// Its state is touched by one goroutine, except for what has a lock of its own.
type search struct {
	*round
	host   string // without the trailing dot
	qtype  uint16
	admits func(netip.Addr) bool

	mu      sync.Mutex
	spreads map[string]*spread // by apex

	sampler  sampler
	answers  []mooring.Answer
	sighted  []netip.Addr // every address that an answer held, also those that are not admitted
	tally    tally
	tainted  *Failure
	all      allRecord
	cut      bool // the time was over before the search was
	gaveUp   bool // too many questions failed in a row
	resolved bool // by a resolver, not by the zone's servers
	failure  *Failure
	warnings []string
}

// An outcome is what became of one question, its retries and its aliases included.
type outcome struct {
	all     bool // it was about all.NAME
	addrs   []netip.Addr
	ttl     time.Duration
	server  string
	final   string // the name at the end of the aliases
	failure *Failure
}

// A flight is a question that is not answered yet.
type flight struct {
	since time.Time
	all   bool
}

// A budget bounds questions, tries included.
type budget struct{ left atomic.Int64 }

func newBudget(n int) *budget {
	b := &budget{}
	b.left.Store(int64(n))
	return b
}

func (b *budget) take() bool { return b.left.Add(-1) >= 0 }

// run keeps questions in flight, never in waves, until wants is 0: that is how many answers are still wanted if none
// brings news, so never more are asked for than can be of use. What is still in flight then is dropped.
func (s *search) run(ctx context.Context, limit time.Duration, b *budget, wants func() int) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	e := &engine{search: s, ctx: ctx, budget: b, results: make(chan landing, parallel+1), flying: map[int]flight{}}
	defer e.work.Wait()
	defer cancel()
	s.tally.inARow = 0
	for {
		if s.gaveUp = s.tally.inARow >= hopeless; s.gaveUp {
			return
		}
		e.launchAll()
		wanted := wants()
		if wanted == 0 && !e.awaitsAll() {
			if wanted = wants(); wanted == 0 { // it is only just known that all.NAME is not to be had
				return
			}
		}
		for e.counted() < wanted && len(e.flying) < parallel && b.take() {
			e.launch(false)
		}
		if len(e.flying) == 0 || !e.land() {
			return
		}
	}
}

// An engine is one run of questions.
type engine struct {
	*search
	ctx     context.Context
	budget  *budget
	results chan landing
	flying  map[int]flight
	number  int
	work    sync.WaitGroup
}

type landing struct {
	number int
	outcome
}

func (e *engine) launch(all bool) {
	e.number++
	number := e.number
	e.flying[number] = flight{since: time.Now(), all: all}
	final := e.all.name
	e.work.Go(func() {
		var o outcome
		if all {
			o = e.askAll(e.ctx, e.budget, final)
		} else {
			o = e.sample(e.ctx, e.budget)
		}
		e.results <- landing{number, o} // never blocks: there is room for all that fly
	})
}

// launchAll asks all.NAME as soon as it is known that the name has one.
func (e *engine) launchAll() {
	if e.all.state == allWanted && e.budget.take() {
		e.all.state = allAsked
		e.launch(true)
	}
}

// land waits for the next answer, or for a question to become overdue. It is false when the time is over.
func (e *engine) land() bool {
	timer := time.NewTimer(e.untilOverdue())
	defer timer.Stop()
	select {
	case l := <-e.results:
		delete(e.flying, l.number)
		e.take(l.outcome)
	case <-timer.C:
	case <-e.ctx.Done():
		e.cut = true
		return false
	}
	return true
}

// counted is how many plain questions in flight can be counted on.
func (e *engine) counted() (n int) {
	for _, f := range e.flying {
		if !f.all && time.Since(f.since) < overdue {
			n++
		}
	}
	return n
}

// awaitsAll tells whether the answer to all.NAME is still worth waiting for. When it is overdue, it is given up.
func (e *engine) awaitsAll() bool {
	if e.all.state != allAsked {
		return false
	}
	for _, f := range e.flying {
		if f.all && time.Since(f.since) < overdue {
			return true
		}
	}
	e.all.state = allGone
	return false
}

func (e *engine) untilOverdue() time.Duration {
	wait := searchTime
	for _, f := range e.flying {
		if left := overdue - time.Since(f.since); left > 0 {
			wait = min(wait, left)
		}
	}
	return wait + time.Millisecond
}

// take counts what became of a question.
func (s *search) take(o outcome) {
	if o.all {
		s.takeAll(o)
		return
	}
	s.sighted = append(s.sighted, o.addrs...)
	if o.failure == nil {
		o.failure = s.taint(o)
	}
	if o.failure != nil {
		o.failure.Host = s.host
		s.tally.fail(*o.failure)
		return
	}
	s.tally.succeed()
	s.sampler.add(o.addrs)
	s.answers = append(s.answers, mooring.Answer{
		Hostname: s.host, Addrs: o.addrs, Server: o.server, TTL: o.ttl,
		Plain: true, Whole: s.c.Whole, Authoritative: !s.resolved,
	})
	s.knows(o.final)
	s.contradict(o.addrs)
}

// taint tells whether an answer holds an address that is not admitted. It is then discarded whole: the name may have
// been taken over, or moved to another kind of target.
func (s *search) taint(o outcome) *Failure {
	i := slices.IndexFunc(o.addrs, s.forbids)
	if i < 0 {
		return nil
	}
	s.tainted = &Failure{Class: Tainted, Host: s.host, Server: o.server, Detail: fmt.Sprintf("NOERROR with %s, which is not admitted", o.addrs[i])}
	return s.tainted
}

// forbids tells whether an address must not be registered. An IPv4 address in IPv6's clothes is of the wrong family.
func (s *search) forbids(a netip.Addr) bool { return a.Is4() != (s.qtype == dns.TypeA) || !s.admits(a) }

// observed returns the answers. What all.NAME said counts as whole only if the plain name bears it out.
func (s *search) observed() []mooring.Answer {
	out := slices.Clone(s.answers)
	if s.all.answer != nil {
		a := *s.all.answer
		a.Whole = s.all.state == allHeld && s.sampler.answers >= confirmations
		out = append(out, a)
	}
	return out
}

func (s *search) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}
