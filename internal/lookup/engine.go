package lookup

import (
	"context"
	"sync/atomic"
	"time"

	"mooring"
)

const (
	parallel    = 8                      // questions of one hostname in flight
	overdue     = 300 * time.Millisecond // a question in flight for longer is no longer counted on
	searchTime  = 12 * time.Second       // the longest that a hostname is searched,
	confirmTime = 12 * time.Second       // and the longest that its missing addresses are confirmed
	hopeless    = 4                      // questions that failed in a row, each at two servers
)

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
	work    mooring.Tasks
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
