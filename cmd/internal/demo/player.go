package demo

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// A player carries out a story's steps. They are aligned to rounds: what follows a wait happens right after the round
// that ended it, before the next one begins.
type player struct {
	stage *stage
	steps []step
	over  chan error // has a value when the story is over

	mu    sync.Mutex
	next  int // step
	waits bool
	left  int // rounds
	timer *time.Timer
	ended bool
}

// begin carries out what comes before the first wait.
func (p *player) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proceed()
}

// told is told who left in a round.
func (p *player) told(left []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || !p.waits {
		return
	}
	one := p.steps[p.next]
	if one.wait.rounds == 0 {
		return // it waits for its time
	}
	p.left--
	switch {
	case one.wait.until != nil && one.wait.until(p.stage, left), one.wait.until == nil && p.left == 0:
		p.pass()
	case p.left == 0:
		p.finish(fmt.Errorf("story, line %d: %s: not after %d rounds", one.line, one.text, one.wait.rounds))
	}
}

// pass ends the present wait.
func (p *player) pass() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.waits = false
	p.next++
	p.proceed()
}

// proceed carries out steps until one waits, or none is left.
func (p *player) proceed() {
	for ; p.next < len(p.steps); p.next++ {
		one := p.steps[p.next]
		if one.act == nil {
			p.wait(one.wait)
			return
		}
		p.stage.demo.reached(one)
		if err := one.act(p.stage); err != nil {
			p.finish(fmt.Errorf("story, line %d: %s: %w", one.line, one.text, err))
			return
		}
	}
	p.finish(nil)
}

func (p *player) wait(w waiting) {
	p.waits, p.left = true, w.rounds
	if w.within == 0 {
		return
	}
	step := p.next
	p.timer = time.AfterFunc(p.stage.demo.scaled(w.within), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.ended && p.waits && p.next == step {
			p.pass()
		}
	})
}

func (p *player) finish(err error) {
	if !p.ended {
		p.ended = true
		p.over <- err
	}
}

// end stops it wherever it is.
func (p *player) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
