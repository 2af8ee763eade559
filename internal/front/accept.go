package front

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"mooring"
)

// Why a client is refused. It sees its connection reset.
const (
	RefusedLimit       = "limit"       // as many flows as are allowed are open
	RefusedNoTarget    = "no-target"   // there is none
	RefusedUnreachable = "unreachable" // those that were tried took no connection
)

// acceptAgain is the pause after the system had no file or no memory for one more connection.
const acceptAgain = 100 * time.Millisecond

// accept lets clients in once there was a target.
func (f *Front) accept() {
	first := time.NewTimer(f.limits.first)
	defer first.Stop()
	select {
	case <-f.begun:
	case <-first.C:
	}
	for {
		client, err := f.listener.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			f.noteOften("accept", func() {
				f.log.LogAttrs(f.alive, slog.LevelWarn, "no connection could be accepted for a moment",
					slog.String("front", f.Addr().String()), slog.String("error", err.Error()))
			})
			if !f.pause(acceptAgain) {
				return
			}
		default:
			f.admit(client)
		}
	}
}

// pause waits, and tells whether the front goes on.
func (f *Front) pause(d time.Duration) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-f.alive.Done():
		return false
	}
}

// admit begins a flow where one more is allowed.
func (f *Front) admit(client *net.TCPConn) {
	fl := &flow{client: client}
	f.mu.Lock()
	full := len(f.flows) >= f.settings.MaxFlows || !f.closed && !here.enter()
	if !full && !f.closed {
		f.flows[fl] = true
		f.flowing.Add(1)
	}
	closed := f.closed
	f.mu.Unlock()
	switch {
	case closed:
		fl.reset()
	case full:
		f.refuse(fl, RefusedLimit)
	default:
		go f.serve(fl)
	}
}

// serve connects a client with a target, and has bytes passed between them.
func (f *Front) serve(fl *flow) {
	t := f.connect(fl)
	switch {
	case t != nil:
		fl.pass(func() {
			f.leave(t, fl)
			f.over(fl)
		})
		return
	case f.alive.Err() != nil: // it was let in, and then the front ended
	case len(fl.tried) == 0:
		f.refuse(fl, RefusedNoTarget)
	default:
		f.refuse(fl, RefusedUnreachable)
	}
	f.over(fl)
}

// connect finds a target that takes the flow; nil where there is none.
func (f *Front) connect(fl *flow) *target {
	for began := time.Now(); time.Since(began) < f.limits.connect && f.alive.Err() == nil; {
		t := f.pick(fl)
		if t == nil || f.open(fl, t) {
			return t
		}
		f.leave(t, fl)
	}
	return nil
}

// open connects a flow with its target, unless that has left meanwhile.
func (f *Front) open(fl *flow, t *target) bool {
	ctx, cancel := context.WithTimeout(f.alive, f.limits.dial)
	defer cancel()
	conn, err := f.dial(ctx, "tcp", t.at.String())
	if err != nil {
		return false
	}
	server, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close() // it cannot be half closed
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.health == mooring.HealthDraining || !fl.attach(server) {
		_ = server.Close()
		return false
	}
	f.counts.accepted++
	return true
}

// over forgets a flow.
func (f *Front) over(fl *flow) {
	defer f.flowing.Done()
	fl.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flows, fl)
	here.leave()
	f.counts.in += fl.in.Load()
	f.counts.out += fl.out.Load()
}

// refuse resets a client, and counts why.
func (f *Front) refuse(fl *flow, why string) {
	fl.reset()
	f.mu.Lock()
	f.counts.refused[why]++
	open, most := len(f.flows), f.settings.MaxFlows
	f.mu.Unlock()
	f.noteOften(why, func() {
		f.log.LogAttrs(f.alive, slog.LevelWarn, "a client was refused", slog.String("front", f.Addr().String()),
			slog.String("reason", why), slog.Int("flows", open), slog.Int("most", most))
	})
}
