package elb

import (
	"slices"
	"time"
)

// A budget is what we may take of one account's buckets in one Region, and who waits for it. The Limiter's mutex
// guards it. Nothing runs while nobody waits; while somebody does, one timer.
type budget struct {
	buckets []bucket
	paused  time.Time // nobody is served before
	lines   []*line   // of bindings that have somebody waiting; the first is next
	timer   *time.Timer
	wake    func() // serves those whose time has come
}

// A line is one binding's.
type line struct {
	binding string
	waiting []*waiter
}

// A waiter waits for a token of each bucket that it needs.
type waiter struct {
	needs  []int
	served chan struct{} // closed when it has them
}

func (b *budget) add(binding string, w *waiter, first bool) {
	i := b.find(binding)
	if i < 0 {
		b.lines = append(b.lines, &line{binding: binding})
		i = len(b.lines) - 1
	}
	at := len(b.lines[i].waiting)
	if first {
		at = 0
	}
	b.lines[i].waiting = slices.Insert(b.lines[i].waiting, at, w)
}

// remove returns false where the waiter is not in line any more.
func (b *budget) remove(binding string, w *waiter) bool {
	i := b.find(binding)
	if i < 0 {
		return false
	}
	l := b.lines[i]
	at := slices.Index(l.waiting, w)
	if at < 0 {
		return false
	}
	if l.waiting = slices.Delete(l.waiting, at, at+1); len(l.waiting) == 0 {
		b.lines = slices.Delete(b.lines, i, i+1)
	}
	return true
}

func (b *budget) find(binding string) int {
	return slices.IndexFunc(b.lines, func(l *line) bool { return l.binding == binding })
}

// serve gives out what there is, one call to each binding in turn. Who is served goes to the end; who must wait on
// for another bucket than the others do is passed over, but keeps its place.
func (b *budget) serve(now time.Time) {
	for i := 0; i < len(b.lines) && !now.Before(b.paused); {
		l := b.lines[i]
		if !b.spend(l.waiting[0].needs, now) {
			i++
			continue
		}
		close(l.waiting[0].served)
		l.waiting = l.waiting[1:]
		b.lines = slices.Delete(b.lines, i, i+1)
		if len(l.waiting) > 0 {
			b.lines = append(b.lines, l)
		}
	}
	b.schedule(now)
}

// spend takes a token of each of these buckets, or none.
func (b *budget) spend(needs []int, now time.Time) bool {
	if b.lacks(needs, now) > 0 {
		return false
	}
	for _, i := range needs {
		b.buckets[i].tokens--
	}
	return true
}

// lacks is how long it takes until each of these buckets has a token.
func (b *budget) lacks(needs []int, now time.Time) (d time.Duration) {
	for _, i := range needs {
		b.buckets[i].refill(now)
		d = max(d, b.buckets[i].lacks())
	}
	return d
}

// schedule sets the timer for whoever can be served next.
func (b *budget) schedule(now time.Time) {
	if len(b.lines) == 0 {
		if b.timer != nil {
			b.timer.Stop()
		}
		return
	}
	next := time.Duration(1<<63 - 1)
	for _, l := range b.lines {
		next = min(next, b.lacks(l.waiting[0].needs, now))
	}
	next = max(next, b.paused.Sub(now))
	if b.timer == nil {
		b.timer = time.AfterFunc(next, b.wake)
		return
	}
	b.timer.Reset(next)
}
